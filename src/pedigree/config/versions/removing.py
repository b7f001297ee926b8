"""Removing an entry from the text of a file, and how far an entry reaches: its lines, and the comments that are its own."""

from __future__ import annotations

from collections.abc import Iterator

from pedigree.config.versions.drafts import Path
from pedigree.config.versions.nodes import Node, Tree


class RefusedError(Exception):
    """Why this text cannot be edited in place."""


def cut(text: str, *pieces: tuple[int, int, str]) -> str:
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def deleted(tree: Tree, path: Path, *, leading: bool = False) -> Iterator[str]:
    holder, index = tree.entry(path)
    if holder.kind != "mapping":
        raise RefusedError("it is an item of a list")
    key, item = holder.keys[index], holder.items[index]
    if holder.flow:
        yield _deleted_in_flow(tree, holder, index)
        return
    text = tree.text
    line = tree.line_start(key.start)
    alone = len(holder.keys) == 1
    end = entry_end(tree, key, item)
    if not text[line : key.start].strip(" "):
        start = above(tree, holder, index) if leading else line
        pieces = [(start, end, ""), *_orphans(tree, end, key.start - line)]
        if alone and len(path) > 1:
            # Right before the mapping: past its own key and colon, or past its anchor.
            outer, at = tree.entry(path[:-1])
            place = tree.after_colon(outer.keys[at]) if outer.keys else holder.start
            if holder.anchor is not None:
                place = len(text[: tree.inside(holder)].rstrip())
            pieces.append((place, place, " {}"))
        if end == len(text) and not text.endswith("\n") and start > 0:
            # The file had no end of line at its end, and has none after.
            before = start - (2 if text[start - 2 : start] == "\r\n" else 1)
            yield cut(text, (before, end, ""), *pieces[1:])
        yield cut(text, *pieces)
        # After a block scalar that keeps its last empty lines, those below the entry must not become its own.
        blank = end
        while blank < len(text) and not text[blank : tree.line_end(blank)].strip():
            blank = tree.line_end(blank)
        yield cut(text, (start, blank, ""), *pieces[1:])
    elif alone:
        yield cut(text, (key.start, finish_of(tree, item, key), "{}"))
    elif index == 0:
        following = holder.keys[1].start
        if tree.comments(tree.line_end(finish_of(tree, item, key) - 1), following):
            raise RefusedError("comments stand between it and the next key")
        yield cut(text, (key.start, following, ""))
    else:
        raise RefusedError("it shares its line with something else")


def _orphans(tree: Tree, position: int, column: int) -> Iterator[tuple[int, int, str]]:
    """Edits that move comments left that stood inside an entry: below a block scalar they would become its text."""
    while position < len(tree.text):
        following = tree.line_end(position)
        line = tree.text[position:following]
        indent = len(line) - len(line.lstrip(" "))
        if not line.lstrip(" ").startswith("#") or indent <= column:
            return
        yield position + column, position + indent, ""
        position = following


def _deleted_in_flow(tree: Tree, holder: Node, index: int) -> str:
    key, item = holder.keys[index], holder.items[index]
    if index + 1 < len(holder.keys):
        return cut(tree.text, (key.start, holder.keys[index + 1].start, ""))
    if index:
        previous = max(holder.items[index - 1].end, holder.keys[index - 1].end)
        return cut(tree.text, (previous, max(item.end, key.end), ""))
    return cut(tree.text, (tree.inside(holder), holder.end, "{}"))


def finish_of(tree: Tree, item: Node, key: Node) -> int:
    """The end of an entry's last character that is not an end of line."""
    end = max(item.end, key.end, tree.after_colon(key) if item.empty else 0)
    return len(tree.text[:end].rstrip("\r\n")) if tree.text[end - 1 : end] == "\n" else end


def entry_end(tree: Tree, key: Node, item: Node) -> int:
    """Past the last line of an entry of a block, with the comment beside it."""
    finish = finish_of(tree, item, key)
    end = tree.line_end(finish)
    rest = tree.text[finish:end].strip()
    if rest and not rest.startswith("#"):
        raise RefusedError("it shares its line with something else")
    return end


def above(tree: Tree, holder: Node, index: int) -> int:
    """Where the comments begin that stand right above an entry and go with it; those above a first one do not."""
    line = tree.line_start(holder.keys[index].start)
    column = tree.column(holder.keys[index].start)
    if index == 0:
        return line
    floor = finish_of(tree, holder.items[index - 1], holder.keys[index - 1])
    while line > 0:
        higher = tree.line_start(line - 1)
        text = tree.text[higher:line]
        if higher <= floor or not text.startswith(" " * column + "#"):
            break
        line = higher
    return line
