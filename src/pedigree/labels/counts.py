"""The confident joint and what follows from it: the calibrated joint, the noise matrices, the prior, the errors per class.

Source: Northcutt, Jiang and Chuang 2021, "Confident Learning" (arXiv:1911.00068), section 3.1. s is the given label, y the
true one; `joint[s, y]` throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.rounding import Counts, Floats, rounded_rows

#: Below this a sum counts as empty: nothing is divided by it.
_TINY = 1e-100
#: The most that a noise rate can be, and the least that a class can be of all.
_MOST_NOISE, _LEAST_PRIOR = 0.9999, 1e-6


def confident_joint(given: NDArray[np.int64], counted: NDArray[np.int32], classes: int) -> Counts:
    """How many examples with given label s are counted for class y (Eq. 1), at least one of each class for itself.

    `counted` holds -1 for an example that is counted nowhere, and so does `given` for one without a label.
    """
    from pedigree.labels import rows

    found = np.zeros((classes, classes), np.int64)
    rows.tally(given, counted, found)
    np.fill_diagonal(found, np.maximum(found.diagonal(), 1))
    return found


def calibrated(joint: Counts, label_counts: Counts) -> Counts:
    """The joint scaled so that row s sums to the examples labelled s, in whole numbers that keep the sums of rows (Eq. 3).

    Which of equally far cells are rounded the other way: `rounding.rounded_rows`.
    """
    rows = np.maximum(joint.sum(axis=1), _TINY)
    # Columns lie together, as in the peer: the last bit of the sum over all decides ties of the rounding.
    scaled = (np.ascontiguousarray(joint.T) / rows * label_counts).T
    scaled = scaled / max(float(np.sum(scaled)), _TINY) * label_counts.sum()
    return rounded_rows(scaled)


def prune_counts(joint: Counts, at_least: int = 1) -> Counts:
    """How many examples of each cell (s, y) pruning takes out, with at least so many left in each class.

    What the diagonal lacks is taken from the other cells of its row in equal parts; none becomes negative, and what is left of
    one is rounded down.
    """
    diagonal = joint.diagonal()
    kept = np.maximum(diagonal, at_least)
    others = np.maximum(np.count_nonzero(joint, axis=1) - 1.0, 1.0)
    found = np.maximum(joint - ((kept - diagonal) / others)[:, None], 0.0)
    np.fill_diagonal(found, kept)
    return np.asarray(found, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Noise:
    """Latent estimates. `noise[s, y]` is P(s | y), columns sum to 1; `inverse[y, s]` is P(y | s), columns sum to 1.

    `prior[y]` is P(y). Source: Northcutt et al. 2021, section 3.2.
    """

    prior: Floats
    noise: Floats
    inverse: Floats


def noise_of(joint: Counts, label_counts: Counts) -> Noise:
    """The noise matrices and the prior that a joint implies."""
    given = label_counts / max(1, int(label_counts.sum()))
    by_given, by_true = joint.sum(axis=1).astype(float), joint.sum(axis=0).astype(float)
    noise = joint / np.maximum(by_true, _TINY)
    inverse = joint.T / np.maximum(by_given, _TINY)
    prior = inverse.diagonal() / np.maximum(noise.diagonal(), _TINY) * given
    prior = np.clip(prior, _LEAST_PRIOR, 1.0)
    return Noise(prior / max(float(prior.sum()), _TINY), _clipped(noise), _clipped(inverse))


def _clipped(rates: Floats) -> Floats:
    diagonal = rates.diagonal().copy()
    found = np.clip(rates, 0.0, _MOST_NOISE)
    np.fill_diagonal(found, diagonal)
    return np.asarray(found / np.maximum(found.sum(axis=0), _TINY), dtype=np.float64)
