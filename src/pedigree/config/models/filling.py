"""Origins of what a model filled in: the tree of origins brought to the shape of the values that are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel

from pedigree.config.origins import OWN, Origin, Origins, own, spread

_CONTAINERS = frozenset({dict, list})
_LEAVES = {Origin}


def fill(written: Any, given: Any, origins: Origins, instance: Any) -> Origins:
    """The origins of `written`: those of `given`, and `Origin("default", "Class.field")` for what it did not have.

    `written` is what `instance` is written as. Shares with `origins` and changes nothing in it. Visits each container
    once, and looks no further at a leaf than at its type.
    """
    if isinstance(origins, Origin):
        return spread(written, origins) if type(written) in _CONTAINERS else origins
    if type(written) is dict and type(given) is dict and type(origins) is dict:
        return _mapping(written, given, origins, instance)
    if type(written) is list and type(given) in (list, tuple) and type(origins) is list:
        return _sequence(written, given, origins, instance)
    return spread(written, own(origins)) if type(written) in _CONTAINERS else own(origins)


def _mapping(written: dict[str, Any], given: dict[Any, Any], origins: dict[Any, Origins], instance: Any) -> Origins:
    if written.keys() == given.keys():
        if set(map(type, origins.values())) == _LEAVES and _CONTAINERS.isdisjoint(map(type, written.values())):
            return origins  # what nearly every group of leaves is, and two loops in C tell
        changed: dict[Any, Origins] = {}
        inner = {key for key, item in written.items() if type(item) in _CONTAINERS}
        inner.update(key for key, origin in origins.items() if type(origin) is not Origin)
        for key in inner:
            before = origins[key]
            after = fill(written[key], given[key], before, item_of(instance, key))
            if after is not before:
                changed[key] = after
        return {**origins, **changed} if changed else origins
    filled: dict[Any, Origins] = {OWN: origins[OWN]}
    renamed = not given.keys() <= written.keys()
    texts = {_text(key): key for key in given if not isinstance(key, str)} if renamed else {}
    name = type(instance).__name__
    for key, item in written.items():
        source: Any = key if key in given else texts.get(key, _alias(instance, key, given)) if renamed else OWN
        if source is OWN or source not in origins:
            default = Origin("default", f"{name}.{key}")
            filled[key] = spread(item, default) if type(item) in _CONTAINERS else default
            continue
        origin = origins[source]
        if type(origin) is not Origin or type(item) in _CONTAINERS:
            origin = fill(item, given[source], origin, item_of(instance, key))
        filled[key] = origin
    return filled


def _sequence(written: list[Any], given: Any, origins: list[Origins], instance: Any) -> Origins:
    if len(written) == len(given) and (written == given or not _is_set(instance)):
        changed = False
        filled = [origins[0]]
        for number, item in enumerate(written):
            before = origins[number + 1]
            after = before
            if type(item) in _CONTAINERS or type(before) is not Origin:
                after = fill(item, given[number], before, item_of(instance, number))
            changed = changed or after is not before
            filled.append(after)
        return filled if changed else origins
    # A set is written in its own order, each item once: found again by what it is written as.
    import json

    known: dict[str, int] = {}
    for number, item in enumerate(given):
        known.setdefault(json.dumps(item, sort_keys=True, default=str), number)
    sources = [known.get(json.dumps(item, sort_keys=True)) for item in written]
    return [
        origins[0],
        *(
            spread(item, own(origins[0] if source is None else origins[source + 1]))
            for item, source in zip(written, sources, strict=True)
        ),
    ]


def item_of(instance: Any, key: Any) -> Any:
    """What stands in an instance under a key of what it is written as; None where that cannot be told."""
    if isinstance(instance, Mapping):
        if key in instance:
            return instance[key]
        return next((item for known, item in instance.items() if _text(known) == key), None)
    if isinstance(instance, (list, tuple)) and isinstance(key, int):
        return instance[key] if key < len(instance) else None
    return getattr(instance, key, None) if isinstance(key, str) else None


def _is_set(instance: Any) -> bool:
    return isinstance(instance, (set, frozenset)) or not isinstance(instance, (list, tuple))


def _alias(instance: Any, name: str, given: dict[Any, Any]) -> Any:
    if isinstance(instance, BaseModel):
        field = type(instance).model_fields.get(name)
        aliases = () if field is None else (field.alias, *_choices(field.validation_alias))
        return next((alias for alias in aliases if isinstance(alias, str) and alias in given), None)
    if is_dataclass(instance):
        fields: Mapping[str, Any] = getattr(type(instance), "__pydantic_fields__", {})
        field = fields.get(name)
        return field.alias if field is not None and field.alias in given else None
    return None


def _choices(alias: Any) -> tuple[Any, ...]:
    return tuple(getattr(alias, "choices", (alias,)))


def _text(key: Any) -> str:
    """The key of a JSON object that stands for a key of another type."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(getattr(key, "value", key))
