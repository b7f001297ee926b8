"""Merging: one tree of values laid over another, with the origins of both.

Nothing that is given changes: what comes out shares with both, and only mappings that hold something of each are new.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pedigree.config.origins import OWN, Origin, Origins, Value, own
from pedigree.errors import InvalidConfig

#: Gives the value, with its origins, that the interpolation at a path of a tree stands for: asked when a mapping is
#: laid over one. The tree is the one being made, with what was laid over it so far.
Follow = Callable[[Value, tuple[Any, ...]], "tuple[Value, Origins] | None"]


def merged(
    under: Value,
    under_origins: Origins,
    over: Value,
    over_origins: Origins,
    follow: Follow | None = None,
    path: tuple[Any, ...] = (),
    around: tuple[Value, ...] = (),
) -> tuple[Value, Origins]:
    """`over` laid over `under`.

    Mappings merge key by key; anything else takes the place of what is there, lists whole. `???` takes no place that
    something has. A mapping or a list over an interpolation meets what that stands for, if `follow` knows it. What is
    replaced is remembered as `shadowed`. Raises InvalidConfig where a list meets a mapping.
    """
    values = dict(under)
    origins = dict(under_origins)
    for key, value in over.items():
        origin = over_origins[key]
        if key not in values:
            values[key] = value
            origins[key] = origin
            continue
        present = values[key]
        kind = value.__class__
        if kind is dict or kind is list:
            place = origins[key]
            if present.__class__ is str and "${" in present and follow is not None:
                found = follow(_whole((*around, values), path), (*path, key))
                if found is not None:
                    present, place = found
            if present.__class__ is dict and kind is dict:
                values[key], origins[key] = merged(
                    present, place, value, origin, follow, (*path, key), (*around, values)
                )
                continue
            if present.__class__ is not kind and isinstance(present, (dict, list)):
                refuse(present, place, value, origin, (*path, key))
        elif kind is str and value == "???":
            continue
        values[key] = value
        origins[key] = shadowing(origin, origins[key])
    return values, origins


def _whole(around: tuple[Value, ...], path: tuple[Any, ...]) -> Value:
    """The tree in the making, given the mappings on the way down that are not in their places yet."""
    whole = around[-1]
    for outer, key in zip(reversed(around[:-1]), reversed(path), strict=True):
        whole = {**outer, key: whole}
    return whole


def refuse(under: Value, under_origins: Origins, over: Value, over_origins: Origins, path: tuple[Any, ...]) -> NoReturn:
    """Raises the error for a list in the place of a mapping, or the other way round."""
    place = own(over_origins).text
    raise InvalidConfig(
        f"{place}: {'.'.join(map(str, path))} is {_kind(over)} here, and {_kind(under)} at {own(under_origins).text}.",
        remedy="Make them alike, or give one of them another key.",
        place=place,
        path=path,
    )


def shadowing(new: Origins, old: Origins) -> Origins:
    """The origins of a value that took the place of one with the origins `old`."""
    if new.__class__ is Origin:
        return Origin(new[0], new[1], new[2], new[3], own(old))
    if new.__class__ is dict:
        return {**new, OWN: shadowing(new[OWN], old)}
    return [shadowing(new[0], old), *new[1:]]


def wrapped(values: Value, origins: Origins, package: str, origin: Origin) -> tuple[Value, Origins]:
    """A tree moved down into a package."""
    for part in reversed(package.split(".")) if package else ():
        values = {part: values}
        origins = {OWN: origin, part: origins}
    return values, origins


def _kind(value: Value) -> str:
    return "a mapping" if isinstance(value, dict) else "a list"
