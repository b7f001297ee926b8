"""How far probabilities are from what comes true: calibration errors, Brier score and log loss, counted in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as Guo et al. 2017 and most figures since
Floats = NDArray[np.float64]


def binned(chances: Floats, true: NDArray[np.bool_], bins: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """For each bin of equal width: how many probabilities (n,) are in it, how many of them came true, and their sum.

    Bins are (0, 1/bins], (1/bins, 2/bins], ..., the first with 0 too.
    """
    place = np.clip(np.ceil(chances * bins).astype(np.int64) - 1, 0, bins - 1)
    return (
        np.bincount(place, minlength=bins),
        np.bincount(place[true], minlength=bins),
        np.bincount(place, weights=chances, minlength=bins),
    )


class Reliability:
    """The sums that every figure below is made of; `add` batch after batch. Memory does not grow with the pixels.

    For each bin (`binned`) there are the number of pixels, the sum of their probabilities and how many came true: for the
    likeliest class (row 0, "top"), and for each class by itself (rows 1, 2, ...).
    """

    def __init__(self, classes: Sequence[str], bins: int = BINS) -> None:
        self.names, self.bins = ("top", *classes), bins
        shape = (len(self.names), bins)
        self.counts: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self.hits: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self.sums = np.zeros(shape)
        self.squares = self.logs = 0.0
        self.pixels = self.right = 0

    def add(self, chances: Floats, truth: NDArray[np.int64]) -> None:
        """Count pixels: probabilities (n, classes), which sum to 1 in each row, and true class indices (n,)."""
        rows = np.arange(len(truth))
        top = chances.argmax(axis=1)
        self._bin(0, chances[rows, top], top == truth)
        for index in range(chances.shape[1]):
            self._bin(index + 1, chances[:, index], truth == index)
        told = chances[rows, truth]
        # sum over classes of (p - t)^2 = sum p^2 - 2 p_true + 1
        self.squares += float(((chances**2).sum(axis=1) - 2 * told + 1).sum())
        self.logs -= float(np.log(np.maximum(told, np.finfo(np.float64).tiny)).sum())
        self.right += int((top == truth).sum())
        self.pixels += len(truth)

    def _bin(self, row: int, chances: Floats, true: NDArray[np.bool_]) -> None:
        counts, hits, sums = binned(chances, true, self.bins)
        self.counts[row] += counts
        self.hits[row] += hits
        self.sums[row] += sums

    def errors(self) -> Floats:
        """For "top" and each class: sum over bins of |came true - promised| / pixels, in [0, 1]."""
        return np.asarray(np.abs(self.hits - self.sums).sum(axis=1) / self.pixels)

    def figures(self) -> dict[str, float]:
        """The columns of calibration_result.csv.

        `ece`: the expected calibration error of the likeliest class (Guo et al. 2017, equation 3). `classwise_ece`: the mean over the
        classes of each one's (Kull et al. 2019, arXiv:1910.12656, section 2). `brier`: the mean over pixels of the squared
        distance between probabilities and truth, 0 to 2 (Brier 1950). `nll`: mean of -ln p(true class), in nats; p is at
        least the smallest normal float64. `accuracy`: part of the pixels whose likeliest class is right.
        """
        errors = self.errors()
        return {
            "ece": float(errors[0]),
            "classwise_ece": float(errors[1:].mean()),
            "brier": self.squares / self.pixels,
            "nll": self.logs / self.pixels,
            "accuracy": self.right / self.pixels,
        }

    def rows(self) -> list[dict[str, Any]]:
        """A row for each bin that has pixels: of what, its bounds, pixels, mean probability, part that came true."""
        return [
            {
                "of": name,
                "from": column / self.bins,
                "to": (column + 1) / self.bins,
                "pixels": int(self.counts[row, column]),
                "promised": float(self.sums[row, column] / self.counts[row, column]),
                "true": float(self.hits[row, column] / self.counts[row, column]),
            }
            for row, name in enumerate(self.names)
            for column in range(self.bins)
            if self.counts[row, column]
        ]
