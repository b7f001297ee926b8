"""Changes: edits of a branch, gathered and then landed as one commit.

    with store.commit("images@master", message="more cats") as change:
        change.write("cats/a.jpg", data)

Leaving the block commits, leaving it by an error discards everything. `change.commit` is then the new
commit, or None when nothing was different.

A change is a set of edits per path. Where the branch moved meanwhile they are applied to its new head, so
writers side by side give one line of history and the last of them wins each path; what is appended joins
whatever the file holds when the change lands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from pedigree.errors import CommitClosed, PathNotFound
from pedigree.store import missing, trees
from pedigree.store.commits import Commit
from pedigree.store.paths import file_path, store_path
from pedigree.store.trees import Entry, Read

if TYPE_CHECKING:
    from pedigree.store.batch import Batch
    from pedigree.store.references import Reference
    from pedigree.store.store import Store


class Append(NamedTuple):
    """An edit that lengthens a file: `pieces` behind `start`, or behind what the head holds when `start` is
    None.
    """

    start: Entry | None
    pieces: tuple[Entry, ...]


#: What happens to one path; None removes it.
Edit = Entry | Append | None


def apply(tree: str, edits: Mapping[str, Edit], batch: Batch) -> str:
    """The tree with the edits applied; whatever is new goes into the batch. Raises PathClash."""
    read = batch.reader()
    changes: dict[str, Entry | None] = {}
    for path, edit in edits.items():
        changes[path] = _joined(tree, path, edit, read, batch) if isinstance(edit, Append) else edit
    return trees.edit(tree, changes, read, batch.add)


def _joined(tree: str, path: str, edit: Append, read: Read, batch: Batch) -> Entry:
    start = trees.get(tree, path, read) if edit.start is None else edit.start
    parts = edit.pieces if start is None else (start, *edit.pieces)
    kind = "f" if start is None or start.kind == "l" else start.kind
    if len(parts) == 1:
        return Entry(kind, parts[0].size, parts[0].digest)
    stream = cast("BinaryIO", _Joined([part.digest for part in parts], read))
    digest, size = batch.add_stream(stream, sum(part.size for part in parts))
    return Entry(kind, size, digest)


class _Joined:
    """Objects one after another as one stream, of which `add_stream` uses `read` and `readinto`."""

    def __init__(self, digests: list[str], read: Read) -> None:
        self._left = iter(digests)
        self._read = read
        self._data = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        while not self._data:
            digest = next(self._left, None)
            if digest is None:
                return b""
            self._data = memoryview(self._read(digest))
        end = len(self._data) if size < 0 else size
        piece, self._data = self._data[:end], self._data[end:]
        return bytes(piece)

    def readinto(self, buffer: memoryview) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class Change:
    """One change of one branch. Not thread-safe; while it is open no gc runs.

    Paths are store paths or spellings of one (`/a/b` is `a/b`); InvalidPath says what is wrong with
    others. `created_repository` says whether landing it made the repository. `below` are edits that land
    before these.
    """

    def __init__(
        self,
        store: Store,
        repo: str,
        branch: str,
        batch: Batch,
        base: Commit | None,
        tree: str,
    ) -> None:
        self.repo = repo
        self.branch = branch
        self.batch = batch
        self.base = base
        self.commit: Commit | None = None
        self.created_repository = False
        self.edits: dict[str, Edit] = {}
        self._store = store
        self._tree = tree
        self._over = False
        self.below: Mapping[str, Edit] = {}

    # ------------------------------------------------------------------------------------------------ reading

    @property
    def tree(self) -> str | None:
        """What the edits apply to, as the change found it; None where other edits land before them."""
        return None if self.below else self._tree

    def entry(self, path: str) -> Entry | None:
        """The file at `path` as this change leaves it, or None. An appended file is joined to say so."""
        path = store_path(path)
        for edits in (self.edits, self.below):
            if path in edits:
                edit = edits[path]
                return (
                    _joined(self._tree, path, edit, self.batch.reader(), self.batch)
                    if isinstance(edit, Append)
                    else edit
                )
        return trees.get(self._tree, path, self.batch.reader())

    def files(self, folder: str = "") -> Iterator[str]:
        """Paths of the files in a folder as this change leaves them, in order."""
        folder = store_path(folder)
        edits = {**self.below, **self.edits}
        inside = folder + "/" if folder else ""
        kept = {path for path, _ in trees.scan(self._tree, self.batch.reader(), folder) if path not in edits}
        kept.update(
            path for path, edit in edits.items() if edit is not None and (path == folder or path.startswith(inside))
        )
        return iter(sorted(kept))

    # ------------------------------------------------------------------------------------------------ writing

    def end(self) -> None:
        """Take no more edits: those made from now on would be lost."""
        self._over = True

    def _check_open(self) -> None:
        if self._over:
            raise CommitClosed(
                f"This change of {self.repo}@{self.branch} is over; what is written to it now would be lost.",
                remedy="Write inside its `with` block, or begin another with `store.commit(...)`.",
            )

    def write(self, path: str, data: bytes | BinaryIO, executable: bool = False) -> None:
        """Set a file's content, from bytes or from what a file still holds."""
        self._check_open()
        path = file_path(path)
        digest, size = self._add(data)
        self.edits[path] = Entry("x" if executable else "f", size, digest)

    def append(self, path: str, data: bytes | BinaryIO) -> None:
        """Lengthen a file, or begin it. Two changes that append to one file at once both stay."""
        self._check_open()
        path = file_path(path)
        digest, size = self._add(data)
        piece = Entry("f", size, digest)
        edits = self.edits if path in self.edits else self.below
        before = edits.get(path)
        if isinstance(before, Append):
            self.edits[path] = Append(before.start, (*before.pieces, piece))
        elif before is not None:
            self.edits[path] = Append(before, (piece,))
        else:  # removed by this change: begins anew; otherwise it is seen when the change lands
            self.edits[path] = piece if path in edits else Append(None, (piece,))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link. Its target is text; nothing follows it while it is stored."""
        self._check_open()
        path = file_path(path)
        data = target.encode("utf-8", "surrogateescape")
        self.edits[path] = Entry("l", len(data), self.batch.add(data))

    def delete(self, path: str) -> int:
        """Remove a file, or a folder with all that it holds now; how many files. Raises PathNotFound."""
        self._check_open()
        path = store_path(path)
        gone = list(self.files(path))
        if not gone and path:
            raise PathNotFound(
                f"There is no /{path} in {self.repo}@{self.branch}.",
                remedy=f"{missing.hint(self.batch.reader(), self._tree, path)}`pedigree ls {self.repo}@{self.branch}` "
                "shows what there is. Nothing was changed.",
                path=path,
            )
        self.edits.update(dict.fromkeys(gone))
        return len(gone)

    def copy(self, source: str | Reference, path: str) -> int:
        """Copy a file or a folder from any commit of this store; no bytes are moved. How many files.

        A file becomes `path`; a folder's files lie below it. Raises PathNotFound.
        """
        self._check_open()
        found = self._store.resolve(source) if isinstance(source, str) else source
        path = store_path(path)
        count = 0
        for name, entry in trees.scan(found.commit.tree, self._store.objects.read, found.path):
            rest = name[len(found.path) :].lstrip("/")
            self.edits[file_path(f"{path}/{rest}" if rest else path)] = entry
            count += 1
        if not count and found.path:
            raise missing.path(self._store.objects.read, found, then="Nothing was changed.")
        return count

    def add_file(self, path: str, os_path: str, *, executable: bool | None = None) -> Entry:
        """Set a file's content and executable bit from one on disk; a link is stored as a link."""
        import os
        import stat

        self._check_open()
        path = file_path(path)
        status = os.lstat(os_path)
        if stat.S_ISLNK(status.st_mode):
            self.link(path, os.readlink(os_path))
            return self.edits[path]  # type: ignore[return-value]  # link has just set an Entry
        digest, size = self.batch.add_file(os_path)
        run = bool(status.st_mode & 0o100) if executable is None else executable
        entry = Entry("x" if run else "f", size, digest)
        self.edits[path] = entry
        return entry

    def set(self, path: str, entry: Entry) -> None:
        """Set a path to an object that the store or `batch` already has.

        `path` is a store path, unchecked.
        """
        self.edits[path] = entry

    def update(self, edits: Mapping[str, Edit] | Iterable[tuple[str, Edit]]) -> None:
        """`set` for many; None removes a path. Paths are store paths, unchecked."""
        self.edits.update(edits)

    def _add(self, data: bytes | BinaryIO) -> tuple[str, int]:
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self.batch.add(bytes(data)), len(data)
        return self.batch.add_stream(data)
