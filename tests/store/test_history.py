"""History read back and changed: log, find, diff, branches, squash, delete, runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import pedigree
from pedigree.errors import (
    AlreadyExists,
    BranchNotFound,
    CommitNotFound,
    InUse,
    InvalidReference,
    RunNotFound,
)
from pedigree.store import Store, commits, fsck
from tests.store.history import files, messages, put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """images@master with the commits 1 to 4, which write n, and 3 also d/x."""
    store = pedigree.init(tmp_path)
    store.create_repository("images")
    for number in range(1, 5):
        with store.commit("images", str(number)) as change:
            change.write("n", b"%d" % number)
            if number == 3:
                change.write("d/x", b"x")
    return store


def test_log_goes_back_and_stops_at_its_limit(store: Store) -> None:
    """Break: count the limit from the first commit."""
    assert messages(store, "images") == ["4", "3", "2", "1"]
    assert [commit.message for commit in store.log("images@master^", 2)] == ["3", "2"]
    assert [commit.message for commit in store.log("images:/d")] == ["3"]
    store.start_commit("images", "open")
    put(store, "images", "open", n=b"5")
    opened = store.open_commits()[0]
    assert messages(store, f"images@{opened.id}") == ["open", "4", "3", "2", "1"]
    assert messages(store, f"images@{opened.id}^") == ["4", "3", "2", "1"]


def test_find_names_the_commits_that_changed_a_path(store: Store) -> None:
    """Break: compare a file with its folder's name as prefix (`d/x` and `d/xy`)."""
    with store.commit("images", "5") as change:
        change.write("d/xy", b"1")
    with store.commit("images", "6") as change:
        change.delete("d/x")

    def found(path: str) -> list[tuple[str, str]]:
        return [(touch.commit.message, touch.change) for touch in store.find("images", path)]

    assert found("/d/x") == [("6", "deleted"), ("3", "added")]
    assert found("d") == [("6", "changed"), ("5", "changed"), ("3", "added")]
    assert found("n") == [("4", "changed"), ("3", "changed"), ("2", "changed"), ("1", "added")]
    assert found("nothing") == []


def test_diff_is_against_the_commit_before_or_another_place(store: Store) -> None:
    """Break: swap old and new."""
    third = [(item.path, item.old is None, item.new is None) for item in store.diff("images@master^")]
    assert third == [("d/x", True, False), ("n", False, False)]
    assert [item.path for item in store.diff("images@master^:/d")] == ["d/x"]
    assert [item.path for item in store.diff("images@master.1")] == ["n"]
    gone = list(store.diff("images@master.1", "images@master"))
    assert [(item.path, item.new is None) for item in gone] == [("d/x", True), ("n", False)]
    with store.commit("images") as change:
        change.copy("images:/d", "e")
    assert list(store.diff("images:/e", "images:/d")) == []
    with store.commit("images") as change:
        change.write("e/y", b"y")
    assert [item.path for item in store.diff("images:/e", "images:/d")] == ["e/y"]


def test_a_branch_is_a_name_that_moves(store: Store) -> None:
    """Break: resolve a bare REF in another repository than the branch's."""
    store.create_branch("images", "staging", head="master^")
    assert store.branch("images", "staging").head == store.resolve("images@master^").commit.id
    assert store.move_branch("images", "staging", "images@master.1").head is not None
    assert messages(store, "images@staging") == ["1"]
    with pytest.raises(AlreadyExists):
        store.create_branch("images", "staging")
    with pytest.raises(BranchNotFound):
        store.move_branch("images", "nothing", "master")
    store.create_repository("labels")
    put(store, "labels", a=b"1")
    with pytest.raises(InvalidReference, match="a commit of 'labels'"):
        store.move_branch("images", "staging", "labels@master")
    store.delete_branch("images", "staging")
    assert [branch.name for branch in store.branches("images")] == ["master"]


def test_the_same_commit_on_two_branches_is_one_commit(store: Store) -> None:
    """Break: insert a second row for an id that exists."""
    store.create_branch("images", "dev", head="master")
    one, two = put(store, "images@master", x=b"1"), put(store, "images@dev", x=b"1")
    assert one == two
    assert len(store.commits("images")) == 5


def test_a_squashed_commit_lives_on_in_the_next(store: Store) -> None:
    """Ids still check afterwards. Break: give the child a new parent in its id."""
    second = store.resolve("images@master.2").commit
    store.create_branch("images", "here", head="master.2")
    before = files(store, "images")
    assert store.squash_commit("images@master.2") == [second]
    assert messages(store, "images") == ["4", "3", "1"]
    assert messages(store, "images@here") == ["1"]
    assert files(store, "images") == before
    assert store.resolve("images@master.2").commit.message == "3"
    assert commits.misnamed(store.database) == []
    assert fsck.check(store) == []
    with pytest.raises(CommitNotFound, match="was squashed"):
        store.commit_by_id(second.id)
    with pytest.raises(InUse, match="no commit after it"):
        store.squash_commit("images@master")


def test_a_deleted_commit_takes_its_changes_along(store: Store) -> None:
    """Break: leave the branch on the deleted commit."""
    with pytest.raises(InUse, match="after it"):
        store.delete_commit("images@master^")
    store.delete_commit("images@master")
    assert messages(store, "images") == ["3", "2", "1"]
    assert files(store, "images")["n"] == b"3"
    for _ in range(3):
        store.delete_commit("images@master")
    assert store.head("images") is None
    assert [branch.name for branch in store.branches("images")] == ["master"]
    put(store, "images", "again", n=b"1")
    assert messages(store, "images") == ["again"]


def test_a_run_is_squashed_and_deleted_whole(store: Store) -> None:
    """Break: check only the first commit of the run."""
    store.create_repository("labels")
    with store.transaction("both") as run:
        for repo in ("images", "labels"):
            with store.commit(repo) as change:
                change.write("both", b"1")
    put(store, "images", after=b"1")
    with pytest.raises(InUse):
        store.squash_commit(run)
    with pytest.raises(InUse):
        store.delete_commit(run)
    assert len(store.run(run).commits) == 2
    put(store, "labels", after=b"1")
    assert len(store.squash_commit(run)) == 2
    assert messages(store, "labels") == ["put after"]
    assert "both" in files(store, "images")
    with pytest.raises(RunNotFound):
        store.run("0" * 32)


def test_what_something_was_made_from_stays(store: Store) -> None:
    """Break: ask provenance by output instead of by input."""
    source = store.resolve("images@master").commit
    store.create_repository("out", kind="output")
    provenance = [{"name": "in", "repo": "images", "commit": source.id}]
    made = store.commit_output("out", "master", source.tree, provenance=provenance, made_by={}, run="a" * 32)
    with pytest.raises(InUse, match="was made from commit") as caught:
        store.delete_commit("images@master")
    assert caught.value.objects["output"] == made.id
    store.delete_commit("out@master")
    store.delete_commit("images@master")
    assert messages(store, "images") == ["3", "2", "1"]


def test_runs_are_listed_newest_first_with_their_commits(store: Store) -> None:
    """Break: sort by id."""
    run = store.start_run("propagate")
    assert store.run(run).state == "running"
    assert store.run(run).finished is None
    store.finish_run(run, "failed")
    listed = store.runs(3)
    assert [(found.message, found.state, len(found.commits)) for found in listed] == [
        ("propagate", "failed", 0), ("4", "done", 1), ("3", "done", 1),
    ]  # fmt: skip
    assert store.run(run[:8]) == listed[0]
