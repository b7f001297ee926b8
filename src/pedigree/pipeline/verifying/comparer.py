"""Two files that should be the same: where they part, for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pedigree.errors import PedigreeError

#: Text is looked into up to this size; of larger files only the first byte is named.
TEXT_BYTES = 4 << 20
#: Characters of an excerpt on either side.
SHOWN = 60
_BLOCK_BYTES = 1 << 20
#: Lines of what understands a file, of which the first says most.
LINES = 4

Names = tuple[str, str]
NAMES: Names = ("stored", "rebuilt")


class Comparer(Protocol):
    """Says in a few short lines where two files of a known difference part.

    `path` is the file's path in the commit, whose ending tells what it is. Both files are read-only and gone afterwards.
    An answer without lines leaves the first differing byte as all that is said. `names` are words for the two.
    """

    def __call__(self, path: str, stored: Path, rebuilt: Path, names: Names = NAMES) -> tuple[str, ...]: ...


def first_difference(stored: BinaryIO, rebuilt: BinaryIO) -> int | None:
    """The first byte, from 0, in which the two files differ; the length of the shorter where one begins the other."""
    at = 0
    while True:
        one, other = stored.read(_BLOCK_BYTES), rebuilt.read(_BLOCK_BYTES)
        if one != other:
            length = min(len(one), len(other))
            return at + next((place for place in range(length) if one[place] != other[place]), length)
        if not one:
            return None
        at += len(one)


def understood(path: str, stored: Path, rebuilt: Path, names: Names = NAMES) -> tuple[str, ...]:
    """Where two files part, in the words of what they are: which tensor and how many ULPs, which row, epoch or step, how many pixels.

    Of JSON and text, and where what it takes to read a file is not installed, the `excerpt`.
    """
    try:
        from pedigree.training.comparing import comparison, kinds
        from pedigree.training.comparing.source import of_file

        one, other = of_file(str(stored), path), of_file(str(rebuilt), path)
        kind = kinds.kind_of(one)
        if kind in ("bytes", "text", "json") or kind != kinds.kind_of(other):
            return excerpt(path, stored, rebuilt, names)
        found = comparison.compare_sources(one, other)
    except (ImportError, PedigreeError):
        return excerpt(path, stored, rebuilt, names)
    if found.notes and not found.parts and not found.first:
        return excerpt(path, stored, rebuilt, names)
    about = f"{found.kind}: {found.summary} (a is {names[0]}, b {names[1]})"
    return (
        about,
        *(f"  {part.summary}" for part in found.parts[: LINES - 1]),
        *(f"note: {note}" for note in found.notes),
    )


def excerpt(path: str, stored: Path, rebuilt: Path, names: Names = NAMES) -> tuple[str, ...]:
    """The first value of a JSON file, or the first line of a text, that differs; nothing for other files."""
    if max(stored.stat().st_size, rebuilt.stat().st_size) > TEXT_BYTES:
        return ()
    try:
        one, other = stored.read_text("utf-8"), rebuilt.read_text("utf-8")
    except UnicodeDecodeError:
        return ()
    if "\0" in one or "\0" in other:
        return ()
    if path.endswith(".json"):
        try:
            found = next(_values("", json.loads(one), json.loads(other)), None)
        except (ValueError, RecursionError):
            found = None
        if found is not None:
            place, before, after = found
            return (f"{place or 'the whole'}: {_short(before)} {names[0]}, {_short(after)} {names[1]}",)
    return _text(one, other, names)


def _values(place: str, one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    """JSON pointer and both texts of each value that differs, in order."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*one, *(key for key in other if key not in one)):
            inner = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in one or key not in other:
                yield (
                    inner,
                    _json(one[key]) if key in one else "nothing",
                    _json(other[key]) if key in other else "nothing",
                )
            else:
                yield from _values(inner, one[key], other[key])
    elif isinstance(one, list) and isinstance(other, list):
        for at in range(max(len(one), len(other))):
            if at >= len(one) or at >= len(other):
                before, after = (_json(side[at]) if at < len(side) else "nothing" for side in (one, other))
                yield f"{place}/{at}", before, after
            else:
                yield from _values(f"{place}/{at}", one[at], other[at])
    elif _json(one) != _json(other):  # as text: 1, 1.0 and true are three values
        yield place, _json(one), _json(other)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(one: str, other: str, names: Names) -> tuple[str, ...]:
    before, after = one.split("\n"), other.split("\n")
    number = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if number is None:
        return (f"line {min(len(before), len(after)) + 1}: one ends where the other goes on",)
    a, b = before[number], after[number]
    column = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(0, column - SHOWN // 2)
    return (f"line {number + 1}: {_short(repr(a[start:]))} {names[0]}, {_short(repr(b[start:]))} {names[1]}",)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
