"""What is being typed at the cursor, for tab completion."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from pedigree.config.overrides import lexer
from pedigree.config.overrides.functions import FUNCTIONS
from pedigree.config.overrides.values import Operation

_OPENING = {"[": "]", "{": "}", "(": ")"}
_NEXT_OPENS = re.compile(r"[A-Za-z0-9_-]*+[ \t]*+\(")


class Kind(StrEnum):
    """What the cursor is in."""

    KEY = "key"
    PACKAGE = "package"
    VALUE = "value"
    FUNCTION = "function"
    ENTRY = "entry"
    NOTHING = "nothing"


class Context(NamedTuple):
    """What is being typed: `typed` is the part before the cursor, which begins at `start` of the text.

    `key` and `package` are what is known of the target so far. Within a call `function` is its name and
    `argument` the name or position of the argument; `functions` are those whose names begin as `typed` does,
    where a call may stand. `quote` is the open quote. ENTRY is a key of `{…}`; NOTHING a place where the
    grammar takes nothing more.
    """

    kind: Kind
    operation: Operation
    key: str
    package: str | None
    typed: str
    start: int
    function: str | None = None
    argument: str | int | None = None
    functions: tuple[str, ...] = ()
    quote: str | None = None


def context(text: str, cursor: int | None = None) -> Context:
    """What is being typed at the cursor, an index into the text; at its end without one.

    Never raises for a text that is wrong or unfinished.
    """
    cursor = len(text) if cursor is None else max(0, min(cursor, len(text)))
    before = text[:cursor]
    prefix = "++" if before.startswith("++") else before[:1] if before[:1] in {"+", "~"} else ""
    operation = Operation(prefix)
    target, equal, _ = before.partition("=")
    key, at_sign, package = target[len(prefix) :].partition("@")
    if not equal:
        if at_sign:
            return Context(Kind.PACKAGE, operation, key, package, package, len(before) - len(package))
        return Context(Kind.KEY, operation, key, None, key, len(prefix))
    return _in_value(text, cursor, len(target) + 1, operation, key, package if at_sign else None)


class _Frame:
    """An open bracket: the call's name for `(`, and the argument or key we are at."""

    __slots__ = ("argument", "bracket", "function", "in_value", "position")

    def __init__(self, bracket: str, function: str | None = None) -> None:
        self.bracket = bracket
        self.function = function
        self.position = 0
        self.argument: str | None = None
        self.in_value = bracket != "{"


def _in_value(text: str, cursor: int, at: int, operation: Operation, key: str, package: str | None) -> Context:
    frames: list[_Frame] = []
    start = at  # where the present word begins
    closing = 1  # 0 once no `}` is left
    closed = False  # a string or bracket has just ended: only `,` or a closing bracket may follow
    while at < cursor:
        character = text[at]
        if character in "'\"":
            found = lexer.STRING.match(text, at, cursor)
            if found is None:
                return _made(
                    Kind.VALUE, operation, key, package, text[at + 1 : cursor], at + 1, frames, quote=character
                )
            at, closed = found.end(), True
        elif character == "$" and closing and text.startswith("${", at):
            # Looked for once when there is none, so that a million `${` take no longer than a million letters.
            closing = text.find("}", at, cursor) + 1
            at = closing or at + 1
        elif character == "\\":
            at += 2
        elif character in _OPENING:
            name = text[start:at].strip() if character == "(" else None
            frames.append(_Frame(character, name or None))
            at, closed = at + 1, False
            start = at
        elif character in ")]}":
            if frames and _OPENING[frames[-1].bracket] == character:
                frames.pop()
            at, closed = at + 1, True
        elif character == ",":
            at, closed = at + 1, False
            start = at
            if frames:
                frames[-1].position += 1
                frames[-1].argument = None
                frames[-1].in_value = frames[-1].bracket != "{"
        elif character == "=" and frames and frames[-1].function is not None:
            frames[-1].argument = text[start:at].strip()
            at += 1
            start = at
        elif character == ":" and frames and not frames[-1].in_value:
            frames[-1].in_value = True
            at += 1
            start = at
        elif character in " \t" and start == at:
            at += 1
            start = at
        else:
            at += 1
    if closed:
        return _made(Kind.NOTHING, operation, key, package, "", cursor, frames)
    typed = text[start:cursor]
    if frames and not frames[-1].in_value:
        return _made(Kind.ENTRY, operation, key, package, typed, start, frames)
    if typed and lexer.IDENTIFIER.fullmatch(typed) and _NEXT_OPENS.match(text, cursor):
        return _made(Kind.FUNCTION, operation, key, package, typed, start, frames)
    return _made(Kind.VALUE, operation, key, package, typed, start, frames)


def _made(
    kind: Kind,
    operation: Operation,
    key: str,
    package: str | None,
    typed: str,
    start: int,
    frames: list[_Frame],
    *,
    quote: str | None = None,
) -> Context:
    calls = [frame for frame in frames if frame.function is not None]
    call = calls[-1] if calls else None
    functions: tuple[str, ...] = ()
    if quote is None and kind in {Kind.VALUE, Kind.FUNCTION}:
        functions = tuple(name for name in FUNCTIONS if name.startswith(typed))
    return Context(
        kind,
        operation,
        key,
        package,
        typed,
        start,
        None if call is None else call.function,
        None if call is None else call.position if call.argument is None else call.argument,
        functions,
        quote,
    )
