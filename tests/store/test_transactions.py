"""Open commits and transactions: what gathers, who sees it when, and that it happens whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

import pedigree
from pedigree.errors import (
    AlreadyExists,
    BranchNotFound,
    Busy,
    CommitNotFound,
    InUse,
    RepositoryNotFound,
    TransactionNotFound,
)
from pedigree.store import Store, gc
from tests.store.history import files, messages, put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = pedigree.init(tmp_path)
    store.create_repository("images")
    store.create_repository("labels")
    return store


def reopened(store: Store) -> Store:
    """The same store as another command sees it."""
    return pedigree.open(store.project)


def test_an_open_commit_gathers_and_nobody_sees_it_before_it_is_finished(store: Store) -> None:
    """Break: point the branch at the open commit."""
    put(store, "images", a=b"1")
    opened = store.start_commit("images", "together")
    with reopened(store) as other:
        draft = put(other, "images", b=b"2")
        assert (draft.id, draft.state) == (opened.id, "open")
        with other.commit(f"images@{opened.id}") as change:
            change.delete("a")
    assert files(store, "images") == {"a": b"1"}
    assert files(store, f"images@{opened.id}") == {"b": b"2"}
    gc.collect(store)
    made = store.finish_commit("images")
    assert files(store, "images") == {"b": b"2"}
    assert messages(store, "images") == ["put b", "put a"]
    assert store.resolve(f"images@{opened.id}").commit == made
    with pytest.raises(CommitNotFound, match="No commit is open"):
        store.finish_commit("images")


def test_a_finished_commit_may_be_empty_and_a_discarded_one_leaves_nothing(store: Store) -> None:
    """Break: make no commit where the tree is the parent's."""
    first = put(store, "images", a=b"1")
    store.start_commit("images")
    made = store.finish_commit("images", "nothing new")
    assert (made.parent, made.tree, made.message) == (first.id, first.tree, "nothing new")
    opened = store.start_commit("images")
    put(store, "images", b=b"2")
    assert store.delete_commit(f"images@{opened.id}") != []
    assert store.open_commits() == []
    assert store.head("images") == made


def test_a_branch_has_one_open_commit_and_stays_where_it_is(store: Store) -> None:
    """Break: no `check_closed` when a branch moves."""
    put(store, "images", a=b"1")
    put(store, "images", a=b"2")
    store.start_commit("images")
    with pytest.raises(InUse, match="has the open commit"):
        store.start_commit("images")
    with pytest.raises(InUse):
        store.move_branch("images", "master", "master^")
    with pytest.raises(InUse):
        store.delete_branch("images", "master")
    with pytest.raises(InUse, match="began at commit"):
        store.delete_commit("images@master")


def test_a_transaction_gives_all_its_commits_one_run(store: Store) -> None:
    """Breaks: a new run per commit; `Change.entry` without the edits below."""
    with store.transaction("both") as run:
        store.create_repository("new")
        for repo in ("images", "labels", "new"):
            with store.commit(repo) as change:
                change.write("a", repo.encode())
        with store.commit("images") as change:
            assert list(change.files()) == ["a"]
            assert (found := change.entry("a")) is not None
            assert found.size == len("images")
            change.append("a", b"!")
        assert store.head("images") is None
    assert [commit.repo for commit in store.run(run).commits] == ["images", "labels", "new"]
    assert {commit.message for commit in store.run(run).commits} == {"both"}
    assert files(store, "images") == {"a": b"images!"}
    assert change.commit == store.head("images")


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    """Break: land each commit of a transaction when its own block ends."""
    before = put(store, "images", a=b"1")

    def fail() -> None:
        with store.transaction():
            store.create_repository("new")
            put_in(store, "images")
            put_in(store, "new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.head("images") == before
    with pytest.raises(RepositoryNotFound):
        store.repository("new")
    assert list((store.folder / "tmp").iterdir()) == []
    put(store, "images", b=b"2")  # the thread is out of the transaction again


def put_in(store: Store, repo: str) -> None:
    with store.commit(repo) as change:
        change.write("x", b"x")


def test_a_mistake_in_a_transaction_is_reported_where_it_is_made(store: Store) -> None:
    """Break: queue requests without trying them."""
    with store.transaction():
        store.create_repository("new")
        with pytest.raises(AlreadyExists):
            store.create_repository("new")
        with pytest.raises(BranchNotFound):
            store.create_branch("images", "dev", head="master")
    assert [repository.name for repository in store.repositories()] == ["images", "labels", "new"]


def test_a_transaction_between_commands_happens_at_its_end(store: Store) -> None:
    """Five commands in five processes' places. Break: let `joined` puts go to the branch."""
    put(store, "images", a=b"1")
    started = store.start_transaction("release")
    with reopened(store) as one, one.joined() as joined:
        assert joined == started.id
        one.create_repository("new")
    with reopened(store) as two, two.joined():
        put_in(two, "images")
        put_in(two, "new")
    with reopened(store) as three, three.joined(), three.commit("made", create=True) as change:
        change.write("x", b"x")
    with reopened(store) as outside:
        outsider = put(outside, "images", b=b"2")
        assert files(outside, "images") == {"a": b"1", "b": b"2"}
        gc.collect(outside)
    run = store.finish_transaction(started.id)
    assert sorted(commit.repo for commit in run.commits) == ["images", "made", "new"]
    assert {commit.run for commit in run.commits} == {started.id}
    head = store.head("images")
    assert head is not None
    assert head.parent == outsider.id
    assert files(store, "images") == {"a": b"1", "b": b"2", "x": b"x"}
    assert (store.active_transaction(), store.open_commits()) == (None, [])


def test_a_stopped_transaction_leaves_nothing(store: Store) -> None:
    """Break: keep its open commits."""
    started = store.start_transaction()
    with pytest.raises(AlreadyExists):
        store.start_transaction()
    with store.joined():
        store.create_repository("new")
        put_in(store, "new")
    store.stop_transaction(started.id)
    assert (store.active_transaction(), store.open_commits()) == (None, [])
    with pytest.raises(TransactionNotFound):
        store.finish_transaction(started.id)
    with pytest.raises(RepositoryNotFound):
        store.repository("new")
    with store.joined() as joined:
        assert joined is None


def test_a_transaction_that_cannot_finish_stays_as_it_was(store: Store) -> None:
    """Break: delete the transaction's row before its requests are done."""
    started = store.start_transaction()
    with store.joined():
        store.create_repository("new")
        put_in(store, "images")
    store.create_repository("new")
    with pytest.raises(AlreadyExists):
        store.finish_transaction(started.id)
    assert store.active_transaction() is not None
    store.delete_repository("new")
    store.start_commit("images")
    with pytest.raises(Busy, match="has the open commit"):
        store.finish_transaction(started.id)
    store.discard_commit("images")
    assert [commit.repo for commit in store.finish_transaction(started.id).commits] == ["images"]
