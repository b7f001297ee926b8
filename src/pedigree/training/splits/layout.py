"""The line from 0 to 2^64, shared out among the splits.

A key falls on a point of the line (assignment.py), and whose piece the point is in has the key. All arithmetic is in
integers and exact fractions, so that no machine, language or version rounds it otherwise.

The construction, which never changes:

1. A fraction is the decimal number that its shortest text says: 0.1 is 1/10. Its width is floor(fraction x 2^64).
   The largest fraction (among equals, the first name by code points) takes what the others leave.
2. The largest has [0, its width). The others follow one after another, sorted by name, from the top of the line down:
   the first of them ends at 2^64.
3. With earlier fractions, the line is laid out for the oldest by rules 1 and 2 and then handed on, version by version: a name that
   shrinks gives up points from the upper end of its highest piece, and pieces given up go, lowest first, to
   the names that grow, sorted by name.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from pedigree.errors import InvalidSplit

LINE = 1 << 64
#: How far from 1 the sum of fractions may be: thirds and sevenths written as floats are meant.
TOLERANCE = Fraction(1, 10**9)

Fractions = Mapping[str, "float | Fraction | Decimal"]
#: (start, end, name): the points start <= point < end.
Piece = tuple[int, int, str]


class Layout:
    """Whose every point of the line is: `layout.at(point)` for 0 <= point < 2^64.

    What changes when the fractions change from p to q, and never more than that:

    - The largest split, as long as it stays the largest and does not grow, gains no key: no test picture becomes a training
      picture because a split was added or another one grew.
    - With `before=[p]`, exactly the smallest possible share of keys moves, sum(max(0, q - p)) over the names, and each of them
      from a name that shrank to one that grew. Keep the list and append to it with each change.

    Raises InvalidSplit for fractions that are no numbers, negative or do not sum to 1, and for names that are no text or empty.
    """

    def __init__(self, fractions: Fractions, before: Sequence[Fractions] = ()) -> None:
        versions = [widths(version) for version in (*before, fractions)]
        self.fractions = dict(fractions)
        pieces = _first(versions[0])
        for one, other in itertools.pairwise(versions):
            pieces = _handed_on(pieces, one, other)
        self.pieces: tuple[Piece, ...] = tuple(sorted(pieces))
        self._starts = [start for start, _, _ in self.pieces]

    def at(self, point: int) -> str:
        """The split whose point this is."""
        return self.pieces[bisect_right(self._starts, point) - 1][2]


def widths(fractions: Fractions) -> dict[str, int]:
    """How many of the 2^64 points each name has (rule 1), largest first, then by name; they sum to 2^64."""
    given: object = fractions  # the caller may not check types
    if not isinstance(given, Mapping) or not given:
        raise InvalidSplit(
            f"Splits are a mapping from name to fraction; got {fractions!r}.",
            remedy='Write for instance {"train": 0.8, "test": 0.2}.',
        )
    exact = {name: _exact(name, fraction) for name, fraction in fractions.items()}
    total = sum(exact.values(), Fraction(0))
    if abs(total - 1) > TOLERANCE:
        told = " + ".join(f"{name} {fraction}" for name, fraction in fractions.items())
        raise InvalidSplit(
            f"The fractions sum to {float(total):.10g}, not to 1: {told}.",
            remedy="Divide each by their sum, or name the rest as a split of its own.",
            total=float(total),
        )
    names = sorted(exact, key=lambda name: (-exact[name], name))
    sizes = {name: math.floor(exact[name] * LINE) for name in names}
    sizes[names[0]] = LINE - sum(sizes[name] for name in names[1:])
    return sizes


def _exact(name: object, fraction: object) -> Fraction:
    if not isinstance(name, str) or not name.strip():
        raise InvalidSplit(
            f"A split needs a name; got {name!r} for the fraction {fraction!r}.",
            remedy="Name it, for instance 'train'.",
        )
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, Fraction, Decimal)):
        raise InvalidSplit(
            f"The fraction of split {name!r} is no number: {fraction!r}.", remedy="Give a number from 0 to 1."
        )
    if not isinstance(fraction, Fraction) and not math.isfinite(fraction):
        raise InvalidSplit(f"The fraction of split {name!r} is {fraction}.", remedy="Give a number from 0 to 1.")
    # float() first: NumPy's own floats are floats whose text is "np.float64(0.1)".
    exact: Fraction = Fraction(repr(float(fraction))) if isinstance(fraction, float) else Fraction(fraction)
    if exact.numerator < 0:
        raise InvalidSplit(
            f"The fraction of split {name!r} is negative: {fraction}.", remedy="Give a number from 0 to 1."
        )
    return exact


def _first(sizes: dict[str, int]) -> list[Piece]:
    largest, *others = sizes
    pieces, end = [(0, sizes[largest], largest)], LINE
    for name in sorted(others):
        if sizes[name]:
            pieces.append((end - sizes[name], end, name))
        end -= sizes[name]
    return pieces


def _handed_on(pieces: list[Piece], old: dict[str, int], new: dict[str, int]) -> list[Piece]:
    surplus = {name: size - new.get(name, 0) for name, size in old.items()}
    kept: list[Piece] = []
    freed: list[tuple[int, int]] = []
    for start, end, name in sorted(pieces, reverse=True):
        given = min(end - start, max(0, surplus[name]))
        surplus[name] -= given
        if given:
            freed.append((end - given, end))
        if end - start > given:
            kept.append((start, end - given, name))
    freed.sort(reverse=True)  # popped from the end: lowest first
    for name in sorted(new):
        wanted = new[name] - old.get(name, 0)
        while wanted > 0:
            start, end = freed.pop()
            taken = min(wanted, end - start)
            kept.append((start, start + taken, name))
            if start + taken < end:
                freed.append((start + taken, end))
            wanted -= taken
    return kept
