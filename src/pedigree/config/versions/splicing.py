"""Splicing: one edit of values as an edit of the text that spells them, all around it left as it is.

Each function gives texts to try, the nicest first; `spliced` takes the first that reads back as exactly the values that
the edit makes. So no rule here needs to be right about all of YAML: where none is, the file is refused, never changed
wrongly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pedigree.config.origins import Value, copied
from pedigree.config.versions.drafts import Edit, Path, shown
from pedigree.config.versions.inserting import inner, inserted, moved, read_again
from pedigree.config.versions.nodes import Tree
from pedigree.config.versions.removing import RefusedError, cut, deleted
from pedigree.config.versions.shapes import same
from pedigree.config.versions.spelling import spell
from pedigree.errors import InvalidConfig


def spliced(tree: Tree, edit: Edit) -> Tree:
    """The text after the edit. Raises InvalidConfig, which says why, where no change of text makes exactly it."""
    wanted = edited(tree.values, edit)
    comments = _own_comments(tree)
    if edit.kind == "delete":  # those inside what goes, go with it
        comments -= _inner_comments(tree, edit.path)
    reason = "no edit of the text gives exactly the values that the migration gives"
    try:
        for text in _texts(tree, edit):
            after = read_again(text, tree)
            if (
                after is not None
                and same(after.values, wanted)
                and after.headers == tree.headers
                and not comments - _own_comments(after)
            ):
                return after
    except RefusedError as error:
        reason = str(error)
    except KeyError:
        reason = "it stands in the file only through an alias or a merge"
    raise InvalidConfig(
        f"{tree.name}: {shown(edit.path)} cannot be rewritten: {reason}. The file is as it was.",
        remedy="Edit this file by hand.",
        path=edit.path,
    )


def edited(values: Value, edit: Edit) -> Value:
    """A copy of plain values with one edit done."""
    values = copied(values)
    if edit.kind == "replace":
        inner(values, edit.path[:-1])[edit.path[-1]] = copied(edit.value)
        return values
    value = edit.value
    if edit.kind != "insert":
        value = inner(values, edit.path[:-1]).pop(edit.path[-1])
    if edit.kind != "delete":
        target = edit.to if edit.kind == "move" and edit.to is not None else edit.path
        here = values
        for part in target[:-1]:
            here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
        here[target[-1]] = copied(value)
    return values


def _own_comments(tree: Tree, start: int = 0, end: int | None = None) -> Counter[str]:
    """Comments on lines of their own: no edit may lose one."""
    return Counter(
        comment
        for at, comment in tree.comments(start, end)
        if not tree.text[tree.line_start(at) : at].strip(" \t\ufeff")
    )


def _inner_comments(tree: Tree, path: Path) -> Counter[str]:
    try:
        holder, index = tree.entry(path)
    except KeyError:
        return Counter()
    return _own_comments(tree, holder.keys[index].start if holder.keys else 0, holder.items[index].end)


def _texts(tree: Tree, edit: Edit) -> Iterator[str]:
    if edit.kind == "delete":
        return deleted(tree, edit.path)
    if edit.kind == "insert":
        return inserted(tree, edit.path, edit.value, edit.to)
    if edit.kind == "replace":
        return _replaced(tree, edit.path, edit.value)
    assert edit.to is not None
    if edit.path[:-1] == edit.to[:-1]:
        return _renamed(tree, edit.path, edit.to[-1])
    return moved(tree, edit.path, edit.to)


def _renamed(tree: Tree, path: Path, name: Any) -> Iterator[str]:
    holder, index = tree.entry(path)
    key = holder.keys[index]
    start = tree.inside(key)
    yield cut(tree.text, (start, key.end, spell(name, key.style)))
    yield cut(tree.text, (start, key.end, spell(name, '"')))


def _replaced(tree: Tree, path: Path, value: Value) -> Iterator[str]:
    holder, index = tree.entry(path)
    node = holder.items[index]
    if node.kind == "alias":
        raise RefusedError("it is an alias, and what it repeats stands elsewhere as well")
    if node.tag is not None:
        raise RefusedError(f"it has the tag {node.tag}")
    start = tree.inside(node)
    if node.empty:
        yield cut(tree.text, (node.end, node.end, " " + spell(value)))
        return
    if node.kind != "scalar" and not node.flow and holder.keys:
        start = tree.after_colon(holder.keys[index]) if node.anchor is None else start
    lost = tree.comments(start, node.end)
    if lost:
        raise RefusedError(f"the comment {lost[0][1]!r} stands in the value")
    source = tree.text[start : node.end]
    tail = source[len(source.rstrip("\r\n")) :] if node.style in ("|", ">") or node.kind != "scalar" else ""
    gap = "" if start == tree.inside(node) else " "
    yield cut(tree.text, (start, node.end, gap + spell(value, node.style) + tail))
