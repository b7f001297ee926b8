"""Pointers: one text for each place of a configuration, so that places can be sorted, digested and written down.

`/model/layers/!0/size` is the key `size` of the first item of `model.layers`. Keys that are no text, and items of
lists, begin with `!`, as does no other part: `!int 1`, `!float 0.5`, `!bool true`, `!0`; a text that begins with `!`
is spelled `!str !it`. In a part `~0` stands for `~`, `~1` for `/`, `~2` for the end of a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pedigree.config.origins import Value
from pedigree.errors import InvalidConfig

#: Parts that need no spelling are found here; bounded, for a process that reads many configurations.
_plain: dict[str, str] = {}
_MOST = 20_000


def spelled(key: Any) -> str:
    """The key of a mapping as text, as it stands in a file; different keys give different texts."""
    kind = key.__class__
    if kind is str:
        return f"!str {key}" if key[:1] == "!" else key
    if kind is bool:
        return "!bool true" if key else "!bool false"
    if kind is int:
        return f"!int {key}"
    if kind is float:
        return f"!float {key!r}"
    raise InvalidConfig(
        f"A configuration has the key {key!r}, which is a {type(key).__name__}.",
        remedy="Use text, a number or true and false as keys.",
    )


def key_of(text: str) -> Any:
    """The key that `spelled` made the text of. Raises ValueError for a text that it makes of none."""
    if text[:1] != "!":
        return text
    kind, _, rest = text.partition(" ")
    if kind == "!str":
        return rest
    if kind == "!int":
        return int(rest)
    if kind == "!float":
        return float(rest)
    if text in ("!bool true", "!bool false"):
        return rest == "true"
    raise ValueError(f"{text!r} spells no key")


def part(key: Any) -> str:
    """`/` and the key as a part of a pointer."""
    if key.__class__ is str:
        found = _plain.get(key)
        if found is not None:
            return found
    text = spelled(key)
    if "~" in text or "/" in text or "\n" in text:
        text = text.replace("~", "~0").replace("/", "~1").replace("\n", "~2")
    text = "/" + text
    if key.__class__ is str:
        if len(_plain) > _MOST:
            _plain.clear()
        _plain[key] = text
    return text


def item(index: int) -> str:
    """`/` and the place of an item as a part of a pointer."""
    return f"/!{index}"


def pointer(path: tuple[Any, ...], values: Value) -> str:
    """The pointer of a path of keys and places; `values` tells which of the two a whole number is."""
    text = ""
    for step in path:
        if isinstance(values, list):
            text += item(step)
            values = values[step] if 0 <= step < len(values) else None
        else:
            text += part(step)
            values = values.get(step) if isinstance(values, dict) else None
    return text


def parts(text: str) -> list[str]:
    """The parts of a pointer as `spelled` gives them; `!0` for places."""
    return [one.replace("~2", "\n").replace("~1", "/").replace("~0", "~") for one in text.split("/")[1:]]


def index_of(step: str) -> int | None:
    """The place that a part names, None for the part of a key."""
    return int(step[1:]) if step[:1] == "!" and step[1:].isdigit() else None


def path(text: str) -> tuple[Any, ...]:
    """The path of keys and places that a pointer names."""
    found: list[Any] = []
    for step in parts(text):
        index = index_of(step)
        found.append(key_of(step) if index is None else index)
    return tuple(found)


def shown(text: str) -> str:
    """The pointer as people write the path: `model.layers.0`."""
    return ".".join(map(str, path(text)))


def leaves(values: Value, at: str = "") -> dict[str, Value]:
    """Every scalar and every empty container under its pointer. `built(leaves(x)) == x` for every mapping or list."""
    found: dict[str, Value] = {}
    _gather(values, at, found)
    return found


def _gather(values: Value, at: str, found: dict[str, Value]) -> None:
    if values and isinstance(values, dict):
        for key, value in values.items():
            _gather(value, at + part(key), found)
    elif values and isinstance(values, list):
        for index, value in enumerate(values):
            _gather(value, f"{at}/!{index}", found)
    else:
        found[at] = {} if isinstance(values, dict) else [] if isinstance(values, list) else values


def built(found: Mapping[str, Value]) -> Value:
    """The value with these leaves. Places of a list that no leaf names are None; nothing gives an empty mapping."""
    if "" in found:
        return found[""]
    root: list[Any] = [{}]
    for text, value in found.items():
        holder: Any = root
        key: Any = 0
        for step in parts(text):
            index = index_of(step)
            inner = _item(holder, key)
            if index is None:
                if not isinstance(inner, dict):
                    inner = holder[key] = {}
                key = key_of(step)
            else:
                if not isinstance(inner, list):
                    inner = holder[key] = []
                inner += [None] * (index + 1 - len(inner))
                key = index
            holder = inner
        # A new container each time: that of the leaves is not the one that others are put into.
        holder[key] = {} if isinstance(value, dict) else [] if isinstance(value, list) else value
    return root[0]


def _item(holder: Any, key: Any) -> Any:
    return holder.get(key) if isinstance(holder, dict) else holder[key]
