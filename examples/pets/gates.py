"""Gates: conditions on metrics, and whether they hold."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from settings_release import BOUNDS, Gate

from pedigree.errors import InvalidInput, meant

_HOLDS = {"above": operator.gt, "below": operator.lt, "at_least": operator.ge, "at_most": operator.le}


class Judged(NamedTuple):
    """A gate, the metric's value (None where it has none), and whether all bounds hold. NaN and None pass no gate."""

    gate: Gate
    value: float | None
    passed: bool

    def __str__(self) -> str:
        bounds = " and ".join(f"{BOUNDS[name]} {bound:g}" for name, bound in self.gate.bounds.items())
        found = "no value" if self.value is None else f"{self.value:.6g}"
        return f"{'passed' if self.passed else 'FAILED'}  {self.gate.metric}: {found}, must be {bounds}"


def numbers(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Every metric by its path, `calibrated.iou.pet`; what is no number (and not null) is none."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}.")
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield f"{prefix}{name}", value


def judge(gates: Iterable[Gate], metrics: Mapping[str, Any]) -> list[Judged]:
    """Every gate with the value that it found. Raises InvalidInput for a metric that there is not."""
    known = dict(numbers(metrics))
    judged = []
    for gate in gates:
        if gate.metric not in known:
            raise InvalidInput(
                f"There is no metric {gate.metric!r} in metrics.json. It has {', '.join(known)}.",
                remedy=f"{meant(gate.metric, known)}The gates are in conf/release.yaml.",
                metric=gate.metric,
            )
        value = known[gate.metric]
        passed = value is not None and all(_HOLDS[name](value, bound) for name, bound in gate.bounds.items())
        judged.append(Judged(gate, value, passed))
    return judged
