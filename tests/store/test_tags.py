"""Tags: names that never move."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import AlreadyExists, BranchNotFound, InUse, InvalidName, InvalidReference, TagNotFound
from pedigree.store import Store, fsck, schema
from tests.store.history import put


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with pedigree.init(tmp_path) as made:
        yield made


@pytest.fixture
def lined(store: Store) -> list[str]:
    """The ids of three commits of r@master, oldest first."""
    store.create_repository("r")
    return [put(store, "r", a=text).id for text in (b"one", b"two", b"three")]


def test_a_tag_means_its_commit_wherever_a_reference_is_taken(store: Store, lined: list[str]) -> None:
    """Break: look for branches and ids alone; or resolve the tag to the head of its commit's branch."""
    made = store.create_tag("r@master^", "v2")
    assert (made.repo, made.name, made.commit) == ("r", "v2", lined[1])
    assert store.view("r@v2").read_bytes("a") == b"two"
    assert store.resolve("r@v2^").commit.id == lined[0]
    assert store.resolve("r@v2").branch is None
    assert (store.tags("r"), store.tags(), store.tag("r", "v2")) == ([made], [made], made)
    assert (store.tags_of(lined[1]), store.tags_of(lined[2])) == (["v2"], [])


def test_a_tag_never_moves(store: Store, lined: list[str]) -> None:
    """The same again is no change; another commit is refused, and told who holds it. Break: write the row anyway."""
    made = store.create_tag("r@master", "v3")
    assert store.create_tag(f"r@{lined[2]}", "v3") == made
    with pytest.raises(AlreadyExists, match=f"r@v3 is that of commit {lined[2][:12]}") as refused:
        store.create_tag("r@master^", "v3")
    assert refused.value.objects["commit"] == lined[2]
    assert store.tag("r", "v3") == made
    store.delete_tag("r", "v3")
    with pytest.raises(TagNotFound, match="it has none"):
        store.delete_tag("r", "v3")
    assert store.create_tag("r@master^", "v3").commit == lined[1]


def test_a_tag_keeps_its_commit(store: Store, lined: list[str]) -> None:
    """Neither squash, nor delete, nor the end of the repository takes a tagged commit. Break: ask after `outputs` only."""
    store.create_tag("r@master^", "v2")
    with pytest.raises(InUse, match="has the tag 'v2'"):
        store.squash_commit("r@master^")
    store.create_tag("r@master", "v3")
    with pytest.raises(InUse, match="has the tag 'v3'"):
        store.delete_commit("r@master")
    with pytest.raises(InUse, match="'v2' and 1 more"):
        store.delete_repository("r")
    for name in ("v2", "v3"):
        store.delete_tag("r", name)
    store.squash_commit("r@master^")
    store.create_tag("r@master", "v3")
    store.delete_repository("r", force=True)
    assert (store.tags(), fsck.check(store)) == ([], [])


@pytest.mark.parametrize("name", ["", "v 1", "v1.0", "a/b", "cafe", "0" * 64, "@x", "é"])
def test_what_is_no_name_of_a_branch_or_reads_as_an_id_is_refused(store: Store, lined: list[str], name: str) -> None:
    """Break: take `branches.check_name`, which allows the beginning of an id; `cafe` then hides commit cafe…"""
    with pytest.raises(InvalidName):
        store.create_tag("r@master", name)


def test_branches_and_tags_share_one_space_of_names(store: Store, lined: list[str]) -> None:
    """Break: let `check_free` find nothing; a put to the tag then makes a branch that hides it."""
    with pytest.raises(AlreadyExists, match="r@master is a branch"):
        store.create_tag("r@master", "master")
    store.create_tag("r@master^", "v2")
    with pytest.raises(AlreadyExists, match="r@v2 is a tag"):
        store.create_branch("r", "v2")
    with pytest.raises(AlreadyExists, match="r@v2 is a tag"), store.commit("r@v2") as change:
        change.write("a", b"four")
    assert [branch.name for branch in store.branches("r")] == ["master"]
    assert store.view("r@v2").read_bytes("a") == b"two"
    with pytest.raises(BranchNotFound, match="master and the tags v2") as wrong:
        store.resolve("r@v22")
    assert "Did you mean 'v2'" in str(wrong.value)


def test_only_a_whole_finished_commit_is_tagged(store: Store, lined: list[str]) -> None:
    """Break: take whatever the reference resolves to."""
    with pytest.raises(InvalidReference, match="/a in a commit"):
        store.create_tag("r@master:/a", "v1")
    opened = store.start_commit("r@master")
    with pytest.raises(InvalidReference, match="an open commit"):
        store.create_tag(f"r@{opened.id}", "v1")


def test_a_transaction_tags_with_the_rest_or_not_at_all(store: Store, lined: list[str]) -> None:
    """Break: write the row when it is asked for, instead of when the transaction ends."""
    with store.transaction():
        store.create_tag("r@master", "v3")
        assert store.tags("r") == []
    assert [tag.name for tag in store.tags("r")] == ["v3"]
    with pytest.raises(AlreadyExists), store.transaction():
        [store.create_tag(f"r@{commit}", name) for commit, name in ((lined[2], "v4"), (lined[1], "v3"))]
    assert [tag.name for tag in store.tags("r")] == ["v3"]


def test_fsck_tells_a_tag_that_was_changed_or_names_nothing(store: Store, lined: list[str]) -> None:
    """Break: leave tags out of the survey."""
    store.create_tag("r@master", "v3")
    assert fsck.check(store) == []
    with store.database.transaction() as database:
        schema.write(database, "tags", ("r", "v9", "0" * 64, 1))
    assert [problem.what for problem in fsck.check(store)] == [
        f"The tag r@v9 names commit {'0' * 12}, which is not there."
    ]
    store.database.execute("UPDATE tags SET target = ? WHERE name = 'v3'", (lined[0],))
    assert "The row 'r' of table tags is not what was written." in {problem.what for problem in fsck.check(store)}


def test_a_store_of_format_1_gets_the_table_with_its_first_tag(tmp_path: Path) -> None:
    """Until then it stays as it was, for an older Pedigree to read. Break: leave the number at 1, or raise it at opening."""
    with pedigree.init(tmp_path) as store:
        store.create_repository("r")
        put(store, "r", a=b"one")
    place = tmp_path / ".pedigree" / "meta.sqlite"
    with sqlite3.connect(place) as raw:  # as the first version made it
        raw.executescript("DROP TABLE tags; PRAGMA user_version=1;")
    raw.close()
    with pedigree.open(tmp_path) as store:
        assert (store.tags("r"), store.database.format(), fsck.check(store)) == ([], 1, [])
        put(store, "r@dev", a=b"two")
        with pytest.raises(AlreadyExists):  # refused: nothing is changed for it
            store.create_tag("r@master", "dev")
        assert store.database.format() == 1
        store.create_tag("r@master", "v1")
        assert (store.database.format(), fsck.check(store)) == (2, [])
    with pedigree.open(tmp_path) as store:
        assert store.resolve("r@v1").commit.id == store.resolve("r@master").commit.id
