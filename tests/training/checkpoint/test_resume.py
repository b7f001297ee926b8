"""Resuming equals never having been interrupted: same bytes, for every optimiser and scheduler, at every place in an epoch."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from pedigree.training import Checkpoints
from tests.training.checkpoint.trainings import Training

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "Adam with a tensor for its rate": lambda p: torch.optim.Adam(p, lr=torch.tensor(0.01)),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adadelta": torch.optim.Adadelta,
    "Adafactor": torch.optim.Adafactor,
    "Rprop": torch.optim.Rprop,
    "ASGD": lambda p: torch.optim.ASGD(p, lr=0.05),
    "NAdam": torch.optim.NAdam,
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=3, history_size=4),
    "groups": lambda p: torch.optim.SGD(
        [{"params": p[:2], "lr": 0.1}, {"params": p[2:], "weight_decay": 0.1}], lr=0.05
    ),
}
SCHEDULERS: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 6, 9], 0.5),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=20),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, total_iters=4), lr_scheduler.CosineAnnealingWarmRestarts(o, 3)], [4]
    ),
}
CASES = [(name, "StepLR") for name in OPTIMIZERS] + [("SGD", name) for name in SCHEDULERS if name != "StepLR"]


def straight(make: Callable[[], Training], steps: int) -> str:
    training = make()
    for _ in range(steps):
        training.advance()
    return training.fingerprint()


def resumed(make: Callable[[], Training], steps: int, stop: int, folder: Path) -> str:
    first = make()
    with Checkpoints(folder, first.parts) as checkpoints:
        for _ in range(stop):
            first.advance()
        checkpoints.save(first.step, metrics=first.metrics)
        first.advance()  # while the checkpoint is being written; none of it may be in there
    second = make()
    for _ in range(3):
        second.advance()  # a training that has been elsewhere: every state must be put back, none may be as it was new
    with Checkpoints(folder, second.parts) as checkpoints:
        at = checkpoints.load()
        assert at is not None
        second.step, second.metrics = at.step, at.metrics
        assert not at.notes
    while second.step < steps:
        second.advance()
    return second.fingerprint()


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
@pytest.mark.parametrize(("optimizer", "scheduler"), CASES)
def test_a_resumed_training_ends_with_the_same_bytes(optimizer: str, scheduler: str, tmp_path: Path) -> None:
    """Break: leave out any of optimiser, scheduler, scaler, sampler, the generators, the random states of the process, or hidden buffers."""

    def make() -> Training:
        return Training(OPTIMIZERS[optimizer], SCHEDULERS[scheduler])

    wanted = straight(make, 12)
    for stop in (0, 1, 7):
        assert resumed(make, 12, stop, tmp_path / str(stop)) == wanted


def test_moments_keep_their_own_precision(tmp_path: Path) -> None:
    """An optimiser whose moments are finer than its weights resumes exactly. Break: leave the types that torch gives them."""

    class Fine(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["sum"] = state.get("sum", torch.zeros_like(p, dtype=torch.float64)) * 0.9 + p.grad.double()
                    p.data -= (group["lr"] * state["sum"]).to(p.dtype)

    def make() -> Training:
        return Training(lambda p: Fine(p, lr=0.01), SCHEDULERS["StepLR"], dtype=torch.bfloat16)

    assert resumed(make, 9, 4, tmp_path) == straight(make, 9)


def test_gradients_are_kept_when_asked(tmp_path: Path) -> None:
    """In the middle of an accumulation the sum so far is state. Break: do not put the gradients back."""
    model = torch.nn.Linear(2, 2)
    model(torch.ones(1, 2)).sum().backward()
    model.bias.grad = None
    assert model.weight.grad is not None
    kept = model.weight.grad.clone()
    with Checkpoints(tmp_path, {"model": model}, gradients=True) as checkpoints:
        checkpoints.save(1)
        model(torch.ones(3, 2)).sum().backward()
        checkpoints.load()
    assert torch.equal(model.weight.grad, kept)
    assert model.bias.grad is None


SCRIPT = """
import sys, json
import torch
torch.set_num_threads(1)
from pedigree.training import Checkpoints
from tests.training.checkpoint.test_resume import OPTIMIZERS, SCHEDULERS
from tests.training.checkpoint.trainings import Training

folder, steps, every = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
training = Training(OPTIMIZERS["Adam"], SCHEDULERS["OneCycleLR"] if steps <= 20 else SCHEDULERS["StepLR"])
with Checkpoints(folder, training.parts, keep_last=2) as checkpoints:
    at = checkpoints.load()
    if at:
        training.step, training.metrics = at.step, at.metrics
    print("at", training.step, flush=True)
    while training.step < steps:
        training.advance()
        if training.step % every == 0:
            checkpoints.save(training.step, metrics=training.metrics)
        print("step", training.step, flush=True)
print("end", training.fingerprint(), json.dumps(training.metrics), flush=True)
"""


def run(folder: Path, steps: int, every: int, kill_at: int | None, delay: Callable[[], None]) -> tuple[int, str]:
    """Run the script in a process of its own, and kill it once it has told that step. Gives where it began and its last line."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(folder), str(steps), str(every)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        assert process.stdout is not None
        began = int(process.stdout.readline().split()[1])
        line = ""
        for line in process.stdout:
            if kill_at is not None and line.split()[0] == "step" and int(line.split()[1]) >= kill_at:
                delay()
                process.send_signal(signal.SIGKILL)
                process.wait()
                break
    assert process.returncode == (0 if kill_at is None else -signal.SIGKILL)
    return began, line


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_ten_times_at_random_steps_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """A real process, a real SIGKILL, at ten random steps of one training, also in the middle of saving.

    Break: leave the random states of the process out; write under the final name; forget the sampler.
    """
    import time

    seed = int(os.environ.get("PEDIGREE_SEED", "5"))
    print("seed", seed)
    rng = random.Random(seed)
    steps, every = 600, 3
    _, wanted = run(tmp_path / "whole", steps, every, None, lambda: None)
    assert wanted.startswith("end ")
    folder, began, where = tmp_path / "killed", 0, 0
    for kill in range(10):
        where = rng.randint(began + 1, began + max(2, (steps - 20 - began) // (10 - kill)))
        began, _ = run(folder, steps, every, where, lambda: time.sleep(rng.uniform(0, 0.01)))
        now = Checkpoints(folder, {}).steps
        assert now, "a killed training leaves a whole checkpoint"
        began = now[-1]
    began, last = run(folder, steps, every, None, lambda: None)
    assert began > 0
    assert last == wanted
    left = sorted(name for name in os.listdir(folder) if name != ".lock")
    assert left == [f"step-{number:012d}" for number in (steps - every, steps)]
