"""Plain words of YAML as OmegaConf reads them: numbers, booleans, null, else text.

YAML 1.1 with two differences: `1e-3` is a number (PyYAML reads text), and `2021-01-01` is text (PyYAML reads a date).
The rest of 1.1 stands, surprises included: `on` is true, `010` is 8, `12:30:45` is 45045.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
#: What a number, a word above or nothing can begin with; all else is text at first sight.
_FIRST = frozenset("0123456789+-.~nNyYtTfFoO")

_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_BASED = re.compile(r"([-+]?)0(?:(b)([01_]+)|(x)([0-9a-fA-F_]+)|([0-7_]+))")
_SIXTIES = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*"
    r"|[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9_]*)?[eE][-+]?[0-9]+"
    r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
)
_SIXTIES_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")

#: Python converts no longer ones either.
_LONGEST = 4000
#: Of a number of more than 4,300 digits, Python refuses the decimal text: it could be read and never written.
_MOST_BITS = 13_000


def plain(text: str) -> Scalar:
    """The value of a word that stands without quotes. Raises ValueError for what looks like a number and is none."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-." or len(text) > _LONGEST:
        return text
    if _DECIMAL.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    found = _BASED.fullmatch(text)
    if found:
        sign, binary, bits, hexadecimal, digits, octal = found.groups()
        base = 2 if binary else 16 if hexadecimal else 8
        number = int((bits or digits or octal).replace("_", "") or "0", base)
        if number.bit_length() > _MOST_BITS:
            return text
        return -number if sign == "-" else number
    if _SIXTIES.fullmatch(text) or _SIXTIES_FLOAT.fullmatch(text):
        try:
            return _sexagesimal(text.replace("_", ""))
        except OverflowError:
            return text
    return text


def _sexagesimal(text: str) -> int | float:
    """`1:30` is 90, as clocks and angles were once written in YAML."""
    sign = -1 if text[0] == "-" else 1
    total: int | float = 0
    for part in text.lstrip("+-").split(":"):
        total = total * 60 + (float(part) if "." in part else int(part))
    return sign * total
