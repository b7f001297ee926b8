"""stream, warehouse and transform, each run on folders laid out like /pfs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from .steps import load

LIST = b"#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n#SPECIES: 1:Cat 2:Dog\n#\n#\n#\n"


def _picture(kind: str, size: tuple[int, int] = (40, 30), value: int = 1, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, value if mode == "L" else (90, value, 30)).save(buffer, kind)
    return buffer.getvalue()


def _archive(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------------------- stream


def _archives(folder: Path, listing: bytes, images: list[str], masks: list[str]) -> None:
    photograph, mask = _picture("JPEG", mode="RGB"), _picture("PNG")
    _archive(folder / "images.tar.gz", {f"images/{pet}.jpg": photograph for pet in images} | {"images/a.mat": b"x"})
    _archive(
        folder / "annotations.tar.gz",
        {f"annotations/trimaps/{pet}.png": mask for pet in masks}
        | {"annotations/list.txt": LIST + listing, "annotations/trimaps/._a.png": b"x", "annotations/xmls/a.xml": b"x"},
    )


def test_stream_makes_three_files_of_each_listed_pet(tmp_path: Path) -> None:
    """Of a pet come the photograph, the mask and the facts of its line; other members become nothing. Break: let the
    archive's own name be the path."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\npug_7 26 2 19\n", ["Bengal_1", "pug_7"], ["Bengal_1", "pug_7"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    pets = ("Bengal_1", "pug_7")
    assert _written(tmp_path / "out") == {
        name for pet in pets for name in (f"images/{pet}.jpg", f"trimaps/{pet}.png", f"pets/{pet}.json")
    }
    facts = json.loads((tmp_path / "out/pets/pug_7.json").read_text())
    assert facts == {"id": "pug_7", "class_id": 26, "species": "Dog", "breed_id": 19, "breed": "pug"}


def test_a_line_more_in_the_list_changes_no_other_file(tmp_path: Path) -> None:
    """Facts of a pet depend on its own line alone. Break: copy list.txt beside every pet."""
    stream = load("stream")
    before = stream.parse_list("Bengal_1 6 1 2\n")
    after = stream.parse_list("pug_7 26 2 19\nBengal_1 6 1 2\n")
    assert before.items() <= after.items()


def test_stream_leaves_the_unlisted_out_and_passes_the_incomplete_on(tmp_path: Path) -> None:
    """A photograph with mask and no line is left out; one without a mask goes on, for warehouse to name. Break: skip
    whatever is not listed."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\n", ["Bengal_1", "odd_1", "new_1"], ["Bengal_1", "odd_1"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert _written(tmp_path / "out") == {
        "images/Bengal_1.jpg", "trimaps/Bengal_1.png", "pets/Bengal_1.json", "images/new_1.jpg"
    }  # fmt: skip


def test_stream_writes_nothing_that_a_hostile_name_asks_for(tmp_path: Path) -> None:
    """Names that would leave the folder become no file. Break: allow / and a leading dot in an id."""
    _archives(tmp_path / "in", b"Bengal_1 6 1 2\n", ["Bengal_1", "../../evil", "..", "a/b"], ["Bengal_1", "../../evil"])
    load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert not [name for name in _written(tmp_path) if not name.startswith("in/") and "Bengal_1" not in name]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing", "archives/annotations.tar.gz: missing"),
        ("cut", "archives/images.tar.gz: not a whole .tar.gz"),
        ("line", "annotations/list.txt, line 7: ID, class id, species and breed id expected, got 'Bengal_1 6 1'"),
    ],
)
def test_stream_names_what_is_wrong_with_an_archive(tmp_path: Path, damage: str, message: str) -> None:
    """Each damage ends the step with the archive's or the line's name. Break: skip lines that do not parse."""
    _archives(
        tmp_path / "in", b"Bengal_1 6 1\n" if damage == "line" else b"Bengal_1 6 1 2\n", ["Bengal_1"], ["Bengal_1"]
    )
    if damage == "missing":
        (tmp_path / "in/annotations.tar.gz").unlink()
    if damage == "cut":
        path = tmp_path / "in/images.tar.gz"
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SystemExit) as ended:
        load("stream").unpack(tmp_path / "in", tmp_path / "out")
    assert str(ended.value).startswith(message)


# ---------------------------------------------------------------------------------------------------------- warehouse


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The step, its /pfs in tmp_path, with the three inputs of a sound pet."""
    module = load("warehouse")
    monkeypatch.setattr(module, "PFS", tmp_path)
    inputs = {
        "images/images/pug_7.jpg": _picture("JPEG", mode="RGB"),
        "trimaps/trimaps/pug_7.png": _picture("PNG", value=2),
        "pets/pets/pug_7.json": json.dumps({"id": "pug_7", "breed": "pug"}).encode(),
    }
    for name, data in inputs.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "out").mkdir()
    return module


def test_warehouse_gathers_one_folder_per_pet(warehouse: ModuleType, tmp_path: Path) -> None:
    """The photograph and the mask arrive byte for byte, the facts with the size. Break: save the image again."""
    warehouse.main()
    assert _written(tmp_path / "out") == {"pug_7/image.jpg", "pug_7/mask.png", "pug_7/facts.json"}
    assert (tmp_path / "out/pug_7/image.jpg").read_bytes() == (tmp_path / "images/images/pug_7.jpg").read_bytes()
    facts = json.loads((tmp_path / "out/pug_7/facts.json").read_text())
    assert facts == {"id": "pug_7", "breed": "pug", "width": 40, "height": 30, "format": "JPEG", "pet_pixels": 0}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "images/images/pug_7.jpg",
            _picture("JPEG", (400, 300), mode="RGB")[:900],
            "images/pug_7.jpg: cannot be decoded",
        ),
        ("images/images/pug_7.jpg", b"no picture", "images/pug_7.jpg: cannot be decoded"),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", (30, 40)), "trimaps/pug_7.png: the mask is 30 x 40 pixels, but"),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", value=4), "trimaps/pug_7.png: a mask holds 1 (pet), 2"),
        ("trimaps/trimaps/pug_7.png", _picture("PNG", mode="RGB"), "trimaps/pug_7.png: a mask holds 1 (pet), 2"),
        ("trimaps/trimaps/pug_7.png", None, "images/pug_7.jpg: has no mask: trimaps/pug_7.png is missing"),
        ("images/images/pug_7.jpg", None, "images/pug_7.jpg: missing, though there is"),
        ("pets/pets/pug_7.json", None, "images/pug_7.jpg: has no label: pets/pug_7.json is missing"),
    ],
    ids=[
        "truncated",
        "no picture",
        "other size",
        "other values",
        "colour mask",
        "no mask",
        "no photograph",
        "no label",
    ],
)
def test_warehouse_refuses_a_bad_pet_by_the_name_of_its_file(
    warehouse: ModuleType, tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    """One line that begins with the file's name, and no output. Break: drop `image.load()`."""
    if data is None:
        (tmp_path / name).unlink()
        (tmp_path / name).parent.rmdir()
    else:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit) as ended:
        warehouse.main()
    assert str(ended.value).startswith(message)
    assert "\n" not in str(ended.value)
    assert not _written(tmp_path / "out")


# ---------------------------------------------------------------------------------------------------------- transform


def test_the_partition_is_md5_of_the_id_modulo_ten() -> None:
    """0 to 6 train, 7 validates, 8 calibrates, 9 tests. Break: use the first hexadecimal digit."""
    transform = load("transform")
    names = ["training"] * 7 + ["validation", "calibration", "test"]
    for pet in ("Abyssinian_1", "beagle_77", "Siamese_200", "street_0001TP_006690", "Ünïcode_1"):
        assert transform.part_of(pet) == names[int(hashlib.md5(pet.encode()).hexdigest(), 16) % 10]  # noqa: S324  # the law itself
    # Written down once, so that a change of the rule cannot go unnoticed together with this test.
    assert [transform.part_of(f"beagle_{n}") for n in range(1, 6)] == [
        "training",
        "training",
        "training",
        "test",
        "training",
    ]


def test_resizing_invents_no_mask_value(tmp_path: Path) -> None:
    """Sides are as asked and the mask holds only values that it held. Break: resize the mask bilinearly."""
    pet = tmp_path / "pug_7"
    pet.mkdir()
    (pet / "image.jpg").write_bytes(_picture("JPEG", (90, 50), mode="RGB"))
    mask = Image.new("L", (90, 50), 3)
    mask.paste(1, (20, 10, 50, 30))
    mask.save(pet / "mask.png")
    load("transform").resize(pet, tmp_path / "out/training/pug_7", 32)
    with Image.open(tmp_path / "out/training/pug_7/image.png") as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
    with Image.open(tmp_path / "out/training/pug_7/mask.png") as small:
        assert small.size == (32, 32)
        assert {value for _, value in small.getcolors() or []} == {1, 3}
