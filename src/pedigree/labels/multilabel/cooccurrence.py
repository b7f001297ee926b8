"""What the other classes of an example say about each: probabilities that know which classes come together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.multilabel.inputs import Cells
from pedigree.labels.rounding import Floats

FOLDS = 5
#: What the squares of the weights cost, on features of variance 1.
RIDGE = 10.0
#: A class is refitted by so many others at most, those that it goes with most.
MOST_OTHERS = 32
#: And on so many examples at most.
MOST_EXAMPLES = 20_000
#: A probability counts as this much at least, and one less this at most: forests say 0 and 1 and do not mean it.
LEAST = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class CoOccurrence:
    """`logits` (n, K): log-odds that each class was given, with all that is known of the example but that cell itself.

    `refitted` (K,) says for which classes they are better than the model's own, which stand for the others. `losses` (K, 2) are
    the mean log-losses of the model's probabilities and of the refitted ones, on examples that the fit did not see.
    """

    logits: Floats
    refitted: NDArray[np.bool_]
    losses: Floats


def refit(data: Cells, *, seed: int = 0) -> CoOccurrence:
    """The model's log-odds of each class, averaged with those of a regression that sees the other classes.

    For class k a logistic regression with the features: the model's logits of all classes, and the other given labels (an unknown one
    counts as the mean). It is fitted to the given labels of k, on four fifths of the examples, for the last fifth. Averaging
    with the model's own keeps what goes with the noise from leading: annotators who name one class of each example make
    the other given labels say that there is none.

    A class of which fewer than 5 examples have or lack the label, or for which the log-loss is not lower than the model's, keeps the
    model's. The split depends on `seed` alone, and the result not on threads. O(n K d^2) time, d <= 65 features.
    """
    from pedigree.labels.multilabel import logistic

    own = logits_of(data.probabilities)
    rng = np.random.default_rng(seed)
    count, classes = data.given.shape
    fitted = np.sort(rng.permutation(count)[:MOST_EXAMPLES])
    features = np.hstack([_standard(own, np.ones(own.shape, np.bool_)), _standard(data.given, data.given >= 0)])
    found, losses = own.copy(), np.full((classes, 2), np.nan)
    refitted = np.zeros(classes, np.bool_)
    for column in range(classes):
        target = data.given[:, column]
        fold = _folds(target, fitted, rng)
        if fold is None:
            continue
        columns = _neighbours(features, target, column, classes)
        logits = np.empty(count)
        logistic.cross_fitted(features, columns, target, fold, FOLDS, RIDGE, logits)
        logits = 0.5 * (own[:, column] + np.clip(logits, _lowest, -_lowest))
        losses[column] = [_log_loss(values, target) for values in (own[:, column], logits)]
        refitted[column] = losses[column, 1] < losses[column, 0]
        if refitted[column]:
            found[:, column] = logits
    return CoOccurrence(found, refitted, losses)


_lowest = float(np.log(LEAST) - np.log1p(-LEAST))


def logits_of(probabilities: NDArray[Any]) -> Floats:
    clipped = np.clip(probabilities.astype(np.float64), LEAST, 1.0 - LEAST)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _standard(values: NDArray[Any], known: NDArray[np.bool_]) -> Floats:
    """Columns of mean 0 and variance 1 over what is known, 0 where it is not; the sums go down the rows, in their order."""
    counts = np.maximum(known.sum(axis=0), 1)
    shifted = np.where(known, values - np.where(known, values, 0.0).sum(axis=0) / counts, 0.0)
    spread = np.sqrt((shifted**2).sum(axis=0) / counts)
    return np.asarray(shifted / np.maximum(spread, 1e-9))


def _folds(target: NDArray[np.int8], fitted: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64] | None:
    """A fold for each known example that is fitted to, with both labels in equal parts; None where one is too rare."""
    fold = np.full(len(target), -1, np.int64)
    for label in (0, 1):
        members = rng.permutation(fitted[target[fitted] == label])
        if len(members) < FOLDS:
            return None
        fold[members] = np.arange(len(members)) % FOLDS
    return fold


def _neighbours(features: Floats, target: NDArray[np.int8], column: int, classes: int) -> NDArray[np.int64]:
    """The features of a class: its own logit, and logits and given labels of the others, or of those that it goes with most."""
    others = np.delete(np.arange(classes), column)
    if len(others) > MOST_OTHERS:
        centred = np.where(target >= 0, target - target[target >= 0].mean(), 0.0)
        ties = np.abs((features * centred[:, None]).sum(axis=0))
        strength = ties[:classes] + ties[classes:]
        others = np.sort(others[np.argsort(-strength[others], kind="stable")[:MOST_OTHERS]])
    return np.concatenate(([column], others, classes + others))


def _log_loss(logits: Floats, target: NDArray[np.int8]) -> float:
    signed = np.where(target == 1, -logits, logits)[target >= 0]
    return float(np.mean(np.maximum(signed, 0.0) + np.log1p(np.exp(-np.abs(signed)))))
