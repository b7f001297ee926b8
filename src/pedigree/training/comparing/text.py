"""Text: the first line that differs, with the lines around it as a unified excerpt."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterator
from typing import IO

from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Source

_BEFORE, _AFTER = 3, 12
_LINE_BYTES = 1 << 16
_SHOWN = 160


def compare_text(a: Source, b: Source) -> Comparison:
    """Two texts, read a line at a time. Lines are compared as bytes, and shown as UTF-8 with escapes for what is none."""
    with a.buffered() as one, b.buffered() as other:
        left, right = _lines(one), _lines(other)
        number, before = 0, deque[bytes](maxlen=_BEFORE)
        while True:
            number += 1
            x, y = next(left, None), next(right, None)
            if x != y or x is None:
                break
            before.append(x)
        if x is None and y is None:
            summary = "the same lines; only a byte-order mark differs"
            return Comparison("text", a.name, b.name, False, summary, equivalent=True)
        windows = [[line, *_some(rest)] if line is not None else [] for line, rest in ((x, left), (y, right))]
    shown = [None if line is None else _shown(line) for line in (x, y)]
    where = f"first at line {number:,}"
    if x is None or y is None:
        where += f", which only {'a' if y is None else 'b'} has: {shown[0] or shown[1] or ''!r}"
    elif x.rstrip(b"\r\n") == y.rstrip(b"\r\n"):
        where += f", in its end: {_end(x)} and {_end(y)}"
    old, new = ([_shown(line) for line in (*before, *window)] for window in windows)
    diff = difflib.unified_diff(old, new, n=_BEFORE, lineterm="")
    excerpt = [line for line in diff if not line.startswith(("---", "+++", "@@"))][: _BEFORE + _AFTER]
    first = {"line": number, "a": shown[0], "b": shown[1]}
    facts = {"sizes_bytes": [a.size, b.size]}
    lines = (f"@@ line {number - len(before):,} @@", *excerpt) if excerpt else ()
    return Comparison(
        "text", a.name, b.name, False, f"the texts differ, {where}", first=first, facts=facts, excerpt=lines
    )


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines with their ends; one longer than 64 KiB comes in pieces, so that a file of one line is not held whole."""
    first = True
    while line := file.readline(_LINE_BYTES):
        if first:
            line, first = line.removeprefix(b"\xef\xbb\xbf"), False
        yield line


def _some(rest: Iterator[bytes]) -> list[bytes]:
    return [line for _, line in zip(range(_AFTER), rest, strict=False)]


def _end(line: bytes) -> str:
    return {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}.get(line[len(line.rstrip(b"\r\n")) :], "none")


def _shown(line: bytes) -> str:
    text = line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({count(len(text), 'character')})"
