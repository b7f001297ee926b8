"""A folder as a map from path to entry: what is there, without following links or opening what is no file."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from pedigree.training.comparing.source import special


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is "file", "folder", "link", or words for what has no contents ("a named pipe", "unreadable")."""

    path: str
    kind: str
    size: int = 0
    executable: bool = False
    target: str = ""
    trouble: str = ""


def walk(top: str, ignore: Sequence[str] = ()) -> dict[str, Entry]:
    """Every entry below `top` by its path, in sorted order; folders only where they are empty.

    `ignore` holds shell patterns: one with a slash is matched against the path, one without against each name on the way, so that
    `*.log` leaves out such files everywhere and `__pycache__` such folders. A pattern that leaves out a folder leaves out all in it.
    """
    found: dict[str, Entry] = {}
    _into(found, top, "", ignore)
    return dict(sorted(found.items()))


def _into(found: dict[str, Entry], top: str, folder: str, ignore: Sequence[str]) -> None:
    try:
        with os.scandir(f"{top}/{folder}" if folder else top) as listed:
            entries = list(listed)
    except OSError as error:
        found[folder] = Entry(folder, "unreadable", trouble=error.strerror or str(error))
        return
    kept = [entry for entry in entries if not ignored(f"{folder}/{entry.name}".lstrip("/"), ignore)]
    if not kept and folder:
        found[folder] = Entry(folder, "folder")
    for entry in kept:
        path = f"{folder}/{entry.name}".lstrip("/")
        try:
            if entry.is_dir(follow_symlinks=False):
                _into(found, top, path, ignore)
            else:
                found[path] = _entry(top, path)
        except OSError as error:
            found[path] = Entry(path, "unreadable", trouble=error.strerror or str(error))


def _entry(top: str, path: str) -> Entry:
    whole = f"{top}/{path}"
    status = os.lstat(whole)
    if stat.S_ISREG(status.st_mode):
        return Entry(path, "file", status.st_size, bool(status.st_mode & stat.S_IXUSR))
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(whole)
        return Entry(path, "link", target=target, trouble="leads out of the tree" if _leads_out(path, target) else "")
    return Entry(path, special(status.st_mode))


def _leads_out(path: str, target: str) -> bool:
    """Whether a link's text alone leads out; where other links on its way lead is not followed."""
    if target.startswith("/"):
        return True
    return os.path.normpath(os.path.join(os.path.dirname(path), target)).split("/")[0] == ".."


def ignored(path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern leaves this path out."""
    name = path.rpartition("/")[2]
    for pattern in patterns:
        pattern = pattern.rstrip("/")
        if fnmatch.fnmatchcase(path if "/" in pattern else name, pattern):
            return True
    return False
