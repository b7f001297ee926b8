"""Redaction: overrides as they were typed, without what was typed for a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pedigree.config import origins as places
from pedigree.config.models.readings import MASK
from pedigree.config.origins import Origin, Origins

Path = tuple[Any, ...]

#: A reference, whole: a `${` may hold a default, and a mapping that begins with `env` may hold more.
_HARMLESS = re.compile(
    r"\s*['\"]?\s*(?:env:|file:|command:|\?\?\?|null\b"
    r"|\$\{\s*(?:oc\.env\s*:\s*\w+\s*(?:,\s*null\s*)?|[\w.\[\]]+)\}['\"]?\s*$"
    r"|\{\s*(?:(?:env|file)\s*:[^,{}\[\]]*|command\s*:[^{}]*)\}\s*$)"
)
#: A value with others in it: a mapping, a list, or an edit of a list.
_CONTAINER = re.compile(r"\s*(?:[{\[]|\w+\()")


def key_of(override: str) -> str:
    """What stands before the first `=`."""
    return override.partition("=")[0]


def redact(overrides: Iterable[str], secrets: Iterable[Path]) -> tuple[str, ...]:
    """The overrides, those that reach one of the paths without naming a reference with a mask for their value."""
    paths = tuple(tuple(str(part) for part in path) for path in secrets)
    return tuple(_masked(text) if any(_reaches(text, path) for path in paths) else text for text in overrides)


def redact_origins(origins: Origins, secrets: Sequence[Path]) -> Origins:
    """The same for a tree of origins: every origin whose override, or migration, says a secret, wherever it reaches."""
    spoken: set[str] = set()
    for path in secrets:
        origin: Origin | None = places.at(origins, path)
        while origin is not None:
            if origin.kind == "migration" or (origin.kind == "override" and _masked(origin.name) != origin.name):
                spoken.add(origin.name)
            origin = origin.shadowed
    return _without(origins, spoken) if spoken else origins


def _masked(override: str) -> str:
    key, equals, value = override.partition("=")
    return override if not equals or _HARMLESS.match(value) else f"{key}={MASK}"


def _reaches(override: str, path: tuple[str, ...]) -> bool:
    key, _, value = override.partition("=")
    keys = tuple(re.split(r"[./]", key.lstrip("+~").partition("@")[0]))
    if len(keys) >= len(path):
        return keys[: len(path)] == path
    # Above the secret stands a group's option, whose name tells nothing, or a container with the secret in it.
    return keys == path[: len(keys)] and _CONTAINER.match(value) is not None


def _unsaid(name: str, before: Origin | None, after: Origin | None) -> str:
    """What a migration says of a value, without the value, and without what an override before it said."""
    note = name
    if before is not None and after is not None and name.startswith(before.text):
        note = after.text + name[len(before.text) :]
    note, changed, _ = note.partition(" changed it from ")
    return f"{note} changed it)" if changed else note


def _without(origins: Origins, spoken: set[str]) -> Origins:
    if isinstance(origins, Origin):
        shadowed = None if origins.shadowed is None else _without(origins.shadowed, spoken)
        name = origins.name
        if name in spoken and origins.kind == "override":
            name = _masked(name)
        elif name in spoken and origins.kind == "migration":
            name = _unsaid(name, origins.shadowed, shadowed)
        return origins._replace(name=name, shadowed=shadowed)
    if isinstance(origins, dict):
        return {key: _without(item, spoken) for key, item in origins.items()}
    return [_without(item, spoken) for item in origins]
