"""The side-car of a frozen file: where each value came from, as a table of sources and one short text for each place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pedigree.config.frozen.pointers import item, part, path, spelled
from pedigree.config.origins import OWN, Origin, Origins, Value, own

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated

#: `source`, or `source:line:column`, with `<` before each that lost, the nearest first; `*` says "and all inside".
_ONE = r"(\d+)(?::(\d+):(\d+))?"


def written(values: Value, origins: Origins) -> dict[str, Any]:
    """`sources` and `places`, in the order of the values: a container, then what is in it, keys sorted as spelled."""
    sources: dict[tuple[str, str], int] = {}
    known: dict[Origin, str] = {}
    places: list[str] = []

    def text(origin: Origin) -> str:
        found = known.get(origin)
        if found is None:
            number = sources.setdefault((origin.kind, origin.name), len(sources))
            found = f"{number}:{origin.line}:{origin.column}" if origin.line or origin.column else f"{number}"
            if origin.shadowed is not None:
                found += "<" + text(origin.shadowed)
            known[origin] = found
        return found

    def walk(value: Value, there: Origins) -> None:
        places.append(text(own(there)))
        if isinstance(value, dict):
            if not isinstance(there, dict) or there.keys() - {OWN} != value.keys():
                places[-1] += "*"
                return
            for key in _sorted(value):
                walk(value[key], there[key])
        elif isinstance(value, list):
            if not isinstance(there, list) or len(there) != len(value) + 1:
                places[-1] += "*"
                return
            for one, inside in zip(value, there[1:], strict=True):
                walk(one, inside)

    walk(values, origins)
    return {"sources": [list(one) for one in sources], "places": places}


def read(found: Mapping[str, Any], values: Value) -> Origins:
    """The origins that `written` made the table of. Raises ValueError where the table is not that of these values."""
    sources = [(str(kind), str(name)) for kind, name in found["sources"]]
    places = iter(found["places"])
    known: dict[str, Origin] = {}

    def origin(text: str) -> Origin:
        one = known.get(text)
        if one is None:
            first, _, rest = text.partition("<")
            match = re.fullmatch(_ONE, first)
            if match is None or int(match[1]) >= len(sources):
                raise ValueError(f"{text!r} is no place")
            kind, name = sources[int(match[1])]
            one = Origin(kind, name, int(match[2] or 0), int(match[3] or 0), origin(rest) if rest else None)
            known[text] = one
        return one

    def walk(value: Value) -> Origins:
        text = next(places, None)
        if text is None:
            raise ValueError("there are fewer places than values")
        if text.endswith("*"):
            return origin(text[:-1])
        if isinstance(value, dict):
            order = {key: walk(value[key]) for key in _sorted(value)}
            return {OWN: origin(text), **{key: order[key] for key in value}}
        if isinstance(value, list):
            return [origin(text), *[walk(one) for one in value]]
        return origin(text)

    made = walk(values)
    if next(places, None) is not None:
        raise ValueError("there are more places than values")
    return made


def _sorted(value: Mapping[Any, Value]) -> list[Any]:
    return sorted(value, key=spelled)


def written_interpolations(interpolations: Mapping[tuple[Any, ...], Interpolated]) -> Iterator[tuple[str, list[str]]]:
    """The pointer of each interpolation and a list: its text, the pointers that it read, `$NAME` for each variable
    behind it, and `*` where it may be another the next time. Here a whole number as key is spelled as an item is."""
    for where, one in interpolations.items():
        found = [one.text, *map(_pointer, one.reads), *(f"${name}" for name in sorted(one.variables))]
        if not one.deterministic:
            found.append("*")
        yield _pointer(where), found


def read_interpolations(found: Mapping[str, Sequence[str]]) -> dict[tuple[Any, ...], Interpolated]:
    """What `written_interpolations` was made of. Raises ValueError or TypeError for what is none."""
    from pedigree.config.interpolation import Origin as Interpolated

    made = {}
    for where, (text, *more) in found.items():
        reads = tuple(path(one) for one in more if one[:1] in ("/", ""))
        variables = frozenset(one[1:] for one in more if one[:1] == "$")
        if text.__class__ is not str or len(reads) + len(variables) + ("*" in more) != len(more):
            raise ValueError(f"{where} is no interpolation")
        made[path(where)] = Interpolated(text, reads, variables, "*" not in more)
    return made


def _pointer(where: tuple[Any, ...]) -> str:
    return "".join([item(step) if step.__class__ is int and step >= 0 else part(step) for step in where])
