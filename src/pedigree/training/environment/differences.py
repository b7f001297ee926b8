"""`compare_environments`: what differs between two captured environments, both values, and how much each difference matters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pedigree.training.environment import grades
from pedigree.training.environment.captured import GROUPS, Environment
from pedigree.training.environment.grades import ORDER, WORDS, Grade

_SHOWN = 70


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact with both values; None where a side does not have it."""

    group: str
    name: str  #: within the group: `numpy`, `libc`, `devices[0].name`
    a: Any
    b: Any
    grade: Grade
    reason: str

    def line(self) -> str:
        """`numpy: 2.4.6 and 2.4.5 (likely to change results: it computes, ...)`."""
        return f"{self.name}: {_short(self.a)} and {_short(self.b)} ({WORDS[self.grade]}: {self.reason})"


@dataclass(frozen=True, slots=True)
class EnvironmentComparison:
    """`differences` by group, what matters most first within each."""

    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        return not self.differences

    @property
    def worst(self) -> Grade | None:
        """The grade of the difference that matters most; None where there is none."""
        return min((one.grade for one in self.differences), key=ORDER.index, default=None)

    @property
    def summary(self) -> str:
        if not self.differences:
            return "the environments are the same"
        counts = {grade: sum(one.grade == grade for one in self.differences) for grade in ORDER}
        words = [f"{number} {WORDS[grade]}" for grade, number in counts.items() if number]
        number = len(self.differences)
        return f"{number} {'difference' if number == 1 else 'differences'}: {', '.join(words)}"

    def by_group(self) -> dict[str, list[Difference]]:
        """Only groups that differ."""
        found: dict[str, list[Difference]] = {}
        for one in self.differences:
            found.setdefault(one.group, []).append(one)
        return found

    def lines(self) -> list[str]:
        """The summary, then each group with its differences indented."""
        found = [self.summary]
        for group, some in self.by_group().items():
            found.append(group)
            found += [f"  {one.line()}" for one in some]
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "identical": self.identical,
            "summary": self.summary,
            "worst": self.worst,
            "groups": {
                group: [
                    {"name": one.name, "a": one.a, "b": one.b, "grade": one.grade, "reason": one.reason} for one in some
                ]
                for group, some in self.by_group().items()
            },
        }


def compare_environments(a: Environment, b: Environment) -> EnvironmentComparison:
    """Every fact that differs. Grades are rules of thumb about results in general (grades.py), and say their reason.

    Facts that only one side has are told with None on the other: a library that one process had not imported yet when it was
    captured says nothing about its settings.
    """
    left, right = a.facts, b.facts
    found: list[Difference] = []
    known = [*GROUPS, *sorted({*left, *right} - {*GROUPS})]
    for group in known:
        one, other = left.get(group, {}), right.get(group, {})
        if one == other:
            continue
        some = list(_packages(one, other) if group == "packages" else _facts(group, one, other))
        found += sorted(some, key=lambda difference: (ORDER.index(difference.grade), difference.name))
    return EnvironmentComparison(tuple(found))


def _packages(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*a, *b}):
        one, other = a.get(name), b.get(name)
        if one == other:
            continue
        same = one is not None and other is not None and one["version"] == other["version"]
        grade, reason = grades.grade_package(name, same_version=same)
        values = [_package(side, with_files=same) for side in (one, other)]
        yield Difference("packages", name, values[0], values[1], grade, reason)


def _package(described: Mapping[str, Any] | None, *, with_files: bool) -> str | None:
    if described is None:
        return None
    text = str(described["version"])
    if described.get("editable"):
        text += " (editable)"
    if with_files and described.get("files"):
        text += f" ({described['files'][:12]})"
    if described.get("edited"):
        text += f" with {', '.join(described['edited'][:3])} edited"
    return text


def _facts(group: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    if group == "code" and None in (a.get("commit"), b.get("commit")):
        # Without a commit on one side there is nothing to lay the rest beside.
        whys = [side.get("commit") or f"none, {side.get('why', 'not captured')}" for side in (a, b)]
        yield Difference(group, "commit", whys[0], whys[1], *grades.grade("code.commit"))
        return
    for name, one, other in _unlike(_arranged(a), _arranged(b), ""):
        if group == "cpu" and name == "flags":
            yield from _flags(one or [], other or [])
        else:
            yield Difference(group, name, one, other, *grades.grade(f"{group}.{name}"))


def _flags(a: list[str], b: list[str]) -> Iterator[Difference]:
    """Two differences at most: instructions by which kernels are chosen, and others; only what one side lacks is shown."""
    for kind in ("vector", "other"):
        one, other = (
            [flag for flag in mine if flag not in theirs and grades.is_vector(flag) == (kind == "vector")]
            for mine, theirs in ((a, b), (b, a))
        )
        if one or other:
            grade, reason = grades.grade(f"cpu.flags.{kind}")
            yield Difference("cpu", f"flags ({kind})", one, other, grade, reason)


def _unlike(a: Any, b: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two values part, as deep as both go: what only one side has is told once, as a whole."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            inner = f"{path}.{key}" if path and not key.startswith("[") else f"{path}{key}"
            yield from _unlike(a.get(key), b.get(key), inner)
    elif a != b:
        yield path, a, b


def _arranged(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with lists of things as maps, so that one more of them moves no other; and without the text of the diff.

    Its digest tells a diff; both texts here would bury everything else.
    """
    found = dict(facts)
    if isinstance(found.get("diff"), dict):
        found["diff"] = {key: value for key, value in found["diff"].items() if key != "text"}
    if isinstance(found.get("devices"), list):
        found["devices"] = {f"[{place}]": device for place, device in enumerate(found["devices"])}
    if isinstance(found.get("pools"), list):
        pools: dict[str, Any] = {}
        for pool in found["pools"]:
            number = sum(name.split("#")[0] == pool["library"] for name in pools)
            pools[f"{pool['library']}#{number + 1}" if number else pool["library"]] = pool
        found["pools"] = pools
    return found


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return (text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…") or "''"
