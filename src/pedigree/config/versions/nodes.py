"""Nodes: a text of YAML as a tree in which every key and value knows where it begins and ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pedigree.config.documents import read
from pedigree.config.origins import Value
from pedigree.config.scalars import plain
from pedigree.config.versions.drafts import Path

#: Only its events are asked for: nothing is made of them.
_READER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_COLON = re.compile(r"[ \t]*:")
_COMMENT = re.compile(r"(?:^|(?<=[\s]))#[^\r\n]*", re.MULTILINE)
#: An anchor, a tag, or both, in front of a value.
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]*)*")


@dataclass(slots=True)
class Node:
    """`start` and `end` are positions in the text; an anchor and a tag count in, comments around do not.

    `kind` is "scalar", "mapping", "sequence" or "alias"; `style` of a scalar is its first character, `'`, `"`, `|`, `>`
    or nothing. `keys` are the key nodes of a mapping in step with `items`; `names` their values.
    """

    kind: str
    start: int
    end: int
    flow: bool = False
    style: str = ""
    anchor: str | None = None
    tag: str | None = None
    value: Value = None
    keys: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return self.kind == "scalar" and self.start == self.end


class Tree:
    """A text, its nodes, and its values as the loader of configurations reads them. `text` has no byte order mark.

    Raises InvalidConfig for what that loader refuses.
    """

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        document = read(text.encode("utf-8"), name)
        self.values: dict[Any, Value] = document.values
        self.headers = [(header.name, header.value) for header in document.headers]
        self.newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
        self._event: Callable[[], Any] = _READER(text).get_event
        self._event()
        started = self._event()
        self.root: Node | None = None
        if not isinstance(started, yaml.StreamEndEvent):
            self.root = self._node(self._event())

    def _node(self, first: Any) -> Node:
        event: Any = first
        start, end = event.start_mark.index, event.end_mark.index
        anchor = event.anchor
        if isinstance(event, yaml.AliasEvent):
            return Node("alias", start, end, anchor=anchor)
        if isinstance(event, yaml.ScalarEvent):
            value = plain(event.value) if event.implicit[0] and event.tag is None else event.value
            return Node("scalar", start, end, style=event.style or "", anchor=anchor, tag=event.tag, value=value)
        kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
        node = Node(kind, start, end, flow=bool(event.flow_style), anchor=anchor, tag=event.tag)
        closing = yaml.MappingEndEvent if kind == "mapping" else yaml.SequenceEndEvent
        event = self._event()
        while not isinstance(event, closing):
            if kind == "mapping":
                node.keys.append(self._node(event))
                event = self._event()
            item = self._node(event)
            if item.empty and node.keys:  # the parser puts nothing where the next thing begins
                item.start = item.end = self.after_colon(node.keys[-1])
            node.items.append(item)
            event = self._event()
        # A block ends where the next token begins; what it holds ends with its last item.
        closed: Any = event
        if node.flow:
            node.end = closed.end_mark.index
        elif node.items:
            last = node.items[-1]
            node.end = max(last.end, node.keys[-1].end if node.keys else 0)
        return node

    def entry(self, path: Path) -> tuple[Node, int]:
        """The mapping or list that holds the last part of `path`, and the position of it there.

        Raises KeyError where an alias, a merge or nothing stands on the way: then no text of its own is there.
        """
        node = self.root
        for position, part in enumerate(path):
            if node is None:
                raise KeyError(part)
            if node.kind == "mapping":
                index = next((at for at, key in enumerate(node.keys) if self._is(key, part)), None)
            else:
                index = part if node.kind == "sequence" and isinstance(part, int) and part < len(node.items) else None
            if index is None:
                raise KeyError(part)
            if position == len(path) - 1:
                return node, index
            node = node.items[index]
        raise KeyError(path)

    def node(self, path: Path) -> Node:
        """Raises KeyError as `entry`."""
        if not path:
            if self.root is None:
                raise KeyError(path)
            return self.root
        holder, index = self.entry(path)
        return holder.items[index]

    def _is(self, key: Node, name: Any) -> bool:
        return key.kind == "scalar" and type(key.value) is type(name) and bool(key.value == name)

    def after_colon(self, key: Node) -> int:
        """Past the colon that follows a key; the end of the key where none does."""
        found = _COLON.match(self.text, key.end)
        return found.end() if found else key.end

    def inside(self, node: Node) -> int:
        """Where a value begins, past its anchor and tag."""
        if node.anchor is None and node.tag is None:
            return node.start
        found = _PROPERTIES.match(self.text, node.start)
        assert found is not None
        return min(found.end(), max(node.end, node.start))

    def comments(self, start: int = 0, end: int | None = None) -> list[tuple[int, str]]:
        """Position and text of each comment in a stretch of the text."""
        hidden = list(self.text)
        for node in self._scalars(self.root):
            if node.style in ("|", ">"):  # a comment may follow the sign
                first = self.line_end(node.start)
                hidden[first : node.end] = ["\n" if one == "\n" else "." for one in hidden[first : node.end]]
            else:
                hidden[node.start : node.end] = ["." for _ in range(node.start, node.end)]
        shown = "".join(hidden)
        return [
            (found.start(), self.text[found.start() : found.end()])
            for found in _COMMENT.finditer(shown, start, len(shown) if end is None else end)
        ]

    def _scalars(self, node: Node | None) -> Iterator[Node]:
        if node is None:
            return
        if node.kind == "scalar":
            yield node
        for key in node.keys:
            yield from self._scalars(key)
        for item in node.items:
            yield from self._scalars(item)

    def line_start(self, position: int) -> int:
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Past the end of line that follows `position`."""
        found = self.text.find("\n", position)
        return len(self.text) if found < 0 else found + 1

    def column(self, position: int) -> int:
        return position - self.line_start(position)
