"""The archives from where they are published: each resumed where it broke off, and checked against its checksum.

python fetch.py fetch.yaml            as the spout of spout.yaml: fetch, unpack into /pfs/out, commit
python fetch.py fetch.yaml FOLDER     on the machine itself: fetch into FOLDER, ready for `pedigree put`
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import yaml
from stream import unpack

from pedigree.errors import PedigreeError
from pedigree.store.fetch import download

PFS = Path("/pfs")


class Archive(TypedDict):
    """One entry of fetch.yaml: `checksum` is `sha256:HEX`."""

    url: str
    checksum: str


def fetch(archives: Iterable[Archive], folder: Path, *, allow_private: bool = False) -> None:
    """Download each archive into `folder` under the last part of its URL; what is there already is only checked.

    `allow_private` permits servers on this machine and its network. Raises FetchFailed, ForbiddenAddress.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        name = archive["url"].rsplit("/", 1)[1]
        told = [0]

        def tell(received: int, size: int | None, name: str = name, told: list[int] = told) -> None:
            if received - told[0] >= 1 << 24:  # a line for every 16 MiB
                told[0] = received
                print(f"{name}: {received >> 20} of {size >> 20 if size else '?'} MiB", flush=True)

        download(
            archive["url"],
            folder / name,
            checksum=archive["checksum"],
            progress=tell,
            allow_private=allow_private,
        )
        print(f"{name}: {(folder / name).stat().st_size} bytes, {archive['checksum']}", flush=True)


def main() -> None:
    settings = yaml.safe_load(Path(sys.argv[1]).read_text())
    try:
        if len(sys.argv) > 2:
            fetch(settings["archives"], Path(sys.argv[2]), allow_private=settings["allow_private"])
            return
        with tempfile.TemporaryDirectory() as place:
            fetch(settings["archives"], Path(place), allow_private=settings["allow_private"])
            # Unpacked aside first: a damaged archive must leave nothing in /pfs/out that could be committed.
            unpack(Path(place), Path(place) / "out")
            for folder in (Path(place) / "out").iterdir():
                shutil.move(folder, PFS / "out" / folder.name)
        (PFS / "out/.commit").touch()  # the spout's word for "this is one commit"; then it ends, there is nothing more
    except PedigreeError as error:
        sys.exit(f"{error.message} {error.remedy or ''}")


if __name__ == "__main__":
    main()
