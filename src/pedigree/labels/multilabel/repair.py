"""The cheapest change of one example's labels after which no rule is broken, found exactly by branch and bound."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

#: So many states are looked at for one example; what is best by then is taken. Rules that people write need a few dozen.
MOST_STATES = 5_000


class Repairs:
    """Repairs by rules with the columns of their classes: kind `implies` (child, parent), `exclusive` or `required`."""

    def __init__(self, rules: Sequence[tuple[Any, tuple[int, ...]]]) -> None:
        # Exclusive groups first: what they take out needs no parents, and a class whose parents were added first would be tried both ways.
        order = ("exclusive", "required", "implies")
        self._rules = sorted(((rule.kind, columns) for rule, columns in rules), key=lambda rule: order.index(rule[0]))

    def cheapest(self, given: Sequence[int], costs: Sequence[float]) -> dict[int, int] | None:
        """The changes (column: new value) of least cost, {} where nothing is broken, None where nothing mends it.

        `given` holds 0, 1 and -1 for unknown, which breaks no rule. Costs are 0 or more. Of repairs that cost the same the
        one is taken that is found first: exclusive groups, required ones, parents, each in their order, of a rule the cheaper changes first, then those further left.
        """
        state, fixed = list(given), [False] * len(given)
        best: dict[int, int] | None = None
        least, seen = inf, 0

        def search(changes: dict[int, int], cost: float) -> None:
            nonlocal best, least, seen
            seen += 1
            if cost >= least or (seen > MOST_STATES and best is not None):
                return
            broken = self._broken(state)
            if broken is None:
                best, least = dict(changes), cost
                return
            options = [(sum(costs[column] for column, _ in option), option) for option in self._ways(broken, state)]
            for price, option in sorted(options, key=lambda pair: pair[0]):
                if any(fixed[column] for column, _ in option):
                    continue
                for column, value in option:
                    fixed[column], state[column] = True, value
                    changes[column] = value
                search(changes, cost + price)
                for column, value in option:
                    fixed[column], state[column] = False, 1 - value
                    del changes[column]

        search({}, 0.0)
        return best

    def _broken(self, state: list[int]) -> tuple[str, tuple[int, ...]] | None:
        return next((rule for rule in self._rules if is_broken(*rule, state)), None)

    @staticmethod
    def _ways(rule: tuple[str, tuple[int, ...]], state: list[int]) -> list[tuple[tuple[int, int], ...]]:
        """The changes that mend one rule, of which every repair makes one, maybe among others."""
        kind, columns = rule
        if kind == "implies":
            child, parent = columns
            return [((parent, 1),), ((child, 0),)]
        if kind == "required":
            return [((column, 1),) for column in columns]
        held = [column for column in columns if state[column] == 1]
        return [tuple((column, 0) for column in held if column != kept) for kept in held]


def is_broken(kind: str, columns: tuple[int, ...], state: Sequence[int]) -> bool:
    if kind == "implies":
        return state[columns[0]] == 1 and state[columns[1]] == 0
    values = [state[column] for column in columns]
    return values.count(1) > 1 if kind == "exclusive" else not any(values)
