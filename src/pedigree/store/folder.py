"""The folder `.pedigree`: where it is, what lies in it.

docs/formats/store.md describes the files for a reader without this code.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pedigree.errors import AlreadyExists, Damaged, NetworkFileSystem, StoreNotFound, Unsupported
from pedigree.store import durable

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".pedigree"
DATABASE = "meta.sqlite"
LOCK = "lock"
TEMPORARY = "tmp"
PACKS = "objects/packs"
ALONE = "objects/alone"
CACHE = "cache"
WORK = "work"
LOGS = "logs"

#: f_type of file systems whose locks or flushes do not reach a local disk (linux/magic.h).
_NETWORK = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x5346414F: "AFS",
    0x73757245: "Coda",
    0x564C: "NCP",
    0x01021997: "9p",
    0x00C36400: "Ceph",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
    0x65735546: "FUSE",
}

_FOLDERS = (TEMPORARY, "objects", PACKS, ALONE, CACHE, WORK, LOGS)


def find(start: str | Path | None = None) -> Path:
    """The `.pedigree` of `start` or of the nearest folder above it, as git finds its own.

    `start` may also be the `.pedigree` folder itself. Raises StoreNotFound, Damaged when only its
    database is missing.
    """
    from pathlib import Path

    return Path(locate(start))


def of_url(url: str) -> str:
    """The folder that a `file://` URL names. Raises Unsupported."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        raise Unsupported(
            f"{parts.scheme}://{parts.hostname or ''} is not where a store lies; this Pedigree opens stores in local folders.",
            remedy="Give a folder, or file:///FOLDER. A place in a commit, pedigree://REPO@REF/PATH, is opened by fsspec.",
        )
    return unquote(parts.path)


def locate(start: str | Path | None = None) -> str:
    """`find` as text: opening a store does without pathlib, which costs as much as SQLite and BLAKE3 together."""
    place = above = os.path.abspath("." if start is None else start)
    if os.path.basename(place) == NAME and os.path.isfile(f"{place}/{DATABASE}"):
        return place
    while True:
        found = os.path.join(above, NAME)
        if os.path.isfile(f"{found}/{DATABASE}"):
            return found
        _refuse_objects_without_database(found)
        if above == (above := os.path.dirname(above)):
            break
    raise StoreNotFound(
        f"There is no store in {place} or any folder above it.",
        remedy="Make one with `pedigree init`, in the folder of your project.",
        start=place,
    )


def _refuse_objects_without_database(place: str) -> None:
    """Raise Damaged for a store that lost its database: an empty one in its place would let gc remove
    everything.
    """
    for name in (PACKS, ALONE):
        if os.path.isdir(f"{place}/{name}") and os.listdir(f"{place}/{name}"):
            raise Damaged(
                f"The store {place} has objects, and its database, {DATABASE}, is not there.",
                remedy=f"Restore {DATABASE} from a backup, which may be older, and run `pedigree fsck --repair`; "
                "or move the folder away.",
                path=place,
            )


def create(project: str | Path) -> Path:
    """Make the folders of a new store in `project` and return its `.pedigree`. The database is the caller's
    to add.

    A folder that an interrupted `init` left without a database is completed. Raises AlreadyExists when there
    is a store, Damaged when there was one, NetworkFileSystem where one cannot be safe.
    """
    from pathlib import Path

    project = Path(os.path.abspath(project))
    folder = project / NAME
    database = folder / DATABASE
    if database.exists() and database.stat().st_size:
        raise AlreadyExists(
            f"There is a store in {project} already: {folder}.",
            remedy="Use it; or, to start afresh, move that folder away first.",
            path=str(folder),
        )
    _refuse_objects_without_database(str(folder))
    with durable.guarded(folder):
        project.mkdir(parents=True, exist_ok=True)
        refuse_network_file_system(project)
        folder.mkdir(exist_ok=True)
        for name in _FOLDERS:
            (folder / name).mkdir(exist_ok=True)
    for name in ("objects", "", ".."):
        durable.sync_file(folder / name)
    return folder


def refuse_network_file_system(path: str | Path) -> None:
    """Raise NetworkFileSystem when `path` lies where flock and flushes cannot be relied on. Linux only."""
    if os.uname().sysname != "Linux":
        return
    import ctypes

    # struct statfs begins with f_type as a long on every Linux; 256 bytes hold any variant of the rest.
    buffer = ctypes.create_string_buffer(256)
    if durable.libc().statfs(os.fsencode(path), buffer) != 0:
        code = ctypes.get_errno()
        raise durable.failure(OSError(code, os.strerror(code)), path)
    magic = ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF
    name = _NETWORK.get(magic)
    if name == "FUSE" and _mounted_type(path) == "fuseblk":  # a local disk behind a driver in user space
        return
    if name is not None:
        raise NetworkFileSystem(
            f"{path} lies on a network or user-space file system ({name}); a store needs locks and flushes "
            "that reach a local disk.",
            remedy="Run `pedigree init` in a folder on a local disk.",
            path=str(path),
            file_system=name,
        )


def _mounted_type(path: str | Path) -> str | None:
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            if before.split()[2] == wanted:
                return after.split()[0]
    return None
