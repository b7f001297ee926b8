"""Labels that break rules: which rules in which examples, and the cheapest change that mends all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.multilabel.repair import Repairs

if TYPE_CHECKING:
    from pedigree.labels.multilabel.rules import Rule, Rules

Given = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Violation:
    """An example with the rules that its labels break, and the changes, class and whether it should be there, that mend them."""

    example: int
    rules: tuple[Rule, ...]
    changes: tuple[tuple[Any, bool], ...]

    def __str__(self) -> str:
        broken = "; ".join(map(str, self.rules))
        changes = ", ".join(f"{'add' if present else 'take out'} {name!r}" for name, present in self.changes)
        return f"example {self.example}: {broken}: {changes}"


def violations(
    rules: Rules, given: Given, names: tuple[Any, ...], costs: NDArray[np.float64] | None = None
) -> tuple[Violation, ...]:
    """The examples whose labels break a rule, in their order. Unknown cells break none.

    `costs` (n, K), 0 or more, say what it costs to change a cell; of all changes that mend an example the cheapest together is
    named. Without them as few classes are taken out as will do, then as few added; of exclusive ones those further left stay.
    """
    columns = rules.columns(names)
    broken = [(rule, _broken(rule.kind, given[:, list(at)])) for rule, at in columns]
    repairs = Repairs(columns)
    examples = np.flatnonzero(np.any([rows for _, rows in broken], axis=0)) if broken else np.empty(0, np.int64)
    found = []
    for example in examples.tolist():
        row = given[example].tolist()
        price = default_costs(row) if costs is None else costs[example].tolist()
        changes = repairs.cheapest(row, price)
        # Rules that contradict each other are refused when they are declared, so there is a repair.
        assert changes is not None
        found.append(
            Violation(
                example,
                tuple(rule for rule, rows in broken if rows[example]),
                tuple((names[column], changes[column] == 1) for column in sorted(changes)),
            )
        )
    return tuple(found)


def default_costs(row: list[int]) -> list[float]:
    """Adding a class costs 1, taking one out more than adding all: a class that somebody saw is rather there than not."""
    return [float(len(row)) if value == 1 else 1.0 for value in row]


def obeying(rules: Rules, given: Given, names: tuple[Any, ...], costs: NDArray[np.float64]) -> Given:
    """The labels with every violation mended."""
    mended = given.copy()
    place = {name: at for at, name in enumerate(names)}
    for violation in violations(rules, given, names, costs):
        for name, present in violation.changes:
            mended[violation.example, place[name]] = present
    return mended


def _broken(kind: str, cells: Given) -> NDArray[np.bool_]:
    if kind == "implies":
        return np.asarray((cells[:, 0] == 1) & (cells[:, 1] == 0))
    if kind == "exclusive":
        return np.asarray((cells == 1).sum(axis=1) > 1)
    return np.asarray((cells == 0).all(axis=1))
