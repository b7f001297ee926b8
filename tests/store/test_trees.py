"""Trees: one digest per content, whatever the history; edits and diffs touch only what differs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import Damaged, PathClash
from pedigree.store import edits, nodes, trees
from pedigree.store.trees import EMPTY, Entry, Folder

Content = dict[str, Entry]


class Objects:
    """A store of nodes that counts what is read and written."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.reads = 0
        self.writes = 0

    def read(self, digest: str) -> bytes:
        self.reads += 1
        return self.held[digest]

    def write(self, data: bytes) -> str:
        self.writes += 1
        digest = blake3(data).hexdigest()
        self.held[digest] = data
        return digest

    def build(self, content: Mapping[str, Entry]) -> str:
        return trees.build(sorted(content.items()), self.write)


@contextmanager
def small_nodes() -> Iterator[None]:
    """Nodes of 4 entries on average, 7 at most: 120 paths make several levels, and forced cuts are common."""
    bounds, most = nodes._BOUNDS, nodes.MAX_ENTRIES
    nodes._BOUNDS = tuple((1 << 32) >> (2 * (level + 1)) for level in range(16))
    edits.MAX_ENTRIES = 7  # type: ignore[attr-defined]  # a constant of nodes, bound there
    trees.forget()
    try:
        yield
    finally:
        nodes._BOUNDS, edits.MAX_ENTRIES = bounds, most  # type: ignore[attr-defined]  # as above
        trees.forget()


def entry(value: int, kind: str = "f") -> Entry:
    return Entry(kind, value, blake3(b"%d" % value).hexdigest())


# Files are `x…`, folders `a…`: so drawn paths never clash, and the law is about trees, not about refusals.
_folder = st.sampled_from(["", "a/", "a-b/", "a/ab/", "aa/", "aé/", "a日/a/"])
_path = st.builds(lambda folder, number: f"{folder}x{number:x}", _folder, st.integers(0, 60))
_entry = st.builds(entry, st.integers(0, 5), st.sampled_from(["f", "x", "l"]))
_content = st.dictionaries(_path, _entry, max_size=120)
_changes = st.dictionaries(_path, st.none() | _entry, max_size=40)


def applied(content: Content, changes: Mapping[str, Entry | None]) -> Content:
    result = {path: found for path, found in content.items() if path not in changes}
    return result | {path: found for path, found in changes.items() if found is not None}


@settings(max_examples=300, deadline=None)
@given(_content, st.lists(_changes, min_size=1, max_size=4))
def test_editing_gives_the_tree_that_building_gives(content: Content, steps: list[dict[str, Entry | None]]) -> None:
    """A tree's digest depends on its content alone, after any number of edits.

    Break: do not step back to the node before when a node loses its first key.
    """
    with small_nodes():
        store = Objects()
        tree = store.build(content)
        for changes in steps:
            content = applied(content, changes)
            tree = trees.edit(tree, changes, store.read, store.write)
            assert tree == store.build(content)


@settings(max_examples=200, deadline=None)
@given(_content, _changes)
def test_diff_is_what_comparing_two_dictionaries_gives(content: Content, changes: dict[str, Entry | None]) -> None:
    """Break: skip a subtree when its first path is equal, instead of its digest."""
    with small_nodes():
        store = Objects()
        after = applied(content, changes)
        old, new = store.build(content), store.build(after)
        expected = [
            (path, content.get(path), after.get(path))
            for path in sorted(content.keys() | after.keys())
            if content.get(path) != after.get(path)
        ]
        assert list(trees.diff(old, new, store.read)) == expected
        assert [(path, was, now) for path, now, was in trees.diff(new, old, store.read)] == expected


@settings(max_examples=200, deadline=None)
@given(_content, _path, _folder)
def test_reading_agrees_with_a_dictionary(content: Content, path: str, folder: str) -> None:
    """get, scan, children, is_folder and totals say what the sorted dictionary says.

    Break: count the entries of the leaf that a folder begins in, not of all that it spans.
    """
    with small_nodes():
        store = Objects()
        tree = store.build(content)
        name = folder.rstrip("/")
        inside = {key: value for key, value in content.items() if key.startswith(folder)}
        assert trees.get(tree, path, store.read) == content.get(path)
        assert list(trees.scan(tree, store.read)) == sorted(content.items())
        assert list(trees.scan(tree, store.read, name)) == sorted(inside.items())
        assert list(trees.scan(tree, store.read, name, after=path)) == sorted(
            item for item in inside.items() if item[0] > path
        )
        assert trees.is_folder(tree, name, store.read) == (name == "" or bool(inside))
        assert trees.totals(tree, store.read) == (len(content), sum(found.size for found in content.values()))
        expected: dict[str, Entry | Folder] = {}
        for key, value in inside.items():
            part, slash, _ = key[len(folder) :].partition("/")
            if slash:
                files, size = expected.get(part, Folder(0, 0))[:2]
                expected[part] = Folder(int(files) + 1, int(size) + value.size)
            else:
                expected[part] = value
        listed = list(trees.children(tree, name, store.read))
        assert dict(listed) == expected
        assert len(listed) == len(expected)


def test_one_change_in_many_files_reads_and_writes_one_node_per_level() -> None:
    """Break: rewrite the nodes after the change as well."""
    store = Objects()
    content = {f"folder{number % 97:02d}/{number:06d}.png": entry(number) for number in range(50_000)}
    tree = store.build(content)
    path = "folder42/000042-new.png"
    assert path not in content
    for changes in ({path: entry(1)}, {next(iter(content)): entry(2)}):
        trees.forget()
        store.reads = store.writes = 0
        edited = trees.edit(tree, changes, store.read, store.write)
        assert edited != tree
        assert store.reads <= 6
        assert store.writes <= 6
        trees.forget()
        store.reads = 0
        assert len(list(trees.diff(tree, edited, store.read))) == 1
        assert store.reads <= 12


def test_an_edit_that_changes_nothing_writes_nothing_new() -> None:
    """Break: answer with a new tree whenever changes were given."""
    store = Objects()
    tree = store.build({f"{number:04d}": entry(number) for number in range(2_000)})
    held = len(store.held)
    assert trees.edit(tree, {"0042": entry(42), "none": None}, store.read, store.write) == tree
    assert trees.edit(tree, {}, store.read, store.write) == tree
    assert len(store.held) == held


def test_nodes_hold_at_most_1024_entries_and_about_128() -> None:
    """Numbered names, as data sets have them, are cut as evenly as random ones.

    Break: cut where the CRC modulo 128 is 0 and the names differ in the other bits only.
    """
    for pattern in ("img_{:07d}.jpg", "{:07d}/mask.png", "{:08x}"):
        store = Objects()
        tree = store.build({pattern.format(number): entry(0) for number in range(60_000)})
        leaves = [len(found) for _, found in trees.nodes(tree, store.read, set()) if found]
        assert max(leaves) <= nodes.MAX_ENTRIES
        assert 100 < sum(leaves) / len(leaves) < 160


def test_paths_that_never_start_a_node_are_cut_at_the_maximum() -> None:
    """A tree made of names chosen to defeat the cutting rule still has bounded nodes and one digest.

    Break: leave the maximum out.
    """
    generator = random.Random(5)
    names = sorted({f"{generator.getrandbits(64):016x}" for _ in range(6_000)})
    names = [name for name in names if not nodes.starts_node(name, 0)]
    store = Objects()
    content = {name: entry(1) for name in names}
    tree = store.build(content)
    assert max(len(found) for _, found in trees.nodes(tree, store.read, set())) == nodes.MAX_ENTRIES
    changes: dict[str, Entry | None] = {names[3]: None, names[2_000]: None, "zz": entry(2)}
    assert trees.edit(tree, changes, store.read, store.write) == store.build(applied(content, changes))


def test_the_empty_tree_needs_no_store() -> None:
    """Break: read the empty node."""
    store = Objects()
    assert trees.build([], store.write) == EMPTY == blake3(b"leaf\n").hexdigest()
    assert list(trees.scan(EMPTY, store.read)) == []
    assert list(trees.children(EMPTY, "", store.read)) == []
    assert trees.get(EMPTY, "a", store.read) is None
    assert trees.totals(EMPTY, store.read) == (0, 0)
    assert list(trees.nodes(EMPTY, store.read, set())) == []
    tree = trees.edit(EMPTY, {"a": entry(1)}, store.read, store.write)
    assert list(trees.diff(EMPTY, tree, store.read)) == [("a", None, entry(1))]
    assert trees.edit(tree, {"a": None}, store.read, store.write) == EMPTY


@pytest.mark.parametrize(
    ("before", "changes"),
    [
        (["a"], {"a/b": 1}),
        (["a/b"], {"a": 1}),
        (["a/b/c", "a/b/d"], {"a/b/c": None, "a/b": 1}),
        ([], {"a": 1, "a-b": 1, "a/b": 1}),
        (["x/y"], {"a/b/c": 1, "a/b": 1}),
        (["a", "a-b", "a.c"], {"a/b/c/d": 1}),
    ],
)
def test_a_path_is_never_both_file_and_folder(before: list[str], changes: dict[str, int | None]) -> None:
    """Refused before anything is written, also where other names sort between `a` and `a/b`.

    Break: compare a path with its neighbour only.
    """
    store = Objects()
    tree = store.build({path: entry(1) for path in before})
    writes = store.writes
    wanted = {path: None if value is None else entry(value) for path, value in changes.items()}
    with pytest.raises(PathClash, match="both a file and the folder"):
        trees.edit(tree, wanted, store.read, store.write)
    assert store.writes == writes
    with pytest.raises(PathClash):
        store.build(applied({path: entry(1) for path in before}, wanted))


def test_a_file_may_take_a_folders_place_when_the_folder_goes() -> None:
    """Break: look at the old tree without the removals."""
    store = Objects()
    tree = store.build({"a/b": entry(1), "a/c": entry(1), "d": entry(1)})
    moved: dict[str, Entry | None] = {"a/b": None, "a/c": None, "a": entry(2), "d": None, "d/e": entry(3)}
    tree = trees.edit(tree, moved, store.read, store.write)
    assert dict(trees.scan(tree, store.read)) == {"a": entry(2), "d/e": entry(3)}


def test_unsorted_and_repeated_paths_are_refused() -> None:
    """Break: trust the caller; the digest would then depend on the order."""
    store = Objects()
    with pytest.raises(ValueError, match="not sorted"):
        trees.build([("b", entry(1)), ("a", entry(1))], store.write)
    with pytest.raises(PathClash, match="Two files"):
        trees.build([("a", entry(1)), ("a", entry(2))], store.write)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\n",
        b"leaf",
        b"leaf\nf 1 abc a\n",
        b"leaf\nf 1 " + b"0" * 64 + b" a",
        b"leaf\nf 1 " + b"0" * 64 + b" b\nf 1 " + b"0" * 64 + b" a\n",
        b"node 1\n",
        b"node 99\n1 1 " + b"0" * 64 + b" a\n",
        b"leaf\nf 1 " + b"0" * 64 + b" \xff\n",
    ],
)
def test_an_object_that_is_no_node_is_damage(data: bytes) -> None:
    """Break: split lines and hope."""
    store = Objects()
    tree = store.write(data)
    with pytest.raises(Damaged, match=tree):
        list(trees.scan(tree, store.read))


def test_a_node_that_names_a_node_of_its_own_level_ends_in_an_error() -> None:
    """A crafted tree cannot send a reader round in circles or down for ever.

    Break: take a child's level on trust.
    """
    store = Objects()
    leaf = store.build({"a": entry(1)})
    inner = store.write(f"node 1\n1 1 {leaf} a\n".encode())
    crafted = store.write(f"node 1\n1 1 {inner} a\n".encode())
    for read in (
        lambda: list(trees.scan(crafted, store.read)),
        lambda: trees.get(crafted, "a", store.read),
        lambda: list(trees.diff(crafted, EMPTY, store.read)),
        lambda: list(trees.nodes(crafted, store.read, set())),
        lambda: list(trees.children(crafted, "", store.read)),
    ):
        trees.forget()
        with pytest.raises(Damaged, match="level"):
            read()


def test_nodes_are_listed_once_for_trees_that_share_them() -> None:
    """Break: forget what was seen; gc of a long history would take quadratic time."""
    store = Objects()
    content = {f"{number:05d}": entry(number) for number in range(20_000)}
    old = store.build(content)
    new = trees.edit(old, {"00000": entry(7)}, store.read, store.write)
    seen: set[str] = set()
    first = list(trees.nodes(old, store.read, seen))
    second = list(trees.nodes(new, store.read, seen))
    assert sorted(digest for _, found in first for digest in found) == sorted(e.digest for e in content.values())
    assert len(second) <= 3
    assert seen == {name for name, _ in first + second}
