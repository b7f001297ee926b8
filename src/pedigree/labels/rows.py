"""What is asked of each row of a matrix of probabilities, in one pass over it, compiled.

The matrix is read row by row and nothing of its size is made, so a memory map that is larger than memory will do. Every
sum is taken in the order of the rows, in float64, so no result depends on chunks or threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

#: The slack that the peer grants a threshold, and a given label over its rivals.
SLACK = 1e-6

# What stands for numba's decorator in the eyes of the type checker.
_compiled: Any = njit(cache=True, nogil=True, fastmath=False)
# For maxima: they do not depend on the order, and no NaN gets this far.
_comparing: Any = njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
# For a check with a tolerance, whose last bits nobody sees.
_summing: Any = njit(cache=True, nogil=True, fastmath={"reassoc", "nsz"})


@_compiled
def label_sums(probabilities: Any, labels: Any, sums: Any, counts: Any) -> None:
    """Add p[i, label_i] to `sums`, and 1 to `counts`, of each label; a label below 0 is void."""
    for row in range(len(labels)):
        label = labels[row]
        if label >= 0:
            sums[label] += np.float64(probabilities[row, label])
            counts[label] += 1


@_summing
def row_faults(probabilities: Any, tolerance: float, faults: Any) -> int:
    """How many rows are no distributions, the first of them in `faults`: a value below 0 or NaN, or a sum far from 1."""
    found = 0
    for row in range(len(probabilities)):
        total, negative = 0.0, 0
        for column in range(probabilities.shape[1]):
            value = probabilities[row, column]
            total += value
            negative += value < 0
        if not (negative == 0 and abs(total - 1.0) <= tolerance):
            if found < len(faults):
                faults[found] = row
            found += 1
    return found


@_comparing
def _span(values: Any, start: int, stop: int, cuts: Any, inverse: Any) -> Any:
    """Of the values from `start` to `stop`: the largest (-1 of none), the largest times `inverse`, how many reach their cut."""
    best, far, count = values.dtype.type(-1.0), 0.0, 0
    for column in range(start, stop):
        value = values[column]
        if value > best:
            best = value
        scaled = value * inverse[column]
        if scaled > far:
            far = scaled
        count += value >= cuts[column]
    return best, far, count


@_compiled
def survey(
    probabilities: Any,
    labels: Any,
    cuts: Any,
    inverse: Any,
    slack: Any,
    largest: Any,
    confident: Any,
    agreeing: Any,
    own: Any,
    rival: Any,
    ratio: Any,
) -> None:
    """For each row, with s its given label, t the thresholds, `cuts` (in the matrix's precision) and `inverse` = 1 / t:

    `largest` the first class of the largest p; `confident` the class that is counted for it, -1 for none: of one class with
    p >= cut that one, of several `largest`; `agreeing` whether s is first among the largest when p_s is raised by the slack;
    `own` p_s; `rival` the largest other p; `ratio` the largest p_j / t_j of the others.
    A row whose label is below 0 has the first two alone.
    """
    classes = probabilities.shape[1]
    for row in range(len(labels)):
        label = labels[row]
        values = probabilities[row]
        aside = max(label, 0)
        left, far, count = _span(values, 0, aside, cuts, inverse)
        right, other_far, others = _span(values, aside + 1, classes, cuts, inverse)
        mine = values[aside]
        count += others + (mine >= cuts[aside])
        best = max(max(left, right), mine)
        at = aside
        if left == best or mine != best:
            at = 0
            while values[at] != best:
                at += 1
        largest[row] = at
        sure = at
        if count == 0:
            sure = -1
        elif count == 1 and not values[at] >= cuts[at]:
            sure = 0
            while not values[sure] >= cuts[sure]:
                sure += 1
        confident[row] = sure
        if label < 0:
            continue
        raised = mine + slack
        agreeing[row] = left < raised and right <= raised
        own[row] = mine
        rival[row] = max(left, right)
        ratio[row] = max(far, other_far)


@_compiled
def entropies(probabilities: Any, found: Any) -> None:
    """The entropy of each row in nats; 0 log 0 is 0."""
    for row in range(len(found)):
        total = 0.0
        for column in range(probabilities.shape[1]):
            value = np.float64(probabilities[row, column])
            if value > 0.0:
                total -= value * np.log(value)
        found[row] = total
