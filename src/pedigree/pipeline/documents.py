"""YAML and JSON documents as trees that remember where every value was written.

Built from parser events with our own stack, never by a YAML constructor: no tag can make an object, depth and
size are bounded, and a plain word means text unless it is a number, true, false or null (YAML 1.2's core
schema, so that `no` and `2024-01-01` stay what was typed). JSON is read by the same parser, being YAML.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pedigree.errors import InvalidSpec, PathNotFound

#: A spec is written by hand or by a template; these bounds are hundreds of times what either needs.
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 100
MAX_NODES = 200_000

Scalar: TypeAlias = "str | int | float | bool | None"


@dataclass(slots=True, eq=False)
class Node:
    """A value with the line and column (from 1) where it starts: a scalar, a dict or a list of nodes.

    `keys` gives the node of each key of a dict. `size` counts the scalars and containers in it, aliases in
    full.
    """

    value: Scalar | dict[str, Node] | list[Node]
    line: int
    column: int
    size: int = 1
    keys: dict[str, Node] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def read(path: str) -> list[Node]:
    """The documents of a file, or of standard input for "-". See `parse`."""
    if path == "-":
        import sys

        return parse(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    try:
        with open(path, "rb") as file:
            return parse(file.read(MAX_BYTES + 1), path)
    except FileNotFoundError as error:
        raise PathNotFound(
            f"There is no spec file {path}.", remedy="Check the name and the folder.", path=path
        ) from error
    except IsADirectoryError as error:
        raise PathNotFound(
            f"{path} is a folder, a spec file was expected.",
            remedy=f"Name the files: {os.path.join(path, '*.yaml')}",
            path=path,
        ) from error


def parse(data: bytes | str, file: str) -> list[Node]:
    """Every document in the text; a list at the top counts as many documents, an empty one as none.

    Raises InvalidSpec, with file and line, for text that is not YAML, a repeated key, a tag, a key that is
    not text, an alias inside its own anchor, and for more than MAX_BYTES, MAX_DEPTH or MAX_NODES.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(file, 1, f"the file is larger than {MAX_BYTES} bytes", "Split it into several files.")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1 if isinstance(data, bytes) else 1
        raise _invalid(file, line, f"the text is not UTF-8 (byte {error.start})", "Save the file as UTF-8.") from error
    found: list[Node] = []
    for part in _concatenated(text):
        for node in _documents(part, file):
            if isinstance(node.value, list):
                found.extend(node.value)
            elif node.value is not None:
                found.append(node)
    return found


def _concatenated(text: str) -> list[str]:
    """JSON values that follow one another, which YAML does not allow, each padded to where it stood."""
    if not text.lstrip().startswith(("{", "[")):
        return [text]
    import json

    decoder = json.JSONDecoder()
    parts, start = [], 0
    while start < len(text):
        start += len(text[start:]) - len(text[start:].lstrip(" \t\r\n"))
        if start == len(text):
            break
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            # Not JSON after all (or broken): the YAML parser says what is wrong, and where.
            return [text]
        before = text[:start]
        column = start - (before.rfind("\n") + 1)
        parts.append("\n" * before.count("\n") + " " * column + text[start:end])
        start = end
    return parts


class _Open:
    """A container whose end has not been met."""

    __slots__ = ("anchor", "key", "node")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None


def _documents(text: str, file: str) -> Iterator[Node]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stack: list[_Open] = []
    anchors: dict[str, Node | None] = {}
    total = 0
    root: Node | None = None
    try:
        # yaml.parse gives events only: it builds nothing, whatever the tags say.
        events: Iterator[Any] = yaml.parse(text, Loader=loader)
        for event in events:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if isinstance(event, yaml.DocumentStartEvent):
                anchors, root, total = {}, None, 0
                continue
            if isinstance(event, yaml.DocumentEndEvent):
                if root is not None:
                    yield root
                continue
            if isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                done = stack.pop()
                if done.anchor is not None:
                    anchors[done.anchor] = done.node
                node, anchor = done.node, None
                _merge(node, file)
            elif isinstance(event, yaml.AliasEvent):
                known = anchors.get(str(event.anchor))
                if known is None:
                    raise _invalid(
                        file,
                        line,
                        f"the alias *{event.anchor} stands inside its own anchor or has none",
                        f"Write &{event.anchor} at an earlier value.",
                    )
                node, anchor = known, None
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                _check_tag(event.tag, ("seq", "map"), file, line)
                value: dict[str, Node] | list[Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                stack.append(_Open(Node(value, line, column), event.anchor))
                if event.anchor is not None:
                    anchors[event.anchor] = None
                total += 1
                if len(stack) > MAX_DEPTH:
                    raise _invalid(file, line, f"values are nested more than {MAX_DEPTH} deep", "Flatten the document.")
                continue
            elif isinstance(event, yaml.ScalarEvent):
                node, anchor = Node(_scalar(event, file, line), line, column), event.anchor
                if stack and isinstance(stack[-1].node.value, dict) and stack[-1].key is None:
                    node.value = event.value
            else:
                continue
            if anchor is not None:
                anchors[anchor] = node
            total += node.size if isinstance(event, yaml.AliasEvent) else 1
            if total > MAX_NODES:
                raise _invalid(
                    file,
                    line,
                    f"the document holds more than {MAX_NODES} values once its aliases are written out",
                    "Remove aliases of aliases.",
                )
            if stack:
                _put(stack[-1], node, file)
            else:
                root = node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        line = 1 if mark is None else mark.line + 1
        column = "" if mark is None else f", column {mark.column + 1}"
        raise _invalid(
            file,
            line,
            f"this is not YAML or JSON{column}: {problem}",
            "Check the indentation, the quotes and the brackets at that place.",
        ) from error


def _put(parent: _Open, node: Node, file: str) -> None:
    holder = parent.node
    if isinstance(holder.value, list):
        holder.value.append(node)
        holder.size += node.size
    elif isinstance(holder.value, dict):
        _put_key(parent, holder.value, node, file)


def _put_key(parent: _Open, value: dict[str, Node], node: Node, file: str) -> None:
    holder = parent.node
    if parent.key is None:
        if not isinstance(node.value, str):
            raise _invalid(file, node.line, "a key must be text", "Put the key in quotes.")
        parent.key = node
        return
    name = str(parent.key.value)
    if name in value:
        first = holder.keys[name].line
        raise _invalid(
            file,
            parent.key.line,
            f"the key {name!r} stands here and in line {first}",
            "Keep one of them.",
            field=name,
        )
    value[name] = node
    holder.keys[name] = parent.key
    holder.size += node.size
    parent.key = None


def _merge(node: Node, file: str) -> None:
    """YAML's `<<: *defaults`: keys of the mappings named there, unless the mapping has them itself."""
    if not isinstance(node.value, dict) or "<<" not in node.value:
        return
    source = node.value.pop("<<")
    key = node.keys.pop("<<")
    for item in source.value if isinstance(source.value, list) else [source]:
        if not isinstance(item.value, dict):
            raise _invalid(file, key.line, "<< takes a mapping or a list of mappings", "Name an anchor: <<: *name")
        for name, value in item.value.items():
            if name not in node.value:
                node.value[name] = value
                node.keys[name] = item.keys[name]


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def _scalar(event: Any, file: str, line: int) -> Scalar:
    text: str = event.value
    if event.tag in ("!", "tag:yaml.org,2002:str"):
        return text
    if event.tag is not None:
        _check_tag(event.tag, ("int", "float", "bool", "null"), file, line)
    elif not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    # Python refuses to convert more digits than this, and no field takes them.
    if len(text) <= 400:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _check_tag(tag: str | None, known: tuple[str, ...], file: str, line: int) -> None:
    if tag is None or tag == "!" or tag.removeprefix("tag:yaml.org,2002:") in known:
        return
    raise _invalid(file, line, f"the tag {tag!r} is not accepted", "Specs are plain data: remove the tag.")


def _invalid(file: str, line: int, what: str, remedy: str, field: str = "") -> InvalidSpec:
    return InvalidSpec(f"{file}:{line}: {what}.", remedy=remedy, file=file, line=line, field=field)
