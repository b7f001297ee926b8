"""One configuration file: its text becomes plain values, each with its line and column.

Built from the parser's events and nothing else: no tag can name a Python object, and no text, however nested, meets the
recursive composer of PyYAML, which older versions of libyaml let run out of stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from pedigree.config.origins import OWN, Origin, Origins, Value
from pedigree.config.scalars import plain
from pedigree.errors import InvalidConfig, meant

if yaml.__with_libyaml__:
    from yaml._yaml import CParser as _Parser
else:  # pragma: no cover  (a PyYAML built without libyaml: the same events, ten times slower)

    class _Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):  # type: ignore[no-redef]
        def __init__(self, text: str) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)


#: Containers inside one another, and values of one file once its aliases are followed: many times what people write.
MAX_DEPTH = 100
MAX_VALUES = 500_000

_HEADER = re.compile(r"#\s*@(\S+)\s*(.*)")
_TAGS = "tag:yaml.org,2002:"


class Header(NamedTuple):
    """A comment `# @package _global_` with nothing above it but others of its kind: `name` is "package"."""

    name: str
    value: str
    line: int


class Document(NamedTuple):
    """What a file holds. Nobody changes `values` or `origins`: they are shared, and aliases share inside them."""

    name: str
    values: Value  #: a dict, or a list
    origins: Origins
    headers: tuple[Header, ...] = ()


def read(data: bytes, name: str) -> Document:
    """The document in these bytes: a mapping; a list, for a group whose place holds one; nothing is an empty mapping.

    `name` is the file as messages and origins name it. A lone word `a` stands for `a: null`, as in Hydra. Raises
    InvalidConfig with `name`, `line` and `column` for what is no UTF-8, no YAML, a lone number, holds a key twice, a
    tag that is not of plain YAML, or is nested or repeats itself beyond measure.
    """
    text = _decoded(data, name)
    values, origins = _built(text, name)
    if values is None:
        values, origins = {}, {OWN: Origin("file", name, 1, 1)}
    elif isinstance(values, str):
        values, origins = {values: None}, {OWN: origins, values: origins}
    elif not isinstance(values, (dict, list)):
        raise _invalid(
            name, 1, 1, f"a configuration is a mapping of keys to values, and this file holds the value {values!r}"
        )
    return Document(name, values, origins, _headers(text) if text.lstrip("\ufeff \t\r\n").startswith("#") else ())


def read_value(text: str, name: str) -> tuple[Value, Origins]:
    """The value that a text of YAML spells, whatever it is, with its origins. Raises as `read`."""
    return _built(text, name)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # YAML allows UTF-16 where its mark stands
            try:
                return data.decode("utf-16")
            except UnicodeDecodeError:
                pass
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise _invalid(
            name,
            line,
            column,
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            "Save the file as UTF-8.",
        ) from None


def _headers(text: str) -> tuple[Header, ...]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r\ufeff")
        if not stripped:
            continue
        match = _HEADER.match(stripped)
        if match is None:  # as in Hydra, even another comment ends them
            break
        found.append(Header(match[1], match[2].rstrip(), number))
    return tuple(found)


def _built(text: str, name: str) -> tuple[Value, Origins]:
    try:
        return _Builder(text, name).document()
    except yaml.YAMLError as error:
        raise _broken(error, text, name) from None


class _Builder:
    __slots__ = ("anchors", "event", "name", "sizes", "text", "values")

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        #: The next event. Those of PyYAML are typed as if each could lack its marks; the C parser gives them always.
        self.event: Callable[[], Any] = _Parser(text).get_event
        self.name = name
        self.values = 0
        self.anchors: dict[str, tuple[Value, Origins] | None] = {}
        self.sizes: dict[str, int] = {}

    def document(self) -> tuple[Value, Origins]:
        self.event()  # the stream starts
        if isinstance(self.event(), yaml.StreamEndEvent):
            return None, Origin("file", self.name, 1, 1)
        found = self.value(self.event(), 0)
        self.event()  # the document ends
        after = self.event()
        if not isinstance(after, yaml.StreamEndEvent):
            mark = after.start_mark
            raise self.wrong(mark, "a second document begins here", "Keep one document in a file.")
        return found

    def value(self, event: Any, depth: int) -> tuple[Value, Origins]:
        kind = event.__class__
        mark = event.start_mark
        if kind is ScalarEvent:
            value = self.scalar(event)
            self.values += 1
            found = value, Origin("file", self.name, mark.line + 1, mark.column + 1)
            if event.anchor is not None:
                self.anchors[event.anchor] = found
                self.sizes[event.anchor] = 1
            return found
        if kind is AliasEvent:
            return self.alias(event)
        if depth >= MAX_DEPTH:
            raise self.wrong(mark, f"more than {MAX_DEPTH} containers stand inside one another", "Flatten it.")
        before = self.values
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None
        found = self.mapping(event, depth + 1) if kind is MappingStartEvent else self.sequence(event, depth + 1)
        self.values += 1
        if self.values > MAX_VALUES:
            raise self.wrong(mark, f"the file holds more than {MAX_VALUES} values once its aliases are followed")
        if anchor is not None:
            self.anchors[anchor] = found
            self.sizes[anchor] = self.values - before
        return found

    def sequence(self, start: Any, depth: int) -> tuple[Value, Origins]:
        if start.tag is not None and start.tag not in ("!", _TAGS + "seq"):
            self.refuse_tag(start)
        mark = start.start_mark
        items: list[Value] = []
        origins: list[Origins] = [Origin("file", self.name, mark.line + 1, mark.column + 1)]
        event = self.event()
        while event.__class__ is not SequenceEndEvent:
            value, origin = self.value(event, depth)
            items.append(value)
            origins.append(origin)
            event = self.event()
        return items, origins

    def mapping(self, start: Any, depth: int) -> tuple[Value, Origins]:
        if start.tag is not None and start.tag not in ("!", _TAGS + "map"):
            self.refuse_tag(start)
        name = self.name
        mark = start.start_mark
        items: dict[Any, Value] = {}
        origins: dict[Any, Origins] = {OWN: Origin("file", name, mark.line + 1, mark.column + 1)}
        merged: list[tuple[dict[Any, Value], dict[Any, Origins]]] = []
        get = self.event
        event = get()
        while event.__class__ is not MappingEndEvent:
            key = self.key(event)
            if key == "<<" and event.__class__ is ScalarEvent and event.implicit[0]:
                merged += self.merged(get(), depth)
                event = get()
                continue
            if key in items:
                self.refuse_twice(key, event, origins)
            after = get()
            if after.__class__ is ScalarEvent and after.anchor is None:  # most are; a call less for each
                place: Any = after.start_mark
                items[key] = plain(after.value) if after.implicit[0] and after.tag is None else self.scalar(after)
                origins[key] = Origin("file", name, place.line + 1, place.column + 1)
                self.values += 1
            else:
                items[key], origins[key] = self.value(after, depth)
            event = get()
        if not merged:
            return items, origins
        whole: dict[Any, Value] = {}
        places: dict[Any, Origins] = {OWN: origins[OWN]}
        for values, where in reversed(merged):
            whole.update(values)
            places.update((key, where[key]) for key in values)
        whole.update(items)
        places.update(origins)
        return whole, places

    def key(self, event: Any) -> Any:
        if event.__class__ is ScalarEvent:
            key = self.scalar(event)
            if event.anchor is not None:
                mark: Any = event.start_mark
                self.anchors[event.anchor] = key, Origin("file", self.name, mark.line + 1, mark.column + 1)
                self.sizes[event.anchor] = 1
        elif event.__class__ is AliasEvent:
            key, _ = self.alias(event)
        else:
            key = {}
        if key is None:
            raise self.wrong(event.start_mark, "null is no key", "Name the key, or put it in quotes: 'null'.")
        if isinstance(key, (dict, list)):
            raise self.wrong(
                event.start_mark,
                "a mapping or a list stands where a key belongs",
                "Put quotes around the text if it begins with { or [, as '${name}' does after a '{'.",
            )
        return key

    def merged(self, event: Any, depth: int) -> list[tuple[dict[Any, Value], dict[Any, Origins]]]:
        """What a `<<` brings along, the strongest first."""
        value, origins = self.value(event, depth)
        if isinstance(value, dict):
            return [(value, origins)]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return list(zip(value, origins[1:], strict=True))
        raise self.wrong(event.start_mark, "`<<` takes a mapping, or a list of mappings", "Give it *anchor.")

    def alias(self, event: Any) -> tuple[Value, Origins]:
        name = event.anchor
        if name not in self.anchors:
            near = meant(name, self.anchors)
            # No near name and no other anchor: more likely a text, such as a password, that begins with a star.
            line = [*self.text.split("\n"), ""][: event.start_mark.line + 1][-1]
            hidden = not near and not _caret(line, 1)
            raise self.wrong(
                event.start_mark,
                "this repeats an anchor that is not there"
                if hidden
                else f"*{name} repeats an anchor that is not there",
                "Quote the text." if hidden else f"{near}Mark the value with &{name} above, or quote the text.",
            )
        found = self.anchors[name]
        if found is None:
            raise self.wrong(event.start_mark, f"*{name} repeats what it stands in", "A value cannot hold itself.")
        self.values += self.sizes[name]
        return found

    def scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            return plain(event.value) if event.implicit[0] and tag is None else event.value
        text = event.value
        kind = tag.removeprefix(_TAGS)
        if kind == "str":
            return text
        value = plain(text)
        if kind == "null":
            return None
        if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                pass
        if (kind == "int" and isinstance(value, int) and not isinstance(value, bool)) or (
            kind == "bool" and isinstance(value, bool)
        ):
            return value
        if kind in ("int", "float", "bool"):
            raise self.wrong(event.start_mark, f"{text!r} is tagged !!{kind} and is none")
        return self.refuse_tag(event)

    def refuse_tag(self, event: Any) -> NoReturn:
        tag = event.tag
        shown = "!!" + tag.removeprefix(_TAGS) if tag.startswith(_TAGS) else tag
        raise self.wrong(
            event.start_mark,
            f"the tag {shown} asks for more than plain values",
            "A configuration holds text, numbers, booleans, null, lists and mappings, and never makes objects.",
        )

    def refuse_twice(self, key: Any, event: Any, origins: dict[Any, Origins]) -> NoReturn:
        first = origins[key]
        while not isinstance(first, Origin):
            first = first[OWN] if isinstance(first, dict) else first[0]
        raise self.wrong(
            event.start_mark,
            f"the key {key!r} stands here a second time; the first is on line {first.line}",
            "Keep one of the two.",
        )

    def wrong(self, mark: Any, problem: str, remedy: str = "") -> InvalidConfig:
        return _invalid(self.name, mark.line + 1, mark.column + 1, problem, remedy, self.text)


def _broken(error: yaml.YAMLError, text: str, name: str) -> InvalidConfig:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    if mark is None:  # a character that YAML does not allow
        position = getattr(error, "position", None)
        if isinstance(position, int):
            # libyaml counts bytes.
            before = text.encode()[:position].decode(errors="replace")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            character = getattr(error, "character", None)
            if isinstance(character, int):
                problem = f"YAML allows no character U+{character:04X}"
            return _invalid(name, line, column, problem, "Remove it, or write it as an escape in double quotes.", text)
        return _invalid(name, 1, 1, problem, "", text)
    remedy = ""
    line, column = mark.line + 1, mark.column + 1
    if "\t" in problem or "'\\t'" in problem or "cannot start any token" in problem:
        remedy = "Indent with blanks, not with tabs; quote text that begins with % @ ` or a tab."
    elif "mapping values are not allowed" in problem:
        remedy = "Quote a text that holds ': ', and indent the keys of one mapping equally."
    elif "did not find expected" in problem:
        remedy = "Look for a bracket or a quote that is not closed, or a key indented unlike its neighbours."
    return _invalid(name, line, column, problem, remedy, text)


def _invalid(
    name: str, line: int, column: int, problem: str, remedy: str = "", text: str | None = None
) -> InvalidConfig:
    shown = ""
    if text is not None:
        lines = text.split("\n")
        if 0 < line <= len(lines):
            shown = _caret(lines[line - 1].rstrip("\r"), column)
    return InvalidConfig(
        f"{name}:{line}:{column}: {problem}.{shown}",
        remedy=remedy or "Correct the file.",
        name=name,
        line=line,
        column=column,
    )


def _caret(line: str, column: int) -> str:
    from pedigree.config.launching.naming import secret

    if len(line) > 160 or not line.strip() or secret(line.partition(":")[0]):  # a password may begin with @, % or *
        return ""
    shown = "".join(character if character.isprintable() else " " for character in line)
    return f"\n  {shown}\n  {' ' * (column - 1)}^"
