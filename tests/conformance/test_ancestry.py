"""References and their ancestry, written from pachyderm-semantics section 1.

Upstream's vectors say: `^` and `~` count back, repeated or with a number; `.1` is the first commit of a
branch, and a negative number after the dot counts back from the head.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedigree
from pedigree.errors import (
    BranchNotFound,
    CommitNotFound,
    InvalidName,
    InvalidPath,
    InvalidReference,
    RepositoryNotFound,
)
from pedigree.store import Store, references
from pedigree.store.references import Parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("images", ("images", None, 0, None, None)),
        ("images@master", ("images", "master", 0, None, None)),
        ("images@master^", ("images", "master", 1, None, None)),
        ("images@master^^", ("images", "master", 2, None, None)),
        ("images@master^3", ("images", "master", 3, None, None)),
        ("images@master^0", ("images", "master", 0, None, None)),
        ("images@master~", ("images", "master", 1, None, None)),
        ("images@master~~~", ("images", "master", 3, None, None)),
        ("images@master~12", ("images", "master", 12, None, None)),
        ("images@master.1", ("images", "master", 0, 1, None)),
        ("images@master.20", ("images", "master", 0, 20, None)),
        ("images@master.0", ("images", "master", 0, None, None)),
        ("images@master.-1", ("images", "master", 1, None, None)),
        ("images@0a1b2c^:/a/b", ("images", "0a1b2c", 1, None, "/a/b")),
        ("images@master=0a1b2c", ("images", "0a1b2c", 0, None, None)),
        ("images@master:a:b@c", ("images", "master", 0, None, "a:b@c")),
        ("images:/a/", ("images", None, 0, None, "/a/")),
        ("images@master:", ("images", "master", 0, None, "")),
    ],
)
def test_a_reference_means_these_parts(text: str, expected: tuple[object, ...]) -> None:
    """Break: count `~2` as one step."""
    assert tuple(references.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "@master", ":/a", "images@", "images@^", "images@master^~", "images@master^^2", "images@master^-1",
     "images@master.x", "images@master.", "images@master.1.2", "images@master^1^", "images@ma.st",
     "im/ages@master",
     "images@master~9999999999999999999999"],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_an_example(text: str) -> None:
    """Break: take the rest of the text for a branch name."""
    with pytest.raises(InvalidReference, match="images@master"):
        references.parse(text)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Law: `parse` raises nothing but InvalidReference, and its parts put together again parse to the same.

    Break: let an int() of a strange digit escape.
    """
    try:
        parsed = references.parse(text)
    except InvalidReference:
        return
    assert references.parse(spell(parsed)) == parsed


def spell(parsed: Parsed) -> str:
    text = parsed.repo
    if parsed.name is not None:
        text += f"@{parsed.name}"
        text += f"^{parsed.back}" if parsed.back else ""
        text += f".{parsed.nth}" if parsed.nth is not None else ""
    return text if parsed.path is None else f"{text}:{parsed.path}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Five commits on images@master with the messages 1 to 5."""
    store = pedigree.init(tmp_path_factory.mktemp("ancestry"))
    store.create_repository("images")
    store.create_repository("empty")
    for number in range(1, 6):
        with store.commit("images@master", str(number)) as change:
            change.write("d/n", str(number).encode())
    store.create_branch("images", "old", head="images@master^3")
    store.create_branch("images", "bare")
    return store


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("master", "5"), ("master^", "4"), ("master^^", "3"), ("master^3", "2"), ("master~4", "1"),
        ("master.1", "1"), ("master.2", "2"), ("master.5", "5"), ("master.0", "5"), ("master.-1", "4"),
        ("master.-4", "1"), ("old", "2"), ("old^", "1"), ("old.1", "1"), ("old.2", "2"),
    ],
)  # fmt: skip
def test_a_step_leads_to_that_commit(store: Store, ref: str, message: str) -> None:
    """Break: count `.1` from the head."""
    assert store.resolve(f"images@{ref}").commit.message == message


@pytest.mark.parametrize("ref", ["master^5", "master.6", "master.-5", "old.3", "old^2", "master~999999999999999"])
def test_a_step_past_the_first_commit_says_how_long_the_line_is(store: Store, ref: str) -> None:
    """Break: stop silently at the first commit."""
    with pytest.raises(CommitNotFound, match=r"that line has [25] commits"):
        store.resolve(f"images@{ref}")


def test_an_id_and_its_beginning_and_the_run_name_the_commit(store: Store) -> None:
    """Break: compare prefixes with LIKE, which takes `_` for any digit."""
    third = store.resolve("images@master^2").commit
    for digits in (third.id, third.id[:12], third.id[:8], third.run, third.run[:10], f"master={third.id}"):
        found = store.resolve(f"images@{digits}:/d/n")
        assert (found.commit, found.path, found.branch) == (third, "d/n", None)
    assert store.resolve(f"images@{third.id[:16]}^").commit.message == "2"
    with pytest.raises(BranchNotFound):
        store.resolve(f"images@{third.id[:3]}")
    with pytest.raises(BranchNotFound):
        store.resolve(f"empty@{third.id}")


def test_a_beginning_of_several_ids_names_them(tmp_path: Path) -> None:
    """Break: take the first that fits. With 600 ids two of them share their first four digits (p > 0.93)."""
    with pedigree.init(tmp_path) as store:
        store.create_repository("r")
        seen: dict[str, str] = {}
        with store.database.transaction():
            for number in range(600):
                made = store.commit_output(
                    "r", "master", "0" * 64, provenance=[], made_by={"number": number}, run="f" * 32
                )
                if made.id[:4] in seen:
                    break
                seen[made.id[:4]] = made.id
        with pytest.raises(InvalidReference, match="beginning of several commits") as caught:
            store.resolve(f"r@{made.id[:4]}")
        assert set(caught.value.objects["commits"]) == {made.id, seen[made.id[:4]]}


def test_what_does_not_exist_is_named_with_what_does(store: Store) -> None:
    """Break: one message for all four."""
    with pytest.raises(RepositoryNotFound, match="no repository 'imagse'"):
        store.resolve("imagse@master")
    with pytest.raises(BranchNotFound, match="no branch 'mastre'; it has bare, master, old"):
        store.resolve("images@mastre")
    with pytest.raises(CommitNotFound, match="images@bare has no commit yet"):
        store.resolve("images@bare")
    with pytest.raises(BranchNotFound, match="nothing was committed to it yet"):
        store.resolve("empty@master")
    with pytest.raises(InvalidPath):
        store.resolve("images@master:/../x")


def test_a_branch_hides_no_commit(store: Store) -> None:
    """A branch named like a short prefix wins; a whole id cannot name a branch. Break: no length check."""
    head = store.resolve("images@master").commit
    store.create_branch("images", head.id[:6], head="master.1")
    assert store.resolve(f"images@{head.id[:6]}").commit.message == "1"
    assert store.resolve(f"images@{head.id[:7]}").commit == head
    store.delete_branch("images", head.id[:6])
    for name in (head.id, head.run):
        with pytest.raises(InvalidName, match="id of a commit or a run"):
            store.create_branch("images", name)
