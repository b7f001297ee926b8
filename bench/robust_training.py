"""Training in spite of wrong labels: test accuracy after the last epoch, by method, noise and data set.

    PEDIGREE_SHARED_DATA=... python bench/robust_training.py [--images 2000] [--epochs 20] [--seeds 3] [--keep FOLDER]

MNIST and Fashion-MNIST, 20 and 40 % of the training labels wrong: `pair`, where each class is taken for the next one, and
`symmetric`, for any other. A net of one hidden layer of 256, Adam 2e-3, batches of 64, on one thread; 5,000 test images. Every
method runs with one setting for all, and is given no clean label. Noise rates come from the confident joint of `labels.analyse`
on cross-validated probabilities (3 folds, 6 epochs), as do the issues, scores and noise matrices of the retraining.

- plain: cross-entropy on all labels; oracle: cross-entropy on the right labels only, which nobody has.
- time: CPU time against plain, the median over everything, with what it needs besides (the cross-validation).

Exits with 1 where a method that its paper says helps is below plain in the mean over seeds. `--keep` holds finished
cells, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from pedigree import labels, training

KINDS = [(kind, rate) for kind in ("pair", "symmetric") for rate in (0.2, 0.4)]
SETS = ("mnist", "fashion-mnist")
CLASSES = 10
#: What its paper claims for the noise of both kinds.
CLAIMED = ("co-teaching", "incv", "mentor", "early learning", "pruned", "pruned, weighted")
FOLDS, FOLD_EPOCHS = 3, 6


def net() -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, CLASSES)
    )


def images(name: str, count: int) -> tuple[Any, ...]:
    path = Path(os.environ["PEDIGREE_SHARED_DATA"]) / name / f"{name.replace('-', '_')}.npz"
    with np.load(path, allow_pickle=False) as found:  # noqa: TID251  (arrays only: a pickle in it is refused)
        pixels = [
            (found[f"x_{part}"][:size] / np.float32(255)).astype(np.float32)
            for part, size in (("train", count), ("test", 5000))
        ]
        truth = [found[f"y_{part}"][:size].astype(np.int64) for part, size in (("train", count), ("test", 5000))]
    return pixels[0], truth[0], pixels[1], truth[1]


def noisy(truth: Any, kind: str, rate: float, seed: int) -> Any:
    draw = training.rng(seed, "noise", kind)
    wrong = draw.random(len(truth)) < rate
    step = 1 if kind == "pair" else draw.integers(1, CLASSES, len(truth))
    return np.where(wrong, (truth + step) % CLASSES, truth)


def out_of_sample(pixels: Any, given: Any, recipe: training.Recipe) -> Any:
    """Probabilities of nets that did not see the row, by folds drawn from the seed."""
    fold = training.rng(recipe.seed, "folds").permutation(len(given)) % FOLDS
    found = np.empty((len(given), CLASSES))
    for number in range(FOLDS):
        own = training.Recipe(
            seed=training.derive(recipe.seed, "fold", number),
            epochs=FOLD_EPOCHS,
            batch_size=64,
            optimizer=recipe.optimizer,
        )
        inside = fold != number
        found[~inside] = training.fit_plain(net, pixels[inside], given[inside], own).predict(pixels[~inside])
    return found


def cell(name: str, kind: str, rate: float, seed: int, count: int, epochs: int) -> dict[str, Any]:
    """Last-epoch accuracy and CPU seconds of every method on one data set with one noise and seed."""
    pixels, truth, test_pixels, test_truth = images(name, count)
    given = noisy(truth, kind, rate, seed)
    recipe = training.Recipe(
        seed=seed, epochs=epochs, batch_size=64, optimizer=lambda parameters: torch.optim.Adam(parameters, lr=2e-3)
    )
    start = time.process_time()
    chances = out_of_sample(pixels, given, recipe)
    found = labels.analyse(given, chances)
    looked = time.process_time() - start
    tau, issues = found.errors / len(given), found.issues()
    more: dict[str, Any] = {"test": (test_pixels, test_truth), "truth": truth}
    wrong = given != truth

    def train(fit: Callable[..., training.Fitted], *arguments: Any, **options: Any) -> training.Fitted:
        return fit(net, pixels, given, recipe, *arguments, **options, **more)

    ways: dict[str, tuple[float, Callable[[], training.Fitted]]] = {
        "plain": (0.0, lambda: train(training.fit_plain)),
        "co-teaching": (looked, lambda: train(training.fit_coteaching, tau=tau, ramp=5)),
        "incv": (0.0, lambda: train(training.fit_incv, rounds=2, selection_epochs=FOLD_EPOCHS, noise=kind, ramp=5)),
        "mentor": (looked, lambda: train(training.fit_mentor, percentile=1 - tau)),
        "early learning": (0.0, lambda: train(training.fit_early_learning)),
        "pruned": (looked, lambda: train(training.fit_pruned, issues)),
        "pruned, weighted": (looked, lambda: train(training.fit_pruned, issues, noise=found.noise.noise)),
        "relabelled": (looked, lambda: train(training.fit_relabelled, issues, chances.argmax(axis=1))),
        "rank weights": (
            looked,
            lambda: train(
                training.fit_plain, weights=training.rank_weights(found.scores(), min(found.errors, count // 2))
            ),
        ),
        "importance": (
            looked,
            lambda: train(training.fit_plain, weights=training.importance_weights(given, chances, found.noise.noise)),
        ),
        "oracle": (0.0, lambda: train(training.fit_pruned, wrong)),
    }
    row: dict[str, Any] = {
        "set": name,
        "kind": kind,
        "rate": rate,
        "seed": seed,
        "tau": tau,
        "really": float(wrong.mean()),
    }
    for way, (before, run) in ways.items():
        start = time.process_time()
        result = run()
        row[way] = {
            "accuracy": result.history.test_accuracy,
            "best": max(
                statistics.fmean(one.test_accuracy or 0.0 for one in result.history.epochs if one.epoch == epoch)
                for epoch in range(epochs)
            ),
            "right": result.history.last[0].kept_right,
            "cpu": before + time.process_time() - start,
        }
        if way == "incv":
            selection = result.parts["selection"]
            row["incv noise"] = selection.noise_rate
            row["incv selected"] = [float(selection.selected.mean()), float(wrong[selection.selected].mean())]
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description="Training in spite of wrong labels, every method.")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if "PEDIGREE_SHARED_DATA" not in os.environ:
        print("skipped: PEDIGREE_SHARED_DATA is not set")
        return 0
    torch.set_num_threads(1)
    warm = training.Recipe(seed=0, epochs=1)
    training.fit_plain(net, np.zeros((64, 784), np.float32), np.arange(64) % CLASSES, warm)  # imports
    rows = []
    for seed in range(options.seeds):
        for kind, rate in KINDS:
            for name in SETS:
                make = functools.partial(cell, name, kind, rate, seed, options.images, options.epochs)
                rows.append(_kept(options.keep, f"{name}-{kind}-{rate}-{seed}", make))
                print(f"{name} {kind} {rate} seed {seed}", file=sys.stderr, flush=True)
    return report(rows, options)


def _kept(folder: Path | None, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if folder is None:
        return make()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(make()))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def report(rows: list[dict[str, Any]], options: argparse.Namespace) -> int:
    ways = [way for way, value in rows[0].items() if isinstance(value, dict)]
    print(
        f"{options.images} images, {options.epochs} epochs, {options.seeds} seeds; test accuracy in %, mean and standard deviation\n"
    )
    heads = [f"{name} {kind} {rate:.0%}" for name in ("M", "F") for kind, rate in KINDS]
    print(f"| method | {' | '.join(heads)} | mean | time |\n|---|{'---|' * (len(heads) + 2)}")
    missed = []
    means: dict[str, list[float]] = {}
    for way in ways:
        texts, means[way] = [], []
        for name in SETS:
            for kind, rate in KINDS:
                values = [
                    100 * row[way]["accuracy"]
                    for row in rows
                    if (row["set"], row["kind"], row["rate"]) == (name, kind, rate)
                ]
                means[way].append(statistics.fmean(values))
                texts.append(f"{means[way][-1]:.1f} ± {statistics.stdev(values) if len(values) > 1 else 0.0:.1f}")
        ratio = statistics.median(row[way]["cpu"] / row["plain"]["cpu"] for row in rows)
        print(f"| {way} | {' | '.join(texts)} | {statistics.fmean(means[way]):.1f} | {ratio:.1f} |")
        missed += [
            f"{way} in {head}"
            for head, own, plain in zip(heads, means[way], means["plain"], strict=True)
            if way in CLAIMED and own < plain
        ]
    print(
        "\n| noise | really wrong | by the joint | by INCV | INCV selects | of it wrong | co-teaching trains on right |\n|---|---|---|---|---|---|---|"
    )
    for name in SETS:
        for kind, rate in KINDS:
            own = [row for row in rows if (row["set"], row["kind"], row["rate"]) == (name, kind, rate)]
            columns = [
                statistics.fmean(row["really"] for row in own),
                statistics.fmean(row["tau"] for row in own),
                statistics.fmean(row["incv noise"] for row in own),
                statistics.fmean(row["incv selected"][0] for row in own),
                statistics.fmean(row["incv selected"][1] for row in own),
                statistics.fmean(row["co-teaching"]["right"] for row in own),
            ]
            print(f"| {name} {kind} {rate:.0%} | {' | '.join(f'{100 * value:.1f}' for value in columns)} |")
    print(f"\nbelow plain where its paper says above: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
