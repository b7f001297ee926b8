"""The numbers that are kept of each sample, and how one presentation changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Name and type of each number that is kept of a sample, as docs/formats/signals.md explains them.
FIELDS: dict[str, type] = {
    "margin_sum": np.float64,
    "probability_sum": np.float64,
    "probability_square_sum": np.float64,
    "loss_sum": np.float64,
    "loss_last": np.float64,
    "error_norm_sum": np.float64,
    "error_norm_count": np.int32,
    "label": np.int32,
    "presentations": np.int32,
    "epochs": np.int32,
    "correct": np.int32,
    "forgotten": np.int32,
    "first_learnt": np.int32,
    "last_epoch": np.int32,
    "undefined": np.int32,
    "correct_last": np.uint8,
}
#: What a number is before the first presentation, where that is not 0.
BEFORE = {"label": -1, "first_learnt": -1, "last_epoch": -1, "loss_last": np.nan}
MEANS = "mean_probabilities"
#: The columns of what a batch shows, in the order of `Observation`.
MARGIN, LOSS, PROBABILITY, NORM = range(4)


class Tallies:
    """Of n samples. Sums are float64, added in the order of the presentations of a sample, whatever else comes between them."""

    def __init__(self, samples: int, classes: int, *, means: bool, ranks: int) -> None:
        self.arrays: dict[str, Array] = {
            name: np.full(samples, BEFORE.get(name, 0), kind) for name, kind in FIELDS.items()
        }
        if means:
            # Nothing is known of a sample that is never presented, and whoever reads the matrix finds distributions in all rows.
            self.arrays[MEANS] = np.full((samples, classes), 1.0 / classes, np.float32)
        #: With several ranks the presentation before may have been on another; merging counts what lies between two epochs.
        self.within_epochs = ranks > 1
        self.history = History(samples) if ranks > 1 else None

    def add(self, epoch: int, samples: NDArray[np.int64], columns: Array, rows: Array | None, *, norms: bool) -> None:
        """Add presentations, in their order, of samples that are all in range; the same one may come more than once."""
        for part in _rounds(samples):
            self._add(epoch, samples[part], columns[part], None if rows is None else rows[part], norms)

    def _add(self, epoch: int, at: NDArray[np.int64], columns: Array, rows: Array | None, norms: bool) -> None:
        defined = np.isfinite(columns).all(axis=1)
        if not defined.all():
            self.arrays["undefined"][at[~defined]] += 1
            at, columns, rows = at[defined], columns[defined], None if rows is None else rows[defined]
        one = self.arrays
        columns = columns.astype(np.float64)
        probability, loss = columns[:, PROBABILITY], columns[:, LOSS]
        correct = columns[:, MARGIN] > 0.0
        new = one["last_epoch"][at] != epoch
        forgotten = (one["correct_last"][at] == 1) & ~correct
        if self.within_epochs:
            forgotten &= ~new
        if self.history is not None:
            self.history.add(epoch, at, new, correct)
        one["margin_sum"][at] += columns[:, MARGIN]
        one["probability_sum"][at] += probability
        one["probability_square_sum"][at] += probability * probability
        one["loss_sum"][at] += loss
        one["loss_last"][at] = loss
        if norms:
            one["error_norm_sum"][at] += columns[:, NORM]
            one["error_norm_count"][at] += 1
        one["presentations"][at] += 1
        one["epochs"][at] += new
        one["correct"][at] += correct
        one["forgotten"][at] += forgotten
        learnt = at[correct]
        one["first_learnt"][learnt[one["first_learnt"][learnt] < 0]] = epoch
        one["last_epoch"][at] = epoch
        one["correct_last"][at] = correct
        if rows is not None:
            counts = one["presentations"][at][:, None].astype(np.float32)
            means = one[MEANS][at]
            one[MEANS][at] = np.where(counts == 1.0, rows, means + (rows - means) / counts)


class History:
    """Per epoch three bits a sample: whether it was presented, and whether it was right the first and the last time.

    What a rank keeps so that forgetting between two ranks is counted when their files are merged.
    """

    PRESENTED, FIRST, LAST = range(3)

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.epochs: list[int] = []
        #: Each (3, ceil(samples / 8)) uint8, the first sample in the lowest bit.
        self.planes: list[NDArray[np.uint8]] = []
        self._open = np.zeros((3, samples), np.bool_)

    def add(self, epoch: int, at: NDArray[np.int64], new: NDArray[np.bool_], correct: NDArray[np.bool_]) -> None:
        if not self.epochs or self.epochs[-1] != epoch:
            self.close()
            self.epochs.append(epoch)
            self.planes.append(self.packed())
        self._open[self.PRESENTED, at] = True
        self._open[self.FIRST, at[new]] = correct[new]
        self._open[self.LAST, at] = correct

    def packed(self) -> NDArray[np.uint8]:
        return np.packbits(self._open, axis=1, bitorder="little")

    def close(self) -> None:
        """Pack the epoch that is open."""
        if self.epochs:
            self.planes[-1] = self.packed()
            self._open[:] = False

    def stacked(self) -> NDArray[np.uint8]:
        """(epochs, 3, ceil(samples / 8)): all epochs, the open one as it is."""
        planes = [*self.planes[:-1], self.packed()] if self.epochs else []
        return np.array(planes, np.uint8).reshape(len(planes), 3, -(-self.samples // 8))

    def load(self, epochs: list[int], planes: NDArray[np.uint8]) -> None:
        self.epochs, self.planes = list(epochs), list(planes)
        self._open[:] = False
        if self.epochs:
            self._open[:] = unpacked(planes[-1], self.samples)


def unpacked(planes: NDArray[np.uint8], samples: int) -> NDArray[np.bool_]:
    """(3, samples): one epoch of a history."""
    return np.unpackbits(planes, axis=1, count=samples, bitorder="little").astype(np.bool_)


def _rounds(samples: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Where the first presentation of each sample stands, then where the second does, and so on."""
    order = np.argsort(samples, kind="stable")
    ordered = samples[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    turn = np.arange(len(samples)) - np.repeat(starts, np.diff(starts, append=len(samples)))
    for number in range(int(turn.max(initial=-1)) + 1):
        yield order[turn == number]
