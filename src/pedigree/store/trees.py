"""Trees: the persistent sorted map from store path to file that every commit names by one digest.

The digest covers paths, kinds, sizes and contents, and nothing else: equal content has an equal digest,
whatever the history. A tree is cut into nodes (`nodes.py`); nodes are objects. What does not change between
two trees is shared, and skipped when they are compared. `read` is any function from digest to bytes; a tree
knows no store.

Order is by code point of the whole path, which is also the order of its UTF-8 bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from pedigree.store.edits import Entry, build, edit
from pedigree.store.nodes import EMPTY, Cursor, Node, Read, Write, forget, load, load_at, parse, wrong_level

__all__ = [
    "EMPTY",
    "Entry",
    "Folder",
    "Read",
    "Write",
    "build",
    "children",
    "diff",
    "edit",
    "forget",
    "get",
    "is_folder",
    "nodes",
    "scan",
    "totals",
]


class Folder(NamedTuple):
    """What `children` says of a folder: all files below it, and their bytes."""

    files: int
    bytes: int


#: One step of a diff: path, what the old tree holds there, what the new tree holds there.
Difference = tuple[str, Entry | None, Entry | None]


def _entry(line: str) -> Entry:
    kind, size, digest, _ = line.split(" ", 3)
    return Entry(kind, int(size), digest)


def get(tree: str, path: str, read: Read) -> Entry | None:
    """The file at `path`, or None where there is none or a folder."""
    node = load(tree, read)
    while node.level:
        index = bisect_right(node.keys, path) - 1
        if index < 0:
            return None
        node = load_at(node.child(index), node.level - 1, read)
    index = bisect_left(node.keys, path)
    if index < len(node.keys) and node.keys[index] == path:
        return _entry(node.lines[index])
    return None


def scan(tree: str, read: Read, prefix: str = "", after: str | None = None) -> Iterator[tuple[str, Entry]]:
    """Every file in the folder `prefix` (`""`: all), in order, behind `after`; a file yields itself."""
    if prefix and (found := get(tree, prefix, read)) is not None:
        if after is None or after < prefix:
            yield prefix, found
        return
    for path, line in lines(tree, read, prefix + "/" if prefix else "", after):
        kind, size, digest, _ = line.split(" ", 3)
        yield path, Entry(kind, int(size), digest)


def lines(tree: str, read: Read, start: str = "", after: str | None = None) -> Iterator[tuple[str, str]]:
    """Path and node line of every file whose path begins with the text `start`, in order, behind `after`."""
    cursor = Cursor(tree, read)
    low = start if after is None or after < start else after
    cursor.seek(low)
    index = bisect_left(cursor.node.keys, low)
    if low == after and index < len(cursor.node.keys) and cursor.node.keys[index] == low:
        index += 1
    while True:
        node = cursor.node
        for path, line in zip(node.keys[index:] if index else node.keys, node.lines[index:], strict=True):
            if not path.startswith(start):
                return
            yield path, line
        if not cursor.next():
            return
        index = 0


def children(tree: str, folder: str, read: Read) -> Iterator[tuple[str, Entry | Folder]]:
    """Name and content of everything directly in a folder; nothing where there is no such folder.

    A folder stands where its files stand, that is as if its name ended in `/`. Costs a few look-ups per
    child, however much lies below it.
    """
    start = folder + "/" if folder else ""
    cursor = Cursor(tree, read)
    cursor.seek(start)
    index = bisect_left(cursor.node.keys, start)
    while True:
        keys = cursor.node.keys
        if index == len(keys):
            if not cursor.next():
                return
            index = 0
            continue
        path = keys[index]
        if not path.startswith(start):
            return
        slash = path.find("/", len(start))
        if slash < 0:
            yield path[len(start) :], _entry(cursor.node.lines[index])
            index += 1
            continue
        end = path[:slash] + "0"  # the character after "/": everything in the folder sorts before it
        after = bisect_left(keys, end, index)
        if after < len(keys):
            counts, sizes = cursor.node.counts(), cursor.node.bytes()
            total = Folder(counts[after] - counts[index], sizes[after] - sizes[index])
            index = after
        else:
            files, size = _before(tree, path, read)
            files_after, size_after = _before(tree, end, read)
            total = Folder(files_after - files, size_after - size)
            cursor.seek(end)
            index = bisect_left(cursor.node.keys, end)
        yield path[len(start) : slash], total


def is_folder(tree: str, path: str, read: Read) -> bool:
    """Whether any file lies below `path`; the root is always a folder."""
    if path == "":
        return True
    return next(lines(tree, read, path + "/"), None) is not None


def totals(tree: str, read: Read) -> tuple[int, int]:
    """Number of files and their bytes; reads the root alone."""
    root = load(tree, read)
    return root.counts()[-1], root.bytes()[-1]


def _before(tree: str, key: str, read: Read) -> tuple[int, int]:
    """Number and bytes of the files whose path sorts before `key`."""
    files = size = 0
    node = load(tree, read)
    while node.level:
        index = bisect_right(node.keys, key) - 1
        if index < 0:
            return files, size
        files += node.counts()[index]
        size += node.bytes()[index]
        node = load_at(node.child(index), node.level - 1, read)
    index = bisect_left(node.keys, key)
    return files + node.counts()[index], size + node.bytes()[index]


class _Side:
    """One tree of a diff: a row of files and of subtrees not opened yet, whose first is looked at."""

    __slots__ = ("_read", "_stack", "key", "level", "line")

    def __init__(self, tree: str, read: Read) -> None:
        self._read = read
        self._stack: list[tuple[Node, int]] = []
        self.level = -1  # of the subtree at the head; -1: the head is a file
        self.key: str | None = None  # None at the end
        self.line = ""
        root = load(tree, read)
        if root.keys:
            self.level = root.level
            self.key = root.keys[0]
            self.line = f"0 0 {tree} {self.key}"

    def name(self) -> str:
        return self.line.split(" ", 3)[2]

    def open(self) -> None:
        """Put the nodes or files of the subtree at the head in its place."""
        node = load_at(self.name(), self.level, self._read)
        self._stack.append((node, 0))
        self._show(node, 0)

    def skip(self) -> None:
        """Drop the head."""
        while self._stack:
            node, index = self._stack.pop()
            index += 1
            if index < len(node.keys):
                self._stack.append((node, index))
                self._show(node, index)
                return
        self.key = None
        self.level = -1

    def _show(self, node: Node, index: int) -> None:
        self.key = node.keys[index]
        self.line = node.lines[index]
        self.level = node.level - 1


def diff(old: str, new: str, read: Read) -> Iterator[Difference]:
    """Every path at which two trees differ, in order; reads only nodes that differ.

    `(path, None, entry)` was added, `(path, entry, None)` removed, `(path, entry, entry)` changed.
    """
    if old == new:
        return
    left, right = _Side(old, read), _Side(new, read)
    while left.key is not None or right.key is not None:
        if left.key == right.key:
            if left.level != right.level:
                (left if left.level > right.level else right).open()
            elif left.line == right.line or (left.level >= 0 and left.name() == right.name()):
                left.skip()
                right.skip()
            elif left.level >= 0:
                left.open()
                right.open()
            elif left.key is not None:
                yield left.key, _entry(left.line), _entry(right.line)
                left.skip()
                right.skip()
            continue
        # One side begins before the other. A subtree is opened, because it may reach into the other; a file
        # is a difference.
        first = left if right.key is None or (left.key is not None and left.key < right.key) else right
        if first.level >= 0:
            first.open()
        elif first.key is not None:
            entry = _entry(first.line)
            yield (first.key, entry, None) if first is left else (first.key, None, entry)
            first.skip()


def nodes(tree: str, read: Read, seen: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Digest of each node of the tree that is not in `seen`, with the digests of the files a leaf names.

    Adds to `seen`, so that trees that share nodes cost once. Reads past the cache, so that a check checks the
    store. EMPTY is not stored and not yielded.
    """
    stack: list[tuple[str, int]] = [(tree, -1)]
    while stack:
        name, level = stack.pop()
        if name == EMPTY or name in seen:
            continue
        seen.add(name)
        node = parse(read(name), name)
        if level >= 0 and node.level != level:
            raise wrong_level(name, node.level, level)
        below = [line.split(" ", 3)[2] for line in node.lines]
        if node.level:
            stack.extend([(child, node.level - 1) for child in reversed(below)])
            yield name, []
        else:
            yield name, below
