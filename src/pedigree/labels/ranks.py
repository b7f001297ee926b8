"""How good each label is: one number per example, the lower the likelier it is wrong.

A probability counts as 1e-12 at least where its logarithm is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels import blending

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis

Scores = NDArray[np.float64]

_LEAST = 1e-12


def blend(found: Analysis) -> Scores:
    """What the label has for itself less what its strongest rival has, and less what every class lacks; see `blending`."""
    return blending.blended(_evidence(found, found.levels), _logarithm(found.ratio))


def threshold_margin(found: Analysis) -> Scores:
    """log(p_s / t_s) - max over other classes j of log(p_j / t_j); any real number."""
    from pedigree.labels import rows

    matrix = found.data.probabilities
    rival = np.empty(len(matrix), matrix.dtype)
    inverse = rows.padded(1.0 / found.thresholds, matrix.dtype, 0.0)
    work, bits = rows.work_of(inverse), rows.bits_of(rival)
    for start, chunk in matrix.chunks(found.chunk_rows):
        part = slice(start, start + len(chunk))
        rows.scaled_rivals(chunk, found.data.labels[part], inverse, work, bits[part])
    return np.asarray(_evidence(found, found.thresholds) - _logarithm(rival))


def self_confidence(found: Analysis) -> Scores:
    """p_s, in [0, 1]."""
    return found.own.astype(np.float64)


def normalized_margin(found: Analysis) -> Scores:
    """(p_s - largest other p + 1) / 2, in [0, 1]."""
    return np.asarray((found.own.astype(np.float64) - found.rival.astype(np.float64) + 1.0) / 2.0)


def confidence_weighted_entropy(found: Analysis) -> Scores:
    """log(1 + x) / x with x = entropy / (log K * p_s), in (0, 1]; 1 where x is 0, its limit.

    The peer gives 0, the worst, where x is 0 and nearly 0 where x is small, so that the labels it ranks as the worst are the most
    certain ones. Away from there (x > 1e-6) the values are the same.
    """
    from pedigree.labels import rows

    matrix = found.data.probabilities
    entropy = np.empty(len(matrix))
    split, work = rows.split_of(matrix.dtype), rows.work_of(rows.padded(found.thresholds, matrix.dtype, 0.0))
    for start, chunk in matrix.chunks(found.chunk_rows):
        rows.entropies(chunk, split, work, entropy[start : start + len(chunk)])
    weighted = entropy / np.log(matrix.shape[1]) / np.maximum(found.own.astype(np.float64), rows.SLACK)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weighted > 0.0, np.log1p(weighted) / weighted, 1.0)


def _evidence(found: Analysis, scale: Scores) -> Scores:
    return _logarithm(found.own / scale[np.maximum(found.data.labels, 0)])


def _logarithm(values: NDArray[Any]) -> Scores:
    return np.asarray(np.log(np.maximum(values.astype(np.float64), _LEAST)))


#: By name, the default first.
RANKS = {
    kind.__name__: kind
    for kind in (blend, threshold_margin, self_confidence, normalized_margin, confidence_weighted_entropy)
}
