"""R2: a power cut at any point of a command leaves a whole store, and never takes back what was acknowledged."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from tests.reliability.disk import Disk, State, materialise
from tests.reliability.subject import NIGHTLY, ROOM, Base, judge
from tests.reliability.tracing import CHANGING, Call, need_strace, trace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base() -> Iterator[Base]:
    need_strace()
    with tempfile.TemporaryDirectory(prefix="pedigree-r2-", dir=ROOM) as root:
        yield Base(Path(root))


def _name(state: State) -> bytes:
    hasher = blake3()
    for path, data in state.items():
        hasher.update(b"%d %d " % (len(path), -1 if data is None else len(data)))
        hasher.update(os.fsencode(path))
        hasher.update(data or b"")
    return hasher.digest()


def _replies(call: Call) -> bool:
    return call.name == "write" and call.descriptor() in (1, 2)


@pytest.mark.parametrize("name", ["few", "many", "race", "gc"])
def test_a_power_cut_at_any_point_loses_nothing(base: Base, name: str) -> None:
    """Five states after every call: each is whole at once, after doing it again and after gc; after the reply the
    new head is there.

    Breaks: no sync of objects; no first barrier (few: 14 inconsistent; race: 10); no second barrier (8);
    synchronous=FULL (2 acknowledged commits lost).
    """
    scenario = base.scenario(name)
    project = base.copy("trace")
    calls, status = trace(scenario.words, project, calls=[*CHANGING, "openat"])
    assert status == 0
    shutil.rmtree(project)
    shutil.copytree(base.project, project, symlinks=True)
    disk = Disk(project)
    seed = random.randrange(1 << 30) if NIGHTLY else 20
    rng = random.Random(seed)
    verdicts: dict[tuple[bytes, bool], str | None] = {}
    states, acknowledged, broken = 0, False, []
    for number, call in enumerate(calls):
        acknowledged = acknowledged or _replies(call)
        if not disk.apply(call) and not _replies(call):
            continue
        for label, state in disk.states(rng):
            states += 1
            key = (_name(state), acknowledged)
            if key not in verdicts:
                materialise(state, base.root / "cut")
                verdicts[key] = judge(base.root / "cut", scenario, acknowledged=acknowledged)
                shutil.rmtree(base.root / "cut")
            if verdicts[key] is not None:
                broken.append((number, call.name, label, verdicts[key]))
    lost = sum("lost:" in str(item[3]) for item in broken)
    print(
        f"R2 {name}: seed {seed}, {states} states, {len(verdicts)} of them different, "
        f"{len(broken) - lost} inconsistent, {lost} acknowledged lost"
    )
    assert acknowledged, "the trace has no reply to the caller: this test would see no lost commit"
    assert states > 100
    assert not broken, (seed, broken[:5])
