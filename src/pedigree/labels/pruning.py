"""Which examples prune by noise rate takes out, compiled: the largest so many margins of each cell, in one pass over the rows.

A cell (s, y) keeps its margins p_y - p_s in a heap whose root is the first to give way: the smallest, of equal ones the one with
the highest index. Rows come in the order of their index, so a margin that is equal to the root comes too late.
"""

from __future__ import annotations

from typing import Any

from pedigree.labels.compiling import compiled, counting

#: Looking at a class by itself takes about as long as looking at so many of all together.
DENSE = 8


@counting
def _above(values: Any, mine: Any, floors: Any) -> Any:
    """How many margins are above their floor."""
    kind = values.dtype.type
    count = kind(0)
    for column in range(len(values)):
        count += kind(1) if values[column] - mine > floors[column] else kind(0)
    return count


@compiled
def _sooner(margins: Any, owners: Any, one: int, other: int) -> Any:
    """Whether the margin at `one` gives way before that at `other`."""
    return margins[one] < margins[other] or (margins[one] == margins[other] and owners[one] > owners[other])


@compiled
def _swap(margins: Any, owners: Any, one: int, other: int) -> None:
    margins[one], margins[other] = margins[other], margins[one]
    owners[one], owners[other] = owners[other], owners[one]


@compiled
def _sink(margins: Any, owners: Any, start: int, length: int) -> None:
    """Move the root of the heap at `start` down to where it belongs."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= length:
            return
        if child + 1 < length and _sooner(margins, owners, start + child + 1, start + child):
            child += 1
        if not _sooner(margins, owners, start + child, start + at):
            return
        _swap(margins, owners, start + at, start + child)
        at = child


@compiled
def _rise(margins: Any, owners: Any, start: int, at: int) -> None:
    """Move the last of the heap at `start` up to where it belongs."""
    while at > 0:
        parent = (at - 1) // 2
        if not _sooner(margins, owners, start + at, start + parent):
            return
        _swap(margins, owners, start + at, start + parent)
        at = parent


@compiled
def gather(
    chunk: Any,
    first: int,
    labels: Any,
    skipped: Any,
    wanted: Any,
    bounds: Any,
    floors: Any,
    starts: Any,
    fills: Any,
    margins: Any,
    owners: Any,
) -> None:
    """Put the margins of the rows, which are numbered from `first`, into the heaps of their cells.

    Of rows that are not `skipped`. The classes that label s takes margins of are `wanted[bounds[s] : bounds[s + 1]]`; cell number
    c, of the c-th of them all, has the heap from `starts[c]` to `starts[c + 1]` in `margins` and `owners`, of which `fills[c]` are
    in use. `floors` (K, K): what a margin must be above, infinite where none is taken; of a full cell it is the root.
    """
    kind = chunk.dtype.type
    classes = chunk.shape[1]
    for row in range(len(labels)):
        label = labels[row]
        if label < 0 or skipped[row]:
            continue
        begin, end = bounds[label], bounds[label + 1]
        values = chunk[row]
        mine = values[label]
        mins = floors[label]
        # Where most classes are wanted it is quicker to look at all of them at once than at each.
        if DENSE * (end - begin) > classes and _above(values, mine, mins) == kind(0):
            continue
        for cell in range(begin, end):
            column = wanted[cell]
            margin = values[column] - mine
            if not margin > mins[column]:
                continue
            start = starts[cell]
            room = starts[cell + 1] - start
            if fills[cell] < room:
                margins[start + fills[cell]] = margin
                owners[start + fills[cell]] = first + row
                _rise(margins, owners, start, fills[cell])
                fills[cell] += 1
            else:
                margins[start] = margin
                owners[start] = first + row
                _sink(margins, owners, start, room)
            if fills[cell] == room:
                mins[column] = margins[start]
