"""What is asked of each cell of a matrix of independent probabilities, compiled, row by row.

Each class is a problem of two classes, s = given (0 or 1), with the probabilities [1 - p, p] in the matrix's own
precision, as the peer stacks them. Sums are float64 in the order of the rows; nothing of the matrix's size is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pedigree.labels.compiling import compiled

#: Bins of what a cell is pruned by; of a power of two the edges are exact.
BINS = 256
BY_MARGIN, BY_CONFIDENCE = 0, 1


@compiled
def nth_largest(values: Any, nth: int) -> Any:
    """The value that has exactly `nth` (from 0) before it in falling order; reorders `values`.

    Hoare's selection; the value does not depend on how it is found.
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if nth <= right:
            high = right
        elif nth >= left:
            low = left
        else:
            break
    return values[nth]


@compiled
def mark_largest(values: Any, count: int, work: Any, chosen: Any) -> None:
    """Set `chosen` at the `count` largest values, of equal ones at those that come first."""
    size = len(values)
    if count >= size:
        for at in range(size):
            chosen[at] = True
        return
    for at in range(size):
        work[at] = values[at]
    cut = nth_largest(work[:size], count - 1)
    left = count
    for at in range(size):
        if values[at] > cut:
            chosen[at] = True
            left -= 1
    for at in range(size):
        if left == 0:
            break
        if values[at] == cut:
            chosen[at] = True
            left -= 1


@compiled
def faults(probabilities: Any, places: Any) -> int:
    """How many values are not in [0, 1], the places of the first of them in `places`."""
    found = 0
    for row in range(probabilities.shape[0]):
        wrong = 0
        for column in range(probabilities.shape[1]):
            value = probabilities[row, column]
            wrong += not (value >= 0.0 and value <= 1.0)
        if wrong:
            for column in range(probabilities.shape[1]):
                value = probabilities[row, column]
                if not (value >= 0.0 and value <= 1.0):
                    if found < len(places):
                        places[found, 0] = row
                        places[found, 1] = column
                    found += 1
    return found


@compiled
def sums(probabilities: Any, given: Any, totals: Any, counts: Any) -> None:
    """Add to `totals` (K, 2) the probability of what is given, and to `counts` (K, 2) one, for each cell that is not void."""
    one = probabilities.dtype.type(1.0)
    for row in range(probabilities.shape[0]):
        for column in range(probabilities.shape[1]):
            value = probabilities[row, column]
            label = given[row, column]
            if label == 1:
                totals[column, 1] += np.float64(value)
                counts[column, 1] += 1
            elif label == 0:
                totals[column, 0] += np.float64(one - value)
                counts[column, 0] += 1


@compiled
def counted(value: Any, absent: Any, low: float, high: float) -> Any:
    """Which of the two a cell is counted for, given the cuts of absent and of present; -1 for none."""
    without, with_ = np.float64(absent) >= low, np.float64(value) >= high
    if without and with_:
        return 1 if value > absent else 0
    if with_:
        return 1
    return 0 if without else -1


@compiled
def agrees(value: Any, absent: Any, label: Any, slack: Any) -> Any:
    """Whether what is given has the larger probability when it is raised by the slack; a tie goes to absent."""
    if label == 1:
        return not absent >= value + slack
    return absent + slack >= value


@compiled
def joints(probabilities: Any, given: Any, cuts: Any, joint: Any) -> None:
    """Add to `joint` (K, 3, 2) each cell that is counted: class, given (VOID, 0, 1), counted for. See `counted`.

    Without a branch, which random cells would make the processor guess wrong.
    """
    one = probabilities.dtype.type(1.0)
    for row in range(probabilities.shape[0]):
        for column in range(probabilities.shape[1]):
            value = probabilities[row, column]
            absent = one - value
            without = np.int64(np.float64(absent) >= cuts[column, 0])
            with_ = np.int64(np.float64(value) >= cuts[column, 1])
            larger = np.int64(value > absent)
            joint[column, given[row, column] + 1, with_ & (larger | (1 - without))] += without | with_


@compiled
def mark(probabilities: Any, given: Any, cuts: Any, counting: bool, slack: Any, flagged: Any) -> None:
    """Flag the cells that do not agree with what is given; when `counting`, of these the cells counted for the other."""
    one = probabilities.dtype.type(1.0)
    for row in range(probabilities.shape[0]):
        for column in range(probabilities.shape[1]):
            label = given[row, column]
            if label < 0:
                continue
            value = probabilities[row, column]
            absent = one - value
            if agrees(value, absent, label, slack):
                continue
            flagged[row, column] = not counting or counted(value, absent, cuts[column, 0], cuts[column, 1]) == 1 - label


@compiled
def _key(own: Any, rival: Any, kind: int) -> Any:
    return rival - own if kind == BY_MARGIN else -own


@compiled
def _bin(key: Any, kind: int) -> int:
    """Rises with the key: a margin is above -SLACK, and what is given has a probability of 1/2 + SLACK at most."""
    found = int(key * BINS) if kind == BY_MARGIN else BINS + int(key * 2 * BINS)
    return min(max(found, 0), BINS)


@compiled
def prune(probabilities: Any, given: Any, wanted: Any, kind: int, slack: Any, flagged: Any) -> None:
    """Flag, of the cells of a class with s given that do not agree, the `wanted[class, s]` with the largest key, ties by row.

    The key is the probability of the other less that of s, or less the probability of s alone. Keys are counted in bins
    first, so that only those in the bin of the cut are kept and sorted out.
    """
    count, classes = probabilities.shape
    one = probabilities.dtype.type(1.0)
    bins = np.zeros((classes, 2, BINS + 1), np.int64)
    for row in range(count):
        for column in range(classes):
            label = given[row, column]
            if label < 0 or wanted[column, label] <= 0:
                continue
            value = probabilities[row, column]
            absent = one - value
            if not agrees(value, absent, label, slack):
                own, rival = (value, absent) if label == 1 else (absent, value)
                bins[column, label, _bin(_key(own, rival, kind), kind)] += 1
    # What lies above the bin of the cut is flagged, and of that bin itself the largest `left`.
    cut = np.empty((classes, 2), np.int64)
    left = np.maximum(wanted, 0)
    ends = np.empty((classes, 2), np.int64)
    total = 0
    for column in range(classes):
        for label in range(2):
            at = BINS
            while at >= 0 and bins[column, label, at] <= left[column, label]:
                left[column, label] -= bins[column, label, at]
                at -= 1
            cut[column, label] = at
            ends[column, label] = total
            if at >= 0 and left[column, label] > 0:
                total += bins[column, label, at]
    starts = ends.copy()
    keys = np.empty(total, probabilities.dtype)
    rows = np.empty(total, np.int64)
    for row in range(count):
        for column in range(classes):
            label = given[row, column]
            if label < 0 or wanted[column, label] <= 0:
                continue
            value = probabilities[row, column]
            absent = one - value
            if agrees(value, absent, label, slack):
                continue
            own, rival = (value, absent) if label == 1 else (absent, value)
            key = _key(own, rival, kind)
            bin_ = _bin(key, kind)
            if bin_ > cut[column, label]:
                flagged[row, column] = True
            elif bin_ == cut[column, label] and left[column, label] > 0:
                keys[ends[column, label]] = key
                rows[ends[column, label]] = row
                ends[column, label] += 1
    for column in range(classes):
        for label in range(2):
            start, stop = starts[column, label], ends[column, label]
            if stop > start:
                chosen = np.zeros(stop - start, np.bool_)
                mark_largest(keys[start:stop], left[column, label], np.empty(stop - start, keys.dtype), chosen)
                for at in range(start, stop):
                    if chosen[at - start]:
                        flagged[rows[at], column] = True


@compiled
def moving_averages(scores: Any, given: Any, alpha: float, found: Any) -> None:
    """The exponential moving average of each row's scores from the largest to the lowest; NaN where all cells are void."""
    kept = np.empty(scores.shape[1])
    for row in range(scores.shape[0]):
        size = 0
        for column in range(scores.shape[1]):
            if given[row, column] >= 0:
                value = scores[row, column]
                at = size
                while at > 0 and kept[at - 1] < value:
                    kept[at] = kept[at - 1]
                    at -= 1
                kept[at] = value
                size += 1
        if size == 0:
            found[row] = np.nan
            continue
        average = kept[0]
        for at in range(1, size):
            average = alpha * kept[at] + (1.0 - alpha) * average
        found[row] = average
