"""Problems: what is wrong with the values of a configuration, each told in the keys and at the places of its author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pedigree.config import origins as places
from pedigree.config.models.expectations import expected, hint, received
from pedigree.config.models.mismatch import Mismatch
from pedigree.config.models.redaction import key_of
from pedigree.config.models.shapes import Path, Shape, Step, default_of, dotted
from pedigree.errors import nearest

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset(
    {"missing", "missing_argument", "missing_keyword_only_argument", "missing_positional_only_argument"}
)
_NO_CHOICE = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `path` is in the model's keys, `key` in its author's, who may have an older version.

    `kind` is the type of Pydantic's error, or `secret_literal`, `secret_mask`, `secret_text`, `mismatch`. Nothing here
    holds a secret.
    """

    path: Path
    key: str
    kind: str
    text: str  #: what is wrong with it, without the key
    hint: str = ""
    place: str = ""
    details: tuple[str, ...] = ()  #: a line for each key of a mismatch

    def __str__(self) -> str:
        between = " " if self.kind == "mismatch" else ": "
        lines = [f"{self.key or 'the whole'}{between}{self.text}" + (f"; {self.hint}" if self.hint else "")]
        return "\n    ".join([*lines, *self.details, *([self.place] if self.place else [])])


@dataclass(frozen=True, slots=True)
class Circumstances:
    shape: Shape
    values: Any
    origins: Any
    interpolations: Mapping[Path, Any]
    old_names: Mapping[Path, Path]


@dataclass(frozen=True, slots=True)
class _Located:
    steps: tuple[Step, ...]
    error: Mapping[str, Any]
    form: str = ""  #: the member of a union that it is about

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
        label = one.steps[depth].part
        form = label if isinstance(label, str) and label.isidentifier() else one.form
        inner = _Located((*one.steps[:depth], *one.steps[depth + 1 :]), one.error, form)
        members.setdefault(label, []).append(inner)
    entered = {label: of for label, of in members.items() if any(len(one.steps) > depth for one in of)}
    if entered:
        best = min(entered.values(), key=lambda of: (_strange(of), len(of)))
        return _told(best, about)
    every = [one for of in members.values() for one in of]
    expectations = list(dict.fromkeys(_expectation(one.error) for one in every))
    if len(expectations) == 1 or None in expectations:
        return _told([next((one for one in every if _expectation(one.error) is None), every[0])], about)
    hints = [hint(one.error, _at(about.values, path), _expectation(one.error) or "") for one in every]
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
    if _at(about.values, path) == "???":
        return missing(path, about)
    if kind.startswith("secret_"):
        told = kind != "secret_text" and about.shape.takes_reference(path)
        remedy = "write env:NAME, file:PATH or command:..." if told else ""
        return Problem(path, _key(path, about), kind, error["msg"], remedy, _place(path, about, redacted=True))
    expectation = expected(error)
    if expectation is None:
        text = str(cause) if cause is not None else error["msg"][:1].lower() + error["msg"][1:]
        if about.shape.secret_at(path) and cause is None:
            text = "does not fit"
        return Problem(path, _key(path, about), kind, text, place=_place(path, about))
    return _wrong(path, error, expectation, hint(error, _at(about.values, path), expectation), about)


def _wrong(path: Path, error: Mapping[str, Any], expectation: str, hinted: str, about: Circumstances) -> Problem:
    secret = about.shape.secret_at(path)
    if secret and isinstance(_at(about.values, path), (str, bytes, int, float)):
        hinted = ""
        text = "the value does not fit, and is not shown because it may be a secret"
        if error["type"] != "none_required":
            text = f"expected {expectation}"
    else:
        text = f"expected {expectation}, got {_shown(path, about)}"
    if error["type"] in ("too_short", "too_long"):
        text = f"expected {expectation}, got {error['ctx']['actual_length']}"
    return Problem(path, _key(path, about), error["type"], text, hinted, _place(path, about, redacted=secret))


def _unknown(path: Path, kind: str, about: Circumstances) -> Problem:
    fields = about.shape.fields(path[:-1])
    given = _at(about.values, path[:-1])
    free = [name for name in fields if not isinstance(given, dict) or name not in given]
    near = nearest(str(path[-1]), free) or nearest(str(path[-1]), fields)
    if near is not None:
        hinted = f"did you mean {near!r}?"
    else:
        listed = ", ".join(list(fields)[:12])
        hinted = f"the keys here are {listed}" + (", ..." if len(fields) > 12 else "") if fields else ""
    # Not even the override: under a key that nobody knows may stand what was meant for a secret's.
    return Problem(path, _key(path, about), kind, "unknown key", hinted, _place(path, about, redacted=True))


def missing(path: Path, about: Circumstances, kind: str = "missing") -> Problem:
    """Nothing, or nothing yet, stands at the path."""
    hinted = "write env:NAME there" if about.shape.takes_reference(path) else ""
    return Problem(path, _key(path, about), kind, "missing, and has no default", hinted, _place(path, about))


def _tag(error: Mapping[str, Any]) -> str:
    """The key that tells the members of a union apart; where it has an alias, its name."""
    return str(error["ctx"]["discriminator"]).replace("'", "").split(" | ")[0]


def _untold(path: Path, kind: str, about: Circumstances) -> Problem:
    tags = [tag for one in about.shape.at(path) for tag in one.get("expected", ())]
    hinted = f"it is one of {', '.join(repr(tag) for tag in dict.fromkeys(tags))}" if tags else ""
    text = "missing, and says which of several forms this is"
    return Problem(path, _key(path, about), kind, text, hinted, _place(path, about))


def _mismatch(path: Path, mismatch: Mismatch, about: Circumstances) -> Problem:
    details = []
    keys = []
    for inner in mismatch.paths:
        whole = (*path, *inner)
        key = _key(whole, about)
        keys.append(key)
        value, place = _effective(whole, about)
        shown = "a value that is not shown" if about.shape.secret_at(whole) else value
        details.append(f"{key} = {shown}" + (f" ({place})" if place else ""))
    text = f"{'does' if len(keys) == 1 else 'do'} not fit: {mismatch.reason}"
    return Problem(path, " and ".join(keys), "mismatch", text, details=tuple(details))


def _effective(path: Path, about: Circumstances) -> tuple[str, str]:
    """The value that the model saw at the path, as given or as the default, and its place."""
    value: Any = about.values
    for number, key in enumerate(path):
        below = _item(value, key)
        if below is not _NO_CHOICE:
            value = below
            continue
        holder, field_path = path[:number], path[: number + 1]
        field = about.shape.fields(holder).get(key)
        has, default = default_of(field) if field is not None else (False, None)
        place = f"the default of {about.shape.class_at(holder)}.{key}"
        if not has:
            return "its default", place
        for inner in path[len(field_path) :]:
            default = _item(default, inner)
            place = f"the default of {about.shape.class_at(holder)}.{key}"
        return ("its default" if default is _NO_CHOICE else _brief(default)), place
    return _shown(path, about, brief=True), _place(path, about)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key, _NO_CHOICE)
    if isinstance(value, (list, tuple)):
        return value[key] if isinstance(key, int) and 0 <= key < len(value) else _NO_CHOICE
    return getattr(value, str(key), _NO_CHOICE)


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = _item(value, key) if isinstance(value, (dict, list, tuple)) else _NO_CHOICE
    return value


def _shown(path: Path, about: Circumstances, *, brief: bool = False) -> str:
    for length in range(len(path), 0, -1):
        origin = about.interpolations.get(path[:length])
        if origin is not None:
            if origin.variables:
                return f"what {origin.text} gives"
            break
    value = _at(about.values, path)
    if value is _NO_CHOICE:
        return "nothing"
    return _brief(value) if brief else received(value)


def _brief(value: Any) -> str:
    shown = repr(value) if not isinstance(value, bool) and value is not None else received(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _key(path: Path, about: Circumstances) -> str:
    for length in range(len(path), 0, -1):
        old = about.old_names.get(path[:length])
        if old is not None:
            return dotted((*old, *path[length:])) + f" (now {dotted(path)})"
    return dotted(path)


def _place(path: Path, about: Circumstances, *, redacted: bool = False) -> str:
    if about.origins is None:
        return ""
    origin = places.at(about.origins, path)
    if origin.kind != "override":
        return origin.text
    key = key_of(origin.name)
    # An override of a whole section may say a secret beside the value that is wrong.
    elsewhere = about.shape.has_secrets and key.lstrip("+") != dotted(path)
    return f"the override {key}=..." if redacted or elsewhere else origin.text
