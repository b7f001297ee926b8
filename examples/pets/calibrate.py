"""calibrate: probabilities that come true as often as they say, fitted on the calibration part.

    python calibrate.py

Writes `calibration.json` (isotonic regression of each class, and a temperature to compare with, fitted on all pets of the part),
`calibration_result.csv`, `reliability.csv` and `reliability.png`. What these three say is cross-fitted: the pets are dealt into folds, and a
pet is measured with what the pets of the other folds make.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from calibrating import Calibration, Floats, Knots, softmax, write
from devices import chosen
from models import load
from numpy.typing import NDArray
from pairs import Pairs, read_pairs
from reliability import Reliability
from reliability_picture import draw
from settings_calibrate import Calibrate
from sklearn.isotonic import IsotonicRegression
from torch import Tensor
from unet import CLASSES, UNet

from pedigree import config, training
from pedigree.errors import InvalidSplit, NonFinite, PedigreeError

PFS = Path("/pfs")
# Probabilities are rounded to 4,096ths before isotonic regression, which is then exact for the rounded ones however many pixels there
# are: all it needs is how many pixels, and how many of the class, lie on each of these 4,097 values.
GRID = 4096
Counts = NDArray[
    np.int64
]  # (2, classes, GRID + 1): all pixels with this probability of the class, and those of the class
METHODS = ("before", "isotonic", "temperature")


def dealt(names: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each pet: dealt in the order of a hash of seed and name, so that sizes differ by one pet at most.

    There are no more folds than pets. Raises InvalidSplit for fewer than two pets.
    """
    if len(names) < 2:
        raise InvalidSplit(
            f"The calibration part has {len(names)} pet; what is fitted on it cannot be measured on another.",
            remedy="Add photographs: one in ten belongs to this part.",
        )
    made = np.empty(len(names), dtype=np.int64)
    order = training.sample_bits(seed, "calibration folds", 0, names, 1)[:, 0].argsort(kind="stable")
    made[order] = np.arange(len(names)) % min(folds, len(names))
    return made


def predicted(model: UNet, pairs: Pairs, batch: int) -> Iterator[tuple[int, Tensor, NDArray[np.int64]]]:
    """Number, logits (1, classes, h, w) on the CPU, and true classes (h w,) of each pet. Raises NonFinite for others than numbers."""
    device = next(model.parameters()).device
    for start in range(0, len(pairs.names), batch):
        with torch.no_grad():
            logits = model(pairs.images[start : start + batch].to(device, torch.float32) / 255).cpu()
        for number, own in enumerate(logits.split(1), start):
            if not torch.isfinite(own).all():
                raise NonFinite(
                    f"The model's output for {pairs.names[number]} is not finite.",
                    remedy="Look at the course of its training: history.csv.",
                )
            yield number, own, pairs.classes[number].reshape(-1).numpy()


def pixels(chances: Tensor) -> Floats:
    """(1, classes, h, w) to (h w, classes)."""
    return np.ascontiguousarray(chances[0].reshape(chances.shape[1], -1).T.numpy())


def counted(chances: Floats, truth: NDArray[np.int64]) -> Counts:
    """How many pixels have each rounded probability: of (n, classes) and the true classes (n,)."""
    made = np.zeros((2, chances.shape[1], GRID + 1), dtype=np.int64)
    for index in range(chances.shape[1]):
        place = np.rint(chances[:, index] * GRID).astype(np.int64)
        made[0, index] = np.bincount(place, minlength=GRID + 1)
        made[1, index] = np.bincount(place[truth == index], minlength=GRID + 1)
    return made


def isotonic(counts: NDArray[np.int64]) -> Knots:
    """Knots of one class's isotonic regression, by least squares, from counts (2, GRID + 1) of `counted`.

    The same function as scikit-learn fits to every pixel's rounded probability; only ends of level stretches are kept.
    Raises nothing; with one value alone there is one knot.
    """
    (there,) = np.nonzero(counts[0])
    regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    regression.fit(there / GRID, counts[1, there] / counts[0, there], sample_weight=counts[0, there])
    return regression.X_thresholds_, regression.y_thresholds_


def temperature(logits: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature in [1/128, 128] with the least mean log loss of softmax(logits / temperature), pixels (n, classes).

    The loss is convex in 1/T, and its slope there is mean(expected logit - logit of the true class): its sign is bisected,
    60 times over ln T, without a random or a stopping rule. An end of the range where the slope does not change its sign.
    """
    told = logits[np.arange(len(truth)), truth]
    low, high = np.log(1 / 128), np.log(128)
    for _ in range(60):
        middle = (low + high) / 2
        powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.exp(middle))
        expected = (powers * logits).sum(axis=1) / powers.sum(axis=1)
        # Above 0 the loss grows with 1/T: T must be larger.
        low, high = (middle, high) if (expected - told).mean() > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def sampled(count: int, most: int, name: str, seed: int) -> NDArray[np.int64]:
    """At most `most` of `count` pixels of a pet, by number: a pure function of seed and name."""
    words = training.sample_rng(seed, "calibration pixels", 0, name).bit_generator.random_raw(count)
    return np.sort(np.argsort(words, kind="stable")[:most])


class Seen:
    """What fitting needs of the pets: counts for each fold, and pixels of each pet for the temperature."""

    def __init__(self, folds: NDArray[np.int64]) -> None:
        self.folds = folds
        self.counts: NDArray[np.int64] = np.zeros((folds.max() + 1, 2, len(CLASSES), GRID + 1), dtype=np.int64)
        self.logits: list[NDArray[np.float32]] = []
        self.truth: list[NDArray[np.int64]] = []

    def add(self, number: int, logits: Tensor, truth: NDArray[np.int64], taken: NDArray[np.int64]) -> None:
        self.counts[self.folds[number]] += counted(pixels(softmax(logits)), truth)
        self.logits.append(pixels(logits)[taken])
        self.truth.append(truth[taken])

    def fitted(self, without: int | None = None) -> Calibration:
        """The calibration of all pets, or of those outside one fold. Raises InvalidSplit when a class has no pixel there."""
        folds = [fold for fold in range(len(self.counts)) if fold != without]
        counts = self.counts[folds].sum(axis=0)
        missing = [name for name, own in zip(CLASSES, counts[1], strict=True) if not own.any()]
        if missing:
            where = "the calibration part" if without is None else "the calibration part without one fold of it"
            raise InvalidSplit(
                f"No pixel of {' or '.join(missing)} in {where}: nothing says how often such a prediction comes true.",
                remedy="Add photographs that have the class: one in ten belongs to this part. Or look at their masks.",
            )
        inside = [number for number, fold in enumerate(self.folds) if fold != without]
        logits = np.concatenate([self.logits[number] for number in inside]).astype(np.float64)
        truth = np.concatenate([self.truth[number] for number in inside])
        knots = tuple(isotonic(counts[:, index]) for index in range(len(CLASSES)))
        return Calibration(CLASSES, temperature(logits, truth), knots)


def calibrated(model: UNet, pairs: Pairs, settings: Calibrate, seed: int) -> tuple[Calibration, dict[str, Reliability]]:
    """The calibration fitted on all pairs, and what each method promises and keeps, cross-fitted.

    The model looks at the part twice, once to fit and once to measure, so that memory does not grow with the photographs but
    for `pixels_per_pet`. Raises InvalidSplit and NonFinite, as above.
    """
    seen = Seen(dealt(pairs.names, settings.folds, seed))
    for number, logits, truth in predicted(model, pairs, settings.batch):
        seen.add(number, logits, truth, sampled(len(truth), settings.pixels_per_pet, pairs.names[number], seed))
    whole = seen.fitted()
    others = [seen.fitted(without=fold) for fold in range(len(seen.counts))]
    measured = {method: Reliability(CLASSES) for method in METHODS}
    for number, logits, truth in predicted(model, pairs, settings.batch):
        own = others[seen.folds[number]]
        for method, chances in zip(
            METHODS, (softmax(logits), own.apply_exactly(logits), own.scaled(logits)), strict=True
        ):
            measured[method].add(pixels(chances), truth)
    return whole, measured


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def check_classes(folder: Path) -> None:
    """Ends the step where the model in `folder` has other classes than the photographs."""
    theirs = json.loads((folder / "model.json").read_text()).get("classes")
    if theirs != list(CLASSES):
        sys.exit(
            f"{folder}/model.json: the model has the classes {theirs}, the photographs {list(CLASSES)}. Train it on them"
        )


def main() -> None:
    settings = config.current(Calibrate)
    seed, threads = int(os.environ["PEDIGREE_SEED"]), int(os.environ["OMP_NUM_THREADS"])
    device = chosen(settings.device, "conf/calibrate.yaml")
    training.seed_everything(seed)
    training.deterministic("full", threads=threads)
    check_classes(PFS / "model/model")
    model = load(PFS / "model/model").to(device, memory_format=torch.channels_last)
    pairs = read_pairs(PFS / "calibration/calibration")
    try:
        calibration, measured = calibrated(model, pairs, settings, seed)
    except PedigreeError as error:
        sys.exit(f"{error.message} {error.remedy or ''}")

    out = PFS / "out"
    write(out / "calibration.json", calibration)
    figures = [{"model": method, **own.figures(), "pixels": own.pixels} for method, own in measured.items()]
    write_rows(out / "calibration_result.csv", figures)
    write_rows(
        out / "reliability.csv", [{"model": method} | row for method, own in measured.items() for row in own.rows()]
    )
    draw(out / "reliability.png", measured, len(pairs.names))
    print(f"{len(pairs.names)} pets, temperature {calibration.temperature:.4f}")
    for row in figures:
        told = ", ".join(f"{name} {row[name]:.4f}" for name in ("ece", "classwise_ece", "brier", "nll", "accuracy"))
        print(f"{row['model']}: {told}")


if __name__ == "__main__":
    main()
