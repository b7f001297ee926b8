"""What is asked of each row of a matrix of probabilities, in two passes over it, compiled.

Each kernel takes a chunk of rows, and for each array of results the part that belongs to it. Every sum is taken in the order of
the rows, in float64, so no result depends on chunks or threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pedigree.labels.compiling import compiled, counting, dividing

#: The slack that the peer grants a threshold, and a given label over its rivals; and values below 0.
SLACK = 1e-6
#: Rows are copied to a buffer whose length is a multiple of this, so that loops over it have no remainder.
LANES = 16


def padded(values: Any, kind: Any, filler: float) -> Any:
    """A vector of K values in precision `kind`, filled up to a multiple of LANES."""
    found = np.full(-(-len(values) // LANES) * LANES, filler, kind)
    found[: len(values)] = values
    return found


@counting
def _sum(values: Any) -> Any:
    """The sum of the values and how many are below 0 by more than the slack."""
    total, negative = 0.0, 0.0
    for column in range(len(values)):
        value = np.float64(values[column])
        total += value
        negative += 1.0 if value < -SLACK else 0.0
    return total, negative


@compiled
def examine(chunk: Any, start: int, labels: Any, tolerance: float, sums: Any, counts: Any, faults: Any) -> int:
    """Add p_s to `sums`, and 1 to `counts`, of each label s (below 0: void), and return how many rows are no distributions.

    The first of these go to `faults`, which holds -1 where there is room, as numbers that begin at `start`.
    """
    found, room = 0, 0
    while room < len(faults) and faults[room] >= 0:
        room += 1
    for row in range(len(labels)):
        values = chunk[row]
        total, negative = _sum(values)
        if not (negative == 0.0 and abs(total - 1.0) <= tolerance):
            found += 1
            if room < len(faults):
                faults[room] = start + row
                room += 1
        label = labels[row]
        if label >= 0:
            sums[label] += np.float64(values[label])
            counts[label] += 1
    return found


@compiled
def _most(bits: Any) -> Any:
    """The largest of whole numbers."""
    most = bits[0]
    for column in range(len(bits)):
        most = max(most, bits[column])
    return most


@compiled
def _first(bits: Any, sought: Any) -> Any:
    """Where the value is first; the length if it is nowhere."""
    length = bits.dtype.type(len(bits))
    first = length
    for column in range(len(bits)):
        first = min(first, bits.dtype.type(column) if bits[column] == sought else length)
    return first


@counting
def _reaching(others: Any, cuts: Any) -> Any:
    """How many values reach their cut."""
    kind = others.dtype.type
    count = kind(0)
    for column in range(len(others)):
        count += kind(1) if others[column] >= cuts[column] else kind(0)
    return count


def bits_of(values: Any) -> Any:
    """The same memory as whole numbers, which are in the order of the values where none is negative.

    Compilers make vector instructions of a maximum of whole numbers, and not of one of floats: half the time.
    """
    return values.view(np.int64 if values.itemsize == 8 else np.int32)


def work_of(cuts: Any) -> tuple[Any, ...]:
    """What `survey` needs to work in: two rows, each with its bits."""
    others, scaled = np.full(len(cuts), -1.0, cuts.dtype), np.empty_like(cuts)
    return others, bits_of(others), scaled, bits_of(scaled)


@compiled
def survey(
    chunk: Any,
    labels: Any,
    cuts: Any,
    inverse: Any,
    among: bool,
    work: Any,
    largest: Any,
    counted: Any,
    agreeing: Any,
    own: Any,
    rival: Any,
    rival_bits: Any,
    ratio_bits: Any,
) -> None:
    """For each row, with s its given label, `cuts` (the thresholds) and `inverse` = 1 / level padded, in the chunk's precision:

    `largest` the first class of the largest p; `counted` the class that it is counted for, -1 for none: of one class with
    p >= cut that one, of several `largest`, or with `among` the first of the largest p among them; `agreeing` whether s is first
    among the largest when p_s is raised by the slack; `own` p_s; `rival` the largest other p; `ratio_bits` the bits of
    the largest p_j / level_j of the others, `rival_bits` those of `rival`. A row whose label is below 0 has no own class. `work` of `work_of`; a value below 0 counts as 0.
    """
    classes = chunk.shape[1]
    kind = chunk.dtype.type
    zero, none = kind(0.0), kind(-1.0)
    others, others_bits, scaled, scaled_bits = work
    for row in range(len(labels)):
        label = labels[row]
        values = chunk[row]
        for column in range(classes):
            value = values[column]
            others[column] = max(zero, value)
        mine = none
        if label >= 0:
            mine = values[label]
            others[label] = none
        for column in range(len(others)):
            scaled[column] = others[column] * inverse[column]
        rival_bits[row] = _most(others_bits)
        ratio_bits[row] = _most(scaled_bits)
        best = rival[row]
        at = label
        if not mine > best:
            at = np.int64(_first(others_bits, rival_bits[row]))
            if mine == best and label < at:
                at = label
        largest[row] = at
        sure = at
        if not values[at] >= cuts[at]:
            count = _reaching(others, cuts)
            if label >= 0 and mine >= cuts[label]:
                count += kind(1)
            if count == zero:
                sure = -1
            elif count == kind(1) or among:
                sure = -1
                for column in range(classes):
                    if values[column] >= cuts[column] and (sure < 0 or values[column] > values[sure]):
                        sure = column
        counted[row] = sure
        own[row] = mine
        if label >= 0:
            raised = mine + kind(SLACK)
            agrees = best < raised
            if best == raised:
                agrees = np.int64(_first(others_bits, rival_bits[row])) > label
            agreeing[row] = agrees


@compiled
def scaled_rivals(chunk: Any, labels: Any, inverse: Any, work: Any, found_bits: Any) -> None:
    """The bits of the largest p_j * `inverse`_j (padded) of the classes j other than the label, of all where it is below 0.

    A value below 0 counts as 0. `work` of `work_of`.
    """
    zero = chunk.dtype.type(0.0)
    _, _, scaled, scaled_bits = work
    scaled[:] = zero
    for row in range(len(labels)):
        for column in range(chunk.shape[1]):
            scaled[column] = max(zero, chunk[row, column]) * inverse[column]
        if labels[row] >= 0:
            scaled[labels[row]] = zero
        found_bits[row] = _most(scaled_bits)


def split_of(kind: Any) -> tuple[int, int, int, int]:
    """How `entropies` takes a float of this precision apart: bits of the mantissa, their mask, bits of sqrt(1/2) and of 1."""
    digits = 52 if np.dtype(kind).itemsize == 8 else 23
    root, one = (int(bits_of(np.array([value], kind))[0]) for value in (0.5**0.5, 1.0))
    return digits, (1 << digits) - 1, root, one


@dividing
def entropies(chunk: Any, split: Any, work: Any, found: Any) -> None:
    """The entropy of each row in nats, in the chunk's precision; 0 log 0 is 0, and a value below 0 counts as 0.

    A function `log` is called for one value at a time and took four times as long as all else; this one is arithmetic, of which vector
    instructions are made: p = 2^k m with m from sqrt(1/2) to sqrt(2), and log m = 2 (u + u^3/3 + u^5/5 + ...) with
    u = (m - 1) / (m + 1), to the last digit. Sums go over LANES columns side by side, in the same order on every processor.
    `work` of `work_of`, `split` of `split_of`.
    """
    kind = chunk.dtype.type
    zero, one, two = kind(0.0), kind(1.0), kind(2.0)
    others, others_bits, scaled, scaled_bits = work
    digits, mask, root, unit = split
    powers, lanes = np.empty_like(others), np.empty(LANES, chunk.dtype)
    others[:] = zero
    for row in range(len(found)):
        for column in range(chunk.shape[1]):
            others[column] = max(zero, chunk[row, column])
        for column in range(len(others)):
            shifted = others_bits[column] + (unit - root)
            powers[column] = kind((shifted >> digits) - (unit >> digits))
            scaled_bits[column] = (shifted & mask) + root
        for column in range(len(others)):
            part = (scaled[column] - one) / (scaled[column] + one)
            square = part * part
            if chunk.itemsize == 4:
                series = kind(1 / 9)
            else:
                series = kind(1 / 21)
                series = series * square + kind(1 / 19)
                series = series * square + kind(1 / 17)
                series = series * square + kind(1 / 15)
                series = series * square + kind(1 / 13)
                series = series * square + kind(1 / 11)
                series = series * square + kind(1 / 9)
            series = series * square + kind(1 / 7)
            series = series * square + kind(1 / 5)
            series = series * square + kind(1 / 3)
            series = two * part * (series * square + one)
            scaled[column] = others[column] * (powers[column] * kind(0.6931471805599453) + series)
        lanes[:] = zero
        for start in range(0, len(others), LANES):
            for lane in range(LANES):
                lanes[lane] += scaled[start + lane]
        total = 0.0
        for lane in range(LANES):
            total -= np.float64(lanes[lane])
        found[row] = max(total, 0.0)


@compiled
def by_label(labels: Any, starts: Any, order: Any) -> None:
    """Fill `order` with the rows by label and then by index; `starts`, where each label begins, is moved to where it ends."""
    for row in range(len(labels)):
        label = labels[row]
        if label >= 0:
            order[starts[label]] = row
            starts[label] += 1


@compiled
def tally(labels: Any, counted: Any, found: Any) -> None:
    """Add 1 to (s, y) for each row that is counted for y; a number below 0 is none."""
    for row in range(len(labels)):
        if labels[row] >= 0 and counted[row] >= 0:
            found[labels[row], counted[row]] += 1
