"""Destinations: the path in the repository that each source of a put goes to.

The rules are Pachyderm's. Without PATH a source keeps its base name. A PATH that ends in `/` is the folder
of a file; otherwise a single source becomes PATH itself, and several go below it. What is in a folder goes
below where the folder goes; what is in an archive goes below PATH.
"""

from __future__ import annotations

import os

from pedigree.errors import InvalidInput
from pedigree.store import sources
from pedigree.store.paths import shown, store_path


def destination(source: str, path: str | None, *, several: bool, full_path: bool, untar: bool) -> str:
    """The store path that `source` becomes, or that is the folder of what is in it.

    `path` is the PATH of the target as it was typed, None when there was none; `several` says that other
    sources go to the same target. Raises InvalidInput where a name is missing, InvalidPath for a path that
    no commit may hold.
    """
    if untar:
        return store_path(path or "")
    if path is None:
        if source == sources.STDIN:
            raise InvalidInput(
                "Standard input has no name, and no path was given for it.",
                remedy="Add one: REPO@BRANCH:/PATH.",
            )
        return _own_name(source, full_path)
    folder = os.path.isdir(source)
    if several or (not folder and path[-1:] in {"", "/"}):
        if source == sources.STDIN:
            raise InvalidInput(
                f"Standard input has no name to put below {shown(path)}.",
                remedy="Give the whole path of the file that it becomes, and no other source.",
            )
        name = _own_name(source, full_path)
        start = store_path(path)
        return f"{start}/{name}" if start and name else start or name
    return store_path(path)


def _own_name(source: str, full_path: bool) -> str:
    if source.startswith(sources.SCHEMES):
        from urllib.parse import unquote, urlsplit

        name = unquote(urlsplit(source).path).strip("/")
    else:
        name = os.path.normpath(source).lstrip("/")
        while name.startswith("../"):
            name = name[3:]
        if name == "..":
            name = os.path.basename(os.path.abspath(source))
    if name in {"", "."}:
        return ""
    return store_path(name if full_path else name.rpartition("/")[2])
