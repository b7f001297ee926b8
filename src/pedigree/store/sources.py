"""Sources: the files and folders on disk that a put reads.

A walk never follows a symbolic link and never opens anything but folders and regular files. Every file is
opened relative to its open folder, and every folder is checked to be the one that was listed, so nothing
that is swapped for a link while we read it leads elsewhere. The source that the user names may itself be a
link: naming it is choosing it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from pedigree.errors import InvalidInput, PathNotFound, PedigreeError, StorageFailure
from pedigree.store.paths import RESERVED, shown
from pedigree.store.statcache import Stamp

#: Names of sources that are no files: standard input, and addresses on the web.
STDIN = "-"
SCHEMES = ("http://", "https://")

# Not blocking: a FIFO may have taken a file's place.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: Kind by file type and the owner's right to execute.
_REGULAR = {0o100000: "f", 0o100100: "x"}

_ODD = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


_path_of = itemgetter(0)


class Found(NamedTuple):
    """A file or symbolic link of a walk. `path` is relative to the walk's root."""

    path: str
    name: str
    kind: str  #: "f", "x" or "l", as a tree's entry has it
    stamp: Stamp


class Listing(NamedTuple):
    """One folder of a walk. `fd` is open until the next is asked for."""

    fd: int
    place: str  #: the folder's path, for messages
    fresh: list[Found]  #: files whose stamp is not the known one, by name
    same: list[str]  #: paths whose stamp is the known one
    skipped: list[str]  #: paths of folders that belong to a tool, which are not walked


def walk(root: str, known: Mapping[str, Stamp]) -> Iterator[Listing]:
    """Every folder from `root` down, each before those in it, in order of name. Costs one `stat` per file.

    Raises InvalidInput naming the first FIFO, socket or device; PathNotFound or StorageFailure for what
    cannot be listed.
    """
    pending: list[tuple[str, str, tuple[int, int] | None]] = [("", root, None)]
    get = known.get
    while pending:
        prefix, place, expected = pending.pop()
        fd = _open_folder(place, expected)
        try:
            fresh: list[Found] = []
            same: list[str] = []
            skipped: list[str] = []
            folders: list[tuple[str, str, tuple[int, int] | None]] = []
            with os.scandir(fd) as entries:
                for entry in entries:
                    name = entry.name
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # removed since the folder was read: as if it had gone before
                    mode = status.st_mode
                    if mode & 0o170000 == 0o040000:
                        if name in RESERVED:
                            skipped.append(prefix + name)
                        else:
                            inner = (f"{prefix}{name}/", f"{place}/{name}", (status.st_ino, status.st_dev))
                            folders.append(inner)
                        continue
                    path = prefix + name
                    stamp = (
                        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev,
                    )  # fmt: skip
                    if get(path) == stamp:
                        same.append(path)
                    elif name in RESERVED:  # `.git` of a submodule is a file
                        skipped.append(path)
                    else:
                        kind = _REGULAR.get(mode & 0o170100) or kind_of(mode, f"{place}/{name}")
                        fresh.append(Found(path, name, kind, stamp))
            fresh.sort(key=_path_of)
            yield Listing(fd, place, fresh, same, skipped)
        finally:
            os.close(fd)
        folders.sort(reverse=True)
        pending += folders


def kind_of(mode: int, place: str) -> str:
    """How a tree notes a file of that `st_mode`. Raises InvalidInput for what is no file and no link."""
    if mode & 0o170000 == 0o100000:
        return "x" if mode & 0o100 else "f"
    if stat.S_ISLNK(mode):
        return "l"
    what = _ODD.get(stat.S_IFMT(mode), "neither a file nor a folder")
    raise InvalidInput(
        f"{shown(place)} is {what}; a commit holds files, folders and symbolic links.",
        remedy="Move it away, or put the other files by name. Nothing was changed.",
        path=place,
    )


def read(found: Found, listing: Listing) -> bytes:
    """The bytes of a small file, or of a link's target; more or fewer than `found` says when it changed."""
    name, dir_fd = found.name, listing.fd
    try:
        if found.kind == "l":
            return _target(os.readlink(name, dir_fd=dir_fd), f"{listing.place}/{name}")
        fd = os.open(name, _READ, dir_fd=dir_fd)
        try:
            size = found.stamp[0]
            data = os.read(fd, size + 1)
            if len(data) != size:
                kind_of(os.fstat(fd).st_mode, f"{listing.place}/{name}")
                while piece := os.read(fd, 1 << 20):
                    data += piece
            return data
        finally:
            os.close(fd)
    except OSError as error:
        raise unreadable(f"{listing.place}/{name}", error) from error


def open_file(found: Found, listing: Listing) -> BinaryIO:
    """A regular file of the walk, for reading, unbuffered."""
    place = f"{listing.place}/{found.name}"
    try:
        fd = os.open(found.name, _READ, dir_fd=listing.fd)
        try:
            kind_of(os.fstat(fd).st_mode, place)
            return os.fdopen(fd, "rb", buffering=0)
        except BaseException:
            os.close(fd)
            raise
    except OSError as error:
        raise unreadable(place, error) from error


def standard_input(given: BinaryIO | None) -> BinaryIO:
    """The stream that `-` means: the one given, else this process's own."""
    if given is not None:
        return given
    import sys

    return sys.stdin.buffer


def unreadable(place: str, error: OSError) -> PedigreeError:
    """What it means that a source could not be opened, listed or read."""
    if isinstance(error, PedigreeError):
        return error
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return PathNotFound(
            f"There is no file or folder {shown(place)}.",
            remedy="Check the spelling and the folder you are in. Nothing was changed.",
            path=place,
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StorageFailure(
        f"{shown(place)} could not be read: {reason}. Nothing was changed.",
        remedy="Check its permissions and its disk, then try again; or leave it out.",
        path=place,
    )


def _target(target: str, place: str) -> bytes:
    try:
        return target.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            f"The symbolic link {shown(place)} leads to {shown(target)}, a name that is not valid UTF-8.",
            remedy="Rename the target and make the link again. Nothing was changed.",
            path=place,
        ) from None


def _open_folder(place: str, expected: tuple[int, int] | None) -> int:
    flags = _READ_FOLDER if expected is not None else _READ_FOLDER & ~os.O_NOFOLLOW
    try:
        fd = os.open(place, flags)
    except OSError as error:
        raise unreadable(place, error) from error
    status = os.fstat(fd)
    if expected is not None and (status.st_ino, status.st_dev) != expected:
        os.close(fd)
        raise InvalidInput(
            f"The folder {shown(place)} was replaced by another while it was being read.",
            remedy="Wait until nothing else writes there, then put again. Nothing was changed.",
            path=place,
        )
    return fd
