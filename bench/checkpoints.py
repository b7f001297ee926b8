"""What exact-resume checkpoints cost: the same training with none, with one every epoch in the background, and with one that is waited for.

    python bench/checkpoints.py [--rounds 5] [--epochs 6] [--steps 30] [--threads 2]

A convolutional autoencoder on random 64 x 64 images with Adam; its checkpoint is weights and both moments. The three take turns within each round, and
the medians of CPU and wall time are compared: a busy machine is busy for all. The physical limit is bytes over what the same disk takes
from plain `write` and `fsync` of that many bytes in the same run. Prints a table in Markdown for RESULTS.md; exits with 1 when the bar is missed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pedigree.training import Checkpoints

BAR = 0.03


def network() -> nn.Module:
    """1.7 million weights: 20 MB with Adam's moments."""
    widths = [3, 32, 64, 128, 256]
    down: list[nn.Module] = []
    for one, other in itertools.pairwise(widths):
        down += [nn.Conv2d(one, other, 3, 2, 1), nn.BatchNorm2d(other), nn.ReLU()]
    up: list[nn.Module] = []
    for one, other in zip(widths[::-1], widths[-2::-1], strict=False):
        up += [nn.ConvTranspose2d(one, other, 4, 2, 1), nn.BatchNorm2d(other), nn.ReLU()]
    return nn.Sequential(*down, nn.Dropout(0.1), nn.Conv2d(256, 256, 3, 1, 1), *up[:-2])


def train(folder: Path | None, options: argparse.Namespace, background: bool) -> dict[str, float]:
    torch.manual_seed(1)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    data = torch.randn(options.steps * 16, 3, 64, 64)
    parts = {"model": model, "optimizer": optimizer}
    metrics: list[float] = []
    checkpoints = None if folder is None else Checkpoints(folder, parts, background=background)
    stopped = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    for epoch in range(options.epochs):
        for batch in data.split(16):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
            metrics.append(loss.item())
        if checkpoints is not None:
            began = time.perf_counter()
            checkpoints.save((epoch + 1) * options.steps, metrics=metrics)
            stopped += time.perf_counter() - began
    if checkpoints is not None:
        checkpoints.close()  # the last one counts to the end
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "stopped": stopped / options.epochs}


def disk(folder: Path, size: int) -> float:
    """Seconds to write and sync so many bytes."""
    data = os.urandom(size)
    began = time.perf_counter()
    fd = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    rows: dict[str, list[dict[str, float]]] = {"none": [], "background": [], "waited for": []}
    plain: list[float] = []
    size = 0
    for number in range(options.rounds + 1):
        for name, found in rows.items():
            folder = Path(tempfile.mkdtemp(prefix="pedigree-bench-", dir=Path.cwd()))
            try:
                result = train(None if name == "none" else folder / "c", options, name == "background")
                if name != "none":
                    last = max((folder / "c").glob("step-*"))
                    size = sum(file.stat().st_size for file in last.iterdir())
                    plain.append(disk(folder, size))
                if number:  # the first round warms caches
                    found.append(result)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def median(name: str, key: str) -> float:
        return statistics.median(row[key] for row in rows[name])

    def overhead(name: str, key: str) -> float:
        """The median over rounds of the round's own ratio: what slows a whole round cancels."""
        return statistics.median(a[key] / b[key] for a, b in zip(rows[name], rows["none"], strict=True)) - 1

    epoch = median("none", "wall") / options.epochs
    limit = statistics.median(plain)
    print(
        f"{options.threads} threads, {size / 1e6:.1f} MB a checkpoint, {epoch:.2f} s an epoch, one checkpoint an epoch\n"
    )
    print("| checkpoints | wall s | CPU s | more wall | more CPU | training stops for |\n|---|---|---|---|---|---|")
    for name in rows:
        told: tuple[Any, ...] = ("", "", "")
        if name != "none":
            told = (
                f"{overhead(name, 'wall'):+.1%}",
                f"{overhead(name, 'cpu'):+.1%}",
                f"{median(name, 'stopped') * 1e3:.1f} ms",
            )
        print(f"| {name} | {median(name, 'wall'):.2f} | {median(name, 'cpu'):.2f} | {' | '.join(told)} |")
    print(
        f"\nThe disk takes {size / limit / 1e6:.0f} MB/s of plain write and fsync: {limit * 1e3:.0f} ms a checkpoint, {limit / epoch:.1%} of an epoch, "
        "is what no checkpoint that is waited for can beat."
    )
    met = overhead("background", "wall") <= BAR
    print(f"Bar: at most {BAR:.0%} more wall time in the background: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
