"""Views: the files of one commit, to list and read, and paths in it that behave like pathlib's.

A view never changes, whatever happens to the branch that led to it. It may be given to other processes: pickled, or
inherited by `fork`, it opens the store anew there, as the workers of a torch DataLoader need it.
"""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, overload

from pedigree.errors import CommitClosed, PathNotFound
from pedigree.store import globs, trees
from pedigree.store.commits import Commit
from pedigree.store.paths import store_path
from pedigree.store.trees import Entry, Folder

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from pedigree.store.objects import Objects
    from pedigree.store.store import Store

#: Links followed for one path before it counts as a loop: Linux' own number.
MAX_LINKS = 40

# Stores that views opened for themselves in this process: a connection must not cross `fork`.
_own: dict[tuple[int, str], Store] = {}


class View:
    """A commit's files. Symbolic links are followed inside the commit; one that leads out of it is not there."""

    def __init__(self, store: Store, commit: Commit) -> None:
        self.commit = commit
        self._store = store
        self._pid = os.getpid()

    @property
    def store(self) -> Store:
        """The store, opened in this process."""
        if os.getpid() != self._pid:
            self._store, self._pid = _opened(self._store.folder), os.getpid()
        return self._store

    def __repr__(self) -> str:
        return f"View({self.commit.repo}@{self.commit.id[:12]})"

    def __reduce__(self) -> tuple[Callable[[Path, Commit], View], tuple[Path, Commit]]:
        return _revived, (self._store.folder, self.commit)

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self, store_path(name))

    @property
    def root(self) -> StorePath:
        return StorePath(self, "")

    # ------------------------------------------------------------------------------------------------ listing

    def ls(self, path: str = "") -> list[tuple[str, Entry | Folder]]:
        """Names in a folder, in order, each with its entry or with the totals of a folder. Raises PathNotFound."""
        folder = self._followed(path)
        if not self._is_folder(folder):
            raise self._missing(store_path(path))
        return list(trees.children(self.commit.tree, folder, self._read))

    def walk(self, path: str = "") -> Iterator[tuple[str, Entry]]:
        """Every file and link at or below a path, in path order; links are not followed."""
        return trees.scan(self.commit.tree, self._read, prefix=store_path(path))

    def glob(self, pattern: str) -> list[str]:
        """Files and folders that match, in path order; the syntax is that of a pipeline's input."""
        return [path for path, _, _ in globs.matches(self.commit.tree, globs.compile(pattern), self._read)]

    def entry(self, path: str) -> Entry | None:
        """What the tree holds at this very path: a file, a link unfollowed, or None."""
        return trees.get(self.commit.tree, store_path(path), self._read)

    def stat(self, path: str) -> Entry:
        """Kind, size in bytes and digest of a file. Raises PathNotFound."""
        place = self._followed(path)
        entry = trees.get(self.commit.tree, place, self._read)
        if entry is None:
            if self._is_folder(place):
                raise self._missing(store_path(path), "it is a folder", "file ")
            raise self._missing(store_path(path))
        return entry

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_dir(path)

    def is_file(self, path: str) -> bool:
        try:
            return trees.get(self.commit.tree, self._followed(path), self._read) is not None
        except PathNotFound:
            return False

    def is_dir(self, path: str = "") -> bool:
        try:
            return self._is_folder(self._followed(path))
        except PathNotFound:
            return False

    # ------------------------------------------------------------------------------------------------ reading

    def read_bytes(self, path: str) -> bytes:
        """The whole file. Raises PathNotFound, and Damaged rather than give wrong bytes."""
        return self._read(self.stat(path).digest)

    def read_text(self, path: str, encoding: str = "utf-8") -> str:
        return self.read_bytes(path).decode(encoding)

    def open(self, path: str) -> BinaryIO:
        """The file's bytes as a seekable, read-only stream."""
        return self.store.objects.open(self.stat(path).digest)

    # ------------------------------------------------------------------------------------------------- inside

    @property
    def _objects(self) -> Objects:
        return self.store.objects

    def _read(self, digest: str) -> bytes:
        return self._objects.read(digest)

    def _is_folder(self, path: str) -> bool:
        return trees.is_folder(self.commit.tree, path, self._read)

    def _followed(self, text: str) -> str:
        """The path that remains when every link on the way, the last included, is followed."""
        path = store_path(text)
        if not path:
            return path
        found = trees.get(self.commit.tree, path, self._read)
        if found is not None and found.kind != "l":
            return path
        left, done, links = path.split("/")[::-1], "", 0
        while left:
            part = left.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if not done:
                    raise self._missing(path, "a symbolic link on the way leads out of the commit")
                done = posixpath.dirname(done)
                continue
            here = f"{done}/{part}" if done else part
            found = trees.get(self.commit.tree, here, self._read)
            if found is None or found.kind != "l":
                done = here
                continue
            links += 1
            target = self._read(found.digest).decode("utf-8", "surrogateescape")
            if target.startswith("/"):
                raise self._missing(path, f"the symbolic link /{here} leads out of the commit, to {target}")
            if links > MAX_LINKS:
                raise self._missing(path, "its symbolic links lead round in a circle")
            left += target.split("/")[::-1]
        return done

    def _missing(self, path: str, why: str = "", what: str = "") -> PathNotFound:
        where = f"{self.commit.repo}@{self.commit.id[:12]}"
        return PathNotFound(
            f"There is no {what}/{path} in {where}{': ' + why if why else ''}.",
            remedy=f"`pedigree ls {where}` lists what is there.",
            path=path,
        )


class StorePath:
    """A path in a commit, read-only, with the names that pathlib uses.

    Paths of one commit are ordered as its files are, and equal when commit and path are.
    """

    __slots__ = ("path", "view")

    def __init__(self, view: View, path: str) -> None:
        self.view = view
        self.path = path

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self.view, store_path(f"{self.path}/{name}"))

    def __str__(self) -> str:
        return f"{self.view.commit.repo}@{self.view.commit.id}:/{self.path}"

    def __repr__(self) -> str:
        return f"StorePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorePath) and str(self) == str(other)

    def __lt__(self, other: StorePath) -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def uri(self) -> str:
        """The address for everything that reads through fsspec; it names the commit, so it means the same for ever."""
        return f"pedigree://{self.view.commit.repo}@{self.view.commit.id}/{self.path}"

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")) if self.path else ()

    @property
    def suffix(self) -> str:
        stem, dot, end = self.name.rpartition(".")
        return dot + end if stem and end else ""

    @property
    def stem(self) -> str:
        return self.name[: len(self.name) - len(self.suffix)]

    @property
    def parent(self) -> StorePath:
        return StorePath(self.view, self.path.rpartition("/")[0])

    def joinpath(self, *names: str) -> StorePath:
        return self / "/".join(names) if names else self

    def with_name(self, name: str) -> StorePath:
        return self.parent / name

    def with_suffix(self, suffix: str) -> StorePath:
        return self.with_name(self.stem + suffix)

    def relative_to(self, other: StorePath) -> str:
        """The text that leads from `other`, a folder above, to here. Raises ValueError when it is not above."""
        if other.path and not f"{self.path}/".startswith(f"{other.path}/"):
            raise ValueError(f"{self} is not below {other}")
        return self.path[len(other.path) :].lstrip("/")

    def exists(self) -> bool:
        return self.view.exists(self.path)

    def is_file(self) -> bool:
        return self.view.is_file(self.path)

    def is_dir(self) -> bool:
        return self.view.is_dir(self.path)

    def is_symlink(self) -> bool:
        entry = self.view.entry(self.path)
        return entry is not None and entry.kind == "l"

    def stat(self) -> Entry:
        return self.view.stat(self.path)

    def iterdir(self) -> Iterator[StorePath]:
        return (self / name for name, _ in self.view.ls(self.path))

    def glob(self, pattern: str) -> Iterator[StorePath]:
        """Matches of a pattern below this folder, in path order; the syntax is that of a pipeline's input."""
        start = "".join(f"\\{letter}" if letter in "*?[]{}()!@+\\" else letter for letter in self.path)
        found = self.view.glob(f"/{start}/{pattern.lstrip('/')}" if start else f"/{pattern.lstrip('/')}")
        return (StorePath(self.view, path) for path in found)

    def rglob(self, pattern: str) -> Iterator[StorePath]:
        """Matches of a pattern anywhere below this folder, in path order."""
        return self.glob(f"{{,**/}}{pattern.lstrip('/')}")

    def read_bytes(self) -> bytes:
        return self.view.read_bytes(self.path)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.view.read_text(self.path, encoding)

    @overload
    def open(self, mode: Literal["rb"] = "rb", encoding: str = ...) -> BinaryIO: ...
    @overload
    def open(self, mode: Literal["r", "rt"], encoding: str = ...) -> io.TextIOWrapper: ...
    @overload
    def open(self, mode: str, encoding: str = ...) -> BinaryIO | io.TextIOWrapper: ...
    def open(self, mode: str = "rb", encoding: str = "utf-8") -> BinaryIO | io.TextIOWrapper:
        """Read-only: "rb" gives bytes, "r" gives text. Raises CommitClosed for any other mode."""
        if mode not in {"r", "rt", "rb"}:
            raise CommitClosed(
                f"{self} is part of a commit, which never changes; it cannot be opened with mode {mode!r}.",
                remedy='Open it with "rb" or "r"; write through `store.commit(...)`.',
            )
        stream = self.view.open(self.path)
        return stream if mode == "rb" else io.TextIOWrapper(stream, encoding)


def _opened(folder: Path) -> Store:
    from pedigree.store.store import Store

    key = os.getpid(), str(folder)
    if key not in _own:
        _own[key] = Store(folder)
    return _own[key]


def _revived(folder: Path, commit: Commit) -> View:
    return View(_opened(folder), commit)
