"""What is wrong with the values of a configuration: the errors of Pydantic, told as their author sees the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pedigree.config.models.expectations import expected, hint
from pedigree.config.models.mismatch import Mismatch
from pedigree.config.models.problem import Circumstances, Problem, effective, key_at, place_at, shown, value_at
from pedigree.config.models.shapes import Path, Step
from pedigree.errors import nearest

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset(
    {"missing", "missing_argument", "missing_keyword_only_argument", "missing_positional_only_argument"}
)


@dataclass(frozen=True, slots=True)
class _Located:
    steps: tuple[Step, ...]
    error: Mapping[str, Any]

    @property
    def path(self) -> Path:
        return tuple(step.part for step in self.steps if step.is_key)


def problems(errors: Sequence[Mapping[str, Any]], about: Circumstances) -> tuple[Problem, ...]:
    """Every problem once, in the order of the errors; a union's members are one problem, or those of the member that
    fits best."""
    found = [_Located(tuple(locate(error["loc"], about)), error) for error in errors]
    return tuple(dict.fromkeys(_told(found, about)))


def locate(location: Path, about: Circumstances) -> list[Step]:
    """The keys and the members of unions that a location of Pydantic consists of."""
    steps = about.shape.steps(location)
    if steps is not None:
        return steps
    # A validator of the user's own, which the schema does not show: what is no key of the values is no key.
    steps = []
    value = about.values
    for number, part in enumerate(location):
        last = number == len(location) - 1
        try:
            value = value[part]
            steps.append(Step(part, True))
        except (KeyError, IndexError, TypeError):
            steps.append(Step(part, last and isinstance(value, dict)))
    return steps


def _told(located: Sequence[_Located], about: Circumstances) -> list[Problem]:
    told: list[Problem | None] = []
    unions: dict[Path, list[_Located]] = {}
    for one in located:
        at = next((number for number, step in enumerate(one.steps) if not step.is_key), None)
        if at is None:
            told.append(_problem(one, about))
            continue
        path = tuple(step.part for step in one.steps[:at])
        if path not in unions:
            unions[path] = []
            told.append(None)  # keeps the place in the order
        unions[path].append(one)
    waiting = iter(unions.items())
    order: list[Problem] = []
    for problem in told:
        order += [problem] if problem is not None else _union(*next(waiting), about)
    return order


def _union(path: Path, located: Sequence[_Located], about: Circumstances) -> list[Problem]:
    """The problems of a value that fits no member of a union."""
    depth = len(path)
    members: dict[Any, list[_Located]] = {}
    for one in located:
        inner = _Located((*one.steps[:depth], *one.steps[depth + 1 :]), one.error)
        members.setdefault(one.steps[depth].part, []).append(inner)
    entered = {label: of for label, of in members.items() if any(len(one.steps) > depth for one in of)}
    if entered:
        best = min(entered.values(), key=lambda of: (_strange(of), len(of)))
        return _told(best, about)
    every = [one for of in members.values() for one in of]
    expectations = list(dict.fromkeys(_expectation(one.error) for one in every))
    if len(expectations) == 1 or None in expectations:
        return _told([next((one for one in every if _expectation(one.error) is None), every[0])], about)
    hints = [hint(one.error, value_at(about.values, path), _expectation(one.error) or "") for one in every]
    return [_wrong(path, every[0].error, _or(expectations), next((one for one in hints if one), ""), about)]


def _strange(located: Sequence[_Located]) -> int:
    """Keys that the member does not know count most: they say that another one was meant."""
    return sum(one.error["type"] in _UNKNOWN or one.error["type"] == "literal_error" for one in located)


def _expectation(error: Mapping[str, Any]) -> str | None:
    return None if error["type"] in ("value_error", "assertion_error") else expected(error)


def _or(expectations: Sequence[str | None]) -> str:
    known = [one for one in expectations if one]
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"


def _problem(one: _Located, about: Circumstances) -> Problem:
    error, path, kind = one.error, one.path, one.error["type"]
    if kind in _UNKNOWN:
        return _unknown(path, kind, about)
    if kind in _MISSING:
        return missing(path, about, kind)
    if kind == "union_tag_not_found":
        return _untold((*path, _tag(error)), kind, about)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Mismatch):
        return _mismatch(path, cause, about)
    if kind == "exact_field":
        path = (*path, error["ctx"]["key"])
    elif kind == "union_tag_invalid":
        path = (*path, _tag(error))
    if value_at(about.values, path) == "???":
        return missing(path, about)
    if kind.startswith("secret_"):
        told = kind != "secret_text" and about.shape.takes_reference(path)
        remedy = "write env:NAME, file:PATH or command:..." if told else ""
        return Problem(path, key_at(path, about), kind, error["msg"], remedy, place_at(path, about, redacted=True))
    expectation = expected(error)
    if expectation is None:
        text = str(cause) if cause is not None else error["msg"][:1].lower() + error["msg"][1:]
        if about.shape.secret_at(path) and cause is None:
            text = "does not fit"
        return Problem(path, key_at(path, about), kind, text, place=place_at(path, about))
    return _wrong(path, error, expectation, hint(error, value_at(about.values, path), expectation), about)


def _wrong(path: Path, error: Mapping[str, Any], expectation: str, hinted: str, about: Circumstances) -> Problem:
    secret = about.shape.secret_at(path)
    if secret and isinstance(value_at(about.values, path), (str, bytes, int, float)):
        hinted = ""
        text = "the value does not fit, and is not shown because it may be a secret"
        if error["type"] != "none_required":
            text = f"expected {expectation}"
    else:
        text = f"expected {expectation}, got {shown(path, about)}"
    if error["type"] in ("too_short", "too_long"):
        text = f"expected {expectation}, got {error['ctx']['actual_length']}"
    return Problem(path, key_at(path, about), error["type"], text, hinted, place_at(path, about, redacted=secret))


def _unknown(path: Path, kind: str, about: Circumstances) -> Problem:
    fields = about.shape.fields(path[:-1])
    given = value_at(about.values, path[:-1])
    free = [name for name in fields if not isinstance(given, dict) or name not in given]
    elsewhere = path[-1] in fields  # a key of another member of the union
    near = None if elsewhere else nearest(str(path[-1]), free) or nearest(str(path[-1]), fields)
    if near is not None:
        hinted = f"did you mean {near!r}?"
    elif elsewhere:
        hinted = "another type of this value has it, and this one does not"
    else:
        listed = ", ".join(list(fields)[:12])
        hinted = f"the keys here are {listed}" + (", ..." if len(fields) > 12 else "") if fields else ""
    # Not even the override: under a key that nobody knows may stand what was meant for a secret's.
    return Problem(path, key_at(path, about), kind, "unknown key", hinted, place_at(path, about, redacted=True))


def missing(path: Path, about: Circumstances, kind: str = "missing") -> Problem:
    """Nothing, or nothing yet, stands at the path."""
    hinted = "write env:NAME there" if about.shape.takes_reference(path) else ""
    return Problem(path, key_at(path, about), kind, "missing, and has no default", hinted, place_at(path, about))


def _tag(error: Mapping[str, Any]) -> str:
    """The key that tells the members of a union apart; where it has an alias, its name."""
    return str(error["ctx"]["discriminator"]).replace("'", "").split(" | ")[0]


def _untold(path: Path, kind: str, about: Circumstances) -> Problem:
    tags = [tag for one in about.shape.at(path) for tag in one.get("expected", ())]
    hinted = f"it is one of {', '.join(repr(tag) for tag in dict.fromkeys(tags))}" if tags else ""
    text = "missing, and says which of several forms this is"
    return Problem(path, key_at(path, about), kind, text, hinted, place_at(path, about))


def _mismatch(path: Path, mismatch: Mismatch, about: Circumstances) -> Problem:
    details = []
    keys = []
    for inner in mismatch.paths:
        whole = (*path, *inner)
        key = key_at(whole, about)
        keys.append(key)
        value, place = effective(whole, about)
        told = "a value that is not shown" if about.shape.secret_at(whole) else value
        details.append(f"{key} = {told}" + (f" ({place})" if place else ""))
    text = f"{'does' if len(keys) == 1 else 'do'} not fit: {mismatch.reason}"
    return Problem(path, " and ".join(keys), "mismatch", text, details=tuple(details))
