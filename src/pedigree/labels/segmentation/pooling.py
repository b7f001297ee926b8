"""Images made smaller by a whole factor, compiled: blocks of pixels become one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)


def pooled(
    labels: NDArray[np.int32], probabilities: NDArray[Any], factor: int
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Labels (h, w) and probabilities (K, h * w) of blocks of `factor` x `factor` pixels; those at the edges may be smaller.

    The label is the commonest class of the block, of equally common ones the first, and void where no pixel has one. The
    probabilities are the mean. (The peer rounds the mean of the class numbers, which makes 1 of 0 and 2.)
    """
    height, width = labels.shape
    rows, columns = -(-height // factor), -(-width // factor)
    small = np.empty((rows, columns), np.int32)
    means = np.empty((len(probabilities), rows * columns), probabilities.dtype)
    _pool(labels, probabilities.reshape(-1, height, width), factor, small, means.reshape(-1, rows, columns))
    return small, means


@_compiled
def _pool(labels: Any, probabilities: Any, factor: int, small: Any, means: Any) -> None:
    classes, height, width = probabilities.shape
    votes = np.empty(classes, np.int64)
    sums = np.empty(classes)
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            votes[:] = 0
            sums[:] = 0.0
            below, right = min((row + 1) * factor, height), min((column + 1) * factor, width)
            for y in range(row * factor, below):
                for x in range(column * factor, right):
                    if labels[y, x] >= 0:
                        votes[labels[y, x]] += 1
                    for number in range(classes):
                        sums[number] += probabilities[number, y, x]
            best = 0
            for number in range(1, classes):
                if votes[number] > votes[best]:
                    best = number
            small[row, column] = best if votes[best] > 0 else -1
            area = (below - row * factor) * (right - column * factor)
            for number in range(classes):
                means[number, row, column] = sums[number] / area


def enlarged(small: NDArray[np.bool_], shape: tuple[int, ...], factor: int) -> NDArray[np.bool_]:
    """One value for each block, laid out flat, as one for each pixel of an image of this shape, flat."""
    rows, columns = -(-shape[0] // factor), -(-shape[1] // factor)
    large = small.reshape(rows, columns).repeat(factor, axis=0).repeat(factor, axis=1)
    return np.ascontiguousarray(large[: shape[0], : shape[1]]).reshape(-1)


def members(
    blocks: NDArray[np.int64], shape: tuple[int, ...], factor: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of these blocks, one block after another, each in order; and how many each has."""
    height, width = shape
    columns = -(-width // factor)
    y, x = np.divmod(blocks, columns)
    inside = np.arange(factor)
    below = (y[:, None] * factor + inside)[:, :, None]
    right = (x[:, None] * factor + inside)[:, None, :]
    there = (below < height) & (right < width)
    return (below * width + right)[there], there.sum(axis=(1, 2))
