"""How well one recorded training finds wrong labels, against five cross-validated ones.

    python bench/dynamics.py [--data MNIST] [--samples 2000] [--seeds 3] [--epochs 20] [--threads 1]

Subsets of MNIST and Fashion-MNIST with 10, 20 and 40 % of labels turned, each class at a rate of its own (half to one and a half of the mean), 70 % of
them into one other class and 30 % into a second. A small conv net, Adam, batches of 64. Average precision of the ranking (wrong labels first),
mean over seeds: the ranks of one training, recorded over `epochs` and at half of them, the ranks of its mean probabilities, and those of
probabilities cross-validated in five folds with half the epochs. Then F1 of sets of issues, CPU seconds, and what each set
flags of labels that are all right. Needs data that are no part of the project: PEDIGREE_SHARED_DATA names the folder.
Prints tables in Markdown for RESULTS.md; exits with 1 where the mean of the default rank is below that of cross-validation.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pedigree import labels
from pedigree.labels.dynamics.signals import RANKS
from pedigree.training import Recorder, cross_validated
from pedigree.training.sampling import order

FILES = {"MNIST": "mnist/mnist.npz", "Fashion-MNIST": "fashion-mnist/fashion_mnist.npz"}
RATES = (0.1, 0.2, 0.4)
ANALYSIS = ("blend", "threshold_margin", "self_confidence")
Numbers = dict[str, float]


def noisy(true: NDArray[np.int64], rate: float, rng: np.random.Generator) -> NDArray[np.int64]:
    rates = rate * rng.uniform(0.5, 1.5, 10)
    others = np.array([rng.permutation([other for other in range(10) if other != label])[:2] for label in range(10)])
    turned = rng.random(len(true)) < rates[true]
    into = np.where(rng.random(len(true)) < 0.7, others[true, 0], others[true, 1])
    return np.where(turned, into, true)


def network() -> nn.Module:
    down: list[nn.Module] = [nn.Conv2d(1, 8, 5, 2, 2), nn.ReLU(), nn.Conv2d(8, 16, 5, 2, 2), nn.ReLU()]
    return nn.Sequential(*down, nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def fit(
    module: nn.Module,
    X: Any,  # noqa: N803  # as cross_validated hands it over
    y: NDArray[np.int64],
    *,
    seed: int,
    epochs: int,
    told: Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], None] | None = None,
) -> None:
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    targets = torch.as_tensor(y)
    for epoch in range(epochs):
        numbers = order(len(targets), seed, epoch)
        for at in map(torch.from_numpy, np.array_split(numbers, -(-len(numbers) // 64))):
            optimizer.zero_grad()
            logits = module(X[at])
            nn.functional.cross_entropy(logits, targets[at]).backward()  # type: ignore[no-untyped-call]  # torch's
            optimizer.step()
            if told:
                told(epoch, at, logits, targets[at])


def recorded(X: torch.Tensor, y: NDArray[np.int64], seed: int, epochs: int) -> dict[int, labels.Signals]:  # noqa: N803
    """The signals after half of the epochs, and after all."""
    recorder = Recorder(len(y), 10, probabilities=True, early_epochs=5)
    found: dict[int, labels.Signals] = {}
    with tempfile.TemporaryDirectory(prefix="pedigree-bench-") as folder:

        def told(epoch: int, at: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor) -> None:
            if epoch == epochs // 2 and not found:
                found[epoch] = labels.read_signals(recorder.save(os.path.join(folder, "half")))
            recorder.record(at, logits, targets, epoch=epoch)

        torch.manual_seed(seed)
        fit(network(), X, y, seed=seed, epochs=epochs, told=told)
        found[epochs] = labels.read_signals(recorder.save(folder))
    return found


def precision(wrong: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Average precision of the order by score, the lowest first, ties by index."""
    hits = wrong[np.argsort(scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def f1(wrong: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    return float(2 * (wrong & found).sum() / (wrong.sum() + found.sum()))


def one(name: str, rate: float, seed: int, options: argparse.Namespace) -> tuple[Numbers, Numbers]:
    """Average precision and F1 by name of the way; with rate 0 the share that is flagged in place of F1."""
    with np.load(os.path.join(os.environ["PEDIGREE_SHARED_DATA"], FILES[name])) as file:  # noqa: TID251  # data of this workbench, and no pickle in it
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.permutation(len(file["y_train"]))[: options.samples])
        X = torch.from_numpy(file["x_train"][rows]).float().unsqueeze(1) / 255  # noqa: N806
        true = file["y_train"][rows].astype(np.int64)
    given = noisy(true, rate, rng)
    wrong = given != true
    ranks: Numbers = {}
    sets: Numbers = {}
    began = time.process_time()
    for epochs, signals in recorded(X, given, seed, options.epochs).items():
        analysis = signals.analyse()
        scores = {by: signals.scores(by) for by in RANKS} | {
            f"mean probabilities, {by}": analysis.scores(by) for by in ANALYSIS
        }
        flags = {"AUM below 0": signals.issues(), "mean probabilities, union": analysis.issues()}
        for way, values in scores.items():
            ranks[f"{way} | {epochs}"] = precision(wrong, values) if rate else 0.0
        for way, flagged in flags.items():
            sets[f"{way} | {epochs}"] = f1(wrong, flagged) if rate else float(flagged.mean())
    took = time.process_time() - began
    began = time.process_time()
    half = options.epochs // 2
    found = cross_validated(network, X, given, seed=seed, fit=partial(fit, epochs=half), progress=False)
    analysis = labels.analyse(given, found)
    for by in ANALYSIS:
        ranks[f"5 folds, {by} | {half}"] = precision(wrong, analysis.scores(by)) if rate else 0.0
    sets[f"5 folds, union | {half}"] = f1(wrong, analysis.issues()) if rate else float(analysis.issues().mean())
    sets["CPU s, one training"], sets["CPU s, 5 folds"] = took, time.process_time() - began
    return ranks, sets


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", choices=FILES, help="one of the two; both unless it is said")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = [name for name in FILES if options.data in (None, name)]
    cells = [(name, rate) for name in data for rate in RATES]
    ranks: dict[str, dict[tuple[str, float], list[float]]] = defaultdict(lambda: defaultdict(list))
    sets: dict[str, dict[tuple[str, float], list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in [*cells, *((name, 0.0) for name in data)]:
        for seed in range(options.seeds if cell[1] else 1):
            for table, numbers in zip((ranks, sets), one(*cell, seed, options), strict=True):
                for way, value in numbers.items():
                    table[way][cell].append(value)
            print(f"{cell} seed {seed} done", file=sys.stderr, flush=True)
    head = " | ".join(f"{name} {rate:.0%}" for name, rate in cells)
    print(f"| average precision | epochs | {head} | mean |\n|---|---|{'---|' * (len(cells) + 1)}")
    means = {}
    for way, found in ranks.items():
        values = [float(np.mean(found[cell])) for cell in cells]
        means[way] = float(np.mean(values))
        print(f"| {way} | {' | '.join(f'{value:.3f}' for value in values)} | {means[way]:.3f} |")
    print(f"\n| F1 | epochs | {head} | mean | flagged of right labels |\n|---|---|{'---|' * (len(cells) + 2)}")
    for way, found in sets.items():
        values = [float(np.mean(found[cell])) for cell in cells]
        if not way.startswith("CPU"):
            clean = " and ".join(f"{found[name, 0.0][0]:.1%}" for name in data)
            print(f"| {way} | {' | '.join(f'{value:.3f}' for value in values)} | {np.mean(values):.3f} | {clean} |")
    seconds = [
        float(np.mean([value for cell in cells for value in sets[way][cell]]))
        for way in ("CPU s, one training", "CPU s, 5 folds")
    ]
    print(
        f"\nCPU seconds: one training of {options.epochs} epochs {seconds[0]:.1f}, five folds of {options.epochs // 2} {seconds[1]:.1f}."
    )
    best = max(means[f"5 folds, {by} | {options.epochs // 2}"] for by in ANALYSIS)
    met = means[f"aum | {options.epochs}"] >= best
    print(f"AUM after {options.epochs} epochs at least the best rank of five folds: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
