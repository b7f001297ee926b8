"""Composed configurations for these tests: files laid over one another, then values set, then resolved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pedigree.canonical import digest
from pedigree.config import documents
from pedigree.config.composed import Composed
from pedigree.config.interpolation import resolve
from pedigree.config.origins import OWN, Origin, Origins, Value, copied, own, spread
from pedigree.config.overrides import parse

NOW = datetime(2026, 11, 27, 8, 30, 0)  # noqa: DTZ001  (as composing uses it: the wall clock)


def composed(
    *files: tuple[str, str],
    overrides: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    now: datetime | None = NOW,
    choices: Mapping[str, Any] | None = None,
) -> Composed:
    """Files (name and text), each over those before, then overrides of single values."""
    values: Value = {}
    origins: Origins = {OWN: Origin("code", "nothing")}
    for name, text in files:
        document = documents.read(text.encode(), name)
        values, origins = over(values, origins, document.values, document.origins)
    for text in overrides:
        one = parse(text)
        setting: Value = one.value
        there: Origins = spread(one.value, Origin("override", text))
        for key in reversed(one.parts):
            setting, there = {key: setting}, {OWN: Origin("override", text), key: there}
        values, origins = over(values, origins, setting, there)
    resolved = resolve(values, environment=environment or {}, now=now)
    return Composed(
        resolved.tree,
        values,
        origins,
        name=files[0][0] if files else "",
        overrides=overrides,
        choices=choices or {},
        files=tuple(name for name, _ in files),
        digests={name: digest(text.encode()) for name, text in files},
        interpolations=resolved.origins,
        now=now,
    )


def of(values: dict[Any, Any], *, environment: Mapping[str, str] | None = None) -> Composed:
    """Plain values as if a file had held them."""
    resolved = resolve(values, environment=environment or {}, now=NOW)
    return Composed(
        resolved.tree,
        values,
        spread(values, Origin("file", "conf/config.yaml", 1, 1)),
        interpolations=resolved.origins,
        now=NOW,
    )


def over(values: Value, origins: Origins, new: Value, places: Origins) -> tuple[Value, Origins]:
    """`new` laid over `values`, mapping by mapping; what loses is remembered."""
    if not isinstance(values, dict) or not isinstance(new, dict):
        return copied(new), _shadowing(copied(places), own(origins))
    whole = dict(values)
    where = dict(origins)
    for key, value in new.items():
        if key in values:
            whole[key], where[key] = over(values[key], origins[key], value, places[key])
        else:
            whole[key], where[key] = value, places[key]
    return whole, where


def _shadowing(origins: Origins, lost: Origin) -> Origins:
    if isinstance(origins, Origin):
        return origins._replace(shadowed=lost)
    if isinstance(origins, dict):
        return {key: one._replace(shadowed=lost) if key is OWN else one for key, one in origins.items()}
    return [origins[0]._replace(shadowed=lost), *origins[1:]]
