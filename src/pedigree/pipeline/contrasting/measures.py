"""The numbers of two commits: single ones in JSON and CSV files, and histories, which are columns over steps or epochs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.contrasting.contrast import Curve, Number
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit
    from pedigree.store.trees import Entry

#: Larger files are data, not measures. A table of more rows is told by the means of its columns.
LARGEST_BYTES, ROWS = 8 << 20, 40
#: A list of more numbers than this is a curve; of fewer, numbers.
SHORT = 3
#: Columns over which the others are drawn, the first that a file has.
OVER = ("step", "global_step", "epoch", "iteration", "trial", "number")
_ENDINGS = (".json", ".csv", ".tsv")

Points = tuple[tuple[float, float], ...]


def between(store: Store, pairs: Sequence[tuple[Commit, Commit]], path: str) -> tuple[list[Number], int, list[Curve]]:
    """Numbers that differ, how many are the same, and curves that differ. Numbers are those of the first pair, the result;

    curves also those of the pairs upstream. `path` is what matters of the first.
    """
    numbers: list[Number] = []
    same = 0
    curves: list[Curve] = []
    for at, (old, new) in enumerate(pairs):
        for file, was, now in _files(store, old, new, "" if at else path):
            before, after = (_read(store, file, entry) for entry in (was, now))
            if at == 0:
                for name in dict.fromkeys([*before[0], *after[0]]):
                    one, other = before[0].get(name), after[0].get(name)
                    if one == other:
                        same += 1
                    else:
                        numbers.append(Number(new.repo, file, name, one, other))
            for name in dict.fromkeys([*before[1], *after[1]]):
                over, one_points = before[1].get(name, ("", ()))
                other_over, other_points = after[1].get(name, (over, ()))
                if one_points != other_points:
                    parted = _parts_at(one_points, other_points)
                    curves.append(Curve(new.repo, file, name, other_over or over, one_points, other_points, parted))
    return numbers, same, curves


def _files(store: Store, old: Commit, new: Commit, path: str) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Files of numbers on either side, shallow ones first."""
    sides = [
        {
            name: entry
            for name, entry in trees.scan(commit.tree, store.objects.read, path)
            if name.endswith(_ENDINGS) and entry.size <= LARGEST_BYTES
        }
        for commit in (old, new)
    ]
    for name in sorted({*sides[0], *sides[1]}, key=lambda name: (name.count("/"), name)):
        was, now = sides[0].get(name), sides[1].get(name)
        yield name, was, now


def _read(store: Store, file: str, entry: Entry | None) -> tuple[dict[str, float], dict[str, tuple[str, Points]]]:
    """Numbers by name, and curves by name with what they are drawn over; nothing of what does not parse."""
    if entry is None or entry.kind == "l":
        return {}, {}
    try:
        text = store.objects.read(entry.digest).decode("utf-8-sig")
        if file.endswith(".json"):
            return _json(json.loads(text))
        return _table(text, "\t" if file.endswith(".tsv") else ",")
    except (ValueError, RecursionError, csv.Error):
        return {}, {}


def _json(value: Any) -> tuple[dict[str, float], dict[str, tuple[str, Points]]]:
    numbers: dict[str, float] = {}
    curves: dict[str, tuple[str, Points]] = {}

    def visit(place: str, item: Any) -> None:
        if isinstance(item, dict):
            for key, inner in item.items():
                visit(f"{place}.{key}" if place else str(key), inner)
        elif isinstance(item, list):
            plain = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in item)
            if plain and len(item) > SHORT:
                curves[place] = "place in the list", tuple((float(at), float(one)) for at, one in enumerate(item))
            else:
                for at, inner in enumerate(item):
                    visit(f"{place}[{at}]", inner)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            numbers[place or "the number"] = float(item)

    visit("", value)
    return numbers, curves


def _table(text: str, delimiter: str) -> tuple[dict[str, float], dict[str, tuple[str, Points]]]:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    if len(rows) < 2:
        return {}, {}
    header, body = rows[0], [row for row in rows[1:] if row]
    columns = {name: [_number(row[at]) if at < len(row) else None for row in body] for at, name in enumerate(header)}
    over = next((name for name in OVER if name in columns and _rises(columns[name])), None)
    if over is not None:
        return {}, {
            name: (
                over,
                tuple((x, y) for x, y in zip(columns[over], column, strict=True) if x is not None and y is not None),
            )
            for name, column in columns.items()
            if name != over and any(value is not None for value in column)
        }
    numeric = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    if len(body) <= ROWS:
        label = next((at for at, name in enumerate(header) if name not in numeric), None)
        names = [
            row[label] if label is not None and label < len(row) else f"row {at}" for at, row in enumerate(body, 1)
        ]
        if len(set(names)) < len(names):
            names = [f"row {at}" for at in range(1, len(body) + 1)]
        return {
            f"{row} {name}": value
            for at, row in enumerate(names)
            for name, column in numeric.items()
            if (value := column[at]) is not None
        }, {}
    means = {}
    for name, column in numeric.items():
        values = [value for value in column if value is not None]
        means[f"mean of {name} ({len(values):,} rows)"] = math.fsum(values) / len(values)
    return means, {}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _rises(column: Sequence[float | None]) -> bool:
    values = [value for value in column if value is not None]
    return len(values) == len(column) and all(a < b for a, b in pairwise(values))


def _parts_at(old: Points, new: Points) -> float | None:
    for one, other in zip(old, new, strict=False):
        if one != other:
            return min(one[0], other[0])
    longer = max(old, new, key=len)
    at = min(len(old), len(new))
    return longer[at][0] if at < len(longer) else None
