"""How good each mask is, from a few numbers of each image."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The share of an image's pixels that `lowest` is the mean of.
LOWEST = 0.05


class Numbers(NamedTuple):
    """Of one image, or of all as columns: the sums of clear evidence, of evidence to the 4th power and of evidence; the mean p
    of the LOWEST share of labels; softmin; and the largest mean evidence of a given region, NaN where nobody asked for regions."""

    clear_evidence: Any
    strong_evidence: Any
    evidence: Any
    lowest: Any
    softmin: Any
    worst_component: Any


def ranked(values: Floats) -> Floats:
    """The rank of each value from 0 to 1, equal ones sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles = ends - (counts + 1) / 2
    return np.asarray(middles[inverse] / max(len(values) - 1, 1))
