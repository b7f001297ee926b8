"""What an analysis hands out: lists of cells, and a line for each class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.rounding import Counts, Floats


@dataclass(frozen=True, slots=True, eq=False)
class CellList:
    """Cells, the worst first, ties by example and then by class: the example, the column of the class, the score."""

    examples: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: Floats
    names: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[tuple[int, Any, float]]:
        """(example, name of the class, score)"""
        for example, column, score in zip(self.examples, self.columns, self.scores, strict=True):
            yield int(example), self.names[column], float(score)


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """What is known of one class: how many examples were given it, estimates from the calibrated joint, cells found.

    `missing_rate` is the share of those that truly have the class and were not given it, `extra_rate` the share of those
    that truly lack it and were; both by the joint, as `estimated_missing` and `estimated_extra` are. `missing` and `extra` are the
    issues by the default filter.
    """

    name: Any
    present: int
    absent: int
    void: int
    estimated_missing: int
    estimated_extra: int
    missing_rate: float
    extra_rate: float
    missing: int
    extra: int


def summaries(
    names: tuple[Any, ...], given: NDArray[np.int8], joint: Counts, issues: NDArray[np.bool_]
) -> tuple[ClassSummary, ...]:
    """One line for each class, from the calibrated joint (K, 2, 2) and the issues (n, K)."""
    rates = joint[:, [0, 1], [1, 0]] / np.maximum(joint.sum(axis=1)[:, ::-1], 1)
    found = []
    for at, name in enumerate(names):
        absent, present = given[:, at] == 0, given[:, at] == 1
        found.append(
            ClassSummary(
                name=name,
                present=int(present.sum()),
                absent=int(absent.sum()),
                void=len(given) - int(present.sum() + absent.sum()),
                estimated_missing=int(joint[at, 0, 1]),
                estimated_extra=int(joint[at, 1, 0]),
                missing_rate=float(rates[at, 0]),
                extra_rate=float(rates[at, 1]),
                missing=int((issues[:, at] & absent).sum()),
                extra=int((issues[:, at] & present).sum()),
            )
        )
    return tuple(found)


def listed(wanted: NDArray[np.bool_], scores: Floats, names: tuple[Any, ...], count: int | None) -> CellList:
    """The wanted cells by their scores, the lowest first."""
    examples, columns = np.nonzero(wanted)
    of_each = scores[examples, columns]
    order = np.argsort(of_each, kind="stable")[:count]
    return CellList(examples[order], columns[order], of_each[order], names)
