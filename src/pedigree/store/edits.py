"""Writing trees: from sorted entries, or from a tree and the paths that change.

Both give the canonical tree: `edit(build(a), changes) == build(apply(a, changes))`, for any way that led to
`a`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pedigree.errors import PathClash
from pedigree.store.nodes import (
    EMPTY,
    MAX_ENTRIES,
    Cursor,
    Node,
    Read,
    Write,
    encode,
    load,
    remember,
    starts_node,
    summary,
)


class Entry(NamedTuple):
    """What a tree holds for one path."""

    kind: str  #: "f" file, "x" executable file, "l" symbolic link, whose object is the text of its target
    size: int  #: bytes of the object
    digest: str


#: A key of one level with its new line, or None where the key goes.
_Changes = list[tuple[str, str | None]]


def build(items: Iterable[tuple[str, Entry]], write: Write) -> str:
    """Digest of the tree of these entries, which come sorted by path; nodes go to `write` as they fill.

    Holds a few nodes in memory however many items there are. Raises PathClash when a path comes twice or is
    both a file and a folder, ValueError when the paths are not sorted.
    """
    levels = [_Level(0, write)]
    add = levels[0].add
    previous = ""
    files_above: list[str] = []  # files that the present path begins with: usually none or one
    for path, (kind, size, name) in items:
        if path <= previous:
            _refuse_order(previous, path)
        while files_above and not path.startswith(files_above[-1]):
            files_above.pop()
        for above in files_above:
            if path[len(above)] == "/":
                raise _clash(above, path)
        files_above.append(path)
        full = add(path, f"{kind} {size} {name} {path}")
        if full is not None:
            _raise(levels, 1, full, write)
        previous = path
    return _top(levels, write)


class _Level:
    """The node being filled on one level while a tree is written from left to right."""

    __slots__ = ("keys", "level", "lines", "nodes", "write")

    def __init__(self, level: int, write: Write) -> None:
        self.level = level
        self.write = write
        self.keys: list[str] = []
        self.lines: list[str] = []
        self.nodes = 0

    def add(self, key: str, line: str) -> tuple[str, str] | None:
        """Append an entry; when that closes a node, the closed node's entry for the level above."""
        closed = None
        if self.keys and (len(self.keys) == MAX_ENTRIES or starts_node(key, self.level)):
            closed = self.close()
        self.keys.append(key)
        self.lines.append(line)
        return closed

    def close(self) -> tuple[str, str]:
        keys, lines = self.keys, self.lines
        name = _save(self.level, keys, lines, self.write)
        self.nodes += 1
        self.keys, self.lines = [], []
        return keys[0], summary(self.level, keys, lines, name)


def _raise(levels: list[_Level], position: int, entry: tuple[str, str] | None, write: Write) -> None:
    """Hand the entry of a closed node to the level above, and so on while that closes nodes too."""
    while entry is not None:
        if position == len(levels):
            levels.append(_Level(levels[0].level + position, write))
        entry = levels[position].add(*entry)
        position += 1


def _top(levels: list[_Level], write: Write) -> str:
    """Close every level; the root is the first that turns out to be one node."""
    position = 0
    while True:
        current = levels[position]
        if not current.keys:
            return EMPTY
        last = current.close()
        if current.nodes == 1:
            return last[1].split(" ", 3)[2]
        position += 1
        _raise(levels, position, last, write)


def edit(tree: str, changes: Mapping[str, Entry | None], read: Read, write: Write) -> str:
    """Digest of the tree with these paths set to their entry, or removed where it is None.

    Reads and writes only the nodes on the way to the changes; `read` must see what `write` was given.
    Removing a path that is not there does nothing. Raises PathClash before anything is written when a path
    would be both a file and a folder.
    """
    if not changes:
        return tree
    ordered = sorted(changes.items())
    _refuse_clashes(tree, changes, ordered, read)
    if tree == EMPTY:
        return build(((path, entry) for path, entry in ordered if entry is not None), write)
    height = load(tree, read).level
    pending: _Changes = [
        (path, None if entry is None else f"{entry[0]} {entry[1]} {entry[2]} {path}") for path, entry in ordered
    ]
    for level in range(height + 1):
        before, after = _edit_level(Cursor(tree, read, level), pending, write)
        if before == after:
            return tree
        pending = [
            (key, after.get(key)) for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)
        ]
    return _new_root(sorted(after.items()), height + 1, read, write)


def _new_root(entries: list[tuple[str, str]], level: int, read: Read, write: Write) -> str:
    """Digest of the root over the nodes that `entries` name: all nodes of the level below `level`."""
    if not entries:
        return EMPTY
    if len(entries) == 1:
        name = entries[0][1].split(" ", 3)[2]
        # A root with one child says no more than the child.
        node = load(name, read)
        while node.level and len(node.keys) == 1:
            name = node.child(0)
            node = load(name, read)
        return name
    levels = [_Level(level, write)]
    for entry in entries:
        full = levels[0].add(*entry)
        if full is not None:
            _raise(levels, 1, full, write)
    return _top(levels, write)


def _edit_level(cursor: Cursor, changes: _Changes, write: Write) -> tuple[dict[str, str], dict[str, str]]:
    """Apply sorted changes to one level: the nodes taken apart and the nodes made in their place.

    Both are mappings from a node's first key to the line by which the level above names it.

    From the first node that a change touches, entries are cut into nodes anew, until a cut falls on the start
    of an old node that nothing touches: from there on the old nodes stand.
    """
    level = cursor.level
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    at = 0
    while at < len(changes):
        key, line = changes[at]
        cursor.seek(key)
        if line is None and key == cursor.first:
            cursor.previous()  # without its first key a node may have to join the one before
        fill = _Level(level, write)
        while True:
            node = cursor.node
            before[node.keys[0]] = summary(level, node.keys, node.lines, cursor.node_name)
            end = cursor.next_first()
            stop = len(changes) if end is None else bisect_left(changes, (end,), at)
            for entry in _merge(node, changes[at:stop]) if stop > at else zip(node.keys, node.lines, strict=True):
                closed = fill.add(*entry)
                if closed is not None:
                    after[closed[0]] = closed[1]
            at = stop
            if end is None or not cursor.next():
                break
            following = cursor.next_first()
            touched = at < len(changes) and (following is None or changes[at][0] < following)
            if not touched and (not fill.keys or len(fill.keys) == MAX_ENTRIES or starts_node(end, level)):
                break
        if fill.keys:
            closed = fill.close()
            after[closed[0]] = closed[1]
    return before, after


def _merge(node: Node, changes: _Changes) -> list[tuple[str, str]]:
    """Entries of a node with the changes in its range applied, sorted."""
    keys, lines = node.keys, node.lines
    merged: list[tuple[str, str]] = []
    start = 0
    for key, line in changes:
        index = bisect_left(keys, key, start)
        merged.extend(zip(keys[start:index], lines[start:index], strict=True))
        if line is not None:
            merged.append((key, line))
        start = index + 1 if index < len(keys) and keys[index] == key else index
    merged.extend(zip(keys[start:], lines[start:], strict=True))
    return merged


def _save(level: int, keys: list[str], lines: list[str], write: Write) -> str:
    name = write(encode(level, lines))
    remember(name, Node(level, keys, lines))
    return name


def _refuse_clashes(
    tree: str, changes: Mapping[str, Entry | None], ordered: list[tuple[str, Entry | None]], read: Read
) -> None:
    """Raise PathClash when a path would be both a file and a folder after the changes."""
    cursor = None if tree == EMPTY else Cursor(tree, read)
    folders: set[str] = set()  # folders already known to be no file
    for path, entry in ordered:
        if entry is None:
            continue
        if path == "" or "\n" in path:
            raise ValueError(f"not a store path: {path!r}")
        known = False
        if cursor is not None:
            cursor.seek(path)
            keys = cursor.node.keys
            index = bisect_left(keys, path)
            known = index < len(keys) and keys[index] == path
            if not known:
                below = _first_surviving(cursor, path + "/", changes)
                if below is not None:
                    raise _clash(path, below)
        folder = path
        while (slash := folder.rfind("/")) > 0:
            folder = folder[:slash]
            if folder in folders:
                break
            if folder in changes:
                if changes[folder] is not None:
                    raise _clash(folder, path)
            elif not known and cursor is not None:
                cursor.seek(folder)
                keys = cursor.node.keys
                index = bisect_left(keys, folder)
                if index < len(keys) and keys[index] == folder:
                    raise _clash(folder, path)
            folders.add(folder)


def _first_surviving(cursor: Cursor, prefix: str, changes: Mapping[str, Entry | None]) -> str | None:
    """First path of the tree that begins with `prefix` and that the changes do not remove."""
    cursor.seek(prefix)
    index = bisect_left(cursor.node.keys, prefix)
    while True:
        for path in cursor.node.keys[index:]:
            if not path.startswith(prefix):
                return None
            if changes.get(path, path) is not None:
                return path
        if not cursor.next():
            return None
        index = 0


def _refuse_order(previous: str, path: str) -> None:
    if path == previous and path:
        raise PathClash(f"Two files have the path /{path}.", remedy="Rename one of them, or leave it out.", path=path)
    raise ValueError(f"paths are not sorted: {path!r} comes after {previous!r}")


def _clash(file: str, other: str) -> PathClash:
    return PathClash(
        f"/{file} would be both a file and the folder of /{other}.",
        remedy="Delete or rename one of them first.",
        path=file,
        other=other,
    )
