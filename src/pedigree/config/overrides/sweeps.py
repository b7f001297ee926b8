"""The points of a sweep: every combination of what the overrides choose from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from pedigree.config.overrides.edits import ListEdit
from pedigree.config.overrides.spelling import spell, text_of
from pedigree.config.overrides.values import Choice, Glob, Interval, Override, Range
from pedigree.errors import InvalidInput

if TYPE_CHECKING:
    from random import Random

#: The names that a group has, given the key as written.
Names = Callable[[str], Sequence[str]]

#: More values of one override are a mistake.
MAX_VALUES = 1_000_000


def points(
    overrides: Sequence[Override], *, names: Names | None = None, rng: Random | None = None
) -> Iterator[list[str]]:
    """The override texts of each point, in the order of Hydra's basic sweeper: the last override moves fastest.

    The texts are those that Hydra passes on, with its losses: `choice('1')` becomes `1`. A shuffled sweep is
    ordered by `rng`, or by a generator seeded with the override's text. Raises InvalidInput for what
    cannot be listed: an interval, an endless range, a glob without `names`.
    """
    lists = [_texts(override, names, rng) for override in overrides]
    return (list(combination) for combination in product(*lists))


def count(overrides: Sequence[Override], *, names: Names | None = None) -> int:
    """The number of points, without making them. Raises as `points`."""
    return math.prod(_count(override, names) for override in overrides)


def values(override: Override, *, names: Names | None = None, rng: Random | None = None) -> list[Any]:
    """What one sweep chooses from, as plain values in order; the value alone when it is no sweep."""
    sweep = override.value
    _count(override, names)
    if type(sweep) is Choice:
        chosen = sweep.values
    elif type(sweep) is Range:
        chosen = _numbers(sweep)
    elif type(sweep) is Glob:
        assert names is not None
        return sweep.select(names(override.key))
    else:
        return [sweep]
    if sweep.shuffled:
        _generator(override, rng).shuffle(chosen)
    return chosen


def _texts(override: Override, names: Names | None, rng: Random | None) -> list[str]:
    if type(override.value) is ListEdit:
        return [override.text]
    if not override.is_sweep:
        return [text_of(override)]
    if type(override.value) is Choice:
        options = list(override.written.options)
        if override.value.shuffled:
            _generator(override, rng).shuffle(options)
    else:
        options = values(override, names=names, rng=rng)
    return [f"{override.target}={spell(option)}" for option in options]


def _generator(override: Override, rng: Random | None) -> Random:
    from random import Random

    return rng or Random(override.text)  # noqa: S311  (an order, no secret)


def _count(override: Override, names: Names | None) -> int:
    sweep = override.value
    kind = type(sweep)
    if kind is Choice:
        return len(sweep.options)
    if kind is Range:
        size = _size(override, sweep)
        if size > MAX_VALUES:
            raise _refused(override, f"has more than {MAX_VALUES} values", "Use a larger step, or fewer values.")
        return size
    if kind is Interval:
        raise _refused(
            override,
            "is a continuous space, which a plain sweep cannot list",
            "Give values, choice(…) or range(…); an interval is for an optimiser.",
        )
    if kind is Glob:
        if names is None:
            raise _refused(override, "needs the names of a group, and none are known here", "List the names.")
        return len(sweep.select(names(override.key)))
    return 1


def _whole(sweep: Range) -> bool:
    return all(isinstance(number, int) for number in sweep[:3])


def _size(override: Override, sweep: Range) -> int:
    from fractions import Fraction

    if sweep.step == 0:
        raise _refused(override, "has a step of 0 and never ends", "Give a step that leads from start to stop.")
    if not all(map(math.isfinite, sweep[:3])):
        raise _refused(override, "is not finite", "Give finite numbers for start, stop and step.")
    distance = Fraction(sweep.stop) - Fraction(sweep.start)
    exact = max(0, math.ceil(distance / Fraction(sweep.step)))
    # Decimals of 28 digits round, as in Hydra; where that could change the number, count them.
    if _whole(sweep) or exact > MAX_VALUES:
        return exact
    return len(_numbers(sweep))


def _numbers(sweep: Range) -> list[int | float]:
    """Whole numbers, or floats whose steps are added as decimals of 28 digits, as Hydra adds them."""
    if _whole(sweep):
        return list(range(*(int(number) for number in sweep[:3])))
    from decimal import Decimal

    numbers: list[int | float] = []
    now, stop, step = (Decimal(number) for number in sweep[:3])
    while (now < stop) if step > 0 else (now > stop):
        numbers.append(float(now))
        after = now + step
        if after == now or len(numbers) > MAX_VALUES:
            raise InvalidInput(
                f"The range from {sweep.start} to {sweep.stop} does not get on with steps of {sweep.step}.",
                remedy="Use a larger step.",
            )
        now = after
    return numbers


def _refused(override: Override, problem: str, remedy: str) -> InvalidInput:
    text = override.text if len(override.text) <= 80 else override.text[:79] + "…"
    return InvalidInput(f"The sweep {text} {problem}.", remedy=remedy, override=override.text)
