"""The generator's archives against the layout of the Oxford-IIIT Pet archives."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from .steps import load

PETS = 11


def _members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isreg()}  # type: ignore[union-attr]


def test_the_archives_have_the_layout_of_the_original(tmp_path: Path) -> None:
    """Every listed pet has images/ID.jpg and annotations/trimaps/ID.png of one size; trimaps hold 1, 2 and 3 alone;
    list.txt has 6 lines of comment. Break: write the trimap's values as 0, 1, 2."""
    load("generate").generate(tmp_path, PETS, seed=0)
    images, annotations = _members(tmp_path / "images.tar.gz"), _members(tmp_path / "annotations.tar.gz")
    lines = annotations.pop("annotations/list.txt").decode().splitlines()
    assert [line.startswith("#") for line in lines] == [True] * 6 + [False] * PETS
    ids = [line.split()[0] for line in lines[6:]]
    assert sorted(images) == sorted(f"images/{pet}.jpg" for pet in ids)
    assert sorted(annotations) == sorted(f"annotations/trimaps/{pet}.png" for pet in ids)
    for pet in ids:
        jpeg, png = images[f"images/{pet}.jpg"], annotations[f"annotations/trimaps/{pet}.png"]
        with Image.open(io.BytesIO(jpeg)) as photograph, Image.open(io.BytesIO(png)) as mask:
            assert photograph.format == "JPEG"
            assert photograph.size == mask.size
            assert {value for _, value in mask.getcolors() or []} == {1, 2, 3}


def test_breeds_are_numbered_as_in_the_original() -> None:
    """Class ids follow the 37 breeds' alphabet, breed ids the cats' or the dogs'. Break: count from 0."""
    generate = load("generate")
    assert len(generate.BREEDS) == 37
    assert generate.list_line("Abyssinian_1") == "Abyssinian_1 1 1 1\n"
    assert generate.list_line("beagle_3") == "beagle_3 5 2 4\n"
    assert generate.list_line("Siamese_2") == "Siamese_2 33 1 11\n"
    assert all(re.fullmatch(r"[A-Za-z_]+_\d+", generate.pet_id(number)) for number in range(20))


def test_one_pet_more_changes_no_other(tmp_path: Path) -> None:
    """The n-th pet's bytes do not depend on how many there are, and the same call gives the same archive. Break: draw
    all pets from one random state."""
    generate = load("generate")
    for folder, pets in (("few", 5), ("more", 6), ("again", 6)):
        generate.generate(tmp_path / folder, pets, seed=3)
    few, more = (_members(tmp_path / folder / "images.tar.gz") for folder in ("few", "more"))
    assert few.items() <= more.items()
    assert len(more) == 6
    for name in ("images.tar.gz", "annotations.tar.gz"):
        assert (tmp_path / "more" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_one_pet_drawn_anew_changes_no_other(tmp_path: Path) -> None:
    """Photograph and mask of that pet change, and the list stays. Break: use the next seed for all."""
    generate = load("generate")
    generate.generate(tmp_path / "one", 5, seed=3)
    generate.generate(tmp_path / "two", 5, seed=3, redraw="beagle_1")
    for archive, changed in (("images", "images/beagle_1.jpg"), ("annotations", "annotations/trimaps/beagle_1.png")):
        one, two = (_members(tmp_path / folder / f"{archive}.tar.gz") for folder in ("one", "two"))
        assert {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)} == {changed}
    with pytest.raises(SystemExit, match="there is no pet beagle_9 among these 5"):
        generate.generate(tmp_path / "three", 5, seed=3, redraw="beagle_9")
