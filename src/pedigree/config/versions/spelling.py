"""Spelling: plain values as YAML that the loader reads back as the same values."""

from __future__ import annotations

import math
import re
from typing import Any

from pedigree.config.origins import Value
from pedigree.config.scalars import plain

#: What is safe without quotes wherever it stands, in a block or in braces.
_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./+%@=-]*(?: [A-Za-z0-9_./+%@=-]+)*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def spell(value: Value, style: str = "") -> str:
    """The value in one line; containers in braces and brackets. `style` is the quote that a text should have."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spell(key)}: {spell(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spell, value)) + "]"
    if isinstance(value, str):
        return _text(value, style)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _text(value: str, style: str) -> str:
    if style not in ("'", '"'):
        if _SAFE.fullmatch(value) and value != "---" and value != "..." and _stays(value):
            return value
        style = '"' if "'" in value else "'"
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _stays(value: str) -> bool:
    try:
        return plain(value) == value
    except ValueError:
        return False


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def entry(key: Any, value: Value, indent: int, key_style: str = "") -> list[str]:
    """The lines of one entry of a block: a mapping goes on lines of its own, everything else stands beside the key."""
    head = " " * indent + spell(key, key_style) + ":"
    if isinstance(value, dict) and value:
        return [head, *(line for name, item in value.items() for line in entry(name, item, indent + 2))]
    return [f"{head} {spell(value)}"]
