"""stream: the two archives as single files, so that everything after it works per pet.

    python stream.py

Reads /pfs/archives/images.tar.gz and annotations.tar.gz, in the layout of the Oxford-IIIT Pet data set, and writes
images/ID.jpg, trimaps/ID.png and, from the pet's line of list.txt, pets/ID.json. A line more in list.txt is a file more here,
and touches no other pet.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

PFS = Path("/pfs")
ARCHIVES = ("images.tar.gz", "annotations.tar.gz")
# A name of our own making is all that ever becomes a path: whatever else an archive holds is not written.
ID = r"([^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]*)"
PHOTOGRAPH = re.compile(rf"(?:\./)?images/{ID}(?i:\.jpe?g)")  # cameras write .JPG
TRIMAP = re.compile(rf"(?:\./)?annotations/trimaps/{ID}(?i:\.png)")
LISTING = re.compile(r"(?:\./)?annotations/list\.txt")


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every regular file of a .tar.gz, in its order; ends the step if the archive is damaged."""
    try:
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                if member.isreg():
                    yield member.name, members.extractfile(member).read()  # type: ignore[union-attr]
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        sys.exit(f"archives/{archive.name}: not a whole .tar.gz ({error}). Fetch it again")


def parse_list(text: str) -> dict[str, dict[str, str | int]]:
    """The facts of each pet in list.txt by its id. The breed is the id without its number.

    Species are numbers there; a header line such as "#SPECIES: 1:Cat 2:Dog" names them. Ends the step at a line that is
    not four fields.
    """
    species: dict[str, str] = {}
    pets: dict[str, dict[str, str | int]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#SPECIES:"):
            species = dict(re.findall(r"(\d+):(\w+)", line))
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split()
        if len(fields) != 4 or not all(field.isdecimal() for field in fields[1:]):
            sys.exit(f"annotations/list.txt, line {number}: ID, class id, species and breed id expected, got {line!r}")
        pet, class_id, kind, breed_id = fields
        pets[pet] = {
            "id": pet,
            "class_id": int(class_id),
            "species": species.get(kind, kind),
            "breed_id": int(breed_id),
            "breed": pet.rsplit("_", 1)[0],
        }
    return pets


def only(seen: dict[str, str], pet: str, name: str) -> None:
    """Note the pet's file in `seen`; ends the step if another name stands there: nobody could say which is meant.

    The same name twice is what `tar --append` leaves: the later one counts, as it does for tar.
    """
    if seen.setdefault(pet, name) != name:
        sys.exit(f"{name}: a second file for the pet {pet}, beside {seen[pet]}. Keep one of them")


def unpack(archives: Path, out: Path) -> None:
    """Write the files of every pet in both archives into `out`.

    A photograph with a mask but without a line in list.txt is left out (the original has 41 of them, without a known
    breed). What lacks something else is passed on, so that `warehouse` names it.
    """
    for name in ARCHIVES:
        if not (archives / name).is_file():
            sys.exit(f"archives/{name}: missing. Put both {ARCHIVES[0]} and {ARCHIVES[1]}")
    images, trimaps, pets = (out / name for name in ("images", "trimaps", "pets"))
    for folder in (images, trimaps, pets):
        folder.mkdir(parents=True)

    facts: dict[str, dict[str, str | int]] | None = None
    masks: dict[str, str] = {}
    for name, data in files(archives / "annotations.tar.gz"):
        if LISTING.fullmatch(name):
            facts = parse_list(data.decode())
        elif found := TRIMAP.fullmatch(name):
            only(masks, found[1], name)
            (trimaps / f"{found[1]}.png").write_bytes(data)
    if facts is None:
        sys.exit("archives/annotations.tar.gz: no annotations/list.txt in it. Fetch it again")
    for pet, known in facts.items():
        (pets / f"{pet}.json").write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")

    written: dict[str, str] = {}
    left_out = others = 0
    for name, data in files(archives / "images.tar.gz"):
        if not (found := PHOTOGRAPH.fullmatch(name)):
            others += 1
            continue
        pet = found[1]
        only(written, pet, name)
        if pet in masks and pet not in facts:
            (trimaps / f"{pet}.png").unlink(missing_ok=True)
            left_out += 1
            continue
        (images / f"{pet}.jpg").write_bytes(data)
    print(
        f"{len(written) - left_out} photographs, {len(masks) - left_out} masks, {len(facts)} lines in list.txt; "
        f"{left_out} pets without a line and {others} files that are no .jpg left out"
    )


if __name__ == "__main__":
    unpack(PFS / "archives", PFS / "out")
