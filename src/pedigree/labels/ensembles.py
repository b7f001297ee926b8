"""Several models on the same examples: their mean, read chunk by chunk, and means of their scores or ranks.

mean = ensembles.mean([first, second, "third.npy"])
found = labels.analyse(given, mean)          # counts, filters and ranks of the averaged probabilities
ensembles.scores(given, [first, second])     # the scores of each model, averaged

Nothing of the size of a matrix is made: the mean exists a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.analysis import Analysis, Joint, analyse
from pedigree.labels.matrices import Matrix, matrix_of
from pedigree.labels.names import RANKS

Floats = NDArray[np.float64]
Weighting = Literal["uniform", "accuracy", "log_loss"]

#: Inverse temperatures that `log_loss` chooses among, those of the peer.
TEMPERATURES = (1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 2e2)
_LEAST = 1e-6


@final
class Mean(Matrix):
    """The weighted mean of matrices of one shape, in float64 arithmetic, row by row when it is asked for."""

    def __init__(self, members: Sequence[Matrix], weights: Floats) -> None:
        self.members = members
        self.weights = weights
        self.shape = members[0].shape
        self.dtype = np.dtype(np.float64 if any(member.dtype.itemsize == 8 for member in members) else np.float32)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return self._mean([member[index] for member in self.members])

    def between(self, start: int, stop: int) -> NDArray[Any]:
        return self._mean([member.between(start, stop) for member in self.members])

    def _mean(self, parts: list[NDArray[Any]]) -> NDArray[Any]:
        total = parts[0] * self.weights[0]  # float64, since the weights are
        for part, weight in zip(parts[1:], self.weights[1:], strict=True):
            total += part * weight
        return np.asarray(total, self.dtype)


def mean(probabilities: Sequence[Any], weights: Any = None) -> Mean:
    """The mean of the models' probabilities, to be given to `analyse` like a matrix; see `inputs.labelled` for what each may be.

    `weights` are numbers of 0 or more, one per model, which are made to sum to 1; without them all count the same. float32
    unless a member is float64. Raises InvalidInput for no model, other shapes, other weights.
    """
    members = [matrix_of(one) for one in _models(probabilities)]
    for at, member in enumerate(members):
        if member.shape != members[0].shape:
            raise InvalidInput(
                f"Model {at} has probabilities of the shape {member.shape}, model 0 of {members[0].shape}.",
                remedy="Give each model's probabilities of the same examples and classes, in the same order.",
            )
    return Mean(members, _weights(weights, len(members)))


def scores(
    labels: Any,
    probabilities: Sequence[Any],
    by: str = "self_confidence",
    *,
    weights: Weighting | Sequence[float] | NDArray[Any] = "accuracy",
    ranks: bool = False,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    chunk_rows: int | None = None,
) -> Floats:
    """The scores `by` of each model, averaged; the lower, the likelier a label is wrong, NaN for void labels.

    `weights`: `uniform`; `accuracy`, by the part of the labels that have the largest p (uniform where no model agrees with any); `log_loss`, by exp(-T * log loss) with that
    T of TEMPERATURES whose weighted mean has the lowest log loss; or a number per model. With `ranks` each model's scores are
    replaced by their mid-ranks, (0, 1), first: models whose scores have other scales then count the same.

    Parity: cleanlab's `get_label_quality_ensemble_scores` for its ranks (`log_loss` is its `log_loss_search`).
    """
    if by not in RANKS:
        raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
    models = [matrix_of(one) for one in _models(probabilities)]
    members = mean(models).members
    named = weights if isinstance(weights, str) else None
    shares: list[float] = []
    total = None
    found: list[Floats] = []
    for member in members:
        one = analyse(labels, member, classes=classes, void=void, chunk_rows=chunk_rows)
        values = one.scores(by)
        found.append(_midranks(values) if ranks else values)
        if named == "accuracy":
            labelled = one.data.labels >= 0
            shares.append(float((one.largest == one.data.labels)[labelled].mean()))
    if named == "log_loss":
        chosen = _by_log_loss(members, one.data.labels, chunk_rows)
    elif named not in (None, "uniform", "accuracy"):
        raise InvalidInput(
            f"There is no weighting {named!r}.", remedy="Use uniform, accuracy, log_loss, or a number per model."
        )
    else:
        by_name = shares if any(shares) else None
        chosen = _weights(by_name if named else weights, len(members))
    total = found[0] * chosen[0]
    for values, weight in zip(found[1:], chosen[1:], strict=True):
        total = total + values * weight
    return np.asarray(total)


def issues(
    labels: Any,
    probabilities: Sequence[Any],
    by: str = "union",
    *,
    weights: Any = None,
    votes: int | None = None,
    joint: Joint = "cleanlab",
    classes: Sequence[Any] | None = None,
    void: Any = None,
    chunk_rows: int | None = None,
) -> NDArray[np.bool_]:
    """What the filter `by` flags with the averaged probabilities; with `votes`, what it flags with at least so many models.

    `votes=1` is the union over the models. Ties and void labels as in `Analysis.issues`.
    """

    def look(matrix: Matrix) -> Analysis:
        return analyse(labels, matrix, classes=classes, void=void, joint=joint, chunk_rows=chunk_rows)

    whole = mean(probabilities, weights)
    if votes is None:
        return look(whole).issues(by)
    if not 1 <= votes <= len(whole.members):
        raise InvalidInput(
            f"{votes} of {len(whole.members)} models cannot vote.", remedy=f"Give 1 to {len(whole.members)}."
        )
    counted = np.zeros(len(whole), np.int32)
    for member in whole.members:
        counted += look(member).issues(by)
    return np.asarray(counted >= votes)


def _models(probabilities: Sequence[Any]) -> list[Any]:
    if not isinstance(probabilities, (list, tuple)) or not probabilities:
        raise InvalidInput("There are no models.", remedy="Give a list with the probabilities of each model.")
    return list(probabilities)


def _weights(weights: Any, count: int) -> Floats:
    given = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if given.shape != (count,) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise InvalidInput(
            f"{np.shape(weights)} weights for {count} models: {weights}.",
            remedy="Give a number of 0 or more for each model, not all 0.",
        )
    return np.asarray(given / given.sum())


def _midranks(values: Floats) -> Floats:
    """Ranks from 0 to 1, equal values the mean of theirs; NaN stays."""
    kept = ~np.isnan(values)
    _, place, counts = np.unique(values[kept], return_inverse=True, return_counts=True)
    found = np.full(len(values), np.nan)
    found[kept] = (np.cumsum(counts) - (counts - 1) / 2.0 - 0.5)[place] / max(len(place), 1)
    return found


def _by_log_loss(members: Sequence[Matrix], given: NDArray[np.int64], chunk_rows: int | None) -> Floats:
    """Weights exp(-T * loss), for the T whose weighted mean loses least on the given labels; of equal ones the first."""
    losses = np.array([_losses(Mean([member], np.ones(1)), given, chunk_rows, least=_LEAST) for member in members])
    best, chosen = np.inf, np.full(len(members), 1 / len(members))
    for temperature in TEMPERATURES:
        weights = np.exp(-temperature * (losses - losses.min()))
        weights /= weights.sum()
        loss = _losses(Mean(members, weights), given, chunk_rows, least=float(np.finfo(np.float64).eps))
        if loss < best:
            best, chosen = loss, weights
    return chosen


def _losses(matrix: Matrix, given: NDArray[np.int64], chunk_rows: int | None, *, least: float) -> float:
    """Mean of -log p_s over the labelled examples, summed in the order of the rows; p counts as `least` at least.

    The probability of a row is divided by the sum of the row, in which each counts so too.
    """
    total, count = 0.0, 0
    for start, chunk in matrix.chunks(chunk_rows or matrix.usual):
        labelled = np.flatnonzero(given[start : start + len(chunk)] >= 0)
        rows = np.maximum(chunk[labelled].astype(np.float64), least)
        own = rows[np.arange(len(rows)), given[start : start + len(chunk)][labelled]] / rows.sum(axis=1)
        # One after another: a pairwise sum would depend on where chunks begin.
        total = float(np.add.accumulate(np.concatenate(([total], -np.log(own))))[-1])
        count += len(own)
    return total / max(count, 1)
