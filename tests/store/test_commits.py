"""Commits by hand: what a change does, when it lands, what its id covers."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import pedigree
from pedigree import canonical
from pedigree.errors import (
    AlreadyExists,
    CommitClosed,
    Damaged,
    InUse,
    InvalidPath,
    InvalidReference,
    PathClash,
    PathNotFound,
    RepositoryNotFound,
)
from pedigree.store import Store, commits, trees
from pedigree.store.changes import Change
from tests.store.history import files, put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = pedigree.init(tmp_path)
    store.create_repository("images")
    return store


def test_a_commit_holds_what_was_written_and_keeps_the_rest(store: Store) -> None:
    """Break: apply edits to the empty tree instead of the head."""
    put(store, "images", a=b"1", b=b"2")
    with store.commit("images", "second") as change:
        change.write("/c/d", io.BytesIO(b"3"), executable=True)
        change.delete("a")
        change.link("l", "c/d")
    assert files(store, "images") == {"b": b"2", "c/d": b"3", "l": b"c/d"}
    kinds = {path: entry.kind for path, entry in trees.scan(store.resolve("images").commit.tree, store.objects.read)}
    assert kinds == {"b": "f", "c/d": "x", "l": "l"}
    assert files(store, "images@master^") == {"a": b"1", "b": b"2"}


def test_an_error_in_the_block_commits_nothing_and_leaves_no_file(store: Store) -> None:
    """Break: land in a `finally`."""

    def fail() -> None:
        with store.commit("images") as change:
            change.write("a", b"1" * (2 << 20))
            change.write("b", b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.head("images") is None
    assert not list((store.folder / "tmp").iterdir())
    assert store.branches("images") == []


def test_a_change_that_changes_nothing_makes_no_commit(store: Store) -> None:
    """Break: commit whatever the tree is."""
    first = put(store, "images", a=b"1")
    with store.commit("images") as change:
        change.write("a", b"1")
    assert change.commit is None
    assert store.head("images") == first


def test_the_id_covers_what_a_commit_is_and_nothing_else(tmp_path: Path) -> None:
    """Message, author, time and run are not in the id; parent and tree are. Break: put the run in."""
    ids = set()
    for name in ("one", "two"):
        with pedigree.init(tmp_path / name) as store:
            store.create_repository("r")
            with store.commit("r", f"by {name}", author=name) as change:
                change.write("a", b"1")
            assert change.commit is not None
            ids.add(change.commit.id)
            commit = change.commit
            value: dict[str, object] = {
                "repo": "r",
                "parent": None,
                "tree": commit.tree,
                "provenance": [],
                "made_by": {},
                "error": None,
            }
            assert commit.id == canonical.digest_of("commit", value)
            assert commits.misnamed(store.database) == []
    assert len(ids) == 1


def test_the_same_tree_made_from_something_else_is_another_commit(store: Store) -> None:
    """Break: compare only trees in `landing.output`."""
    source = put(store, "images", a=b"1")
    store.create_repository("out", kind="output")
    tree = source.tree

    def output(version: int, run: str) -> commits.Commit:
        provenance = [{"name": "images", "repo": "images", "commit": source.id}]
        return store.commit_output("out", "master", tree, provenance=provenance, made_by={"version": version}, run=run)

    first = output(1, "a" * 32)
    assert output(1, "b" * 32) == first
    second = output(2, "c" * 32)
    assert (second.parent, second.tree) == (first.id, first.tree)
    assert second.provenance == [{"name": "images", "repo": "images", "commit": source.id}]
    assert [made.id for made in store.outputs(source.id)] == [first.id, second.id]
    assert store.run("c" * 32).commits == (second,)


def test_commit_output_stands_or_falls_with_the_callers_transaction(store: Store) -> None:
    """The engine's commit, record and pin are one. Break: commit_output opens its own."""
    store.create_repository("out", kind="output")

    def work(fail: bool) -> None:
        with store.objects.batch() as batch:
            digest = batch.add(b"result")
            tree = trees.build([("r", trees.Entry("f", 6, digest))], batch.add)
            batch.publish()
            with store.database.transaction():
                commit = store.commit_output(
                    "out", "master", tree, provenance=[], made_by={"job": "j"}, run="d" * 32, batch=batch
                )
                store.records.put("job", "j", {"commit": commit.id})
                store.pin("job/j", trees=[tree])
                if fail:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work(fail=True)
    assert store.head("out") is None
    assert store.records.get("job", "j") is None
    assert store.database.rows("SELECT * FROM pins") == []
    work(fail=False)
    head = store.head("out")
    assert head is not None
    assert store.records.get("job", "j") == {"commit": head.id}
    assert files(store, "out") == {"r": b"result"}


def test_a_change_lands_on_the_head_that_it_finds(store: Store) -> None:
    """Two changes begun on one head both stay, the later wins. Break: edit the tree of the beginning."""
    put(store, "images", base=b"0", log=b"0\n")
    with store.commit("images", "outer") as outer:
        outer.write("both", b"outer")
        outer.write("outer", b"1")
        outer.append("log", b"outer\n")
        with store.commit("images", "inner") as inner:
            inner.write("both", b"inner")
            inner.write("inner", b"1")
            inner.append("log", b"inner\n")
    assert [commit.message for commit in store.log("images")][:2] == ["outer", "inner"]
    assert files(store, "images") == {
        "base": b"0", "both": b"outer", "inner": b"1", "outer": b"1", "log": b"0\ninner\nouter\n",
    }  # fmt: skip


def test_a_head_that_moves_at_the_last_moment_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody lands between tree and transaction. Break: `if False` for the comparison."""
    put(store, "images", a=b"1")
    with store.commit("images", "late") as change:
        change.write("late", b"1")
        publish = change.batch.publish

        def interrupted() -> None:
            monkeypatch.setattr(change.batch, "publish", publish)
            with pedigree.open(store.project) as other:
                put(other, "images", early=b"1")
            publish()

        monkeypatch.setattr(change.batch, "publish", interrupted)
    assert files(store, "images") == {"a": b"1", "early": b"1", "late": b"1"}
    assert [commit.message for commit in store.log("images")] == ["late", "put early", "put a"]


def test_threads_that_share_a_store_give_one_line(store: Store) -> None:
    """Break: read the head outside the transaction and trust it."""

    def work(name: int) -> None:
        for turn in range(4):
            with store.commit("images", f"{name}/{turn}") as change:
                change.write(f"{name}/{turn}", b"x")
                change.append("log", b"x")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.log("images"))) == 16
    assert files(store, "images")["log"] == b"x" * 16


def test_append_lengthens_across_commits_and_within_one(store: Store) -> None:
    """Break: an append after a write in the same change forgets the write."""
    with store.commit("images") as change:
        change.write("w", b"a", executable=True)
        change.append("w", b"b")
        change.append("new", b"1")
        change.append("new", b"2")
        assert change.entry("new") is not None
    with store.commit("images") as change:
        change.append("w", io.BytesIO(b"c"))
        change.delete("new")
        change.append("new", b"3")
    assert files(store, "images") == {"w": b"abc", "new": b"3"}
    entry = trees.get(store.resolve("images").commit.tree, "w", store.objects.read)
    assert entry is not None
    assert entry.kind == "x"


def test_deleting_a_folder_takes_what_this_change_put_there_too(store: Store) -> None:
    """Break: scan only the base tree."""
    with store.commit("images") as change:
        change.write("d/a", b"1")
        change.write("dd", b"1")
    with store.commit("images") as change:
        change.write("d/b", b"2")
        assert change.delete("d") == 2
        with pytest.raises(PathNotFound, match="no /d in images@master"):
            change.delete("d")
        change.write("e", b"1")
    assert files(store, "images") == {"dd": b"1", "e": b"1"}


def test_copying_moves_no_bytes_and_keeps_kinds(store: Store) -> None:
    """Break: copy every file as an ordinary one."""
    with store.commit("images") as change:
        change.write("d/x", b"1", executable=True)
        change.write("d/e/f", b"2")
    objects = store.database.row("SELECT count(*) FROM objects")
    store.create_repository("copies")
    with store.commit("copies") as change:
        assert change.copy("images:/d", "all") == 2
        assert change.copy("images:/d/x", "one") == 1
    assert files(store, "copies") == {"all/x": b"1", "all/e/f": b"2", "one": b"1"}
    tree = store.resolve("copies").commit.tree
    assert {path for path, entry in trees.scan(tree, store.objects.read) if entry.kind == "x"} == {
        "all/x",
        "one",
    }
    grown = store.database.row("SELECT count(*) FROM objects")
    assert grown is not None
    assert objects is not None
    assert grown[0] - objects[0] == 1  # the new tree's one node
    with pytest.raises(PathNotFound), store.commit("copies") as change:
        change.copy("images:/nothing", "n")


def test_what_cannot_be_is_refused_and_changes_nothing(store: Store) -> None:
    """Break: check paths or clashes after landing."""
    first = put(store, "images", a=b"1")

    def write(path: str) -> None:
        with store.commit("images") as change:
            change.write("fine", b"1")
            change.write(path, b"2")

    for error, path in ((InvalidPath, "../x"), (InvalidPath, ""), (PathClash, "a/b")):
        with pytest.raises(error):
            write(path)
    assert store.head("images") == first
    with (
        pytest.raises(RepositoryNotFound, match="no repository 'image'") as caught,
        store.commit("image") as change,
    ):
        change.write("a", b"1")
    assert "Did you mean 'images'?" in str(caught.value)
    with pytest.raises(CommitClosed), store.commit(f"images@{first.id}") as change:
        change.write("a", b"2")
    for text in ("images:/a", "images@master^", "images@master.1"):
        with pytest.raises(InvalidReference), store.commit(text):
            pass


def test_only_its_pipeline_writes_an_output_repository(store: Store) -> None:
    """Break: drop the kind from `_writable`."""
    store.create_repository("out", kind="output")
    with pytest.raises(InUse, match="written by the pipeline 'out' alone"), store.commit("out"):
        pass
    with store.commit("out", output=True) as change:
        change.write("a", b"1")
    assert files(store, "out") == {"a": b"1"}


def test_create_makes_the_repository_with_its_first_commit_only(store: Store) -> None:
    """Break: make the repository before the block runs."""
    with pytest.raises(ZeroDivisionError), store.commit("new", create=True):
        raise ZeroDivisionError
    with pytest.raises(RepositoryNotFound):
        store.repository("new")
    with store.commit("new", create=True) as change:
        change.write("a", b"1")
    assert change.created_repository
    assert store.repository("new").kind == "input"
    with pytest.raises(AlreadyExists):
        store.create_repository("new")


def test_a_changed_row_is_damage_and_not_an_answer(store: Store) -> None:
    """Break: read `branches` without checking seals."""
    first = put(store, "images", a=b"1")
    put(store, "images", a=b"2")
    store.database.execute("UPDATE branches SET head = ?", (first.id,))
    with pytest.raises(Damaged, match="seal does not match"):
        store.resolve("images")


def test_deleting_a_repository_needs_its_outputs_gone(store: Store) -> None:
    """Break: look for provenance in one direction only."""
    source = put(store, "images", a=b"1")
    store.create_repository("out", kind="output")
    provenance = [{"name": "images", "repo": "images", "commit": source.id}]
    store.commit_output("out", "master", source.tree, provenance=provenance, made_by={}, run="e" * 32)
    with pytest.raises(InUse, match="made from it"):
        store.delete_repository("images")
    store.delete_repository("out")
    store.delete_repository("images")
    assert store.repositories() == []
    assert store.database.rows("SELECT * FROM provenance") == []


def test_a_change_that_is_over_takes_no_more_edits(tmp_path: Path) -> None:
    """They would be lost without a word. Break: leave `_ended` out of `Store.commit`."""
    with pedigree.init(tmp_path) as store:
        with store.commit("data", create=True) as change:
            change.write("a", b"1")
        with store.transaction(), store.commit("data") as inner:
            inner.write("b", b"2")
        edits: list[Callable[[Change], object]] = [
            lambda one: one.write("late", b""),
            lambda one: one.append("a", b""),
            lambda one: one.delete("a"),
            lambda one: one.link("late", "a"),
            lambda one: one.copy("data:/a", "late"),
            lambda one: one.add_file("late", __file__),
        ]
        for over in (change, inner):
            for late in edits:
                with pytest.raises(CommitClosed, match="would be lost"):
                    late(over)
        assert [name for name, _ in store.view("data").ls()] == ["a", "b"]
