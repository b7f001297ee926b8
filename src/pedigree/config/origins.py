"""Origins: where each value of a configuration was set, and what it took the place of.

A tree of origins has the shape of the tree of values that it belongs to. A leaf's is an `Origin`. A mapping's is a
dict with the origins of its items and, under the key `OWN`, its own. A list's is a list: its own, then its items'.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = Any  #: dict, list, str, int, float, bool or None
Origins: TypeAlias = Any  #: Origin, or a dict or a list of Origins

#: Key of a mapping's own origin. No mapping of a configuration can have it: there keys are text, numbers or booleans.
OWN = None


class Origin(NamedTuple):
    """`name` is a file, an override as it was typed, a variable, a class; `line` and `column` count from 1, 0 where
    there are none."""

    kind: str  #: "file", "override", "env", "default", "migration", "code"
    name: str
    line: int = 0
    column: int = 0
    shadowed: Origin | None = None  #: of the value that this one took the place of

    @property
    def text(self) -> str:
        """`conf/model/resnet.yaml:4:10`, or what else names the place."""
        if self.kind == "file":
            return f"{self.name}:{self.line}:{self.column}" if self.line else self.name
        if self.kind == "override":
            return f"the override {self.name}"
        if self.kind == "env":
            return f"the environment variable {self.name}"
        if self.kind == "default":
            return f"the default of {self.name}"
        return self.name

    def losers(self) -> tuple[Origin, ...]:
        """What it shadows, the nearest first."""
        found = []
        one = self.shadowed
        while one is not None:
            found.append(one)
            one = one.shadowed
        return tuple(found)


def own(origins: Origins) -> Origin:
    """The origin of the value itself, be it a leaf or a container."""
    if isinstance(origins, Origin):
        return origins
    found: Origin = origins[OWN] if isinstance(origins, dict) else origins[0]
    return found


def at(origins: Origins, path: tuple[Any, ...]) -> Origin:
    """The origin of what is at `path`, or of the nearest that stands there and above it."""
    for part in path:
        if isinstance(origins, Origin):
            break
        if isinstance(origins, dict):
            if part not in origins:
                break
            origins = origins[part]
        else:
            if not isinstance(part, int) or not 0 <= part < len(origins) - 1:
                break
            origins = origins[part + 1]
    return own(origins)


def spread(value: Value, origin: Origin) -> Origins:
    """The same origin for a value and all that is in it."""
    if isinstance(value, dict):
        return {OWN: origin, **{key: spread(item, origin) for key, item in value.items()}}
    if isinstance(value, list):
        return [origin, *(spread(item, origin) for item in value)]
    return origin


def copied(value: Value) -> Value:
    """A copy of a tree of values or of origins that shares nothing that can change."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if type(value) is list:  # an Origin is a tuple and never changes
        return [copied(item) for item in value]
    return value
