"""A path that leads nowhere: why, and which path was probably meant."""

from __future__ import annotations

from typing import Any

from pedigree.config.interpolation.mistakes import Mistake, Path, dotted, nearest
from pedigree.config.interpolation.tree import Frame

#: Values that are looked at to find a key of the same name elsewhere.
_LOOKED_AT = 20_000


class Absent:
    """`keys[index]` is not in `value`, because: no such `key`, no such `index`, a `word` for an index,
    `value` is a `scalar`, or what lies there is still to be given, `???`.
    """

    __slots__ = ("index", "keys", "reason", "value")

    def __init__(self, reason: str, value: Any, keys: tuple[str, ...], index: int) -> None:
        self.reason = reason
        self.value = value
        self.keys = keys
        self.index = index


def explain(absent: Absent, root: Frame) -> Mistake:
    """The mistake, with the nearest existing path."""
    key = absent.keys[absent.index]
    frame = absent.value if isinstance(absent.value, Frame) else None
    # Where the container came by an interpolation, its own place is the one to look at.
    path: Path = frame.path if frame is not None else absent.keys[: absent.index]
    holder = f"'{dotted(path)}'" if path else "the top"
    if absent.reason == "???":
        given = dotted((*path, int(key) if frame is not None and isinstance(frame.raw, list) else key))
        return Mistake(f"'{given}' is still to be given (???)", f"Give it a value: {given}=VALUE.")
    if absent.reason == "scalar":
        return Mistake(
            f"{holder} is a single value, so it has no key '{key}'", "End the path there, or name a container."
        )
    raw = frame.raw if frame is not None else absent.value
    if absent.reason == "word":
        return Mistake(f"{holder} is a list, and '{key}' is no index", f"Write a number from 0 to {len(raw) - 1}.")
    if absent.reason == "index":
        last = len(raw) - 1
        return Mistake(
            f"{holder} has {len(raw)} {'item' if len(raw) == 1 else 'items'}, so there is no index {key}",
            "Write " + ("0" if last == 0 else f"a number from 0 to {last}") + "." if raw else "The list is empty.",
        )
    return Mistake(f"{holder} has no key '{key}'", _meant(path, key, absent.keys[absent.index + 1 :], raw, root))


def _meant(path: Path, key: str, rest: tuple[str, ...], raw: dict[Any, Any], root: Frame) -> str:
    names = [name for name in raw if isinstance(name, str)]
    # From the top, the very key elsewhere is likelier than another key here; inside a group it is not.
    elsewhere = _elsewhere(key, rest, root.raw)
    near = nearest(key, names)
    if near is not None and (path or elsewhere is None):
        return f"Did you mean '{dotted((*path, near, *rest))}'?"
    for other in raw:
        if not isinstance(other, str) and str(other) == key:
            return f"The key {other!r} is no text, and interpolations reach only keys that are: put it in quotes."
    if elsewhere is not None:
        return f"Did you mean '{dotted(elsewhere)}'?"
    if not names:
        return "It is empty."
    return f"It has: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."


def _elsewhere(key: str, rest: tuple[str, ...], raw: Any) -> Path | None:
    """The first path, the shallowest first, that ends in the key and what followed it."""
    level: list[tuple[Path, Any]] = [((), raw)]
    left = _LOOKED_AT
    while level:
        below: list[tuple[Path, Any]] = []
        for path, value in level:
            if isinstance(value, dict):
                if key in value and _leads(value[key], rest):
                    return (*path, key, *rest)
                items: Any = value.items()
            else:
                items = enumerate(value)
            for name, item in items:
                left -= 1
                if isinstance(item, (dict, list)):
                    below.append(((*path, name), item))
        if left < 0:
            return None
        level = below
    return None


def _leads(value: Any, rest: tuple[str, ...]) -> bool:
    for key in rest:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
