"""Triggers: when a branch moves by itself, and when it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pedigree
from pedigree.errors import AlreadyExists, InUse, InvalidInput, TriggerNotFound
from pedigree.store import Store, triggers
from tests.store.history import Clock, put


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000.0)  # 2023-11-14 22:13:20 UTC


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    pedigree.init(tmp_path).close()
    store = Store(tmp_path / ".pedigree", clock=clock)
    store.create_repository("images")
    return store


def at(store: Store, branch: str) -> str | None:
    """Message of the branch's head."""
    head = store.head("images", branch)
    return None if head is None else head.message


def moves(store: Store, sizes: list[int]) -> list[str | None]:
    """Where `staging` is after each of several commits, the n-th of which adds so many bytes."""
    seen = []
    for number, size in enumerate(sizes, 1):
        put(store, "images@master", str(number), **{f"f{number}": b"x" * size})
        seen.append(at(store, "staging"))
    return seen


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"commits": 2}, [None, "2", "2", "4", "4"]),
        ({"commits": 1}, ["1", "2", "3", "4", "5"]),
        ({"size": 1000}, [None, "2", "2", "2", "5"]),
        ({"size": "1K"}, [None, "2", "2", "2", "5"]),
        ({"size": 1000, "commits": 4}, [None, "2", "2", "2", "5"]),
        ({"size": 1000, "commits": 3, "all": True}, [None, None, "3", "3", "3"]),
        ({"size": 10**6, "commits": 3}, [None, None, "3", "3", "3"]),
    ],
)
def test_a_branch_moves_when_enough_has_happened_since_it_moved(
    store: Store, spec: dict[str, Any], expected: list[str | None]
) -> None:
    """Sizes added: 400, 600, 100, 400, 500. Break: measure from the first commit, not from the head."""
    store.create_trigger("images", "staging", {"branch": "master", **spec})
    assert moves(store, [400, 600, 100, 400, 500]) == expected
    for branch in ("staging", "master"):
        head = store.head("images", branch)
        assert head is not None
        assert head.branch == "master"  # the same commit, not a copy


def test_a_rate_lets_a_branch_move_once_per_tick(store: Store, clock: Clock) -> None:
    """Hourly; the head that it measures from is 22:13. Break: tick from the beginning of time."""
    store.create_trigger("images", "staging", {"rate": "0 * * * *"})
    assert moves(store, [1]) == [None]
    clock.now += 3600
    put(store, "images@master", "after one tick", a=b"1")
    assert at(store, "staging") == "after one tick"
    clock.now += 60
    put(store, "images@master", "a minute later", a=b"2")
    assert at(store, "staging") == "after one tick"
    clock.now += 3600
    put(store, "images@master", "an hour later", a=b"3")
    assert at(store, "staging") == "an hour later"


def test_a_cron_trigger_moves_at_its_ticks_and_not_by_commits(store: Store, clock: Clock) -> None:
    """Break: `_due` says yes where there is no condition."""
    store.create_trigger("images", "staging", {"cron": "@hourly"})
    assert moves(store, [1, 1]) == [None, None]
    assert store.tick() == []
    due = triggers.next_tick(store.database)
    assert due == 1_700_002_800.0  # 23:00
    clock.now = due
    assert [trigger.branch for trigger in store.tick()] == ["staging"]
    assert at(store, "staging") == "2"
    assert store.tick() == []
    assert triggers.next_tick(store.database) == due + 3600


def test_triggered_branches_fire_others(store: Store) -> None:
    """A chain moves in one transaction. Break: fire only for commits."""
    store.create_trigger("images", "staging", {"commits": 2})
    store.create_trigger("images", "release", {"branch": "staging", "commits": 4})
    assert moves(store, [1, 1, 1, 1]) == [None, "2", "2", "4"]
    assert at(store, "release") == "4"


def test_moving_a_branch_fires_what_watches_it(store: Store) -> None:
    """Break: fire only in `landing.advance`."""
    put(store, "images@master", "1", a=b"1")
    store.create_branch("images", "dev")
    store.create_trigger("images", "staging", {"branch": "dev", "commits": 1})
    store.move_branch("images", "dev", "master")
    assert at(store, "staging") == "1"


def test_a_trigger_may_come_with_the_branch_and_as_an_object(store: Store) -> None:
    """The engine passes its own frozen value. Break: take mappings only."""
    from pedigree.pipeline.model import Trigger as Spec

    branch = store.create_branch("images", "staging", trigger=Spec(size="1K", commits=2))
    assert branch.trigger == {"branch": "master", "size": 1000, "commits": 2}
    assert store.triggers("images")[0].watched == "master"


@pytest.mark.parametrize(
    ("branch", "spec", "message"),
    [
        ("staging", {}, "no condition"),
        ("staging", {"branch": "staging", "commits": 1}, "watches that branch itself"),
        ("staging", {"cron": "@daily", "commits": 1}, "beside other conditions"),
        ("staging", {"commits": -1}, "expected 1 or more"),
        ("staging", {"commit": 1}, "unknown condition 'commit'"),
        ("staging", {"rate": "61 * * * *"}, "61"),
        ("staging", {"size": "much"}, "much"),
        ("master", {"branch": "circle", "commits": 1}, "closes a circle"),
    ],
)
def test_an_impossible_trigger_is_refused(store: Store, branch: str, spec: dict[str, Any], message: str) -> None:
    """Break: check when it fires."""
    store.create_trigger("images", "circle", {"branch": "between", "commits": 1})
    store.create_trigger("images", "between", {"branch": "master", "commits": 1})
    with pytest.raises(InvalidInput, match=message):
        store.create_trigger("images", branch, spec)
    assert len(store.triggers()) == 2


def test_a_watched_branch_stays_until_the_trigger_goes(store: Store) -> None:
    """Break: delete a branch without looking at triggers."""
    put(store, "images@master", a=b"1")
    store.create_trigger("images", "staging", {"commits": 1})
    with pytest.raises(AlreadyExists):
        store.create_trigger("images", "staging", {"commits": 2})
    with pytest.raises(InUse, match="watches it"):
        store.delete_branch("images", "master")
    store.delete_trigger("images", "staging")
    with pytest.raises(TriggerNotFound):
        store.delete_trigger("images", "staging")
    store.delete_branch("images", "master")
