"""The folder: whole at every moment, thinned as asked, and any damage is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from blake3 import blake3

from pedigree.errors import (
    CheckpointNotFound,
    CorruptCheckpoint,
    DiskFull,
    InvalidInput,
    NewerFormat,
    UnsupportedState,
)
from pedigree.training import Checkpoints, durable, load_checkpoint, save_checkpoint
from pedigree.training.checkpoint import folder as folders


def model() -> torch.nn.Linear:
    return torch.nn.Linear(3, 2)


@pytest.mark.parametrize("name", ["state.json", "tensors.safetensors", "digests"])
@pytest.mark.parametrize("damage", ["cut", "edit", "remove"])
def test_a_file_cut_short_edited_or_gone_is_found(name: str, damage: str, tmp_path: Path) -> None:
    """At any byte; the message names the file and another checkpoint. Break: check the digest of one file only; leave out verify."""
    part = model()
    save_checkpoint(tmp_path, 1, {"model": part})
    path = Path(save_checkpoint(tmp_path, 2, {"model": part})) / name
    whole = path.read_bytes()
    for place in [0, len(whole) // 2, len(whole) - 1]:
        if damage == "cut":
            path.write_bytes(whole[:place])
        elif damage == "edit":
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        else:
            path.unlink(missing_ok=True)
        before = part.weight.clone()
        with pytest.raises(CorruptCheckpoint, match=r"is damaged") as caught:
            load_checkpoint(tmp_path, {"model": part})
        assert torch.equal(part.weight, before)
        assert "load(step=...) reads another: 1." in (caught.value.remedy or "")
    assert load_checkpoint(tmp_path, {"model": part}, step=1).step == 1


def test_the_digests_are_those_that_b3sum_checks(tmp_path: Path) -> None:
    """Break: write another order of digest and name."""
    path = Path(save_checkpoint(tmp_path, 1, {"model": model()}))
    rows = [line.split("  ") for line in (path / "digests").read_text().splitlines()]
    assert [name for _, name in rows] == ["state.json", "tensors.safetensors"]
    assert all(blake3((path / name).read_bytes()).hexdigest() == digest for digest, name in rows)


def test_another_version_is_told(tmp_path: Path) -> None:
    """Whole, and written by a later Pedigree. Break: read what can be read of it."""
    path = Path(save_checkpoint(tmp_path, 1, {}))
    state = json.loads((path / "state.json").read_text())
    for change, kind, message in [
        ({"version": 2}, NewerFormat, "has format version 2; this Pedigree reads version 1"),
        ({"format": "other"}, CorruptCheckpoint, "does not say that it is a checkpoint of Pedigree"),
    ]:
        (path / "state.json").write_text(json.dumps(state | change))
        names = ("state.json", "tensors.safetensors")
        (path / "digests").write_text("".join(f"{blake3((path / n).read_bytes()).hexdigest()}  {n}\n" for n in names))
        with pytest.raises(kind, match=message):
            load_checkpoint(tmp_path, {})


KILLED = """
import os, signal, sys
calls = int(sys.argv[2])
def watch(event, args):
    # Every call on a file in the folder, in the order they are made; the process dies before the call that is asked for.
    global calls
    if event in ("open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree") and str(args[0]).startswith(sys.argv[1]):
        calls -= 1
        if calls < 0:
            os.kill(os.getpid(), signal.SIGKILL)
import torch
from pedigree.training import Checkpoints
part = torch.nn.Linear(3, 2)
with Checkpoints(sys.argv[1], {"model": part}, keep_last=1, background=False) as checkpoints:
    checkpoints.load()
    sys.addaudithook(watch)
    with torch.no_grad():
        part.weight.fill_(2)
    checkpoints.save(2)
    part.weight.data.fill_(3)
    checkpoints.save(2)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_before_every_call_there_is_a_whole_checkpoint(tmp_path: Path) -> None:
    """A process that saves twice and keeps one is killed before each call that it makes on the folder; what is left always loads.

    Break: write under the final name; remove the old one first; remove a folder under its own name.
    """
    start = tmp_path / "start"
    part = model()
    part.weight.data.fill_(1)
    save_checkpoint(start, 1, {"model": part})
    seen = set()
    for calls in range(60):
        folder = tmp_path / f"killed{calls}"
        shutil.copytree(start, folder)
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(calls)], capture_output=True, text=True)
        for entry in folders.entries(str(folder)):
            folders.verify(entry.path)
        at = load_checkpoint(folder, {"model": part})
        value = part.weight[0, 0].item()
        assert (at.step == 1) == (value == 1)
        seen.add(value)
        if not done.returncode:
            break
        assert done.returncode == -9, done.stderr
        with Checkpoints(folder, {"model": part}, keep_last=1) as checkpoints:
            checkpoints.save(9)
        assert sorted(os.listdir(folder)) == [".lock", "step-000000000009"]
    assert calls > 10
    assert seen == {1.0, 2.0, 3.0}


def test_the_last_and_the_best_stay(tmp_path: Path) -> None:
    """Of equal scores the earlier; NaN and None are never best; also for a process that begins again. Break: sort by step first; count NaN."""
    scores = [5.0, 1.0, float("nan"), 1.0, None, 3.0, 4.0]
    for step, score in enumerate(scores):
        with Checkpoints(tmp_path, {}, keep_last=2, keep_best=2) as checkpoints:
            checkpoints.save(step, score=score)
    assert checkpoints.steps == [1, 3, 5, 6]
    at = checkpoints.load("best")
    assert at is not None
    assert (at.step, at.score) == (1, 1.0)
    with Checkpoints(tmp_path / "max", {}, keep_last=1, keep_best=1, best="max") as most:
        for step, score in enumerate(scores):
            most.save(step, score=score)
    assert most.steps == [0, 6]


def test_best_without_scores_is_told(tmp_path: Path) -> None:
    """Break: take the last."""
    with Checkpoints(tmp_path, {}) as checkpoints:
        checkpoints.save(1)
        with pytest.raises(CheckpointNotFound, match="with a score"):
            checkpoints.load("best")


def test_a_step_saved_again_replaces_the_first_only_when_it_is_whole(tmp_path: Path) -> None:
    """Break: remove the first to make room; load the first."""
    part = model()
    with Checkpoints(tmp_path, {"model": part}, keep_last=None) as checkpoints:
        checkpoints.save(4, user="first")
        checkpoints.save(4, user="second")
        checkpoints.save(3)
        at = checkpoints.load()
    assert at is not None
    assert at.user == "second"
    assert sorted(os.listdir(tmp_path)) == [".lock", "step-000000000003", "step-000000000004.1"]
    checkpoints.rewind(3)
    assert checkpoints.steps == [3]


@pytest.mark.slow
def test_only_one_process_saves_to_a_folder(tmp_path: Path) -> None:
    """Break: leave the lock out."""
    with Checkpoints(tmp_path, {}) as checkpoints:
        checkpoints.save(1)
        code = "import sys; from pedigree.training import Checkpoints; Checkpoints(sys.argv[1], {}).save(2)"
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert f"Another process saves checkpoints to {tmp_path}" in done.stderr
    assert done.returncode == 1
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == 0
    assert checkpoints.steps == [1, 2]


def test_what_is_saved_is_the_moment_of_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights change while the disk is slow. Break: copy in the background; let the next save use the memory before the last is written."""
    part = model()
    slow = threading.Event()
    write = durable.write

    def waits(path: str, chunks: Any) -> str:
        slow.wait(10)
        return write(path, chunks)

    monkeypatch.setattr(durable, "write", waits)
    metrics = [1.0]
    with Checkpoints(tmp_path, {"model": part}, keep_last=None) as checkpoints:
        part.weight.data.fill_(1)
        checkpoints.save(1, metrics=metrics)
        part.weight.data.fill_(2)
        metrics.append(2.0)
        slow.set()
        checkpoints.save(2, metrics=metrics)
        part.weight.data.fill_(3)
    for step in (1, 2):
        at = load_checkpoint(tmp_path, {"model": part}, step=step)
        assert at.metrics == [1.0, 2.0][:step]
        assert bool((part.weight == step).all())


def test_a_full_disk_is_told_and_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on the size of files stands for the full disk: the call really fails. Break: forget what the thread met."""
    import resource
    import signal

    part = torch.nn.Linear(1000, 100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    checkpoints = Checkpoints(tmp_path, {"model": part})
    checkpoints.save(1)
    checkpoints.wait()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        checkpoints.save(2)
        with pytest.raises(DiskFull, match="The checkpoint of step 2 could not be written"):
            checkpoints.wait()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    checkpoints.save(3)
    checkpoints.close()
    assert checkpoints.steps == [1, 3]
    assert sorted(os.listdir(tmp_path)) == [".lock", "step-000000000001", "step-000000000003"]


def test_a_state_that_cannot_be_saved_leaves_the_checkpoints_usable(tmp_path: Path) -> None:
    """Break: keep the tensors of a failed save for the next one."""
    with Checkpoints(tmp_path, {}) as checkpoints:
        with pytest.raises(UnsupportedState):
            checkpoints.save(1, user=[torch.ones(2), {3}])
        checkpoints.save(2, user=[torch.zeros(2)])
        at = checkpoints.load()
    assert at is not None
    assert at.user[0].tolist() == [0, 0]
    assert (Path(at.path) / "tensors.safetensors").stat().st_size < 20_000


@pytest.mark.parametrize(
    ("options", "message"), [({"keep_last": 0}, "keep_last is 0"), ({"best": "low"}, "best is 'low'")]
)
def test_bad_options_are_told(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Break: let keep_last=0 remove what was just saved."""
    with pytest.raises(InvalidInput, match=message):
        Checkpoints(tmp_path, {}, **options)
    with pytest.raises(InvalidInput, match="The step is -1"):
        Checkpoints(tmp_path, {}).save(-1)
