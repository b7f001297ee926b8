"""What full determinism and checkpoints cost the pets training.

    python -m bench.pets_training [--rounds 7] [--pets 80] [--epochs 3] [--threads 2]

`fit` of examples/pets with the model and settings of conf/model.yaml, on random pairs of 128 x 128 pixels: with torch's
defaults, under full determinism as train.py sets it, and so with a checkpoint after each epoch as well. The three take turns within each
round; the ratios of the process's CPU time within a round are taken, and their medians. 80 pets are 10 steps an epoch, so
that checkpoints come often: a real data set has ten times as many steps to each. Bars: determinism at most 1.05 times, a
checkpoint each epoch at most 3 %. Exits with 1 when one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # OpenMP reads it when torch is imported

import torch

from pedigree import config, training

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples/pets"))
from fitting import deterministic, fit
from models import build_seeded
from pairs import Pairs
from settings import Train

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
BAR_DETERMINISM, BAR_CHECKPOINTS = 1.05, 0.03
SIZE = 128
WAYS = ("defaults", "full", "full with checkpoints")


def pairs(count: int, seed: int) -> Pairs:
    """Random pixels: what they show changes no time."""
    draw = training.torch_generator(seed, "pairs")
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=draw, dtype=torch.uint8)
    return Pairs([f"pet_{n}" for n in range(count)], images, torch.randint(0, 3, (count, SIZE, SIZE), generator=draw))


def measure(way: str, settings: Any, data: Pairs, watched: Pairs, threads: int) -> dict[str, float]:
    """Seconds of one training, CPU and wall."""
    model = build_seeded({"model": settings.model.model_dump()}, 1).to(memory_format=torch.channels_last)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if way != "defaults":
            stack.enter_context(deterministic(threads))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        cpu, wall = time.process_time(), time.perf_counter()
        fit(model, data, watched, settings.training, seed=1, checkpoints=folder if "checkpoints" in way else None)
        return {"CPU": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def main() -> int:
    parser = argparse.ArgumentParser(description="What determinism and checkpoints cost the pets training.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pets", type=int, default=80)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = config.freeze(config.compose(PETS / "conf", "model"), Train).as_model(Train, os.environ)
    steps = arguments.epochs * (arguments.pets // settings.training.batch)
    settings.training.__dict__.update(steps=steps, watch_every=steps)
    data, watched = pairs(arguments.pets, 1), pairs(4, 2)
    measure("full with checkpoints", settings, data, watched, arguments.threads)  # imports, memory, caches
    rounds = [
        {way: measure(way, settings, data, watched, arguments.threads) for way in WAYS} for _ in range(arguments.rounds)
    ]
    print(f"{steps} steps of {settings.training.batch}, {arguments.threads} threads, {arguments.rounds} rounds\n")
    print("| way | CPU s | wall s |\n|---|---|---|")
    for way in WAYS:
        cpu, wall = (statistics.median(one[way][clock] for one in rounds) for clock in ("CPU", "wall"))
        print(f"| {way} | {cpu:.2f} | {wall:.2f} |")
    determinism = statistics.median(one["full"]["CPU"] / one["defaults"]["CPU"] for one in rounds)
    kept = statistics.median(one["full with checkpoints"]["CPU"] / one["full"]["CPU"] - 1 for one in rounds)
    good = determinism <= BAR_DETERMINISM and kept <= BAR_CHECKPOINTS
    print(
        f"\nfull determinism {determinism:.3f} times (bar {BAR_DETERMINISM}), a checkpoint each epoch {kept:+.1%} "
        f"(bar {BAR_CHECKPOINTS:.0%}): {'met' if good else 'MISSED'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
