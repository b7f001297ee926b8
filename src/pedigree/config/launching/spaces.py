"""The space that a search draws from, as overrides say it.

lr=interval(1e-5, 1e-1)             a float between the two
lr=tag(log, interval(1e-5, 1e-1))   the same, evenly on a logarithmic scale
n=int(interval(1, 8))               a whole number from 1 to 8, both included
n=int(tag(log, interval(1, 256)))   the same, evenly on a logarithmic scale
n=range(16, 128, 16)                16, 32, … 112: as everywhere, the end is not included
opt=adam,sgd                        one of them; so does choice(adam, sgd)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pedigree.config import overrides as grammar
from pedigree.config.overrides import Choice, Glob, Interval, Override, Range
from pedigree.errors import InvalidConfig, meant

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True, slots=True)
class Space:
    """`fixed` are given to every trial as they are; `drawn` maps the target of each other one to its distribution."""

    texts: tuple[str, ...]
    fixed: tuple[str, ...]
    drawn: dict[str, BaseDistribution] = field(default_factory=dict)

    def overrides(self, parameters: dict[str, Any]) -> list[str]:
        """Those of a trial. A categorical parameter is the text of its value already."""
        return [
            *self.fixed,
            *(
                f"{key}={value if isinstance(value, str) else grammar.spell(value)}"
                for key, value in parameters.items()
            ),
        ]

    def corners(self) -> list[list[str]]:
        """Points that show whether the space is sound, one more for each end and option: linear, not the product."""
        ends = {
            key: list(getattr(one, "choices", ())) or [one.low, one.high]  # type: ignore[attr-defined]
            for key, one in self.drawn.items()
        }
        first = {key: values[0] for key, values in ends.items()}
        others = [{**first, key: value} for key, values in ends.items() for value in values[1:]]
        return [self.overrides(one) for one in [first, *others]]


def space(texts: Sequence[str]) -> Space:
    """Read the overrides of a search. Raises InvalidInput for bad grammar and InvalidConfig for what nothing can be
    drawn from, for tags that have no meaning, and where nothing is left to search."""
    fixed, drawn = [], {}
    for override in grammar.parse_all(list(texts)):
        if not override.is_sweep:
            fixed.append(override.text)
            continue
        if override.target in drawn:
            raise _refused(override, "gives a second space to the same key", "Give one.")
        drawn[override.target] = _distribution(override)
    if not drawn:
        raise InvalidConfig(
            f"Nothing is left for the search to draw: {' '.join(fixed) or 'there are no overrides'}.",
            remedy="Give at least one as interval(…), range(…) or a choice: lr=tag(log,interval(1e-5,1e-1)).",
        )
    return Space(tuple(texts), tuple(fixed), drawn)


def _distribution(override: Override) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    sweep = override.value
    if type(sweep) is Glob:
        raise _refused(override, "depends on the files that are there", "List the names.")
    unknown = sorted(sweep.tags - {"log"})
    if unknown:
        raise _refused(override, f"has the tag {unknown[0]!r}", f"{meant(unknown[0], ['log'])}The one tag is `log`.")
    log = "log" in sweep.tags
    if type(sweep) is Choice:
        if log:
            raise _refused(override, "is a choice, which has no scale", "Leave out the tag, or give an interval(…).")
        texts = [grammar.spell(option) for option in override.written.options]
        if len(set(texts)) < len(texts):
            raise _refused(override, "offers a value twice", "Leave one out.")
        return CategoricalDistribution(texts)
    assert isinstance(sweep, (Interval, Range))
    if not all(isinstance(number, frozenset) or math.isfinite(number) for number in sweep):
        raise _refused(override, "is not finite", "Give finite numbers.")
    if isinstance(sweep, Interval):
        return _between(override, sweep, log)
    if log:
        raise _refused(
            override,
            "has steps and a logarithmic scale at once",
            "Use interval(…) for the scale, or leave out the tag.",
        )
    numbers = grammar.values(override._replace(value=sweep._replace(shuffled=False)))
    if not numbers:
        raise _refused(override, "is empty", "Give an end beyond the start; the end itself is not included.")
    low, high, step = min(numbers), max(numbers), abs(sweep.step)
    if all(isinstance(number, int) for number in (low, high, step)):
        return IntDistribution(int(low), int(high), step=int(step))
    return FloatDistribution(float(low), float(high), step=float(step))


def _between(override: Override, sweep: Interval, log: bool) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    low, high = sweep.start, sweep.end
    if low > high:
        raise _refused(override, f"goes from {low} down to {high}", "Give the smaller number first.")
    if log and low <= 0:
        raise _refused(override, f"has a logarithmic scale from {low}", "Start above 0, or leave out the tag.")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _refused(override: Override, problem: str, remedy: str) -> InvalidConfig:
    text = override.text if len(override.text) <= 80 else override.text[:79] + "…"
    return InvalidConfig(f"The space {text} {problem}.", remedy=remedy, override=override.text)
