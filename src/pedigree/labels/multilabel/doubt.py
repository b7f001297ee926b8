"""How probably each given label is wrong: the log-odds of the class, and how often labels are left out or added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.rounding import Floats

#: How many of those that have a class are taken not to have been given it. From labels alone it cannot be known: nothing tells a
#: class that is left out at random from a class that is rarer. Between 0.2 and 0.5 the ranks hardly differ.
MISSING_RATE = 0.3
#: Bounds of the estimated rate of classes that were given and are not there.
LEAST_EXTRA, MOST_EXTRA = 1e-4, 0.3
SHRINKAGE = 100
#: A cell is an issue from this probability of being wrong on: of six that are looked at, one is.
ISSUE = 1 / 6


def extra_rates(logits: Floats, given: NDArray[np.int8], usable: NDArray[np.bool_]) -> Floats:
    """(K,): the estimated share of those without a class that were given it.

    Of each class the fifth of the known examples with the lowest log-odds is looked at: hardly one of them has it. How many
    were given it all the same is too high an estimate, since some do have it; half of it is taken. A class is averaged with
    all others, which count as SHRINKAGE examples, for of a few examples the share says little.
    """
    held, looked_at = np.zeros(given.shape[1]), np.zeros(given.shape[1])
    for column in np.flatnonzero(usable):
        known = np.flatnonzero(given[:, column] >= 0)
        lowest = known[np.argsort(logits[known, column], kind="stable")[: len(known) // 5]]
        held[column] = (given[lowest, column] == 1).sum()
        looked_at[column] = len(lowest)
    everywhere = (held.sum() + 0.5) / (looked_at.sum() + 1.0)
    shares = (held + SHRINKAGE * everywhere) / (looked_at + SHRINKAGE)
    return np.asarray(np.clip(0.5 * shares, LEAST_EXTRA, MOST_EXTRA))


def log_odds(logits: Floats, given: NDArray[np.int8], missing: float, extra: Floats) -> Floats:
    """Log-odds that each cell is right. NaN for void cells.

    With q the probability that the class is given, r that it is there, a and b the rates of missing and of extra ones: where
    it is not given, the odds of an error are a r : (1 - r), which is a / (1 - a) times q : (1 - q) for small r; where it
    is given they are b (1 - r) : (1 - a) r, about b times (1 - q) : q.
    """
    found = np.where(given == 1, logits - np.log(extra), -logits - np.log(missing / (1.0 - missing)))
    found[given < 0] = np.nan
    return np.asarray(found)


def wrong(odds: Floats) -> Floats:
    """Probabilities that cells are wrong, from the log-odds that they are right."""
    return np.asarray(1.0 / (1.0 + np.exp(odds)))


def together(odds: Any) -> Floats:
    """(n,): log-odds that all cells of an example are right, were they independent. NaN cells aside; NaN where all are."""
    void = np.isnan(odds)
    # The log of the probability that a cell is right; its sum over the cells is that of all.
    right = -np.logaddexp(0.0, -np.where(void, np.inf, odds)).sum(axis=1)
    right[void.all(axis=1)] = np.nan
    return np.asarray(right - np.log(-np.expm1(right)))


def issues(odds: Floats, given: NDArray[np.int8], missing: float) -> NDArray[np.bool_]:
    """Which cells are wrong with a probability above ISSUE; of the missing ones of a class no more than its rate implies.

    Those that have a class and were not given it are a / (1 - a) times those that were, a the rate. Without this bound a model that
    knows nothing would find half of the examples to lack a common class. Ties go to the lower row.
    """
    found = wrong(odds) > ISSUE
    for column in range(given.shape[1]):
        most = int(missing / (1.0 - missing) * np.count_nonzero(given[:, column] == 1))
        rows = np.flatnonzero(found[:, column] & (given[:, column] == 0))
        if len(rows) > most:
            found[rows[np.argsort(odds[rows, column], kind="stable")[most:]], column] = False
    return np.asarray(found)
