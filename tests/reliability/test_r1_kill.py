"""R1: a command killed at any system call leaves the old state or the new one, and can be done again."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.subject import ROOM, Base, judge, sample
from tests.reliability.tracing import inject, need_strace, trace

pytestmark = pytest.mark.slow

#: Kills per name of call and command; at night every one.
MOST = 9


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    need_strace()
    with tempfile.TemporaryDirectory(prefix="pedigree-r1-", dir=ROOM) as root:
        yield Base(Path(root))


@pytest.mark.parametrize("name", ["few", "many", "gc"])
def test_a_kill_at_any_call_loses_nothing(base: Base, name: str) -> None:
    """After a kill at the k-th call: head old or new, check clean, repetition gives the same commit id, gc leaves
    no temporary file, check clean.

    Breaks: rows recorded before files are published (3 of 34 points); gc removes files before its transaction (21 of
    28). Writing straight to the final name, the break that RELIABILITY.md names, harms nobody here: only rows are
    trusted, never names.
    """
    scenario = base.scenario(name)
    calls, status = trace(scenario.words, base.copy("trace"))
    assert status == 0
    numbers: dict[str, list[int]] = {}
    for call in calls:
        numbers.setdefault(call.name, []).append(call.number)
    broken, points = [], 0
    for call_name, every in sorted(numbers.items()):
        for number in sample(sorted(set(every)), MOST):
            project = base.copy("killed")
            _, status, _ = inject(scenario.words, project, call_name, "signal=KILL", number)
            assert status in (-signal.SIGKILL, 128 + signal.SIGKILL), (call_name, number, status)
            points += 1
            wrong = judge(project, scenario)
            if wrong is not None:
                broken.append((call_name, number, wrong))
    print(f"R1 {name}: {points} points of {sum(map(len, numbers.values()))} calls, {len(broken)} broken")
    assert not broken, broken
