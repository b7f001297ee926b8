"""Every interpolation of a configuration resolved as far as that can be told before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pedigree.config.checking.findings import Finding, Severity, of_error
from pedigree.config.documents import read_value
from pedigree.config.interpolation import resolve
from pedigree.config.origins import Value
from pedigree.config.origins import at as origin_at
from pedigree.errors import InvalidInput

if TYPE_CHECKING:
    from pedigree.config.checking.points import Point
    from pedigree.config.composed import Composed
    from pedigree.config.interpolation import Origin, Resolvers

Path = tuple[Any, ...]

#: Stands for a value that is not known yet, so that what refers to it can be looked at.
UNKNOWN = "(not known yet)"
#: Mistakes of one configuration that are told; whoever makes more sees the others the next time.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What interpolations read besides the configuration."""

    environment: Mapping[str, str]
    now: datetime
    resolvers: Resolvers | None


@dataclass(slots=True)
class Known:
    """`values` with `???` at the paths of `unknown`: placeholders, and interpolations that cannot be told or are wrong."""

    values: Value
    interpolations: Mapping[Path, Origin]
    unknown: set[Path] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def tells(self, path: Path) -> bool:
        """Whether the value at a path, and what is in it, owes nothing to what is unknown."""
        if not self.unknown:
            return True
        doubtful = self.unknown | self._tainted()
        return not any(_related(path, one) for one in doubtful)

    def _tainted(self) -> set[Path]:
        """The interpolations that read what is unknown, themselves or through others."""
        found: set[Path] = set()
        while True:
            more = {
                path
                for path, origin in self.interpolations.items()
                if path not in found
                and any(_related(read, one) for read in origin.reads for one in self.unknown | found)
            }
            if not more:
                return found
            found |= more


def known(point: Point, composed: Composed, surroundings: Surroundings, fallback: str) -> Known:
    """Resolves again and again, each time without the interpolation that failed, until all that are wrong are found."""
    raw = composed.raw
    result = Known(raw, {})
    for path in _placeholders(raw, ()):
        result.unknown.add(path)
    for path in result.unknown:
        raw = _without(raw, path)
    for _ in range(_MOST):
        try:
            resolved = resolve(
                raw,
                resolvers=surroundings.resolvers,
                environment=surroundings.environment,
                now=surroundings.now,
                hydra=_hydras(point, composed),
                load_yaml=_yaml,
                places=lambda path: origin_at(composed.origins, path).text,
            )
        except InvalidInput as error:
            at: Path | None = getattr(error, "path", None)
            if not at or at in result.unknown:  # nothing that could be left out for the next attempt
                result.findings.append(_finding("error", "interpolation", point, error, fallback))
                break
            judged = _judged(error, result.unknown)
            if judged is not None:
                result.findings.append(_finding(*judged, point, error, fallback))
            result.unknown.add(at)
            raw = _without(raw, at)
            continue
        result.values, result.interpolations = resolved.tree, resolved.origins
        if result.unknown:
            result.values = _unsaid(resolved.tree)
        break
    return result


def _judged(error: InvalidInput, unknown: set[Path]) -> tuple[Severity, str] | None:
    """How bad a mistake is; None where nothing can be told from here."""
    message = error.message
    text = getattr(error, "text", None) or ""
    if "the environment variable " in message and " is not set" in message:
        return "note", "environment"
    if "a value from the environment" in message:
        return None
    if "there is no resolver " in message:
        return "warning", "resolver"
    if "${hydra:" in text.replace(" ", ""):
        return None  # known when Hydra runs
    for path in unknown:
        dotted = ".".join(map(str, path))
        if f"'{dotted}' is a single value" in message:
            return None
    return "error", "interpolation"


def _finding(severity: Severity, kind: str, point: Point, error: InvalidInput, fallback: str) -> Finding:
    found = of_error(error, kind, fallback, point.asked, severity)
    # Who reads the value differs from one configuration to the next, and the finding is of all of them.
    lines = [line for line in found.message.split("\n") if not line.startswith("  read by ")]
    remedy = found.remedy
    if kind == "resolver":
        remedy = f"Pass the resolvers of your program to the check. {remedy}"
    return replace(found, message="\n".join(lines), remedy=remedy)


def _hydras(point: Point, composed: Composed) -> dict[str, Any]:
    known_now = {"job": {"config_name": point.primary}, "runtime": {"choices": dict(composed.choices)}}
    return {**known_now, **{str(key): value for key, value in composed.hydra.items() if str(key) not in known_now}}


def _yaml(text: str) -> Value:
    return read_value(text, "oc.create")[0]


def _placeholders(value: Value, path: Path) -> Iterator[Path]:
    for key, item in value.items() if value.__class__ is dict else enumerate(value):
        kind = item.__class__
        if kind is str:
            if item == "???":
                yield (*path, key)
        elif kind is dict or kind is list:
            yield from _placeholders(item, (*path, key))


def _unsaid(value: Value) -> Value:
    """UNKNOWN as `???` again, which is what migrations pass over."""
    if isinstance(value, dict):
        return {key: _unsaid(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unsaid(item) for item in value]
    return "???" if value == UNKNOWN else value


def _without(value: Value, path: Path) -> Value:
    """A copy, along the path alone, with UNKNOWN at it."""
    if not path:
        return UNKNOWN
    copied = value.copy()
    copied[path[0]] = _without(copied[path[0]], path[1:])
    return copied


def _related(one: Path, other: Path) -> bool:
    """Whether one path is the other, or leads to it."""
    length = min(len(one), len(other))
    return tuple(map(str, one[:length])) == tuple(map(str, other[:length]))
