"""Which examples a matrix of counts takes out, compiled: the largest so many of each cell, ties to the lower index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)

#: Of a power of two the edges are exact, so a margin is in its bin whatever its precision.
BINS = 64


@_compiled
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


@_compiled
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


@_compiled
def prune_label(
    probabilities: Any, label: int, suspects: Any, members: Any, counts: Any, slack: Any, flagged: Any
) -> None:
    """Flag, of the rows that are labelled `label`, the `counts[j]` with the largest p_j - p_label, for each other class j.

    `members` are all rows with the label, `suspects` those of them that do not agree with it (`rows.survey`); only suspects
    are flagged. Rows that agree reach no margin above `slack`, so where enough suspects do, the others are not looked at.
    Margins are counted in BINS first, so that only those near a cut are kept and sorted out.
    """
    classes = probabilities.shape[1]
    wanted = np.empty(classes, np.int64)
    number = 0
    for column in range(classes):
        if column != label and counts[column] > 0:
            wanted[number] = column
            number += 1
    kind = probabilities.dtype.type
    bins = np.zeros((number, BINS + 1), np.int32)
    for at in range(len(suspects)):
        values = probabilities[suspects[at]]
        mine = values[label]
        for item in range(number):
            margin = values[wanted[item]] - mine
            if margin > slack:
                bins[item, min(int(margin * BINS), BINS)] += 1
    # Every margin from `least` on is kept: a few more than are wanted, or none where not enough are above the slack.
    least = np.empty(number, probabilities.dtype)
    starts = np.zeros(number + 1, np.int64)
    for item in range(number):
        above, bin_ = 0, BINS + 1
        while bin_ > 0 and above < counts[wanted[item]]:
            bin_ -= 1
            above += bins[item, bin_]
        if above < counts[wanted[item]]:
            above = 0
            least[item] = kind(np.inf)
        else:
            least[item] = kind(bin_) / kind(BINS)
        starts[item + 1] = starts[item] + above
    margins = np.empty(starts[number], probabilities.dtype)
    owners = np.empty(starts[number], np.int64)
    ends = starts[:number].copy()
    for at in range(len(suspects)):
        values = probabilities[suspects[at]]
        mine = values[label]
        for item in range(number):
            margin = values[wanted[item]] - mine
            if margin >= least[item] and margin > slack:
                margins[ends[item]] = margin
                owners[ends[item]] = suspects[at]
                ends[item] += 1
    work = np.empty(len(members), probabilities.dtype)
    chosen = np.zeros(len(members), np.bool_)
    whole = np.empty(0, probabilities.dtype)
    for item in range(number):
        column = wanted[item]
        start, stop = starts[item], starts[item + 1]
        if stop > start:
            chosen[: stop - start] = False
            mark_largest(margins[start:stop], counts[column], work, chosen)
            for at in range(start, stop):
                if chosen[at - start]:
                    flagged[owners[at]] = True
            continue
        if len(whole) == 0:
            whole = np.empty(len(members), probabilities.dtype)
        chosen[:] = False
        for at in range(len(members)):
            whole[at] = probabilities[members[at], column] - probabilities[members[at], label]
        mark_largest(whole, counts[column], work, chosen)
        place = 0
        for at in range(len(suspects)):
            while members[place] != suspects[at]:
                place += 1
            if chosen[place]:
                flagged[suspects[at]] = True
