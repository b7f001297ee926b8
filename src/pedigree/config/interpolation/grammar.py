"""OmegaConf's interpolation grammar, read by hand: a text in, a tree of `syntax` out.

Where the lexer that OmegaConf generates picks the longest token, the expressions here are possessive, which comes to
the same. What the grammar says about white space: it belongs to the bracket, comma or colon beside it, so text
between two delimiters loses its margin but keeps what lies inside.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NoReturn

from pedigree.config.interpolation.mistakes import Mistake
from pedigree.config.interpolation.syntax import Call, Joined, Literal, Mapping, Node, Reference, Sequence

#: Interpolations and brackets inside one another. OmegaConf itself gives up between 50 and 100.
MAX_DEPTH = 64
#: Characters of one text.
MAX_LENGTH = 1_000_000

_SIMPLE = re.compile(r"\$\{(\.*)([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)\}", re.ASCII)
_KEY = re.compile(r"[^\\{}()\[\]:. \t'\"]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BLANK = re.compile(r"[ \t]*")
_CLOSE = re.compile(r"[ \t]*\}")
_BRACKET = re.compile(r"[ \t]*\]")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_COLON = re.compile(r"[ \t]*:[ \t]*")
_ESCAPE = re.compile(r"\\([\\()\[\]{}:=, \t])")

# An unquoted text: letters, digits, some signs, escapes, and white space that no delimiter claims.
_INSIDE = r"[A-Za-z0-9_/\-+.%*@?|]++|\$(?!\{)|(?:\\[\\()\[\]{}:=, \t])++|\\"
_WORDS = re.compile(rf"(?>(?>[ \t]*+:[ \t]*+)|{_INSIDE}|[ \t]++(?![,\]}}]))++")
_KEY_WORDS = re.compile(rf"(?>{_INSIDE}|[ \t]++(?![,\]}}:]))++")

_WHOLE = r"(?:0|[1-9](?:_?[0-9])*)"
_DIGITS = r"[0-9](?:_?[0-9])*"
_POINT = rf"(?:{_WHOLE}?\.{_DIGITS}|{_WHOLE}\.)"
_INTEGER = rf"[+-]?{_WHOLE}"
# Compiled on use: it takes as long as all others together, and few interpolations hold a number.
_FLOAT = rf"[+-]?(?:(?:{_WHOLE}|{_POINT})[eE][+-]?{_DIGITS}|{_POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])"
_MAY_BE_NUMBER = frozenset("0123456789+-.iInN")
_NAMED: dict[str, bool | None] = {"true": True, "false": False, "null": None}

# A run of backslashes counts only before an interpolation or, in quotes, before the quote that would close them.
_TOP = re.compile(r"(\\*)\$\{")
_QUOTED = {"'": re.compile(r"(\\*)(\$\{|')"), '"': re.compile(r'(\\*)(\$\{|")')}


def parse(text: str) -> Node:
    """The meaning of a value's text that holds `${`. Raises Mistake, with the character, for what does not parse."""
    # Only short texts are remembered, so that the memory of it is bounded: 4096 texts of 512 characters.
    return _remembered(text) if len(text) <= 512 else _parse(text)


def _parse(text: str) -> Node:
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        return Reference(0, len(simple[1]), tuple(simple[2].split(".")), (text[2:-1],))
    _check_length(text)
    parser = _Parser(text)
    parts: list[str | Node] = []
    position = 0
    while True:
        found = _TOP.search(text, position)
        if found is None:
            break
        run = len(found[1])
        start = found.end() - 2
        parts.append(text[position : found.start()] + "\\" * (run // 2))
        if run % 2:
            parts.append("${")
            position = start + 2
        else:
            node, position = parser.interpolation(start)
            parts.append(node)
    parts.append(text[position:])
    return _joined(parts, quoted=False)


_remembered = lru_cache(maxsize=4096)(_parse)


def forget() -> None:
    """Forgets the texts that were parsed before; for measurements."""
    _remembered.cache_clear()


def parse_element(text: str) -> Node:
    """The meaning of a text that is one argument by itself, as `oc.decode` takes it. Raises Mistake as `parse` does."""
    _check_length(text)
    parser = _Parser(text)
    if not text.strip(" \t"):
        raise Mistake("an empty text is no value", "Write '' in quotes for an empty text.", 0)
    node, position = parser.element(0)
    if position != len(text):
        parser.unexpected(position, "the end of the text")
    return node


def _check_length(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise Mistake(
            f"the text is {len(text)} characters long, and {MAX_LENGTH} are the most", "Shorten it, or read a file."
        )


class _Parser:
    """Each method takes a position and returns a node and the position behind it."""

    __slots__ = ("depth", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0

    def interpolation(self, start: int) -> tuple[Node, int]:
        """From the `$` of `${` to behind its `}`."""
        self._deeper(start)
        text = self.text
        position = _end(_BLANK, text, start + 2)
        first = position
        while text.startswith(".", position):
            position += 1
        ups = position - first
        parts: list[str | Node] = ["." * ups] if ups else []
        keys: list[str] | None = []
        names = not ups
        while True:
            bracket = text.startswith("[", position)
            if bracket:
                names = False
                position += 1
                parts.append("[")
            if text.startswith("${", position):
                node, position = self.interpolation(position)
                parts.append(node)
                keys = None
            else:
                found = _KEY.match(text, position)
                if found is None:
                    self._no_key(start, position)
                names = names and _IDENTIFIER.fullmatch(found[0]) is not None
                if keys is not None:
                    keys.append(found[0])
                parts.append(found[0])
                position = found.end()
            if bracket:
                if not text.startswith("]", position):
                    self.unexpected(position, "']'", _KEYS)
                position += 1
                parts.append("]")
            if text.startswith(".", position):
                if text.startswith("[", position + 1):
                    self.unexpected(position + 1, "a key", _KEYS)
                position += 1
                parts.append(".")
            elif not text.startswith("[", position):
                break
        self.depth -= 1
        closed = _CLOSE.match(text, position)
        if closed is not None:
            return Reference(start, ups, None if keys is None else tuple(keys), tuple(parts)), closed.end()
        colon = _COLON.match(text, position)
        if colon is None:
            self._unclosed(start, position, _KEYS)
        if not names:
            raise Mistake(
                "what stands before ':' is not the name of a resolver",
                "A resolver's name is letters, digits, '_' and '-' with dots between: ${name:argument}.",
                start + 2,
            )
        self.depth += 1
        arguments, texts, position = self._sequence(colon.end(), _CLOSE, start)
        self.depth -= 1
        name = "".join(part for part in parts if isinstance(part, str)) if keys is not None else None
        return Call(start, name, tuple(parts), arguments, texts), position

    def _sequence(self, start: int, end: re.Pattern[str], opened: int) -> tuple[tuple[Node, ...], tuple[str, ...], int]:
        """Elements up to and with the closing bracket. A missing element beside a comma is an empty text."""
        text = self.text
        closed = end.match(text, start)
        if closed is not None:
            return (), (), closed.end()
        items: list[Node] = []
        texts: list[str] = []
        position = start
        while True:
            comma = _COMMA.match(text, position)
            closed = end.match(text, position)
            if comma is not None or closed is not None:
                items.append(_EMPTY)
                texts.append("")
            else:
                node, after = self.element(position)
                items.append(node)
                texts.append(text[position:after])
                position = after
                comma = _COMMA.match(text, position)
                closed = end.match(text, position)
            if comma is not None:
                position = comma.end()
            elif closed is not None:
                return tuple(items), tuple(texts), closed.end()
            else:
                self._unclosed(opened, position)

    def element(self, position: int) -> tuple[Node, int]:
        character = self.text[position : position + 1]
        if character == "[":
            self._deeper(position)
            items, _, end = self._sequence(_end(_BLANK, self.text, position + 1), _BRACKET, position)
            self.depth -= 1
            return Sequence(items), end
        if character == "{":
            self._deeper(position)
            found = self._mapping(position)
            self.depth -= 1
            return found
        if character and character in "'\"":
            return self._quoted(position)
        return self._primitive(position)

    def _mapping(self, start: int) -> tuple[Node, int]:
        text = self.text
        position = _end(_BLANK, text, start + 1)
        closed = _CLOSE.match(text, position)
        if closed is not None:
            return Mapping(()), closed.end()
        pairs: list[tuple[Any, Node]] = []
        while True:
            key = _KEY_WORDS.match(text, position)
            if key is None:
                self._no_mapping_key(position)
            colon = _COLON.match(text, key.end())
            if colon is None:
                self.unexpected(key.end(), "':'")
            value, position = self.element(colon.end())
            pairs.append((_typed(key[0], key.start()), value))
            comma = _COMMA.match(text, position)
            if comma is not None:
                position = comma.end()
                continue
            closed = _CLOSE.match(text, position)
            if closed is None:
                self._unclosed(start, position)
            return Mapping(tuple(pairs)), closed.end()

    def _quoted(self, start: int) -> tuple[Node, int]:
        text = self.text
        quote = text[start]
        parts: list[str | Node] = []
        position = start + 1
        while True:
            found = _QUOTED[quote].search(text, position)
            if found is None:
                raise Mistake(
                    f"the quote {quote} is never closed", f"Close it, or write \\{quote} for the sign itself.", start
                )
            run = len(found[1])
            parts.append(text[position : found.start()] + "\\" * (run // 2))
            if run % 2:
                parts.append(found[2])
                position = found.end()
            elif found[2] == quote:
                return _joined(parts, quoted=True), found.end()
            else:
                node, position = self.interpolation(found.end() - 2)
                parts.append(node)

    def _primitive(self, start: int) -> tuple[Node, int]:
        text = self.text
        parts: list[str | Node] = []
        position = start
        while True:
            if text.startswith("${", position):
                node, position = self.interpolation(position)
                parts.append(node)
                continue
            found = _WORDS.match(text, position)
            if found is None:
                break
            parts.append(found[0])
            position = found.end()
        if not parts:
            self._no_value(position)
        if len(parts) == 1 and isinstance(parts[0], str):
            return Literal(_typed(parts[0], start)), position
        return _joined([_unescape(part) if isinstance(part, str) else part for part in parts], quoted=False), position

    def _deeper(self, position: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Mistake(
                f"brackets are nested more than {MAX_DEPTH} deep", "Give the inner parts names of their own.", position
            )

    def unexpected(self, position: int, expected: str, remedy: str = "") -> NoReturn:
        character = self.text[position : position + 1]
        got = repr(character) if character else "the end of the text"
        what = f"{got} stands where {expected} was expected"
        raise Mistake(what, (remedy or _ESCAPED) if character else _CLOSING, position)

    def _no_key(self, start: int, position: int) -> NoReturn:
        character = self.text[position : position + 1]
        if character in ("'", '"') and character:
            raise Mistake(
                "a key in an interpolation takes no quotes",
                "Write ${a[key]} or ${a.key}; reach other keys by ${expr:'a[\"the key\"]'}.",
                position,
            )
        if character == "}" and _BLANK.fullmatch(self.text, start + 2, position):
            raise Mistake(
                "the interpolation is empty", "Write a path, as in ${model.size}, or \\${ for the signs.", start
            )
        self.unexpected(position, "a key", _KEYS)

    def _unclosed(self, start: int, position: int, remedy: str = "") -> NoReturn:
        if position >= len(self.text) or not self.text[position:].strip():
            opened = {"$": "${", "[": "[", "{": "{"}[self.text[start]]
            raise Mistake(f"'{opened}' is never closed", _CLOSING, start)
        closing = {"$": "'}'", "[": "',' or ']'", "{": "',' or '}'"}[self.text[start]]
        self.unexpected(position, closing, remedy)

    def _no_value(self, position: int) -> NoReturn:
        self.unexpected(position, "a value")

    def _no_mapping_key(self, position: int) -> NoReturn:
        character = self.text[position : position + 1]
        if character in ("'", '"') and character:
            raise Mistake("a key of a mapping takes no quotes here", "Write the key bare: {key: value}.", position)
        if self.text.startswith("${", position):
            raise Mistake(
                "a key of a mapping cannot be an interpolation", "Write the key out: {key: ${value}}.", position
            )
        self.unexpected(position, "a key")


_EMPTY = Literal("")
_ESCAPED = "Put the argument in quotes, or a backslash before the sign."
_KEYS = "A path is keys with dots between, or keys in [ ], without spaces, quotes or backslashes."
_CLOSING = "Close it with the matching bracket, or write \\${ for the signs themselves."


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    assert found is not None  # the pattern matches nothing, too
    return found.end()


def _joined(parts: list[str | Node], *, quoted: bool) -> Node:
    """One node for pieces in a row: neighbouring text is merged, and an interpolation alone keeps its type."""
    merged: list[str | Node] = []
    for part in parts:
        if isinstance(part, str):
            if not part:
                continue
            if merged and isinstance(merged[-1], str):
                merged[-1] += part
                continue
        merged.append(part)
    if not merged:
        return _EMPTY
    if len(merged) == 1:
        only = merged[0]
        if isinstance(only, str):
            return Literal(only)
        if not quoted:
            return only
    return Joined(tuple(merged))


def _unescape(words: str) -> str:
    return _ESCAPE.sub(r"\1", words) if "\\" in words else words


def _typed(words: str, at: int) -> str | int | float | bool | None:
    """Null, a truth value or a number where the whole text is one, else the text without its escapes."""
    lower = words.lower()
    if lower in _NAMED:
        return _NAMED[lower]
    if words[:1] not in _MAY_BE_NUMBER:
        return _unescape(words)
    if re.fullmatch(_INTEGER, words):
        try:
            return int(words)
        except ValueError:
            raise Mistake(
                f"a number of {len(words)} digits is too long", "Write it in quotes if it is a text.", at
            ) from None
    if re.fullmatch(_FLOAT, words):
        return float(words)
    return _unescape(words)
