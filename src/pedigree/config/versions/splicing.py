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
from pedigree.config.versions.nodes import Node, Tree
from pedigree.config.versions.shapes import same
from pedigree.config.versions.spelling import entry, spell
from pedigree.errors import InvalidConfig


class _RefusedError(Exception):
    """Why this text cannot be edited in place."""


def spliced(tree: Tree, edit: Edit) -> Tree:
    """The text after the edit. Raises InvalidConfig, which says why, where no change of text makes exactly it."""
    wanted = edited(tree.values, edit)
    comments = _own_comments(tree)
    if edit.kind == "delete":  # those inside what goes, go with it
        comments -= _inner_comments(tree, edit.path)
    reason = "no edit of the text gives exactly the values that the migration gives"
    try:
        for text in _texts(tree, edit):
            after = _read(text, tree)
            if (
                after is not None
                and same(after.values, wanted)
                and after.headers == tree.headers
                and not comments - _own_comments(after)
            ):
                return after
    except _RefusedError as error:
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
        _inner(values, edit.path[:-1])[edit.path[-1]] = copied(edit.value)
        return values
    value = edit.value
    if edit.kind != "insert":
        value = _inner(values, edit.path[:-1]).pop(edit.path[-1])
    if edit.kind != "delete":
        target = edit.to if edit.kind == "move" and edit.to is not None else edit.path
        here = values
        for part in target[:-1]:
            here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
        here[target[-1]] = copied(value)
    return values


def _inner(values: Value, path: Path) -> Any:
    for part in path:
        values = values[part]
    return values


def _read(text: str, before: Tree) -> Tree | None:
    try:
        after = Tree(text, before.name)
    except InvalidConfig:
        return None
    after.newline = before.newline  # a text that has lost its last line shows none
    return after


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
        return _deleted(tree, edit.path)
    if edit.kind == "insert":
        return _inserted(tree, edit.path, edit.value, edit.to)
    if edit.kind == "replace":
        return _replaced(tree, edit.path, edit.value)
    assert edit.to is not None
    if edit.path[:-1] == edit.to[:-1]:
        return _renamed(tree, edit.path, edit.to[-1])
    return _moved(tree, edit.path, edit.to)


def _cut(text: str, *pieces: tuple[int, int, str]) -> str:
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _renamed(tree: Tree, path: Path, name: Any) -> Iterator[str]:
    holder, index = tree.entry(path)
    key = holder.keys[index]
    start = tree.inside(key)
    yield _cut(tree.text, (start, key.end, spell(name, key.style)))
    yield _cut(tree.text, (start, key.end, spell(name, '"')))


def _replaced(tree: Tree, path: Path, value: Value) -> Iterator[str]:
    holder, index = tree.entry(path)
    node = holder.items[index]
    if node.kind == "alias":
        raise _RefusedError("it is an alias, and what it repeats stands elsewhere as well")
    if node.tag is not None:
        raise _RefusedError(f"it has the tag {node.tag}")
    start = tree.inside(node)
    if node.empty:
        yield _cut(tree.text, (node.end, node.end, " " + spell(value)))
        return
    if node.kind != "scalar" and not node.flow and holder.keys:
        start = tree.after_colon(holder.keys[index]) if node.anchor is None else start
    lost = tree.comments(start, node.end)
    if lost:
        raise _RefusedError(f"the comment {lost[0][1]!r} stands in the value")
    source = tree.text[start : node.end]
    tail = source[len(source.rstrip("\r\n")) :] if node.style in ("|", ">") or node.kind != "scalar" else ""
    gap = "" if start == tree.inside(node) else " "
    yield _cut(tree.text, (start, node.end, gap + spell(value, node.style) + tail))


def _deleted(tree: Tree, path: Path, *, leading: bool = False) -> Iterator[str]:
    holder, index = tree.entry(path)
    if holder.kind != "mapping":
        raise _RefusedError("it is an item of a list")
    key, item = holder.keys[index], holder.items[index]
    if holder.flow:
        yield _deleted_in_flow(tree, holder, index)
        return
    text = tree.text
    line = tree.line_start(key.start)
    alone = len(holder.keys) == 1
    end = _entry_end(tree, key, item)
    if not text[line : key.start].strip(" "):
        start = _above(tree, holder, index) if leading else line
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
            yield _cut(text, (before, end, ""), *pieces[1:])
        yield _cut(text, *pieces)
        # After a block scalar that keeps its last empty lines, those below the entry must not become its own.
        blank = end
        while blank < len(text) and not text[blank : tree.line_end(blank)].strip():
            blank = tree.line_end(blank)
        yield _cut(text, (start, blank, ""), *pieces[1:])
    elif alone:
        yield _cut(text, (key.start, _finish(tree, item, key), "{}"))
    elif index == 0:
        following = holder.keys[1].start
        if tree.comments(tree.line_end(_finish(tree, item, key) - 1), following):
            raise _RefusedError("comments stand between it and the next key")
        yield _cut(text, (key.start, following, ""))
    else:
        raise _RefusedError("it shares its line with something else")


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
        return _cut(tree.text, (key.start, holder.keys[index + 1].start, ""))
    if index:
        previous = max(holder.items[index - 1].end, holder.keys[index - 1].end)
        return _cut(tree.text, (previous, max(item.end, key.end), ""))
    return _cut(tree.text, (tree.inside(holder), holder.end, "{}"))


def _finish(tree: Tree, item: Node, key: Node) -> int:
    """The end of an entry's last character that is not an end of line."""
    end = max(item.end, key.end, tree.after_colon(key) if item.empty else 0)
    return len(tree.text[:end].rstrip("\r\n")) if tree.text[end - 1 : end] == "\n" else end


def _entry_end(tree: Tree, key: Node, item: Node) -> int:
    """Past the last line of an entry of a block, with the comment beside it."""
    finish = _finish(tree, item, key)
    end = tree.line_end(finish)
    rest = tree.text[finish:end].strip()
    if rest and not rest.startswith("#"):
        raise _RefusedError("it shares its line with something else")
    return end


def _above(tree: Tree, holder: Node, index: int) -> int:
    """Where the comments begin that stand right above an entry and go with it; those above a first one do not."""
    line = tree.line_start(holder.keys[index].start)
    column = tree.column(holder.keys[index].start)
    if index == 0:
        return line
    floor = _finish(tree, holder.items[index - 1], holder.keys[index - 1])
    while line > 0:
        above = tree.line_start(line - 1)
        text = tree.text[above:line]
        if above <= floor or not text.startswith(" " * column + "#"):
            break
        line = above
    return line


def _inserted(tree: Tree, path: Path, value: Value, beside: Path | None) -> Iterator[str]:
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
        raise _RefusedError("what it belongs into is an alias or no mapping")
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


def _has(values: Value, path: Path) -> bool:
    try:
        _inner(values, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _in_front(tree: Tree, holder: Node, lines: list[str], root: bool) -> Iterator[str]:
    first = holder.keys[0].start
    line = tree.line_start(first)
    if tree.text[line:first].strip(" "):
        return
    if not root:  # a comment above the first key of an inner mapping is about that key; in a file, about the file
        while tree.text[tree.line_start(line - 1) : line].startswith(" " * tree.column(first) + "#"):
            line = tree.line_start(line - 1)
    yield _cut(tree.text, (line, line, "".join(one + tree.newline for one in lines)))


def _after(tree: Tree, holder: Node, index: int, lines: list[str]) -> Iterator[str]:
    key, item = holder.keys[index], holder.items[index]
    end = _entry_end(tree, key, item)
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
        yield _cut(tree.text, (position, position, tree.newline + whole))
    else:
        yield _cut(tree.text, (position, position, whole + tree.newline))


def _inserted_in_flow(tree: Tree, holder: Node, words: str) -> str:
    text = tree.text
    if not holder.keys:
        opening = tree.inside(holder) + 1
        return _cut(text, (opening, opening, words))
    key = holder.keys[-1]
    last = max(key.end, holder.items[-1].end)
    line = tree.line_start(key.start)
    end = tree.line_end(last)
    if end < holder.end and not text[line : key.start].strip(" "):
        between = _without(tree, last, holder.end - 1)
        comma = "," in between
        new = " " * (key.start - line) + words + ("," if comma else "") + tree.newline
        return _cut(text, (end, end, new), *([] if comma else [(last, last, ",")]))
    return _cut(text, (last, last, f", {words}"))


def _without(tree: Tree, start: int, end: int) -> str:
    """A stretch of the text without its comments."""
    text = tree.text[start:end]
    for _, comment in tree.comments(start, end):
        text = text.replace(comment, "", 1)
    return text


def _moved(tree: Tree, old: Path, new: Path) -> Iterator[str]:
    holder, index = tree.entry(old)
    if holder.kind != "mapping":
        raise _RefusedError("it is an item of a list")
    value = _inner(tree.values, old)
    for raw in (True, False):
        for text in _copied(tree, holder, index, new, value, raw):
            both = _read(text, tree)
            if both is not None:
                yield from _deleted(both, old, leading=raw)


def _copied(tree: Tree, holder: Node, index: int, new: Path, value: Value, raw: bool) -> Iterator[str]:
    """The text with the value at its new place as well, in the same words where they can stand there."""
    key, item = holder.keys[index], holder.items[index]
    start, finish = max(item.start, 0), _finish(tree, item, key)
    words = tree.text[start:finish]
    depth = len(new) - 1
    while depth and not _has(tree.values, new[:depth]):
        depth -= 1
    target = tree.root if depth == 0 else tree.node(new[:depth])
    if target is None or target.kind != "mapping":
        raise _RefusedError("what it moves into is an alias or no mapping")
    if not raw:
        if item.kind == "alias" or _anchored(item) or (item.kind != "scalar" and tree.comments(key.end, finish)):
            raise _RefusedError("what it holds cannot be moved in other words than its own")
        yield from _inserted(tree, new, value, None)
        return
    inner = new[depth:]
    if target.flow:
        if "\n" in words or (not item.flow and item.kind != "scalar") or item.style in ("|", ">"):
            return
        if item.kind == "scalar" and not item.style and any(sign in words for sign in ",[]{}"):
            return
        head = ": {".join(spell(part) for part in inner)
        yield _inserted_in_flow(tree, target, f"{head}: {words}" + "}" * (len(inner) - 1))
        return
    indent = tree.column(target.keys[0].start)
    lines = [" " * (indent + 2 * level) + spell(part) + ":" for level, part in enumerate(inner)]
    deepest = indent + 2 * (len(inner) - 1)
    if holder.flow:
        lines[-1] += f" {words}" if words else ""
    else:
        end = _entry_end(tree, key, item)
        rest = tree.text[tree.after_colon(key) : end].rstrip("\r\n")
        shift = deepest - tree.column(key.start)
        above = tree.text[_above(tree, holder, index) : tree.line_start(key.start)]
        first, *others = rest.split("\n")
        lines[-1:] = [
            *(_shifted(line, shift) for line in above.split("\n")[:-1]),
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
