"""A replay killed at any system call leaves the project as it was or with all of the bundle, and can be done again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import pedigree
from pedigree.pipeline.bundling import bundle
from pedigree.store import Store, fsck, gc, trees
from pedigree.store.alone import MINIMUM_BYTES
from tests.pipeline.project import COPY, Project
from tests.reliability.subject import ROOM, sample
from tests.reliability.tracing import inject, need_strace, trace

pytestmark = pytest.mark.slow

#: Kills per name of call; at night every one.
MOST = 6


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """`x.bundle`, a project `before` with a history of its own, and `after`, the same with the bundle."""
    need_strace()
    with tempfile.TemporaryDirectory(prefix="pedigree-bundle-", dir=ROOM) as root:
        folder = Path(root)
        first = Project(folder / "first")
        first.put("in", {"a": "one\n", "large": "x" * MINIMUM_BYTES})
        first.apply(COPY)
        first.run()
        bundle(first.store, "copy@master", folder / "x.bundle")
        own = Project(folder / "before")
        own.put("own", {"b": "own\n"})
        own.store.close()
        yield folder


def state(store: Store) -> tuple[object, ...]:
    """All that a delivery changes."""
    database = store.database
    return (
        sorted(commit.id for commit in store.commits()),
        [(branch.repo, branch.name, branch.head) for branch in store.branches()],
        database.rows("SELECT kind, key FROM records ORDER BY kind, key"),
        database.rows("SELECT owner, kind, digest FROM pins ORDER BY owner, kind, digest"),
        database.rows("SELECT id FROM runs ORDER BY id"),
        [item.name for item in store.repositories()],
    )


def test_a_kill_at_any_call_leaves_the_old_or_the_new_state(place: Path) -> None:
    """Old or new, sound, and after doing it again the new one, sound, with nothing left for gc."""
    words = ("replay", str(place / "x.bundle"), "--into", ".", "--branches", "--no-verify", "-q")
    project = place / "killed"

    def fresh() -> None:
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(place / "before", project, symlinks=True)

    fresh()
    with pedigree.open(project) as store:
        before = state(store)
    calls, status = trace(words, project)
    assert status == 0
    with pedigree.open(project) as store:
        after = state(store)
    assert len(after[0]) == len(before[0]) + 2  # type: ignore[arg-type]  # lists
    numbers: dict[str, set[int]] = {}
    for call in calls:
        numbers.setdefault(call.name, set()).add(call.number)
    seen, points = set(), 0
    for name, every in sorted(numbers.items()):
        for number in sample(sorted(every), MOST):
            fresh()
            _, status, said = inject(words, project, name, "signal=KILL", number)
            assert status in (-signal.SIGKILL, 128 + signal.SIGKILL), (name, number, status, said)
            points += 1
            trees.forget()
            with pedigree.open(project) as store:
                found = state(store)
                assert found in (before, after), (name, number)
                seen.add(found == after)
                assert fsck.check(store) == [], (name, number)
                assert _again(store, place) == after, (name, number)
                gc.collect(store, wait_s=0)
                assert gc.plan(store).empty, (name, number)
                assert os.listdir(store.objects.temporary) == [], (name, number)
                assert fsck.check(store) == [], (name, number)
    print(f"{points} kills of {sum(map(len, numbers.values()))} calls")
    assert seen == {False, True}
    assert points >= 20


def _again(store: Store, place: Path) -> tuple[object, ...]:
    from pedigree.pipeline.bundling import replay

    with open(place / "x.bundle", "rb") as stream:
        replay(store, stream, "x.bundle", verify=False)
    return state(store)
