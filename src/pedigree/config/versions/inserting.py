"""Inserting an entry into the text of a file: a new one, or one that moves there in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pedigree.config.origins import Value
from pedigree.config.versions.drafts import Path
from pedigree.config.versions.nodes import Node, Tree
from pedigree.config.versions.removing import RefusedError, above, cut, deleted, entry_end, finish_of
from pedigree.config.versions.spelling import entry, spell
from pedigree.errors import InvalidConfig


def inner(values: Value, path: Path) -> Any:
    for part in path:
        values = values[part]
    return values


def _has(values: Value, path: Path) -> bool:
    try:
        inner(values, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def inserted(tree: Tree, path: Path, value: Value, beside: Path | None) -> Iterator[str]:
    """`beside` is the key that the new one follows; the empty path puts it in front of all."""
    depth = len(path) - 1
    while depth and not _has(tree.values, path[:depth]):
        depth -= 1
    for part in reversed(path[depth + 1 :]):
        value = {part: value}
    key = path[depth]
    if tree.root is None:
        yield from _appended(tree, len(tree.text), entry(key, value, 0))
        return
    holder = tree.node(path[:depth])
    if holder.kind != "mapping":
        raise RefusedError("what it belongs into is an alias or no mapping")
    if holder.flow:
        yield _inserted_in_flow(
            tree, holder, f"{spell(key, holder.keys[0].style if holder.keys else '')}: {spell(value)}"
        )
        return
    indent = tree.column(holder.keys[0].start)
    lines = entry(key, value, indent)
    if beside == ():
        yield from _in_front(tree, holder, lines, depth == 0)
    index = len(holder.keys) - 1
    if beside and beside[:-1] == path[:depth]:
        index = tree.entry(beside)[1]
    yield from _after(tree, holder, index, lines)


def _in_front(tree: Tree, holder: Node, lines: list[str], root: bool) -> Iterator[str]:
    first = holder.keys[0].start
    line = tree.line_start(first)
    if tree.text[line:first].strip(" "):
        return
    if not root:  # a comment above the first key of an inner mapping is about that key; in a file, about the file
        while tree.text[tree.line_start(line - 1) : line].startswith(" " * tree.column(first) + "#"):
            line = tree.line_start(line - 1)
    yield cut(tree.text, (line, line, "".join(one + tree.newline for one in lines)))


def _after(tree: Tree, holder: Node, index: int, lines: list[str]) -> Iterator[str]:
    key, item = holder.keys[index], holder.items[index]
    end = entry_end(tree, key, item)
    indent = tree.column(holder.keys[0].start)
    if item.kind in ("mapping", "sequence") and not item.flow:
        # Comments that are indented further than the key belong to what is in it.
        while end < len(tree.text):
            line = tree.text[end : tree.line_end(end)]
            if not line.lstrip(" ").startswith("#") or len(line) - len(line.lstrip(" ")) <= indent:
                break
            end = tree.line_end(end)
    yield from _appended(tree, end, lines)
    if item.end > end:  # a block scalar whose empty lines at the end count
        yield from _appended(tree, item.end, lines)
    yield from _in_front(tree, holder, lines, root=True)


def _appended(tree: Tree, position: int, lines: list[str]) -> Iterator[str]:
    """Lines put at `position`, where a line begins or the text ends."""
    whole = tree.newline.join(lines)
    if position and tree.text[position - 1] != "\n":
        yield cut(tree.text, (position, position, tree.newline + whole))
    else:
        yield cut(tree.text, (position, position, whole + tree.newline))


def _inserted_in_flow(tree: Tree, holder: Node, words: str) -> str:
    text = tree.text
    if not holder.keys:
        opening = tree.inside(holder) + 1
        return cut(text, (opening, opening, words))
    key = holder.keys[-1]
    last = max(key.end, holder.items[-1].end)
    line = tree.line_start(key.start)
    end = tree.line_end(last)
    if end < holder.end and not text[line : key.start].strip(" "):
        between = _without(tree, last, holder.end - 1)
        comma = "," in between
        new = " " * (key.start - line) + words + ("," if comma else "") + tree.newline
        return cut(text, (end, end, new), *([] if comma else [(last, last, ",")]))
    return cut(text, (last, last, f", {words}"))


def _without(tree: Tree, start: int, end: int) -> str:
    """A stretch of the text without its comments."""
    text = tree.text[start:end]
    for _, comment in tree.comments(start, end):
        text = text.replace(comment, "", 1)
    return text


def read_again(text: str, before: Tree) -> Tree | None:
    try:
        after = Tree(text, before.name)
    except InvalidConfig:
        return None
    after.newline = before.newline  # a text that has lost its last line shows none
    return after


def moved(tree: Tree, old: Path, new: Path) -> Iterator[str]:
    holder, index = tree.entry(old)
    if holder.kind != "mapping":
        raise RefusedError("it is an item of a list")
    value = inner(tree.values, old)
    for raw in (True, False):
        for text in _copied(tree, holder, index, new, value, raw):
            both = read_again(text, tree)
            if both is not None:
                yield from deleted(both, old, leading=raw)


def _copied(tree: Tree, holder: Node, index: int, new: Path, value: Value, raw: bool) -> Iterator[str]:
    """The text with the value at its new place as well, in the same words where they can stand there."""
    key, item = holder.keys[index], holder.items[index]
    start, finish = max(item.start, 0), finish_of(tree, item, key)
    words = tree.text[start:finish]
    depth = len(new) - 1
    while depth and not _has(tree.values, new[:depth]):
        depth -= 1
    target = tree.root if depth == 0 else tree.node(new[:depth])
    if target is None or target.kind != "mapping":
        raise RefusedError("what it moves into is an alias or no mapping")
    if not raw:
        if item.kind == "alias" or _anchored(item) or (item.kind != "scalar" and tree.comments(key.end, finish)):
            raise RefusedError("what it holds cannot be moved in other words than its own")
        yield from inserted(tree, new, value, None)
        return
    names = new[depth:]
    if target.flow:
        if "\n" in words or (not item.flow and item.kind != "scalar") or item.style in ("|", ">"):
            return
        if item.kind == "scalar" and not item.style and any(sign in words for sign in ",[]{}"):
            return
        head = ": {".join(spell(part) for part in names)
        yield _inserted_in_flow(tree, target, f"{head}: {words}" + "}" * (len(names) - 1))
        return
    indent = tree.column(target.keys[0].start)
    lines = [" " * (indent + 2 * level) + spell(part) + ":" for level, part in enumerate(names)]
    deepest = indent + 2 * (len(names) - 1)
    if holder.flow:
        lines[-1] += f" {words}" if words else ""
    else:
        end = entry_end(tree, key, item)
        rest = tree.text[tree.after_colon(key) : end].rstrip("\r\n")
        shift = deepest - tree.column(key.start)
        comments = tree.text[above(tree, holder, index) : tree.line_start(key.start)]
        first, *others = rest.split("\n")
        lines[-1:] = [
            *(_shifted(line, shift) for line in comments.split("\n")[:-1]),
            lines[-1] + first,
            *(_shifted(line, shift) for line in others),
        ]
        lines = [line.removesuffix("\r") for line in lines]
    yield from _after(tree, target, len(target.keys) - 1, lines)


def _anchored(node: Node) -> bool:
    return node.anchor is not None or any(map(_anchored, node.items))


def _shifted(line: str, by: int) -> str:
    if not line.strip():
        return line
    if by >= 0:
        return " " * by + line
    return line[min(-by, len(line) - len(line.lstrip(" "))) :]
