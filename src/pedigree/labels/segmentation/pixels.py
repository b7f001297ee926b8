"""What is asked of each pixel of one image, in two passes over the data set, compiled.

An image is (K, P) probabilities, one row per class, and P labels, -1 for void. Pixels are taken in blocks that fit the
processor's nearest cache, so nothing of the image's size is made that the caller did not ask for. Sums are float64 in the order of the pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)
# For a check with a tolerance, and for maxima: no NaN gets past the check.
_comparing: Any = njit(cache=True, nogil=True, fastmath={"nsz"})

BLOCK = 1024
#: Sums are kept in so many parts; a power of 2.
LANES = 4
#: Bins of the largest probabilities have this width.
TOP_BINS = 4096
#: Bins of given labels' probabilities follow the bits of float32: sign, exponent and 12 of the 23 bits of the fraction.
#: The width is 1/4096 of the value, so values of float16 and whole numbers over 255 have a bin each.
OWN_SHIFT = 11
OWN_BINS = (0x3F80_0000 >> OWN_SHIFT) + 64
#: Of softmin, as the peer has it.
TEMPERATURE = 0.1
#: exp(0.5): a ratio below is no evidence.
ROOT_E = 1.6487
#: Stands where a pixel has no label and so no p of it.
VOID_OWN = 2.0


@_compiled
def numbered(values: Any, low: int, table: Any, found: Any) -> int:
    """Look each value up in the table that begins at `low`; the first pixel that is no class and not void, or -1."""
    size = len(table)
    for at in range(len(values)):
        place = np.int64(values[at]) - low
        if place < 0 or place >= size:
            return at
        number = table[place]
        if number < -1:
            return at
        found[at] = number
    return -1


@_comparing
def _largest(probabilities: Any, labels: Any, start: int, size: int, best: Any, arg: Any, own: Any) -> None:
    """Of each pixel of the block: the largest p, its first class, and the p of the label (of class 0 for void)."""
    first = probabilities[0, start : start + size]
    given = labels[start : start + size]
    for at in range(size):
        best[at] = first[at]
        own[at] = first[at]
        arg[at] = 0
    for column in range(1, probabilities.shape[0]):
        values = probabilities[column, start : start + size]
        for at in range(size):
            value = values[at]
            wins = value > best[at]
            best[at] = value if wins else best[at]
            arg[at] = np.int32(column) if wins else arg[at]
            own[at] = value if given[at] == column else own[at]


@_comparing
def _sums(probabilities: Any, start: int, size: int, total: Any, least: Any) -> None:
    first = probabilities[0, start : start + size]
    for at in range(size):
        total[at] = first[at]
        least[at] = first[at]
    for column in range(1, probabilities.shape[0]):
        values = probabilities[column, start : start + size]
        for at in range(size):
            value = values[at]
            total[at] += value
            # A NaN stays in the sum.
            least[at] = value if value < least[at] else least[at]  # noqa: FURB136 - numba's min is not made vectors


@_compiled
def check(probabilities: Any, tolerance: float) -> int:
    """The first pixel whose values are no probabilities (NaN, below 0, a sum that is not 1 within the tolerance), or -1."""
    pixels = probabilities.shape[1]
    total = np.empty(BLOCK, probabilities.dtype)
    least = np.empty(BLOCK, probabilities.dtype)
    for start in range(0, pixels, BLOCK):
        size = min(BLOCK, pixels - start)
        _sums(probabilities, start, size, total, least)
        wrong = 0
        for at in range(size):
            wrong += not (abs(total[at] - 1.0) <= tolerance and least[at] >= 0.0)
        if wrong:
            for at in range(size):
                if not (abs(total[at] - 1.0) <= tolerance and least[at] >= 0.0):
                    return start + at
    return -1


@_compiled
def survey(
    probabilities: Any,
    labels: Any,
    tolerance: float,
    sums: Any,
    counts: Any,
    own_counts: Any,
    own_first: Any,
    own_mixed: Any,
    top_counts: Any,
    top_first: Any,
    top_mixed: Any,
) -> int:
    """The first pass: add p of the image's labels to `sums`, labels to `counts`, and pixels to the bins of `tallies.Tally`.

    `sums` has LANES rows, for the pixels whose number leaves 0, 1, … : one sum would wait for each addition to end.
    Returns the first pixel whose values are no probabilities, or -1.
    """
    pixels = len(labels)
    kind = probabilities.dtype
    best, own = np.empty(BLOCK, kind), np.empty(BLOCK, kind)
    arg = np.empty(BLOCK, np.int32)
    total, least = np.empty(BLOCK, kind), np.empty(BLOCK, kind)
    short = np.empty(BLOCK, np.float32)
    bits = short.view(np.int32)
    for start in range(0, pixels, BLOCK):
        size = min(BLOCK, pixels - start)
        _sums(probabilities, start, size, total, least)
        wrong = 0
        for at in range(size):
            wrong += not (abs(total[at] - 1.0) <= tolerance and least[at] >= 0.0)
        if wrong:
            for at in range(size):
                if not (abs(total[at] - 1.0) <= tolerance and least[at] >= 0.0):
                    return start + at
        _largest(probabilities, labels, start, size, best, arg, own)
        for at in range(size):
            short[at] = own[at] + np.float32(0.0)  # -0.0 becomes 0.0, whose bits begin the bins
        for at in range(size):
            label = labels[start + at]
            if label < 0:
                continue
            value = np.float64(own[at])
            sums[at & (LANES - 1), label] += value
            counts[label] += 1
            bin_ = min(bits[at] >> OWN_SHIFT, OWN_BINS - 1)
            if own_first[bin_] != value:
                if own_first[bin_] < 0.0:
                    own_first[bin_] = value
                else:
                    own_mixed[bin_] = True
            own_counts[bin_] += 1
            if arg[at] != label:
                value = np.float64(best[at])
                bin_ = min(int(value * TOP_BINS), TOP_BINS)
                top = arg[at]
                if top_first[top, bin_] != value:
                    if top_first[top, bin_] < 0.0:
                        top_first[top, bin_] = value
                    else:
                        top_mixed[top, bin_] = True
                top_counts[top, bin_] += 1
    return -1


@_compiled
def judge(
    probabilities: Any,
    labels: Any,
    cuts: Any,
    inverse: Any,
    low: int,
    high: int,
    predicted: Any,
    own_all: Any,
    certain: Any,
    opened: Any,
    evidence: Any,
    pairs: Any,
    found: Any,
) -> Any:
    """The second pass, with t the thresholds. Bins below `low` are under the cut, those up to `high` at it.

    Fills per pixel `predicted` (the class of the largest p), `own_all` (p of the label, VOID_OWN where there is none), `certain` (under the
    cut; with `pairs`, only where another class than the label is predicted, and counted there as given * K + predicted),
    and unless it is empty `evidence`: clip(-m - 0.5, 0, 4), m = log(p_s / t_s) - max over others of log(p_j / t_j).
    `found` becomes the sum of evidence, softmin's weights and weighted values, the sum of evidence to the 4th power, and that of
    clip(-m - 1, 0, 6).
    Returns how many pixels have a label, how many of them are confidently predicted (p >= cut) to be of another class, and how
    many are at the cut; these are listed in `opened`.
    """
    pixels = len(labels)
    classes = probabilities.shape[0]
    kind = probabilities.dtype
    best, own = np.empty(BLOCK, kind), np.empty(BLOCK, kind)
    far, mine = np.empty(BLOCK, kind), np.empty(BLOCK, kind)
    weight, weighted = np.empty(BLOCK), np.empty(BLOCK)
    reached, strong = np.empty(BLOCK, np.bool_), np.empty(BLOCK, np.bool_)
    short = np.empty(BLOCK, np.float32)
    bits = short.view(np.int32)
    place = np.empty(BLOCK, np.int32)
    confident, used, at_cut = 0, 0, 0
    shown, strong_sum, clear = 0.0, 0.0, 0.0
    weights, products = np.zeros(LANES), np.zeros(LANES)
    graded, paired = len(evidence) > 0, len(pairs) > 0
    for start in range(0, pixels, BLOCK):
        size = min(BLOCK, pixels - start)
        given, arg = labels[start : start + size], predicted[start : start + size]
        under, kept = certain[start : start + size], own_all[start : start + size]
        _largest(probabilities, labels, start, size, best, arg, own)
        _reached(probabilities, start, size, cuts, best, reached)
        _ratios(probabilities, labels, start, size, inverse, far, mine)
        for at in range(size):
            short[at] = own[at] + np.float32(0.0)  # -0.0 becomes 0.0, whose bits begin the bins
        for at in range(size):
            place[at] = bits[at] >> OWN_SHIFT
        number, near, several = 0, 0, 0
        for at in range(size):
            there = given[at] >= 0
            number += there
            kept[at] = own[at] if there else VOID_OWN
            confident += there and arg[at] != given[at] and reached[at]
            within = there and place[at] < low and (arg[at] != given[at] or not paired)
            under[at] = within
            several += within
            near += there and low <= place[at] <= high
            strong[at] = there and far[at] > mine[at] * ROOT_E
        used += number
        if several and paired:
            for at in range(size):
                if under[at]:
                    pairs[given[at] * classes + arg[at]] += 1
        if near:
            for at in range(size):
                if given[at] >= 0 and low <= place[at] <= high:
                    opened[at_cut] = start + at
                    at_cut += 1
        _weights(own, given, size, weight, weighted)
        for at in range(size):
            weights[at & (LANES - 1)] += weight[at]
            products[at & (LANES - 1)] += weighted[at]
        if graded:
            evidence[start : start + size] = 0.0
        for at in range(size):
            if strong[at]:
                ratio = max(np.float64(own[at]), 1e-12) * np.float64(inverse[given[at]])
                against = np.log(max(np.float64(far[at]), 1e-12) / ratio)
                clear += min(max(against - 1.0, 0.0), 6.0)
                grade = min(max(against - 0.5, 0.0), 4.0)
                shown += grade
                strong_sum += grade * grade * grade * grade
                if graded:
                    evidence[start + at] = grade
    found[0], found[1], found[2] = shown, weights.sum(), products.sum()
    found[3], found[4] = strong_sum, clear
    return used, confident, at_cut


@_comparing
def _reached(probabilities: Any, start: int, size: int, cuts: Any, best: Any, reached: Any) -> None:
    """Of each pixel of the block whether the first class of its largest p reaches that class's cut."""
    for at in range(size):
        reached[at] = False
    for column in range(probabilities.shape[0] - 1, -1, -1):
        values = probabilities[column, start : start + size]
        cut = cuts[column]
        for at in range(size):
            reached[at] = values[at] >= cut if values[at] == best[at] else reached[at]


@_compiled
def _weights(own: Any, given: Any, size: int, weight: Any, weighted: Any) -> None:
    """exp(-p / TEMPERATURE), and the same times p; 0 for void. Within 1e-13 of it: the 64th power of nine terms."""
    for at in range(size):
        value = np.float64(own[at])
        x = value * (-1.0 / (64.0 * TEMPERATURE))
        power: Any = 1.0 + x * (
            1.0
            + x
            * (
                1 / 2
                + x
                * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040 + x * (1 / 40320 + x / 362880))))))
            )
        )
        for _ in range(6):
            power *= power
        power = power if given[at] >= 0 else 0.0
        weight[at] = power
        weighted[at] = power * value


@_comparing
def _ratios(probabilities: Any, labels: Any, start: int, size: int, inverse: Any, far: Any, mine: Any) -> None:
    """Of each pixel of the block: the largest p / t of the classes that are not its label, and that of its label."""
    given = labels[start : start + size]
    for at in range(size):
        far[at] = 0
        mine[at] = 0
    for column in range(probabilities.shape[0]):
        values = probabilities[column, start : start + size]
        factor = inverse[column]
        for at in range(size):
            scaled = values[at] * factor
            same = given[at] == column
            mine[at] = scaled if same else mine[at]
            far[at] = scaled if (not same) and scaled > far[at] else far[at]


@_compiled
def mean_of_lowest(values: Any, count: int, bins: Any) -> Any:
    """The mean of the `count` lowest values; VOID_OWN is none. `bins` is room for counts."""
    size = len(bins) - 1
    bins[:] = 0
    for at in range(len(values)):
        if values[at] < 1.5:
            bins[min(int(values[at] * size), size)] += 1
    below, last = 0, 0
    while below + bins[last] < count:
        below += bins[last]
        last += 1
    edge = np.empty(bins[last], values.dtype)
    total: Any = 0.0
    filled = 0
    for at in range(len(values)):
        if values[at] < 1.5:
            bin_ = min(int(values[at] * size), size)
            if bin_ < last:
                total += np.float64(values[at])
            elif bin_ == last:
                edge[filled] = values[at]
                filled += 1
    edge.sort()
    for at in range(count - below):
        total += np.float64(edge[at])
    return total / count
