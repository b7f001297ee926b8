"""A card as one HTML page that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from pedigree.pipeline.exporting.card import Code, Table, Text

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.card import Block, Card


def text(card: Card) -> str:
    """The whole page. Everything that a commit or a person says is escaped: it cannot bring markup of its own."""
    page = resources.files("pedigree.pipeline.exporting").joinpath("card.html").read_text("utf-8")
    return Template(page).substitute(
        title=escape(card.title),
        subtitle=f"<p class=lead>{escape(card.subtitle)}</p>" if card.subtitle else "",
        state=escape(card.state),
        kind={"identical": "good", "different": "bad"}.get(card.state, "open"),
        verdict=escape(card.verdict),
        contents="\n".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in card.sections),
        sections="\n".join(_section(name, blocks) for name, blocks in card.sections),
    )


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z]+", "-", name.lower()).strip("-")


def _section(name: str, blocks: tuple[Block, ...]) -> str:
    inside = "\n".join(line for block in blocks for line in _block(block))
    return f'<section id="{_anchor(name)}">\n<h2>{escape(name)}</h2>\n{inside}\n</section>'


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        kind = "absent" if block.absent else "person" if block.person else "told"
        yield f'<div class="{kind}">{"".join(_paragraphs(block.markdown))}</div>'
    elif isinstance(block, Code):
        yield f"<pre>{escape(block.text)}</pre>"
    else:
        yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    if table.folded:
        yield f"<details><summary>{escape(table.folded)}</summary>"
    yield '<div class="wide"><table>'
    if any(table.header):
        yield f"<tr>{''.join(_cell('th', at, one, table) for at, one in enumerate(table.header))}</tr>"
    for row in table.rows:
        yield f"<tr>{''.join(_cell('td', at, one, table) for at, one in enumerate(row))}</tr>"
    yield "</table></div>"
    if table.folded:
        yield "</details>"


def _cell(tag: str, at: int, text: str, table: Table) -> str:
    kind = (
        " class=number"
        if at in table.numbers
        else " class=digest"
        if re.fullmatch(r"(\S+@)?[0-9a-f]{40,}", text)
        else ""
    )
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


def _paragraphs(markdown: str) -> Iterator[str]:
    """Paragraphs, bullets, `code` and **bold**: what notes need. All else stays the text that it is."""
    for part in re.split(r"\n\s*\n", markdown.strip()):
        lines = part.splitlines()
        if lines and all(re.match(r"\s*[-*] ", line) or line.startswith("  ") for line in lines):
            items = re.split(r"(?m)^\s*[-*] ", part)[1:]
            yield f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</ul>"
        else:
            yield f"<p>{_inline(part)}</p>"


def _inline(text: str) -> str:
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(" ".join(text.split())))
    return re.sub(r"\*\*([^*\n]+)\*\*", r"<strong>\1</strong>", text)
