"""What commands print: tables, fields, JSON on standard output; sizes, times and ids as people read them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pedigree.cli.terminal import is_terminal, paint, safe, width

#: Digits of an id that people see: enough for 10^6 commits with a chance below 10^-3 of two alike, and any 4
#: resolve.
SHORT = 12

#: A run of spaces between columns; two, so that a cell with single spaces stays one cell to the eye.
GAP = "  "

#: Columns that a cell keeps however narrow the terminal is: a time, or both ends of a name.
LEAST = 20


def make_folder(path: str, *, option: str = "-o") -> None:
    """Make a folder that the user named by `option`, and those above it, unless it is there. Raises StorageFailure."""
    import os

    from pedigree.errors import StorageFailure

    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise StorageFailure(
            f"Cannot make the folder {path}: {error.strerror or error}.", remedy=f"Choose another place with {option}."
        ) from error


def write_file(path: str, data: bytes, *, option: str = "-o", folders: bool = False) -> None:
    """Write a file that the user named by `option`; with `folders`, make those above it. Raises StorageFailure."""
    import os

    from pedigree.errors import StorageFailure

    try:
        if folders:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise StorageFailure(
            f"Cannot write {path}: {error.strerror or error}.", remedy=f"Choose another place with {option}."
        ) from error


def json_value(value: Any) -> None:
    """Print one JSON document, indented."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


def json_items(values: Iterable[Any]) -> int:
    """Print a JSON array, one item a line, as the items come; returns how many there were."""
    import json

    number = 0
    for number, value in enumerate(values, 1):
        sys.stdout.write("[\n" if number == 1 else ",\n")
        sys.stdout.write("  " + json.dumps(value, ensure_ascii=False))
    sys.stdout.write("\n]\n" if number else "[]\n")
    return number


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), empty: str = ""
) -> None:
    """Print rows under headers; columns named in `right` hold numbers.

    On a terminal cells lose their middle and then lines their end until they fit, elsewhere nothing is cut. Without rows
    only `empty` is said, on stderr.
    """
    cells = [[safe(str(cell)) for cell in row] for row in rows]
    if not cells:
        if empty:
            from pedigree.cli.terminal import say

            say(empty)
        return
    widths = [max(len(header), *(columns(row[at]) for row in cells)) for at, header in enumerate(headers)]
    room = width() if is_terminal(sys.stdout) else 0
    numbers = [header in right for header in headers]
    if room:
        widths = _fitted(widths, numbers, room)
        cells = [[middle(cell, wide) for cell, wide in zip(row, widths, strict=True)] for row in cells]
        headers = [cut(header, wide) for header, wide in zip(headers, widths, strict=True)]
    print(paint(_line(headers, widths, numbers, room), "bold", sys.stdout))
    for row in cells:
        print(_line(row, widths, numbers, room))


def _fitted(widths: Sequence[int], numbers: Sequence[bool], room: int) -> list[int]:
    """The widths with the widest columns of text made narrower, down to LEAST, until the line fits or nothing can give."""
    fitted = list(widths)
    while sum(fitted) + len(GAP) * (len(fitted) - 1) > room:
        able = [at for at, wide in enumerate(fitted) if wide > LEAST and not numbers[at]]
        if not able:
            break
        fitted[max(able, key=lambda at: fitted[at])] -= 1
    return fitted


def _line(row: Sequence[str], widths: Sequence[int], numbers: Sequence[bool], room: int) -> str:
    parts = []
    for text, wide, number in zip(row, widths, numbers, strict=True):
        padding = " " * (wide - columns(text))
        parts.append(padding + text if number else text + padding)
    line = GAP.join(parts).rstrip()
    return cut(line, room) if room else line


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """Print `name  value` lines, aligned; None and empty values are left out, further lines are indented.

    On a terminal long values are broken between words.
    """
    shown = [(name, str(value)) for name, value in pairs if value is not None and value != ""]
    indent = max((len(name) for name, _ in shown), default=0) + 2
    for name, value in shown:
        first, *more = _broken(value, indent)
        print(paint(f"{name:<{indent}}", "dim", sys.stdout) + safe(first))
        for line in more:
            print(" " * indent + safe(line))


def _broken(value: str, indent: int) -> list[str]:
    lines = value.split("\n")
    if not is_terminal(sys.stdout):
        return lines
    from pedigree.cli.manual import wrap

    room = max(width() - indent, 20)
    return [part for line in lines for part in (wrap(line, room) if len(line) > room else [line])]


def columns(text: str) -> int:
    """Terminal columns that the text takes: 2 for wide East Asian characters, 0 for combining marks."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, room: int) -> str:
    """The text, ended by `…` where it is wider than the room."""
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[:-1]
    return text + "…"


def middle(text: str, room: int) -> str:
    """The text with its middle left out where it is too wide: a path says most at its beginning and its end."""
    if columns(text) <= room:
        return text
    head = cut(text, max(room // 2, 1))
    end = ""
    for character in reversed(text):
        if columns(head + character + end) > room:
            break
        end = character + end
    return head + end


def size(number: int) -> str:
    """Bytes for people, decimal units as disks are sold: 512 B, 24.1 MB."""
    if number < 1000:
        return f"{number} B"
    value = float(number)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} PB"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `7,349 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def when(moment: float | None) -> str:
    """The time as ISO-8601 in UTC, to the second; empty for None and 0."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) if moment else ""


def duration(seconds: float) -> str:
    """`0.3 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def short(identity: str | None) -> str:
    """The first digits of an id, enough to name it."""
    return (identity or "")[:SHORT]


def first_line(text: str) -> str:
    return text.partition("\n")[0]


def plain(value: Any) -> Any:
    """A value of the public API as JSON says it: dataclasses and named tuples become objects, paths text."""
    import os

    if hasattr(value, "to_json"):
        return value.to_json()
    if hasattr(type(value), "__dataclass_fields__"):
        from dataclasses import fields as data_fields  # 13 ms of CPU, and whoever made the value has paid them

        return {field.name: plain(getattr(value, field.name)) for field in data_fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def done(arguments: Any, sentence: str, value: Any) -> None:
    """Report a change: the value on stdout with --json, otherwise the sentence on stderr (unless --quiet)."""
    if arguments.json:
        json_value(value)
    elif not getattr(arguments, "quiet", False):
        from pedigree.cli.terminal import say

        say(sentence)
