"""Counts in bins, from which the first pass can say where the cut between issues and the rest will be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.segmentation import pixels

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Tally:
    """Pixels by p of their label, and pixels that another class has the largest p of, by that class and its p.

    A bin also keeps its first value and whether another came: in a bin of one value nothing is left open. 10 MB and some
    0.07 MB a class, whatever the size of the data. Tallies of parts add up to that of the whole, in any order.
    """

    def __init__(self, classes: int) -> None:
        self.own_counts: Counts = np.zeros(pixels.OWN_BINS, np.int64)
        #: -1 where there is none.
        self.own_first: Floats = np.full(pixels.OWN_BINS, -1.0)
        self.own_mixed = np.zeros(pixels.OWN_BINS, np.bool_)
        self.top_counts: Counts = np.zeros((classes, pixels.TOP_BINS + 1), np.int64)
        self.top_first: Floats = np.full((classes, pixels.TOP_BINS + 1), -1.0)
        self.top_mixed = np.zeros((classes, pixels.TOP_BINS + 1), np.bool_)

    def add(self, other: Tally) -> None:
        for name in ("own", "top"):
            counts, first, mixed = (getattr(self, f"{name}_{part}") for part in ("counts", "first", "mixed"))
            counts2, first2, mixed2 = (getattr(other, f"{name}_{part}") for part in ("counts", "first", "mixed"))
            mixed |= mixed2 | ((counts > 0) & (counts2 > 0) & (first != first2))
            np.copyto(first, first2, where=counts == 0)
            counts += counts2

    def confident(self, cuts: Floats) -> tuple[int, int]:
        """Between which two numbers the pixels lie whose largest p is another class's and reaches that class's cut."""
        least = most = 0
        for counts, first, mixed, cut in zip(self.top_counts, self.top_first, self.top_mixed, cuts, strict=True):
            at = min(max(int(cut * pixels.TOP_BINS), 0), pixels.TOP_BINS)
            above = int(counts[at + 1 :].sum())
            if mixed[at]:
                least, most = least + above, most + above + int(counts[at])
            else:
                reached = int(counts[at]) if first[at] >= cut else 0
                least, most = least + above + reached, most + above + reached
        return least, most

    def cut(self, least: int, most: int) -> Cut:
        """Where the `least` to `most` pixels with the lowest p of their label end."""
        total = np.cumsum(self.own_counts)
        low = int(np.searchsorted(total, least)) if least else 0
        high = int(np.searchsorted(total, most)) if most else -1
        below = int(total[low - 1]) if low else 0
        single = low == high and least == most and not bool(self.own_mixed[low])
        return Cut(low, high, below, least - below if single else None)


@dataclass(frozen=True, slots=True)
class Cut:
    """Bins below `low`, of `below` pixels in all, are issues; those above `high` are none; the cut is within.

    `single`: the only bin between holds one value, and the number of issues is known, so that the first of its pixels are taken.
    """

    low: int
    high: int
    below: int
    first: int | None
