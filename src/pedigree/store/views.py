"""The files of one commit, to list and read, and paths in it that behave like pathlib's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from pedigree.errors import PathNotFound
from pedigree.store import globs, trees
from pedigree.store.commits import Commit
from pedigree.store.paths import store_path
from pedigree.store.trees import Entry, Folder

if TYPE_CHECKING:
    from pedigree.store.store import Store


class View:
    """A commit's files. It never changes, whatever happens to the branch that led to it."""

    def __init__(self, store: Store, commit: Commit) -> None:
        self.store = store
        self.commit = commit

    def __repr__(self) -> str:
        return f"View({self.commit.repo}@{self.commit.id[:12]})"

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self, store_path(name))

    def ls(self, path: str = "") -> list[tuple[str, Entry | Folder]]:
        """Names in a folder, sorted, each with its entry, or with the totals of a folder. Raises PathNotFound."""
        folder = store_path(path)
        if folder and not self.is_dir(folder):
            raise self._missing(folder)
        return list(trees.children(self.commit.tree, folder, self._read))

    def walk(self, path: str = "") -> Iterator[tuple[str, Entry]]:
        """Every file at or below a path, in path order."""
        return trees.scan(self.commit.tree, self._read, prefix=store_path(path))

    def glob(self, pattern: str) -> list[str]:
        """Files and folders that match, in path order; the syntax is that of a pipeline's input."""
        return [path for path, _, _ in globs.matches(self.commit.tree, globs.compile(pattern), self._read)]

    def stat(self, path: str) -> Entry:
        """Kind, size in bytes and digest of a file. Raises PathNotFound."""
        name = store_path(path)
        entry = trees.get(self.commit.tree, name, self._read)
        if entry is None:
            raise self._missing(name)
        return entry

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_dir(path)

    def is_file(self, path: str) -> bool:
        return trees.get(self.commit.tree, store_path(path), self._read) is not None

    def is_dir(self, path: str = "") -> bool:
        folder = store_path(path)
        return not folder or trees.is_folder(self.commit.tree, folder, self._read)

    def read_bytes(self, path: str) -> bytes:
        """The whole file; a link's target text. Raises PathNotFound, and Damaged rather than give wrong bytes."""
        return self._read(self.stat(path).digest)

    def read_text(self, path: str, encoding: str = "utf-8") -> str:
        return self.read_bytes(path).decode(encoding)

    def open(self, path: str) -> BinaryIO:
        """The file's bytes as a seekable, read-only stream."""
        return self.store.objects.open(self.stat(path).digest)

    def _read(self, digest: str) -> bytes:
        return self.store.objects.read(digest)

    def _missing(self, path: str) -> PathNotFound:
        where = f"{self.commit.repo}@{self.commit.id[:12]}"
        return PathNotFound(f"There is no /{path} in {where}.", remedy=f"`pedigree ls {where}` lists what is there.")


class StorePath:
    """A path in a commit, read-only, with the names that pathlib uses."""

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

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

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

    def exists(self) -> bool:
        return self.view.exists(self.path)

    def is_file(self) -> bool:
        return self.view.is_file(self.path)

    def is_dir(self) -> bool:
        return self.view.is_dir(self.path)

    def stat(self) -> Entry:
        return self.view.stat(self.path)

    def iterdir(self) -> Iterator[StorePath]:
        return (self / name for name, _ in self.view.ls(self.path))

    def glob(self, pattern: str) -> Iterator[StorePath]:
        """Matches of a pattern below this folder."""
        start = f"/{self.path}/" if self.path else "/"
        return (StorePath(self.view, path) for path in self.view.glob(start + pattern.lstrip("/")))

    def read_bytes(self) -> bytes:
        return self.view.read_bytes(self.path)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.view.read_text(self.path, encoding)

    def open(self, mode: str = "rb", encoding: str = "utf-8") -> BinaryIO | io.TextIOWrapper:
        """Read-only: "rb" gives bytes, "r" gives text."""
        if mode not in ("r", "rt", "rb"):
            raise PermissionError(f"{self} is part of a commit, which never changes; it cannot be opened with {mode!r}")
        stream = self.view.open(self.path)
        return stream if mode == "rb" else io.TextIOWrapper(stream, encoding)
