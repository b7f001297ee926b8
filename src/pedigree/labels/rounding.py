"""Whole numbers that keep the sums of their rows, and which of equally good cells give way.

The peer orders the cells of a row with NumPy's default sort, which is unstable and another one on another processor. Equally
far cells are no rare case: in a row of small counts most of them share a fraction. What it gives on processors with AVX2 or
AVX-512 is a bitonic sorter for rows up to 256 cells, so that is what is written out here: the same result on every
processor, and the peer's where the peer is widely run. Longer rows are ordered by NumPy's sort itself, so that what the peer
gives on a processor is given here too; there alone a cell may be rounded another way on another processor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Up to here NumPy's vectorised sort is one network.
NETWORK = 256


def rounded_rows(values: Floats) -> Counts:
    """Each value rounded (halves to even), then as many of a row raised or lowered by one as keep the rounded sum of the row.

    Those furthest from their rounding give way first; of equally far ones those that `order_of` puts first (lowered) or
    last (raised). O(K log² K) for each row that needs it.
    """
    found = np.rint(values)
    wanted = np.rint(values.sum(axis=1))
    missing = wanted - found.sum(axis=1)
    rows = np.flatnonzero(np.abs(missing) > 0.5)
    while len(rows):
        orders = order_of(values[rows] - found[rows])
        for row, order in zip(rows, orders, strict=True):
            left = int(missing[row])
            if left > 0:
                found[row, order[::-1][:left]] += 1
            else:
                found[row, order[:-left]] -= 1
        missing[rows] = wanted[rows] - found[rows].sum(axis=1)
        rows = rows[np.abs(missing[rows]) > 0.5]
    return found.astype(np.int64)


def order_of(keys: Floats) -> NDArray[np.int64]:
    """The indices that sort each row of finite keys; equal keys as a bitonic sorter leaves them, in rows above 256 as NumPy does.

    Source of the network: Batcher 1968, "Sorting networks and their applications".
    """
    rows, length = keys.shape
    if length > NETWORK:
        return np.argsort(keys, axis=1)
    width = 1 << (length - 1).bit_length()
    key = np.full((rows, width), np.inf)
    key[:, :length] = keys
    place = np.broadcast_to(np.arange(width), (rows, width)).copy()
    at = np.arange(width)
    size = 2
    while size <= width:
        # Two sorted halves: the first against the last backwards, then halves, quarters, … of each half.
        low = at[at % size < size // 2]
        _exchange(key, place, low, low // size * size + size - 1 - low % size)
        step = size // 4
        while step:
            low = at[at % (2 * step) < step]
            _exchange(key, place, low, low + step)
            step //= 2
        size *= 2
    return place[:, :length]


def _exchange(key: Floats, place: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]) -> None:
    """Put the lesser key of each pair of columns at `low`; equal ones stay."""
    swap = key[:, low] > key[:, high]
    for values in (key, place):
        first, second = values[:, low], values[:, high]
        values[:, low] = np.where(swap, second, first)
        values[:, high] = np.where(swap, first, second)
