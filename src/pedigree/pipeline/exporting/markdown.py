"""A card as Markdown with a YAML header, as model repositories show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting.card import Code, Table, Text

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.card import Block, Card


def text(card: Card) -> str:
    """The whole file. What commits say (paths, descriptions, values) cannot make markup of its own."""
    return "\n".join(_lines(card)).rstrip("\n") + "\n"


def _lines(card: Card) -> Iterator[str]:
    yield "---"
    for key, value in card.header.items():
        yield from _yaml(key, value, "")
    yield "---"
    yield ""
    yield f"# {escaped(card.title)}"
    yield ""
    if card.subtitle:
        yield escaped(card.subtitle)
        yield ""
    yield f"**{card.state}**. {escaped(card.verdict)}"
    for name, blocks in card.sections:
        yield ""
        yield f"## {name}"
        for block in blocks:
            yield ""
            yield from _block(block)


def _yaml(key: str, value: Any, indent: str) -> Iterator[str]:
    """Block style with JSON scalars, which YAML 1.2 reads as they are."""
    name = key if re.fullmatch(r"[A-Za-z_][\w-]*", key) else json.dumps(key)
    if isinstance(value, Mapping) and value:
        yield f"{indent}{name}:"
        for inner, item in value.items():
            yield from _yaml(str(inner), item, indent + "  ")
    elif isinstance(value, list) and value:
        yield f"{indent}{name}:"
        for item in value:
            if isinstance(item, Mapping) and item:
                first, *more = (line for inner, one in item.items() for line in _yaml(str(inner), one, ""))
                yield f"{indent}- {first}"
                yield from (f"{indent}  {line}" for line in more)
            else:
                yield f"{indent}- {json.dumps(item, ensure_ascii=False)}"
    else:
        yield f"{indent}{name}: {json.dumps(value, ensure_ascii=False)}"


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield f"*{block.markdown}*" if block.absent else block.markdown
    elif isinstance(block, Code):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
        yield f"{fence}sh"
        yield block.text
        yield fence
    else:
        yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    if table.folded:
        yield f"<details><summary>{escaped(table.folded)}</summary>"
        yield ""
    yield "| " + " | ".join(map(_cell, table.header)) + " |"
    yield "|" + "|".join("---:" if at in table.numbers else "---" for at in range(len(table.header))) + "|"
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"
    if table.folded:
        yield ""
        yield "</details>"


def escaped(text: str) -> str:
    """The text on one line, with what Markdown or HTML would obey written as entities and escapes."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#!~])", r"\\\1", text)


def _cell(text: str) -> str:
    return escaped(text)
