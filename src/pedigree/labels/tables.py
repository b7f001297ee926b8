"""The counts as people read them: a row per class, the most confused pairs, and a paragraph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Of one class: how many examples have its label, and what is estimated about them.

    `errors` of them are wrong, which is the part `noise` of `examples`. `missed` examples of the class have another label, which
    is the part `inverse_noise` of those that truly are of it. Rates are NaN where there is nothing to take a part of.
    `threshold` is NaN without examples.
    """

    name: Any
    examples: int
    threshold: float
    errors: int
    noise: float
    missed: int
    inverse_noise: float


@dataclass(frozen=True, slots=True)
class Pair:
    """`examples` are labelled `given` and probably `true`, which is the part `share` of the labels `given`.

    `back` are the other way round.
    """

    given: Any
    true: Any
    examples: int
    share: float
    back: int


def class_rows(found: Analysis) -> list[ClassRow]:
    """A row for each class, in the order of the columns; all numbers from the calibrated joint."""
    joint = found.joint
    kept, by_given, by_true = joint.diagonal(), joint.sum(axis=1), joint.sum(axis=0)
    return [
        ClassRow(
            name,
            int(found.label_counts[at]),
            float(found.thresholds[at]) if found.label_counts[at] else float("nan"),
            int(by_given[at] - kept[at]),
            _part(by_given[at] - kept[at], by_given[at]),
            int(by_true[at] - kept[at]),
            _part(by_true[at] - kept[at], by_true[at]),
        )
        for at, name in enumerate(found.data.names)
    ]


def confused_pairs(found: Analysis, count: int | None = None) -> list[Pair]:
    """The cells of the joint off its diagonal that hold examples, the largest first, ties in the order of given and true class."""
    joint = found.joint
    cells = joint.copy()
    np.fill_diagonal(cells, 0)
    order = np.argsort(-cells, axis=None, kind="stable")[: int(np.count_nonzero(cells))]
    names = found.data.names
    pairs = (divmod(int(cell), found.data.classes) for cell in order[:count])
    return [
        Pair(names[s], names[y], int(joint[s, y]), _part(joint[s, y], found.label_counts[s]), int(joint[y, s]))
        for s, y in pairs
    ]


def summary(found: Analysis, *, pairs: int = 5, classes: int = 30) -> str:
    """What was found, as text: the totals, the classes with the most wrong labels, the most confused pairs."""
    count = int(found.label_counts.sum())
    empty = len(found.data.labels) - count
    flagged = int(found.issues().sum())
    what = f"{count:,} labels of {found.data.classes} classes{f', {empty:,} void' if empty else ''}"
    lines = [f"{what}: about {found.errors:,} wrong ({found.errors / count:.1%}); {flagged:,} are issues.", ""]
    rows = sorted(class_rows(found), key=lambda row: -row.errors)
    table: list[tuple[str, ...]] = [("class", "labels", "wrong", "part", "missed", "part", "threshold")]
    for row in rows[:classes]:
        counts = (f"{row.examples:,}", f"{row.errors:,}", _percent(row.noise), f"{row.missed:,}")
        cut = "-" if np.isnan(row.threshold) else f"{row.threshold:.3f}"
        table.append((str(row.name), *counts, _percent(row.inverse_noise), cut))
    lines += _aligned(table)
    if len(rows) > classes:
        lines.append(f"… and {len(rows) - classes} classes with fewer.")
    most = confused_pairs(found, pairs)
    if most:
        lines += ["", "most confused:"]
        lines += [
            f"  {pair.examples:,} labelled {pair.given}, probably {pair.true} ({pair.back:,} back)" for pair in most
        ]
    return "\n".join(lines)


def _part(some: Any, whole: Any) -> float:
    return float(some) / float(whole) if whole else float("nan")


def _percent(part: float) -> str:
    return "-" if np.isnan(part) else f"{part:.1%}"


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
