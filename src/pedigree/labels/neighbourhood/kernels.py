"""Distances between rows, compiled: computed in one order, so that they depend on nothing but the two rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)
#: A sum of squares below may have lost some to underflow.
_LEAST_SQUARES = 1e-290
#: So many values are added up between two looks at the limit.
_STRIDE = 32


@_compiled
def inverse_norms(matrix: Any, found: Any) -> None:
    """One over the length of each row, 0 for a row of zeros (or of no value from 1e-308 on, so that one over it is infinite)."""
    for row in range(len(matrix)):
        total = 0.0
        for column in range(matrix.shape[1]):
            value = np.float64(matrix[row, column])
            total += value * value
        if _LEAST_SQUARES <= total < np.inf:
            found[row] = 1.0 / np.sqrt(total)
            continue
        # Squares leave the range of float64, so the row is divided by its largest value first.
        peak = 0.0
        for column in range(matrix.shape[1]):
            peak = max(peak, abs(np.float64(matrix[row, column])))
        found[row] = 0.0
        if peak > 0.0 and 1.0 / peak < np.inf:
            total = 0.0
            for column in range(matrix.shape[1]):
                value = np.float64(matrix[row, column]) / peak
                total += value * value
            found[row] = 1.0 / peak / np.sqrt(total)


@_compiled
def _squared(left: Any, left_scale: float, right: Any, right_scale: float, limit: float) -> float:
    """Squared length of left * left_scale - right * right_scale; any value above `limit` where it is above it.

    Four sums in turn, always in the same order. A scale of 0 stands for a row of zeros beside one that is none: 2, which is
    a cosine of 0.
    """
    if left_scale == 0.0 or right_scale == 0.0:
        return 0.0 if left_scale == right_scale else 2.0
    size = len(left)
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    at = 0
    while at + 4 <= size:
        stop = min(at + _STRIDE, size - size % 4)
        while at < stop:
            a = np.float64(left[at]) * left_scale - np.float64(right[at]) * right_scale
            b = np.float64(left[at + 1]) * left_scale - np.float64(right[at + 1]) * right_scale
            c = np.float64(left[at + 2]) * left_scale - np.float64(right[at + 2]) * right_scale
            d = np.float64(left[at + 3]) * left_scale - np.float64(right[at + 3]) * right_scale
            first += a * a
            second += b * b
            third += c * c
            fourth += d * d
            at += 4
        if first + second + third + fourth > limit:
            return np.inf
    while at < size:
        a = np.float64(left[at]) * left_scale - np.float64(right[at]) * right_scale
        first += a * a
        at += 1
    return first + second + third + fourth


@_compiled
def _offer(distances: Any, indices: Any, filled: int, distance: float, index: int) -> int:
    """Put a neighbour in its place among the nearest so far, equal distances by index; how many there are then."""
    size = len(distances)
    if filled == size and (
        distance > distances[size - 1] or (distance == distances[size - 1] and index > indices[size - 1])
    ):
        return filled
    at = min(filled, size - 1)
    while at > 0 and (distances[at - 1] > distance or (distances[at - 1] == distance and indices[at - 1] > index)):
        distances[at] = distances[at - 1]
        indices[at] = indices[at - 1]
        at -= 1
    distances[at] = distance
    indices[at] = index
    return min(filled + 1, size)


@_compiled
def refine(
    queries: Any,
    query_scales: Any,
    matrix: Any,
    scales: Any,
    itself: Any,
    candidates: Any,
    bounds: Any,
    slack: Any,
    distances: Any,
    indices: Any,
    sure: Any,
) -> None:
    """The nearest of each query's candidates, by squared distance and then by index, in `distances` and `indices`.

    `itself` is the row that a query is, -1 for none; a candidate below 0 is none. `bounds` is what no other row is nearer than,
    as far as `slack`; a query is `sure` when its last neighbour is nearer than that.
    """
    size = distances.shape[1]
    for row in range(len(queries)):
        filled = 0
        for place in range(candidates.shape[1]):
            index = candidates[row, place]
            if index < 0 or index == itself[row]:
                continue
            distance = _squared(queries[row], query_scales[row], matrix[index], scales[index], np.inf)
            filled = _offer(distances[row], indices[row], filled, distance, index)
        sure[row] = filled == size and distances[row, size - 1] + slack[row] < bounds[row]


@_compiled
def scan(query: Any, query_scale: float, matrix: Any, scales: Any, itself: int, distances: Any, indices: Any) -> None:
    """The nearest of all rows to one query, by squared distance and then by index."""
    filled, limit = 0, np.inf
    for index in range(len(matrix)):
        if index == itself:
            continue
        distance = _squared(query, query_scale, matrix[index], scales[index], limit)
        if distance <= limit:
            filled = _offer(distances, indices, filled, distance, index)
            if filled == len(distances):
                limit = distances[filled - 1]
