"""JSON with comments, as VS Code's settings are: the values, and where each member stands in the text."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_BLANK = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*[\s\S]*?\*/)*")
_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_DEPTH = 200


class Broken(ValueError):
    """Text that is no JSON, comments and commas before a closing bracket allowed; says at which line."""


class Member(NamedTuple):
    """`start` is where the key begins, `comma` where the comma behind the value is, or -1."""

    key: str
    start: int
    node: Node
    comma: int = -1


class Node(NamedTuple):
    """A value. `end` is behind it; `members` are those of an object, in order."""

    value: Any
    start: int
    end: int
    members: tuple[Member, ...] = ()


def parse(text: str) -> Node:
    """The value of a whole text. Raises Broken, for a key that stands twice in one object too."""
    node = _value(text, _skip(text, 0), 0)
    end = _skip(text, node.end)
    if end != len(text):
        raise _broken(text, end, "something stands behind the end")
    return node


def comments(text: str) -> list[str]:
    """The comments of a text that parses, in order."""
    found = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            match = _STRING.match(text, at)
        else:
            match = _COMMENT.match(text, at)
            if match:
                found.append(match[0].rstrip("\r"))
        at = match.end() if match else at + 1
    return found


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _DEPTH:
        raise _broken(text, at, "too many brackets inside one another")
    if at >= len(text):
        raise _broken(text, at, "the text ends too early")
    if text[at] == "{":
        return _object(text, at, depth)
    if text[at] == "[":
        return _array(text, at, depth)
    match = _STRING.match(text, at) or _WORD.match(text, at)
    if match is None:
        raise _broken(text, at, f"{text[at]!r} begins no value")
    try:
        return Node(json.loads(match[0]), at, match.end())
    except ValueError:
        raise _broken(text, at, f"{match[0]} is no value") from None


def _object(text: str, start: int, depth: int) -> Node:
    members: list[Member] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        if members and members[-1].comma < 0:
            raise _broken(text, at, "a comma is missing")
        key = _STRING.match(text, at)
        if key is None:
            raise _broken(text, at, "a key in double quotes is missing")
        colon = _skip(text, key.end())
        if text[colon : colon + 1] != ":":
            raise _broken(text, colon, "a colon is missing")
        node = _value(text, _skip(text, colon + 1), depth + 1)
        name = json.loads(key[0])
        if any(name == member.key for member in members):
            raise _broken(text, at, f"the key {name!r} stands here a second time")
        after, comma = _after(text, node.end)
        members.append(Member(name, at, node, comma))
        at = after
    value = {member.key: member.node.value for member in members}
    return Node(value, start, at + 1, tuple(members))


def _array(text: str, start: int, depth: int) -> Node:
    items: list[Any] = []
    at, comma = _skip(text, start + 1), -1
    while text[at : at + 1] != "]":
        if items and comma < 0:
            raise _broken(text, at, "a comma is missing")
        node = _value(text, at, depth + 1)
        items.append(node.value)
        at, comma = _after(text, node.end)
    return Node(items, start, at + 1)


def _after(text: str, at: int) -> tuple[int, int]:
    """Where the next thing behind a value begins, and where the comma between is, or -1."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1), at
    return at, -1


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None  # it matches nothing too
    return match.end()


def _broken(text: str, at: int, problem: str) -> Broken:
    return Broken(f"line {text.count(chr(10), 0, at) + 1}: {problem}")
