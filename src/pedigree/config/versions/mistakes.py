"""Mistakes in old files, told in the words of the file: its own keys, its own lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from pedigree.config.origins import Origins, Value, at
from pedigree.config.versions.drafts import Draft, Path, shown
from pedigree.config.versions.numbering import KEY
from pedigree.config.versions.operations import is_private
from pedigree.config.versions.shapes import chosen, fields, versioned
from pedigree.errors import InvalidConfig, nearest

if TYPE_CHECKING:
    from pedigree.config.versions.migration import Migrated

#: What a value of a file that is not resolved yet begins with, or is.
_UNRESOLVED = ("${", "???")


class Problem(NamedTuple):
    path: Path  #: in the terms of the model that refused it
    kind: str
    message: str
    value: Value


def problems(values: Value, error: ValidationError) -> list[Problem]:
    """What pydantic found, with paths of values: its own have the names of union members in between."""
    found = []
    for one in error.errors(include_url=False, include_context=False):
        path: list[Any] = []
        here = values
        for position, part in enumerate(one["loc"]):
            last = position == len(one["loc"]) - 1
            if isinstance(here, dict) and (part in here or (last and one["type"].startswith("missing"))):
                path.append(part)
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                path.append(part)
                here = here[part]
        found.append(Problem(tuple(path), one["type"], one["msg"], here))
    return found


def told(
    problem: Problem, model: Any, values: Value, origins: Origins, first: Path, base: Path = (), since: int = 0
) -> str:
    """One problem in lines: the key as the file has it, `first`, what was expected, what was got, where, and, where a
    version renamed the key `since` then, what to do."""
    whole = base + problem.path
    missing = problem.kind.startswith("missing")
    hidden = missing or isinstance(problem.value, dict) or is_private(problem.value, whole)
    got = "" if hidden else f", got {_cut(problem.value)}"
    lines = [f"  {shown(first) or 'the whole'}: {problem.message}{got}"]
    origin = at(origins, whole[:-1] if missing else whole)
    origin = (origin, *origin.losers())[-1] if origin.kind == "migration" else origin
    if origin.kind == "default":
        lines.append(f"      it is {origin.text}, and the file leaves it out")
    else:
        lines.append(f"      {'belongs into' if missing else 'set at'} {origin.text}")
    if problem.kind == "extra_forbidden":
        near = nearest(str(problem.path[-1]), _known(model, values, problem.path[:-1]))
        if near:
            lines.append(f"      (did you mean {near!r}?)")
    if since:
        old, new = (first[-1:], whole[-1:]) if first[:-1] == whole[:-1] else (first, whole)
        if old == new:
            old, new = first, whole
        fix = f"{shown(first)}=... or edit the file"
        if origin.kind == "default":  # of a version that may be newer than the file, which then cannot set it
            fix = f"write the file for v{since} and set {shown(whole)!r}"
        lines.append(f"      ({shown(old)!r} is {shown(new)!r} since v{since}; fix: {fix})")
    return "\n".join(lines)


def explained(error: ValidationError, migrated: Migrated, model: Any) -> InvalidConfig:
    """What the model of today has against a migrated configuration, in the key names and places of the file."""
    found = problems(migrated.values, error)
    lines = [
        told(
            one,
            model,
            migrated.values,
            migrated.origins,
            migrated.first_name(one.path),
            since=max((migrated.since.get(one.path[:end], 0) for end in range(len(one.path) + 1)), default=0),
        )
        for one in found
    ]
    steps = _journey(migrated)
    what = f"The configuration cannot be migrated {steps}" if steps else f"{model.__name__} refuses the configuration"
    return InvalidConfig(
        f"{what}:\n" + "\n".join(lines),
        remedy="Correct the value where it is set." if len(found) == 1 else "Correct the values where they are set.",
        problems=tuple(found),
        paths=tuple(migrated.first_name(one.path) for one in found),
    )


def _journey(migrated: Migrated) -> str:
    ends: dict[tuple[str, Path], tuple[int, int]] = {}
    for step in migrated.steps:
        before, _ = ends.get((step.family, step.at), (step.before, 0))
        ends[step.family, step.at] = before, step.after
    return ", ".join(f"from {family} v{before} to v{after}" for (family, _), (before, after) in ends.items())


def refuse_old(draft: Draft, model: Any, base: Path, family: str, number: int, partial: bool) -> None:
    """Raises InvalidConfig for what the model of the file's own version refuses.

    Not for what lies in mappings with versions of their own, which are validated themselves, and not for what is an
    interpolation or `???` still; with `partial`, nor for what is not there.
    """
    values = draft.get(base)
    stated = {**values, KEY: number}
    raw = unresolved(values)
    try:
        error, _ = refusal(model, stated)
    except Exception:  # a validator of the model that met a text where it counts on a number
        if not raw:
            raise
        return
    if error is None:
        return
    found = problems(stated, error)
    inner = [path for path, _ in versioned(values, model)]
    found = [
        one
        for one in found
        if not any(one.path[: len(path)] == path for path in inner)
        and not unresolved(one.value)
        and (one.path or not (raw or partial))
        and not (partial and one.kind.startswith("missing"))
    ]
    if not found:
        return
    lines = [told(one, model, values, draft.origins, draft.first_name(base + one.path), base) for one in found]
    raise InvalidConfig(
        f"The file is {family} v{number}, and that version refuses it:\n" + "\n".join(lines),
        remedy="Correct the file; it is migrated after that.",
        problems=tuple(found),
        paths=tuple(draft.first_name(base + one.path) for one in found),
    )


def refusal(model: Any, values: Value) -> tuple[ValidationError | None, Any]:
    """What pydantic has against plain values, or None and the instance.

    A strict model takes a path or a date as text only from JSON: the kinder of the two readings counts.
    """
    adapter = TypeAdapter(model)
    try:
        return None, adapter.validate_python(values)
    except ValidationError as error:
        first = error
    try:
        return None, adapter.validate_json(json.dumps(values))
    except ValidationError as error:
        return min(first, error, key=lambda one: one.error_count()), None


def unresolved(value: Value) -> bool:
    """Whether it holds an interpolation or a `???`."""
    if isinstance(value, dict):
        return any(unresolved(item) for item in value.values())
    if isinstance(value, list):
        return any(unresolved(item) for item in value)
    return isinstance(value, str) and any(mark in value for mark in _UNRESOLVED)


def _known(model: Any, values: Value, path: Path) -> Iterable[str]:
    """The keys that a model allows in the mapping at `path`."""
    here = values
    for part in path:
        inner = next((one for one in fields(model) if one.key == part), None)
        here = here[part] if isinstance(here, (dict, list)) else None
        if inner is None:
            return ()
        model = chosen(inner.annotation, here)
        if model is None:
            return ()
    return [one.key for one in fields(model)]


def _cut(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
