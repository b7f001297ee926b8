"""A node of a tree: its text, where one ends and the next begins, and a cache of nodes already read.

docs/formats/trees.md describes the text for those who read it without this code.

Where nodes are cut depends on the keys alone. A key whose mixed CRC is small starts a node; the smaller, the
higher the level on which it still does. So any two trees with the same paths are cut alike, whatever order
the paths came in, and an edit moves no boundary but those next to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from zlib import crc32

from pedigree.canonical import DIGEST_LENGTH, digest
from pedigree.errors import Damaged

Read = Callable[[str], bytes]
Write = Callable[[bytes], str]

#: Entries in a node: 128 on average (a geometric distribution), never more than 1024.
MEAN_BITS = 7
MAX_ENTRIES = 1024

#: Digest of the tree without entries. It is a constant and need not be stored.
EMPTY_TEXT = b"leaf\n"
EMPTY = digest(EMPTY_TEXT)

# Per level, the bound below which a mixed CRC starts a node: 2**32 / 128**(level + 1). From level 4 on it is
# 0, and only MAX_ENTRIES cuts; a tree that high has more than 2**28 files.
_BOUNDS = tuple((1 << 32) >> (MEAN_BITS * (level + 1)) for level in range(16))


def starts_node(key: str, level: int) -> bool:
    """Whether `key` begins a node on `level` (0: leaves) wherever it stands.

    Multiplying by 2**32 over the golden ratio spreads the linear structure that a CRC keeps of numbered file
    names.
    """
    return (crc32(key.encode("utf-8")) * 0x9E3779B1 & 0xFFFFFFFF) < _BOUNDS[level]


class Node:
    """One parsed node, never changed.

    `lines[i]` is the text of entry i, `keys[i]` its path (leaf) or first path (inner).

    `level` is 0 for a leaf. A leaf line is `KIND SIZE DIGEST PATH`, an inner line `COUNT BYTES DIGEST
    FIRSTPATH`.
    """

    __slots__ = ("_bytes", "_counts", "keys", "level", "lines")

    def __init__(self, level: int, keys: list[str], lines: list[str]) -> None:
        self.level = level
        self.keys = keys
        self.lines = lines
        self._counts: list[int] | None = None
        self._bytes: list[int] | None = None

    def child(self, index: int) -> str:
        """Digest of the child node (inner) or of the object (leaf) of entry `index`."""
        return self.lines[index].split(" ", 3)[2]

    def counts(self) -> list[int]:
        """`counts()[i]`: files under the entries before i; the last is the total."""
        if self._counts is None:
            if self.level:
                counts = (int(line[: line.index(" ")]) for line in self.lines)
                self._counts = list(accumulate(counts, initial=0))
            else:
                self._counts = list(range(len(self.lines) + 1))
        return self._counts

    def bytes(self) -> list[int]:
        """`bytes()[i]`: bytes of the files under the entries before i; the last is the total."""
        if self._bytes is None:
            sizes = (int(line.split(" ", 2)[1]) for line in self.lines)
            self._bytes = list(accumulate(sizes, initial=0))
        return self._bytes


def encode(level: int, lines: list[str]) -> bytes:
    """The bytes of a node, whose digest is the node's name."""
    head = "leaf\n" if level == 0 else f"node {level}\n"
    return (head + "\n".join(lines) + "\n").encode("utf-8") if lines else EMPTY_TEXT


def summary(level: int, keys: list[str], lines: list[str], name: str) -> str:
    """The line by which the level above names a node."""
    if level == 0:
        count = len(lines)
        size = sum([int(line.split(" ", 2)[1]) for line in lines])
    else:
        fields = [line.split(" ", 2) for line in lines]
        count = sum([int(field[0]) for field in fields])
        size = sum([int(field[1]) for field in fields])
    return f"{count} {size} {name} {keys[0]}"


def parse(data: bytes, name: str) -> Node:
    """The node that the bytes spell. Raises Damaged when they spell none; `name` is said in the error."""
    try:
        head, newline, body = data.decode("utf-8").partition("\n")
        if not newline:
            raise ValueError(f"it begins with {head[:20]!r}")  # noqa: TRY301  (told with the others below)
        if head == "leaf":
            level = 0
        elif head.startswith("node ") and 1 <= int(head[5:]) < len(_BOUNDS):
            level = int(head[5:])
        else:
            raise ValueError(f"it begins with {head[:20]!r}")  # noqa: TRY301
        if body == "":
            if level:
                raise ValueError("an inner node has no entries")  # noqa: TRY301
            return Node(0, [], [])
        if body[-1] != "\n":
            raise ValueError("its last line is cut")  # noqa: TRY301
        lines = body[:-1].split("\n")
        fields = [line.split(" ", 3) for line in lines]
        keys = [field[3] for field in fields]
        if not all(len(field[2]) == DIGEST_LENGTH for field in fields) or "" in keys:
            raise ValueError("a line has no digest or no path")  # noqa: TRY301
        if any(map(str.__ge__, keys, keys[1:])):
            raise ValueError("its paths are not sorted")  # noqa: TRY301
    except (ValueError, IndexError) as error:
        raise Damaged(
            f"Object {name} is not a node of a tree: {error}.",
            remedy="`pedigree fsck` lists everything affected and the repair.",
            digest=name,
        ) from error
    return Node(level, keys, lines)


# Two generations in place of a list in order of use: a hit costs one dictionary look-up, no step needs a
# lock, and what was not used since the last turn falls out. About 200 bytes an entry, so at most about 30 MB.
_GENERATION_ENTRIES = 65_536
_young: dict[str, Node] = {}
_old: dict[str, Node] = {}
_young_entries = 0


def load(name: str, read: Read) -> Node:
    """The node of that digest, from the cache if it was read lately."""
    node = _young.get(name)
    if node is None:
        node = _old.get(name)
        if node is None:
            node = Node(0, [], []) if name == EMPTY else parse(read(name), name)
        remember(name, node)
    return node


def load_at(name: str, level: int, read: Read) -> Node:
    """`load`, of a node that must have this level.

    Without the check a crafted tree, whose node names a node of its own level, could send a reader round for
    ever.
    """
    node = load(name, read)
    if node.level != level:
        raise wrong_level(name, node.level, level)
    return node


def wrong_level(name: str, found: int, expected: int) -> Damaged:
    return Damaged(
        f"Tree node {name} has level {found} where level {expected} belongs.",
        remedy="`pedigree fsck` lists everything affected and the repair.",
        digest=name,
    )


def remember(name: str, node: Node) -> None:
    """Put a node into the cache."""
    global _young, _old, _young_entries
    _young[name] = node
    _young_entries += len(node.keys) + 8
    if _young_entries > _GENERATION_ENTRIES:
        _old = _young
        _young = {}
        _young_entries = 0


def forget() -> None:
    """Empty the cache, so that a check or a measurement reads the store."""
    global _young, _old, _young_entries
    _young = {}
    _old = {}
    _young_entries = 0


class Cursor:
    """A place among the nodes of one level of a tree: goes to a key, to the next node, to the one before.

    `level` at most that of the root. `node` is the present node, `node_name` its digest, `first` the first
    key of it.
    """

    __slots__ = ("_path", "_read", "_root", "level", "node", "node_name")

    def __init__(self, root: str, read: Read, level: int = 0) -> None:
        self._root = root
        self._read = read
        self.level = level
        self._path: list[tuple[Node, int]] = []
        self.node_name = root
        self.node = load(root, read)
        self._descend(first=True)

    @property
    def first(self) -> str:
        return self.node.keys[0]

    def seek(self, key: str) -> None:
        """Go to the node in whose range `key` falls: the last that begins at or before it, else the first."""
        self._path.clear()
        self.node_name = self._root
        node = load(self._root, self._read)
        while node.level > self.level:
            index = max(bisect_right(node.keys, key) - 1, 0)
            self._path.append((node, index))
            self.node_name = node.child(index)
            node = load_at(self.node_name, node.level - 1, self._read)
        self.node = node

    def next_first(self) -> str | None:
        """First key of the node after this one, None at the end."""
        for parent, index in reversed(self._path):
            if index + 1 < len(parent.keys):
                return parent.keys[index + 1]
        return None

    def next(self) -> bool:
        """Go to the node after this one; False, and stay, at the end."""
        return self._step(1)

    def previous(self) -> bool:
        """Go to the node before this one; False, and stay, at the beginning."""
        return self._step(-1)

    def _step(self, by: int) -> bool:
        depth = len(self._path) - 1
        while depth >= 0:
            parent, index = self._path[depth]
            if 0 <= index + by < len(parent.keys):
                del self._path[depth:]
                self._path.append((parent, index + by))
                self.node_name = parent.child(index + by)
                self.node = load_at(self.node_name, parent.level - 1, self._read)
                self._descend(first=by > 0)
                return True
            depth -= 1
        return False

    def _descend(self, *, first: bool) -> None:
        while self.node.level > self.level:
            index = 0 if first else len(self.node.keys) - 1
            self._path.append((self.node, index))
            self.node_name = self.node.child(index)
            self.node = load_at(self.node_name, self.node.level - 1, self._read)
