"""JSON documents and JSON lines: the path of the first value that differs, numbers with their distance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import IO, Any

from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Source, Unreadable
from pedigree.training.comparing.ulps import ulp_distance

#: A document is held in memory as Python objects, ten times its size and more. Larger ones are compared as text.
LARGEST_BYTES = 64 << 20
_SHOWN = 50
_ABSENT = object()


def compare_json(a: Source, b: Source) -> Comparison:
    """Two documents by their values. Order of keys and white space make files unlike, and documents not."""
    left, right = _load(a), _load(b)
    try:
        apart = list(_walk(left, right, ()))
    except RecursionError:
        raise Unreadable("a JSON document nested too deeply") from None
    return _told("json", a, b, apart)


def compare_json_lines(a: Source, b: Source) -> Comparison:
    """Two logs of one JSON value a line, line by line; an `epoch` and a `step` of the first line that differs are told."""
    apart: list[dict[str, Any]] = []
    more = 0
    with a.buffered() as one, b.buffered() as other:
        for number, (left, right) in enumerate(zip_longest(_lines(one), _lines(other), fillvalue=None), 1):
            if left == right:
                continue
            if left is None or right is None:
                side = "b" if left is None else "a"
                apart.append({"line": number, "path": "", "only_in": side})
                break
            values = _parse(left, number), _parse(right, number)
            moment = {
                key: values[0][key] for key in ("epoch", "step") if isinstance(values[0], dict) and key in values[0]
            }
            for found in _walk(*values, ()):
                if len(apart) < _SHOWN:
                    apart.append({"line": number, **moment, **found})
                else:
                    more += 1
    return _told("json lines", a, b, apart, more)


def _load(source: Source) -> Any:
    if source.size > LARGEST_BYTES:
        raise Unreadable(f"a JSON document of {source.size:,} bytes is too large to be held")
    with source.open() as file:
        data = file.read()
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from error


def _parse(line: bytes, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"line {number} is not JSON: {error}") from error


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LARGEST_BYTES):
        yield line.rstrip(b"\r\n")


def _walk(a: Any, b: Any, path: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    """Every place where two values differ, in the first one's order."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            if key not in a or key not in b:
                yield {"path": pointer((*path, key)), "only_in": "a" if key in a else "b"}
            else:
                yield from _walk(a[key], b[key], (*path, key))
    elif isinstance(a, list) and isinstance(b, list):
        for place, (one, other) in enumerate(zip_longest(a, b, fillvalue=_ABSENT)):
            if one is _ABSENT or other is _ABSENT:
                yield {"path": pointer((*path, place)), "only_in": "b" if one is _ABSENT else "a"}
            else:
                yield from _walk(one, other, (*path, place))
    elif type(a) is not type(b) or repr(a) != repr(b):
        # By repr: NaN is then like itself, and -0.0 is unlike 0.0.
        found: dict[str, Any] = {"path": pointer(path), "a": a, "b": b}
        if isinstance(a, float) and isinstance(b, float):
            found["ulps"] = ulp_distance(a, b)
        yield found


def pointer(path: tuple[str | int, ...]) -> str:
    """The place as it would be written in code: `epochs[3].loss`, `["odd key"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text or "."


def _told(kind: str, a: Source, b: Source, apart: list[dict[str, Any]], more: int = 0) -> Comparison:
    if not apart:
        summary = "the same values; white space, order of keys or spelling of numbers differ"
        return Comparison(kind, a.name, b.name, False, summary, equivalent=True)
    first, number = apart[0], len(apart) + more
    steps = [one["ulps"] for one in apart if one.get("ulps") is not None]
    facts: dict[str, Any] = {"values_apart": number, "max_ulps": max(steps, default=None), "apart": apart[:_SHOWN]}
    summary = f"{count(number, 'value')} differ{'s' if number == 1 else ''}"
    if len(steps) == number:
        facts["equal_up_to_ulps"] = max(steps)
        summary += f", equal up to {count(max(steps), 'ULP')}"
    lines = tuple(_line(one) for one in apart[:10])
    return Comparison(
        kind, a.name, b.name, False, f"{summary}; first {lines[0]}", first=first, facts=facts, excerpt=lines[1:]
    )


def _line(one: dict[str, Any]) -> str:
    where = "".join(f"{key} {one[key]}, " for key in ("line", "epoch", "step") if key in one) + one["path"]
    if "only_in" in one:
        return f"{where}: only in {one['only_in']}"
    far = f" ({count(one['ulps'], 'ULP')})" if one.get("ulps") is not None else ""
    return f"{where}: {_short(one['a'])} and {_short(one['b'])}{far}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
