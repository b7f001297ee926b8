"""Bundles that are cut, altered or made up: each refused with one error, and nothing is left of it."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pedigree
from pedigree import canonical
from pedigree.errors import Conflict, InvalidBundle, NewerFormat, PedigreeError
from pedigree.pipeline.bundling import bundle, layout, replay
from pedigree.store import Store, commits, schema, trees
from pedigree.store.trees import Entry
from tests.pipeline.bundling import crafted
from tests.pipeline.project import COPY, Project


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound bundle of two commits."""
    folder = tmp_path_factory.mktemp("good")
    project = Project(folder / "project")
    project.put("in", {"a": "one\n", "b": "two\n"})
    project.apply(COPY)
    project.run()
    bundle(project.store, "copy@master", folder / "good.bundle")
    return folder / "good.bundle"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return pedigree.init(tmp_path / "second")


def refused(store: Store, data: bytes, match: str | None = None, kind: type[PedigreeError] = InvalidBundle) -> None:
    """Replaying it raises, and the store is as empty as before."""
    with pytest.raises(kind, match=match):
        replay(store, io.BytesIO(data), "x.bundle", verify=False)
    untouched(store)


def untouched(store: Store) -> None:
    assert store.repositories() == []
    assert store.commits() == []
    assert store.runs() == []
    assert (
        store.database.rows("SELECT 1 FROM records UNION ALL SELECT 1 FROM pins UNION ALL SELECT 1 FROM objects") == []
    )
    assert [path for path in store.folder.rglob("*") if path.is_file() and path.suffix == ".pack"] == []
    assert list((store.folder / "tmp").iterdir()) == []


def test_what_is_packed_again_by_hand_is_taken(good: Path, store: Store, tmp_path: Path) -> None:
    """The tests below change one thing each: this shows that the rest of what they write is right."""
    file = crafted.write(tmp_path / "same.bundle", crafted.members(good))
    assert file.read_bytes() == good.read_bytes()
    with open(file, "rb") as stream:
        assert replay(store, stream, "same", verify=False).new == 2


def test_every_flipped_bit_and_every_cut_is_noticed(good: Path, store: Store) -> None:
    """A bit of 600 bytes all over the file, and 200 cuts. Breaks: skip padding unseen; do not compare CHECKSUMS."""
    data = good.read_bytes()
    rng = random.Random(1)
    places = {*rng.sample(range(len(data)), 500), *range(100), *range(len(data) - 1024, len(data), 50)}
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        with pytest.raises((InvalidBundle, NewerFormat)):
            replay(store, io.BytesIO(bytes(changed)), "x.bundle", verify=False)
    for length in sorted({*rng.sample(range(len(data)), 180), *range(len(data) - 20, len(data)), 0}):
        with pytest.raises(InvalidBundle):
            replay(store, io.BytesIO(data[:length]), "x.bundle", verify=False)
    untouched(store)
    refused(store, data + b"\0", "something follows its end")


NAMES = ["../evil", "/etc/passwd", "objects/../../evil", "objects/" + "A" * 64, "packs/x.pack", "notes.txt", ""]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_member_is_taken_for_a_path(good: Path, store: Store, tmp_path: Path, name: str) -> None:
    """Every name that no bundle has is refused."""
    refused(store, crafted.write(tmp_path / "x", {**crafted.members(good), name: b"evil"}).read_bytes())
    assert not (tmp_path / "evil").exists()


HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "link": lambda head: head[:156] + b"2" + b"/etc/passwd".ljust(100, b"\0") + head[257:],
    "device": lambda head: head[:156] + b"3" + head[157:],
    "mode": lambda head: head[:100] + b"0004755\0" + head[108:],
    "owner": lambda head: head[:265] + b"root".ljust(32, b"\0") + head[297:],
    "prefix": lambda head: head[:345] + b"..".ljust(155, b"\0") + head[500:],
    "huge": lambda head: head[:124] + b"77777777777\0" + head[136:],
    "negative": lambda head: head[:124] + b"\xff" * 12 + head[136:],
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_with_anything_else_in_it_is_refused(good: Path, store: Store, what: str) -> None:
    """Links, devices, set-uid, other owners, prefixes, sizes beyond what may be. Break: read name and size, ignore the rest."""
    data = good.read_bytes()
    head = HEADERS[what](data[: layout.BLOCK])
    blank = head[:148] + b" " * 8 + head[156:]
    refused(store, head[:148] + b"%06o\0 " % sum(blank) + head[156:] + data[layout.BLOCK :])


def test_sizes_are_bounds_not_promises(good: Path, store: Store) -> None:
    """A pack or head of terabytes is refused before a byte of it is read. Break: read what the header says."""
    data = good.read_bytes()
    refused(store, layout.header(layout.HEAD, 1 << 42) + data[512:], "at most 1,048,576 are read")
    at = data.index(b"packs/")
    name = data[at : at + 75].rstrip(b"\0").decode()
    refused(store, data[:at] + layout.header(name, 1 << 42) + data[at + 512 :], "at most .* are read")


def test_a_newer_format_says_so(good: Path, store: Store, tmp_path: Path) -> None:
    """Break: read on."""
    found = crafted.members(good)
    for change, kind, match in (
        ({"format": 2}, NewerFormat, "format 2"),
        ({"format": 0}, InvalidBundle, "its format is"),
        ({"kind": "cat"}, InvalidBundle, "something else"),
        ({"subject": {"repo": "copy"}}, InvalidBundle, "lacks something"),
        ({"results": 1}, InvalidBundle, "lacks something"),
    ):
        head = canonical.encode(json.loads(found[layout.HEAD]) | change) + b"\n"
        refused(store, crafted.write(tmp_path / "x", {**found, layout.HEAD: head}).read_bytes(), match, kind)
    refused(store, b"PK\x03\x04" + bytes(2000), "a header of it is not one")
    refused(store, b"", "it ends within a header")


def _row(change: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    def changed(row: dict[str, Any]) -> dict[str, Any]:
        change(row)
        return row

    return changed


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    """The row under the id that it should have."""
    unpack = schema.unpack_value
    identity = commits.identify(
        row["repo"], row["parent"], row["tree"], unpack(row["provenance"]), unpack(row["made_by"]), row["error"]
    )
    return {**row, "id": identity}


LINES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "another tree": (layout.COMMITS, _row(lambda row: row.update(tree="0" * 64)), "a commit in it is not"),
    "another name": (layout.COMMITS, _row(lambda row: row.update(repo="../up")), "cannot be the name"),
    "a branch that is an id": (layout.COMMITS, _row(lambda row: row.update(branch="0" * 64)), "cannot name a branch"),
    "a field more": (layout.COMMITS, _row(lambda row: row.update(more=1)), "a commit in it is not"),
    "a year of 12 digits": (layout.COMMITS, _row(lambda row: row.update(started=10**20)), "a commit in it is not"),
    "no input": (layout.COMMITS, lambda row: None if row["repo"] == "in" else row, "is not before it"),
    "a number for a commit": (layout.COMMITS, lambda row: 3, "a commit in it is not"),
    "no repository": (
        layout.RECORDS,
        lambda one: None if one["kind"] == "repository" else one,
        "what the repository in",
    ),
    "an unknown kind": (layout.RECORDS, _row(lambda one: one.update(kind="pipeline")), "a record in it is not"),
    "another spec": (
        layout.RECORDS,
        lambda one: {**one, "value": {**one["value"], "network": True}} if one["kind"] == "spec" else one,
        "the spec .* is not",
    ),
    "other code": (
        layout.RECORDS,
        lambda one: {**one, "key": "0" * 64} if one["kind"] == "code" else one,
        "the code 0{12} in it is other code",
    ),
    "other facts": (
        layout.RECORDS,
        lambda one: {**one, "value": {"facts": {}, "hardware": {}}} if one["kind"] == "environment" else one,
        "the environment .* is not",
    ),
    "a running job": (
        layout.RECORDS,
        lambda one: {**one, "value": {**one["value"], "state": "running"}} if one["kind"] == "job" else one,
        "the job .* is not",
    ),
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_that_is_not_what_it_says_is_refused(good: Path, store: Store, tmp_path: Path, what: str) -> None:
    """With right sums and counts. Breaks: leave out the check of an id, of a spec's digest, of a name, of a job's state."""
    name, change, match = LINES[what]
    refused(
        store, crafted.write(tmp_path / "x", crafted.lines(crafted.members(good), name, change)).read_bytes(), match
    )


def test_a_line_in_other_words_is_refused(good: Path, store: Store, tmp_path: Path) -> None:
    """Another spelling of the same JSON, too deep, too long a number. Break: take any JSON."""
    found = crafted.members(good)
    for line in (b'{"a": 1}\n', b"[" * 100_000 + b"]" * 100_000 + b"\n", b"1" * 5000 + b"\n", b'"\\u0041"\n', b"{}"):
        file = crafted.write(tmp_path / "x", {**found, layout.RECORDS: line})
        refused(store, file.read_bytes())
    spaced = found[layout.RECORDS].replace(b',"kind":', b', "kind":', 1)
    refused(store, crafted.write(tmp_path / "x", {**found, layout.RECORDS: spaced}).read_bytes(), "no canonical JSON")


def tree_of(entries: list[tuple[str, Entry]], objects: dict[str, bytes]) -> str:
    """A one-node tree of these entries, whatever they are, added to the objects."""
    text = "leaf\n" + "".join(f"{entry.kind} {entry.size} {entry.digest} {path}\n" for path, entry in entries)
    digest = canonical.digest(text.encode())
    objects[digest] = text.encode()
    return digest


BODY = b"evil\n"
GOOD = Entry("f", len(BODY), canonical.digest(BODY))
TREES: dict[str, tuple[list[tuple[str, Entry]], str]] = {
    "a way out": ([("../../evil", GOOD)], "cannot be stored"),
    "an absolute path": ([("/evil", GOOD)], "a path that no commit may hold"),
    "our own folder": ([(".pedigree/meta.sqlite", GOOD)], "cannot be stored"),
    "a file and a folder": ([("a", GOOD), ("a/b", GOOD)], "is not what a tree may be"),
    "behind a link": ([("a", GOOD._replace(kind="l")), ("a/b", GOOD)], "is not what a tree may be"),
    "a kind of its own": ([("a", GOOD._replace(kind="d"))], "something strange"),
    "another size": ([("a", GOOD._replace(size=99))], "another size than its object"),
    "an object that is not there": ([("a", GOOD._replace(digest="0" * 64))], "is not in it"),
    "not sorted": ([("b", GOOD), ("a", GOOD)], "is not whole"),
    "a node too many": ([("a", GOOD)], "is not built as trees are"),
    "an endless link": ([("a", GOOD._replace(kind="l", size=5000))], "something strange"),
}


@pytest.mark.parametrize("what", TREES)
def test_a_tree_that_no_put_would_make_is_refused(good: Path, store: Store, tmp_path: Path, what: str) -> None:
    """All digests are right, up to the commit's id. Breaks: look at no path; take a tree without comparing what it builds to."""
    entries, match = TREES[what]
    found = crafted.members(good)
    objects = {canonical.digest(BODY): BODY}
    tree = tree_of(entries, objects)
    if what == "a node too many":  # above one leaf there is no node
        inner = f"node 1\n1 {len(BODY)} {tree} a\n".encode()
        objects[tree := canonical.digest(inner)] = inner
    row = json.loads(found[layout.COMMITS].splitlines()[0])
    made = _renamed({**row, "tree": tree})
    found[layout.COMMITS] = canonical.encode(made) + b"\n"
    found = crafted.lines(found, layout.RECORDS, lambda one: one if one["kind"] == "repository" else None)
    head = json.loads(found[layout.HEAD])
    head["subject"] = {"repo": "in", "branch": "master", "commit": made["id"], "path": ""}
    found[layout.HEAD] = canonical.encode(head) + b"\n"
    file = crafted.write(tmp_path / "x", crafted.repacked(found, objects))
    refused(store, file.read_bytes(), match)


def test_an_object_under_another_name_is_refused(good: Path, store: Store, tmp_path: Path) -> None:
    """In a pack and alone."""
    found = crafted.members(good)
    objects = crafted.unpacked(found)
    victim = canonical.digest(b"one\n")
    file = crafted.write(tmp_path / "x", crafted.repacked(found, {**objects, victim: b"two\n"}))
    refused(store, file.read_bytes(), "does not match its name")
    large = {f"objects/{'0' * 64}": b"x" * layout.ALONE_BYTES}
    refused(store, crafted.write(tmp_path / "x", {**found, **large}).read_bytes(), "does not match its name")
    del objects[victim]
    refused(store, crafted.write(tmp_path / "x", crafted.repacked(found, objects)).read_bytes(), "is not in it")
    assert trees.EMPTY not in objects


def test_a_step_without_walls_is_not_run_unasked(good: Path, store: Store, tmp_path: Path) -> None:
    """A commit that claims the weakest isolation, or a spec with the network, runs nothing here without --trust.

    Nothing of it is unpacked either.
    """
    found = crafted.members(good)

    def weakened(row: dict[str, Any]) -> dict[str, Any]:
        made_by = schema.unpack_value(row["made_by"])
        if made_by:
            row["made_by"] = schema.pack_value({**made_by, "isolation": "rewriting"})
        return _renamed(row)

    found = crafted.lines(found, layout.COMMITS, weakened)
    last = json.loads(found[layout.COMMITS].splitlines()[-1])["id"]
    head = json.loads(found[layout.HEAD])
    head["subject"]["commit"] = last
    found[layout.HEAD] = canonical.encode(head) + b"\n"
    data = crafted.write(tmp_path / "x", found).read_bytes()
    with pytest.raises(Conflict, match="isolation rewriting"):
        replay(store, io.BytesIO(data), "x.bundle")
    untouched(store)
