"""Tab completion of overrides: what the word at the cursor could become, given a folder of configurations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pedigree.config.composed import Composed
from pedigree.config.composing import Sources, compose
from pedigree.config.overrides import Operation, context
from pedigree.config.overrides.completion import Context, Kind
from pedigree.errors import PedigreeError


def candidates(text: str, sources: Sources, name: str, before: tuple[str, ...] = ()) -> list[str]:
    """Every whole word that `text`, half an override, could become, sorted.

    Keys grow by one level at a time: `model.` has more below it, `model.lr=` wants a value, `db=` an option of a group.
    `before` are the overrides that stand already; those that do not compose are left out of account. Never raises for
    a text or a configuration that is wrong.
    """
    asked = context(text)
    head = text[: asked.start]
    if asked.quote is not None or asked.kind is Kind.NOTHING:
        return []
    composed = _composed(sources, name, before)
    found: Iterator[str]
    if asked.kind is Kind.KEY:
        found = _keys(asked, sources, composed)
    elif asked.kind is Kind.PACKAGE:
        found = (f"{key.partition('@')[2]}=" for key in _chosen(composed) if key.startswith(f"{asked.key}@"))
    elif asked.kind in (Kind.VALUE, Kind.FUNCTION):
        found = _values(asked, sources, composed)
    else:
        found = iter(())
    return sorted({head + one for one in found if one.startswith(asked.typed)})


def _composed(sources: Sources, name: str, before: tuple[str, ...]) -> Composed | None:
    for overrides in (before, ()):
        try:
            return compose(None, name, overrides, sources=sources, missing="keep", resolved=False)
        except PedigreeError:
            continue
    return None


def _chosen(composed: Composed | None) -> dict[str, Any]:
    return {} if composed is None else dict(composed.choices)


def _keys(asked: Context, sources: Sources, composed: Composed | None) -> Iterator[str]:
    end = "" if asked.operation is Operation.DELETE else "="
    chosen = _chosen(composed)
    yield from _groups(asked, sources, chosen, end)
    if asked.operation is Operation.ADD or composed is None or "/" in asked.typed:
        return
    *parents, _ = asked.typed.split(".")
    here: Any = composed.raw
    for part in parents:
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return
    prefix = "".join(f"{part}." for part in parents)
    items = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
    for key, value in items:
        if isinstance(value, dict) and value and asked.operation is not Operation.DELETE:
            yield f"{prefix}{key}."
        else:
            yield f"{prefix}{key}{end}"


def _groups(asked: Context, sources: Sources, chosen: dict[str, Any], end: str) -> Iterator[str]:
    """Groups and, once one is typed with its slash, those inside it."""
    if asked.operation is Operation.FORCE_ADD or "." in asked.typed:
        return
    if asked.operation in (Operation.CHANGE, Operation.DELETE):
        yield from (f"{key}{end}" for key in chosen)
    if asked.operation is Operation.DELETE:
        return
    folder = asked.typed.rpartition("/")[0]
    for group in sources.groups(folder):
        whole = f"{folder}/{group}" if folder else group
        if sources.groups(whole):
            yield f"{whole}/"
        if sources.options(whole) and (asked.operation is Operation.ADD or whole in chosen):
            yield f"{whole}="


def _values(asked: Context, sources: Sources, composed: Composed | None) -> Iterator[str]:
    group = asked.key.strip("/")
    if asked.package is not None or "/" in group or sources.is_group(group):
        folder, slash, _ = asked.typed.rpartition("/")
        yield from (f"{folder}{slash}{option}" for option in sources.options(f"{group}/{folder}" if folder else group))
        return
    value: Any = None if composed is None else composed.raw
    for part in asked.key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        yield from ("true", "false")
    elif asked.function is None and (
        isinstance(value, (int, float)) or (isinstance(value, str) and value != "???" and value.isidentifier())
    ):
        yield str(value)
    if asked.typed:
        yield from (f"{name}(" for name in asked.functions)
