"""The fsspec file system `pedigree://REPO@REF/PATH`, so that whatever reads through fsspec reads from a commit.

    pandas.read_csv("pedigree://metrics@master/scores.csv")
    fsspec.open("pedigree://images@3f2a91/cats/a.jpg", "rb")

Read-only. REF is anything that names a commit (references.py); a branch means its head at the moment of each call.
The store is the one of the working folder, or `store=PATH` among the storage options.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.spec import AbstractFileSystem

from pedigree.errors import CommitClosed, InvalidReference, NotFound, PathNotFound
from pedigree.store.store import Store
from pedigree.store.trees import Entry, Folder
from pedigree.store.views import View


class PedigreeFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Commits as folders: `REPO@REF` holds what the commit holds. Without a path, the branches there are."""

    protocol = "pedigree"
    root_marker = ""

    def __init__(self, store: str | Path | None = None, **options: Any) -> None:
        """`store` is a project's folder or anything in it; None means the working folder."""
        super().__init__(**options)
        self._start = os.path.abspath("." if store is None else store)
        self._opened: tuple[int, Store] | None = None

    @property
    def _store(self) -> Store:
        # A connection to the store must not cross `fork`, and fsspec keeps this object for the whole process.
        if self._opened is None or self._opened[0] != os.getpid():
            from pedigree.store import folder

            self._opened = os.getpid(), Store(folder.find(self._start))
        return self._opened[1]

    @classmethod
    def _strip_protocol(cls, path: str | list[str]) -> str | list[str]:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]  # type: ignore[misc]  # a list of texts gives texts
        text = os.fspath(path)
        for start in ("pedigree://", "pedigree::"):
            text = text.removeprefix(start)
        return text.strip("/")

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What lies directly in a folder; of a file, itself."""
        place = self._text(path)
        found: list[dict[str, Any]]
        if not place:
            found = [
                {"name": f"{repo.name}@{branch.name}", "size": 0, "type": "directory"}
                for repo in self._store.repositories()
                for branch in self._store.branches(repo.name)
            ]
        else:
            with _told_as_file_not_found():
                view, inner = self._view(place)
                if view.is_file(inner):
                    found = [_described(place, view.stat(inner))]
                else:
                    found = [_described(f"{place}/{name}", item) for name, item in view.ls(inner)]
        return found if detail else [item["name"] for item in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size in bytes and type ("file" or "directory"); of a file also its digest and executable bit."""
        place = self._text(path)
        if not place:
            return {"name": "", "size": 0, "type": "directory"}
        with _told_as_file_not_found():
            view, inner = self._view(place)
            if view.is_dir(inner):
                return {"name": place, "size": 0, "type": "directory"}
            return _described(place, view.stat(inner))

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        if mode != "rb":
            raise _closed(path, f"it cannot be opened with mode {mode!r}")
        with _told_as_file_not_found():
            view, inner = self._view(self._text(path))
            return view.open(inner)

    def _rm(self, path: str) -> None:
        raise _closed(path, "nothing can be removed from it")

    def cp_file(self, _: str, path2: str, **__: Any) -> None:
        raise _closed(path2, "nothing can be copied into it")

    def mkdir(self, path: str, *_: Any, **__: Any) -> None:
        raise _closed(path, "no folder can be made in it")

    def makedirs(self, path: str, *_: Any, **__: Any) -> None:
        self.mkdir(path)

    def rmdir(self, path: str) -> None:
        self._rm(path)

    def ukey(self, path: str) -> str:
        """The file's digest: equal exactly when the bytes are, so that fsspec's caches may keep it for ever."""
        view, inner = self._view(self._text(path))
        return view.stat(inner).digest

    def created(self, path: str) -> Any:
        """When the commit was finished, in UTC."""
        from datetime import UTC, datetime

        view, _ = self._view(self._text(path))
        return datetime.fromtimestamp(view.commit.finished or view.commit.started, UTC)

    modified = created

    def _text(self, path: str) -> str:
        return str(self._strip_protocol(path))

    def _view(self, place: str) -> tuple[View, str]:
        """The commit that the first part of a path names, and the rest."""
        reference, _, inner = place.partition("/")
        if not reference or ":" in reference:
            raise InvalidReference(
                f"'pedigree://{place}' does not name a commit and a path in it.",
                remedy="Write pedigree://REPO@REF/PATH, as in pedigree://images@master/cats/a.jpg.",
            )
        return self._store.view(reference), inner


def _closed(path: str, why: str) -> CommitClosed:
    return CommitClosed(
        f"{path} is part of a commit, which never changes; {why}.",
        remedy="Write through `pedigree put`, or `store.commit(...)` in Python.",
    )


class _NotThere(PathNotFound, FileNotFoundError):
    """fsspec, and what builds on it, asks whether something exists by catching FileNotFoundError."""


@contextmanager
def _told_as_file_not_found() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise _NotThere(error.message, remedy=error.remedy, **error.objects) from error


def _described(place: str, item: Entry | Folder) -> dict[str, Any]:
    if isinstance(item, Folder):
        return {"name": place, "size": 0, "type": "directory", "files": item.files, "bytes": item.bytes}
    return {
        "name": place,
        "size": item.size,
        "type": "file",  # a link too: opening it opens what it leads to
        "digest": item.digest,
        "executable": item.kind == "x",
        "islink": item.kind == "l",
    }
