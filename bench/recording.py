"""What recording costs: the same training of a small conv net without it, with it, and with the mean probabilities kept too.

    python bench/recording.py [--rounds 9] [--samples 4096] [--threads 1]

28 x 28 images, two convolutions, batches of 128, SGD; in a loop, and under Lightning's Trainer. The ways take turns within each round, and the
median over rounds of the round's own ratio of CPU time is compared: a busy machine is busy for all. Prints a table in Markdown for RESULTS.md;
exits with 1 when the bar is missed.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from pedigree.training import LightningRecorder, Recorder

BAR = 0.05
WAYS = ("none", "recorded", "with probabilities")


def network() -> nn.Module:
    """Two convolutions and a hidden layer: what the MNIST examples of several libraries train."""
    down: list[nn.Module] = [
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*down, nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10))


def recorder(way: str, samples: int) -> Recorder | None:
    return None if way == "none" else Recorder(samples, 10, probabilities=way == "with probabilities")


def loop(way: str, data: TensorDataset, folder: str) -> float:
    """CPU seconds of one epoch, saving included."""
    torch.manual_seed(1)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    began = time.process_time()
    made = recorder(way, len(data))
    for images, labels, indices in DataLoader(data, 128, shuffle=True):
        optimizer.zero_grad()
        logits = model(images)
        nn.functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
        if made is not None:
            made.record(indices, logits, labels, epoch=0)
    if made is not None:
        made.save(folder)
    return time.process_time() - began


def fit(way: str, data: TensorDataset, folder: str) -> float:
    """The same under Lightning, with the callback."""
    import lightning.pytorch as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def training_step(self, batch: Any, index: int) -> Any:  # noqa: ARG002  # Lightning's signature
            images, labels, indices = batch
            logits = self.net(images)
            loss = nn.functional.cross_entropy(logits, labels)
            return {"loss": loss, "logits": logits, "labels": labels, "indices": indices}

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)

    torch.manual_seed(1)
    recording = LightningRecorder(folder, len(data), 10, probabilities=way == "with probabilities")
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[] if way == "none" else [recording],
    )
    module, loader = Module(), DataLoader(data, 128, shuffle=True)
    began = time.process_time()
    trainer.fit(module, loader)
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    made = torch.Generator().manual_seed(0)
    n = options.samples
    data = TensorDataset(
        torch.rand(n, 1, 28, 28, generator=made), torch.randint(0, 10, (n,), generator=made), torch.arange(n)
    )

    missed = False
    print("| training | recording | CPU s an epoch | more CPU | bar |\n|---|---|---|---|---|")
    trainings: dict[str, Callable[[str, TensorDataset, str], float]] = {"loop": loop, "Lightning": fit}
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:
        for name, training in trainings.items():
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            for number in range(options.rounds + 1):
                for way in WAYS:
                    took = training(way, data, folder)
                    if number:  # the first round warms caches
                        times[way].append(took)
            for way in WAYS:
                more = statistics.median(a / b for a, b in zip(times[way], times["none"], strict=True)) - 1
                told = "| |" if way == "none" else f"{more:+.1%} | <= {BAR:.0%}: {'met' if more <= BAR else 'MISSED'} |"
                missed |= more > BAR
                print(f"| {name} | {way} | {statistics.median(times[way]):.2f} | {told}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
