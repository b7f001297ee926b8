"""Two folders: what was added, removed, renamed and changed, and each changed file compared by what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pedigree import canonical
from pedigree.errors import StorageFailure
from pedigree.training.comparing import walking
from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import CHUNK_BYTES, Source, of_file
from pedigree.training.comparing.walking import Entry

Compare = Callable[[Source, Source], Comparison]


def compare_trees(a: str, b: str, deeper: Compare, ignore: Sequence[str] = ()) -> Comparison:
    """Folders without following links. Links are compared by where they say they lead; special files only by what they are.

    A file that went from one path and came at another with the same bytes is a rename; TensorBoard's files, whose names hold time
    and process, are compared with one another in their order where a folder has as many on both sides.
    """
    left, right = walking.walk(a, ignore), walking.walk(b, ignore)
    notes: list[str] = []
    for side, entries in (("a", left), ("b", right)):
        for path, entry in entries.items():
            if entry.kind == "unreadable":
                notes.append(f"{path or '.'} of {side} could not be read: {entry.trouble}")
            elif entry.kind == "link" and entry.trouble:
                notes.append(
                    f"{path} of {side} is a link to {entry.target!r}, which {entry.trouble}; it was not followed"
                )
            elif entry.kind not in ("file", "folder", "link"):
                notes.append(f"{path} of {side} is {entry.kind}, which has no contents to compare")
    removed = [path for path in left if path not in right]
    added = [path for path in right if path not in left]
    renamed = _renamed(a, b, left, right, removed, added)
    pairs = [(path, path) for path in left if path in right] + _logs(removed, added)
    parts = []
    for one, other in pairs:
        try:
            found = _pair(a, b, left[one], right[other], deeper)
        except StorageFailure as error:
            notes.append(error.message)
            found = Comparison("file", one, other, False, f"{one}: not compared, it could not be read")
        if found is not None:
            parts.append(found)
    parts.sort(key=lambda part: part.a)
    return _told(a, b, left, right, removed, added, renamed, parts, tuple(notes))


def _told(
    a: str, b: str, left: dict[str, Entry], right: dict[str, Entry], removed: list[str], added: list[str],
    renamed: list[tuple[str, str]], parts: list[Comparison], notes: tuple[str, ...],
) -> Comparison:  # fmt: skip
    facts: dict[str, Any] = {
        "entries": [len(left), len(right)],
        "removed": removed,
        "added": added,
        "renamed": [list(pair) for pair in renamed],
        "changed": [part.a for part in parts],
    }
    unknown = any(entry.kind == "unreadable" for entry in (*left.values(), *right.values()))
    if not (removed or added or renamed or parts):
        if unknown:
            summary = "what could be read is identical; not everything could"
            return Comparison("tree", a, b, False, summary, facts=facts, notes=notes)
        return Comparison(
            "tree", a, b, True, f"identical, {count(len(left), 'entry', 'entries')}", facts=facts, notes=notes
        )
    words = [
        f"{len(what):,} {word}"
        for word, what in (("changed", parts), ("removed", removed), ("added", added), ("renamed", renamed))
        if what
    ]
    where = min([*removed, *added, *(one for one, _ in renamed), *facts["changed"]])
    first: dict[str, Any] = {"path": where}
    part = next((part for part in parts if part.a == where), None)
    if part is not None:
        first |= dict(part.first or {})
    equivalent = not (removed or added or renamed or unknown) and all(part.equivalent for part in parts)
    excerpt = [f"removed {path}" for path in removed[:10]] + [f"added {path}" for path in added[:10]]
    excerpt += [f"renamed {one} -> {other}" for one, other in renamed[:10]]
    summary = f"{', '.join(words)}; first {where}"
    return Comparison(
        "tree", a, b, False, summary, equivalent, first, facts, notes, tuple(parts), excerpt=tuple(excerpt)
    )


def _pair(a: str, b: str, one: Entry, other: Entry, deeper: Compare) -> Comparison | None:
    path = one.path
    if "unreadable" in (one.kind, other.kind):
        return None  # noted, and no equality claimed
    if one.kind != other.kind:
        text = f"{path}: {_words(one)} and {_words(other)}"
        return Comparison("entry", path, other.path, False, text, first={"kind": [one.kind, other.kind]})
    if one.kind == "link":
        if one.target == other.target:
            return None
        text = f"{path}: links to {one.target!r} and {other.target!r}"
        return Comparison("link", path, other.path, False, text, first={"a": one.target, "b": other.target})
    if one.kind != "file":
        return None
    found = deeper(of_file(f"{a}/{path}", path), of_file(f"{b}/{other.path}", other.path))
    if found.identical and one.executable != other.executable:
        text = f"{path}: the same bytes; only {'a' if one.executable else 'b'} may be executed"
        return Comparison(
            "file", path, other.path, False, text, first={"executable": [one.executable, other.executable]}
        )
    if found.identical and one.path == other.path:
        return None
    if found.identical:
        return replace(found, identical=False, equivalent=True, summary=f"{path}: the same bytes, renamed {other.path}")
    names = path if path == other.path else f"{path} -> {other.path}"
    return replace(found, summary=f"{names}: {found.summary}")


def _words(entry: Entry) -> str:
    return entry.kind if entry.kind.startswith(("a ", "un")) else f"a {entry.kind}"


def _renamed(
    a: str, b: str, left: dict[str, Entry], right: dict[str, Entry], removed: list[str], added: list[str]
) -> list[tuple[str, str]]:
    """Takes out of `removed` and `added` what moved. Only files whose size came on the other side are read; empty ones never."""
    sizes = [
        {entries[path].size for path in paths if entries[path].kind == "file" and entries[path].size}
        for entries, paths in ((left, removed), (right, added))
    ]
    shared = sizes[0] & sizes[1]
    if not shared:
        return []
    moved: dict[tuple[int, bool, str], list[str]] = {}
    for path in removed:
        key = _key(a, left[path], shared)
        if key is not None:
            moved.setdefault(key, []).append(path)
    found = []
    for path in list(added):
        key = _key(b, right[path], shared)
        if key is not None and moved.get(key):
            old = moved[key].pop(0)
            found.append((old, path))
            removed.remove(old)
            added.remove(path)
    return sorted(found)


def _key(top: str, entry: Entry, sizes: set[int]) -> tuple[int, bool, str] | None:
    if entry.kind != "file" or entry.size not in sizes:
        return None
    hasher = canonical.hasher()
    try:
        with of_file(f"{top}/{entry.path}").open() as file:
            while data := file.read(CHUNK_BYTES):
                hasher.update(data)
    except StorageFailure:
        return None  # told as removed or added; what it holds cannot be known
    return entry.size, entry.executable, hasher.hexdigest()


def _logs(removed: list[str], added: list[str]) -> list[tuple[str, str]]:
    """Pairs of TensorBoard's files, taken out of both lists."""
    folders: dict[str, tuple[list[str], list[str]]] = {}
    for place, paths in enumerate((removed, added)):
        for path in paths:
            folder, _, name = path.rpartition("/")
            if "tfevents" in name:
                folders.setdefault(folder, ([], []))[place].append(path)
    found = []
    for old, new in folders.values():
        # Names begin with the time, so their order is the order of writing.
        if len(old) == len(new):
            found += list(zip(sorted(old), sorted(new), strict=True))
    for one, other in found:
        removed.remove(one)
        added.remove(other)
    return found
