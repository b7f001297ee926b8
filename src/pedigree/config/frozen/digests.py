"""Digests of a configuration: which two are the same, whatever way they were written.

Each leaf has a digest of its own, that of its canonical text; the digest of the whole is that of the sorted list of
pointers with the digests of their leaves. So a value that must not be written down can still be counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring as _quoted
from typing import Any

from pedigree.canonical import digest, hasher
from pedigree.config.frozen.pointers import part, shown
from pedigree.config.origins import OWN, Origin, Origins, Value
from pedigree.errors import InvalidConfig

#: What pydantic shows in place of a secret, and reads back as if it were one.
MASK = "**********"

_HEAD = b"pedigree.config values\n"
_HEAD_INTENT = b"pedigree.config explicit values\n"

#: Digests of texts that stand in every configuration, so that the points of a sweep share their work.
_seen: dict[str, str] = {}
_MOST = 20_000
_LONGEST = 200


def text_of(value: Any) -> str:
    """The canonical text of a leaf: JSON, with NaN, Infinity and -Infinity beside it.

    Whole numbers and others differ (`1`, `1.0`), as do `0.0` and `-0.0`; every NaN is the same.
    """
    kind = value.__class__
    if kind is str:
        return _quoted(value)
    if kind is float:
        if value - value == 0:
            return repr(value)
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if kind is int:
        return repr(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, list) and not value:
        return "[]"
    raise _foreign(value)


def leaf_digest(text: str) -> str:
    """The digest of a leaf's canonical text."""
    found = _seen.get(text)
    if found is None:
        # A variable of the environment can hold half of a surrogate pair, which UTF-8 has no bytes for.
        found = digest(text.encode("utf-8", "surrogatepass"))
        if len(text) <= _LONGEST:
            if len(_seen) > _MOST:
                _seen.clear()
            _seen[text] = found
    return found


def copied_and_digested(values: Value) -> tuple[Value, dict[str, str]]:
    """A copy of the values that shares nothing, and the digest of each leaf under its pointer.

    Raises InvalidConfig for the mask of a secret and for what is no plain value.
    """
    lines: dict[str, str] = {}
    return _copied(values, "", lines), lines


def _copied(values: Value, at: str, lines: dict[str, str]) -> Value:
    # One walk for both: a sweep freezes every point.
    if isinstance(values, dict):
        if not values:
            lines[at] = leaf_digest("{}")
            return {}
        whole = {}
        for key, value in values.items():
            kind = value.__class__
            if kind is str and value != MASK:
                lines[at + part(key)] = leaf_digest(_quoted(value))
                whole[key] = value
            elif kind is int:
                lines[at + part(key)] = leaf_digest(repr(value))
                whole[key] = value
            else:
                whole[key] = _copied(value, at + part(key), lines)
        return whole
    if isinstance(values, list):
        if not values:
            lines[at] = leaf_digest("[]")
            return []
        return [_copied(value, f"{at}/!{index}", lines) for index, value in enumerate(values)]
    if values == MASK and isinstance(values, str):
        raise masked(at)
    lines[at] = leaf_digest(text_of(values))
    return values


def digest_of_lines(lines: Mapping[str, str]) -> str:
    """The digest of the whole, from the digests of its leaves. Order plays no part."""
    return _sheet(_HEAD, lines)


def intent_of_lines(lines: Mapping[str, str], origins: Origins | None) -> str:
    """The same of the leaves that somebody set; None for origins says that all were."""
    if origins is None:
        return _sheet(_HEAD_INTENT, lines)
    assumed: set[str] = set()
    _assumed(origins, "", assumed)
    if not assumed:
        return _sheet(_HEAD_INTENT, lines)
    if not assumed <= lines.keys():  # a container that has one origin for all that is in it
        assumed |= {place for place in lines if any(above in assumed for above in _above(place))}
    return _sheet(_HEAD_INTENT, {place: one for place, one in lines.items() if place not in assumed})


def _above(place: str) -> Iterator[str]:
    while place:
        place = place.rpartition("/")[0]
        yield place


def _assumed(origins: Origins, at: str, found: set[str]) -> None:
    """The pointers of what nobody set: defaults, and what a migration put in where nothing was."""
    if origins.__class__ is dict:
        for key, inside in origins.items():
            if inside.__class__ is not Origin:
                _assumed(inside, at + part(key), found)
            elif key is not OWN and inside.kind in _ASSUMED and is_assumed(inside):
                found.add(at + part(key))
        if len(origins) == 1 and is_assumed(origins[OWN]):
            found.add(at)
    elif origins.__class__ is list:
        for index, inside in enumerate(origins[1:]):
            _assumed(inside, f"{at}/!{index}", found)
        if len(origins) == 1 and is_assumed(origins[0]):
            found.add(at)
    elif is_assumed(origins):
        found.add(at)


#: Kinds of which some are set by nobody.
_ASSUMED = ("default", "migration")


def is_assumed(origin: Origin) -> bool:
    """Whether nobody set the value: a default, or what a migration put in where nothing was before."""
    return origin.kind == "default" or (
        origin.kind == "migration" and (origin.shadowed is None or is_assumed(origin.shadowed))
    )


def _sheet(head: bytes, lines: Mapping[str, str]) -> str:
    text = "\n".join([f"{place} {lines[place]}" for place in sorted(lines)])
    made = hasher()
    made.update(head)
    made.update(text.encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def masked(place: str) -> InvalidConfig:
    return InvalidConfig(
        f"{shown(place)}: the value is {MASK}, which stands for a secret and is none.",
        remedy="Write where the secret comes from, such as ${oc.env:TOKEN}, or the value itself.",
        pointer=place,
    )


def _foreign(value: Any) -> InvalidConfig:
    return InvalidConfig(
        f"A value has the type {type(value).__name__}, which no frozen configuration holds.",
        remedy="Use text, numbers, true, false, null, lists and mappings.",
    )
