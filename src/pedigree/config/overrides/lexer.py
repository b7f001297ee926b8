"""The words of an override: regular expressions that take the longest match, as Hydra's lexer does.

All of them are ASCII only and possessive: each character is looked at a bounded number of times.
"""

from __future__ import annotations

import re

from pedigree.config.overrides.values import Quoted

_INTEGER = r"(?:0|[1-9](?:_?[0-9])*+)"
_DIGITS = r"[0-9](?:_?[0-9])*+"
_ID = r"[A-Za-z_][A-Za-z0-9_-]*+"
_KEY_WORD = r"[A-Za-z_$][A-Za-z0-9_$-]*+"
_KEY_PART = rf"(?:{_KEY_WORD}|{_INTEGER})"
_PACKAGE = rf"{_KEY_PART}(?:\.{_KEY_PART})++|{_KEY_WORD}|"

#: Characters that a backslash makes ordinary in an unquoted value; before any other the backslash stays.
ESCAPABLE = "\\()[]{}:=, \t"
_ESCAPABLE = re.escape(ESCAPABLE)

#: Prefix, key, and package: groups 1, 2, 3. An empty key is a key.
TARGET = re.compile(rf"(\+\+?+|~)?+({_ID}(?:/{_ID})++|{_PACKAGE})(?:@({_PACKAGE}))?+")

#: What follows a target nearly always: one scalar without anything special. Group 1 is empty when there is none.
SIMPLE = re.compile(r"=[ \t]*+([A-Za-z0-9_/+.%*@?|:-]*+)\Z")

#: An unquoted value with the blanks behind it; `${…}` runs to the first `}`.
UNQUOTED = re.compile(
    rf"(?:[A-Za-z0-9_/+.%*@?|: \t-]++|\$(?:\{{[^}}]++\}})?+|\\[{_ESCAPABLE}]?+)++",
)
#: The key of an entry in `{…}`: as above, without `:` and `${…}`.
ENTRY_KEY = re.compile(rf"(?:[A-Za-z0-9_/+.%*@?|$ \t-]++|\\[{_ESCAPABLE}]?+)++")
#: A string in quotes: it ends at the first of its marks that has an even number of backslashes before it.
STRING = re.compile(r"""'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+\"""", re.DOTALL)

IDENTIFIER = re.compile(_ID)
#: The name of a named argument, and its `=`.
ARGUMENT = re.compile(rf"({_ID})[ \t]*+=[ \t]*+")
#: What may stand between two things, with the blanks around it.
COMMA = re.compile(r"[ \t]*+,[ \t]*+")
COLON = re.compile(r"[ \t]*+:[ \t]*+")
OPEN = re.compile(r"[ \t]*+\([ \t]*+")
CLOSE = re.compile(r"[ \t]*+([)\]}])")
BLANKS = re.compile(r"[ \t]*+")

_NUMBER = re.compile(
    rf"[+-]?(?:({_INTEGER})|(?:{_INTEGER}\.(?:{_DIGITS})?+|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?+"
    rf"|{_INTEGER}[eE][+-]?{_DIGITS}|[iI][nN][fF]|[nN][aA][nN])\Z"
)
_MAY_BE_NUMBER = frozenset("0123456789+-.iInN")
_KEYWORDS = {"true": True, "false": False, "null": None}
_UNESCAPE = re.compile(rf"(\$\{{[^}}]++\}})|\\([{_ESCAPABLE}])")
_CLOSING = {"'": re.compile(r"\\++(?='|\Z)"), '"': re.compile(r'\\++(?="|\Z)')}


def is_word(name: str) -> bool:
    """Whether an identifier is one: `true`, `null`, `inf` and the like are values instead."""
    return name.lower() not in {"true", "false", "null", "inf", "nan"}


def scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted text, which is not empty and does not begin with a blank.

    Raises ValueError for a whole number with more digits than Python converts.
    """
    if text[-1] in " \t":
        text = _trimmed(text)
    if text[0] in _MAY_BE_NUMBER:
        number = _NUMBER.match(text)
        if number is not None:
            return float(text) if number[1] is None else int(text)
    if 4 <= len(text) <= 5:
        lower = text.lower()
        if lower in _KEYWORDS:
            return _KEYWORDS[lower]
    if "\\" in text:
        return _UNESCAPE.sub(lambda found: found[1] or found[2], text)
    return text


def string(text: str) -> Quoted:
    """The string that a text in quotes stands for.

    Only backslashes in front of the text's own mark, or at its end, are halved; all others are themselves.
    """
    mark, inside = text[0], text[1:-1]
    if "\\" in inside:
        inside = _CLOSING[mark].sub(lambda found: "\\" * (len(found[0]) // 2), inside)
    return Quoted(inside, mark)


def _trimmed(text: str) -> str:
    """The text without the blanks behind it; those that belong to an escape or to a colon stay."""
    bare = text.rstrip(" \t")
    if bare.endswith("\\"):
        return text[: len(bare) + 1] if _ends_in_lone_backslash(bare) else bare
    if bare.endswith(":") and not _ends_in_lone_backslash(bare[:-1]):
        return text
    return bare


def _ends_in_lone_backslash(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1
