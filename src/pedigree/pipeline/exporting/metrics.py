"""How good a result is: the numbers that a commit, or what was made from it, or what it was made from, wrote down.

Looked for are `metrics.json` and, as tables, CSV files whose name says `metric`, `result` or `evaluation`. The commit's own
come first, then those of the nearest commit made from it, then of the nearest that it was made from.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.exporting import gathering
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.gathering import Made, Provenance
    from pedigree.store import Store
    from pedigree.store.commits import Commit

_FILE = "metrics.json"
_TABLES = ("metric", "result", "evaluation")
_BYTES = 1 << 20
#: Numbers and rows beyond these are no summary any more.
MOST, ROWS = 60, 30
#: How far away an evaluation is looked for.
_FAR = 4


@dataclass(frozen=True, slots=True)
class Metric:
    """One number; `slice` is what it was measured on: a class, "" for all."""

    name: str
    value: int | float
    slice: str = ""

    @property
    def text(self) -> str:
        return str(self.value) if isinstance(self.value, int) else f"{self.value:.6g}"


@dataclass(frozen=True, slots=True)
class Table:
    path: str
    header: list[str]
    rows: list[list[str]]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one commit says. `where` is "itself", "made from it" or "it was made from"."""

    made: Made
    where: str
    metrics: tuple[Metric, ...]
    tables: tuple[Table, ...]

    @property
    def place(self) -> str:
        return self.made.name


def find(store: Store, provenance: Provenance) -> Evaluation | None:
    """The nearest evaluation; None where nothing near has metrics. Depends on what was made from the commit so far."""
    for made, where in _candidates(store, provenance):
        metrics = tuple(_metrics(store, made))
        tables = tuple(_tables(store, made))
        if metrics or tables:
            return Evaluation(made, where, metrics, tables)
    return None


def _candidates(store: Store, provenance: Provenance) -> Iterator[tuple[Made, str]]:
    yield provenance.made, "itself"
    seen = {provenance.made.id}
    level = [provenance.made.commit]
    for _ in range(_FAR):
        following: dict[str, Commit] = {}
        for commit in level:
            following |= {one.id: one for one in store.outputs(commit.id) if one.id not in seen and not one.error}
        # Of several equally near the newest: the last evaluation counts.
        level = sorted(following.values(), key=lambda one: (-(one.finished or 0), one.id))
        seen |= set(following)
        for commit in level:
            yield gathering.look_up(store, commit), "made from it"
    for made in reversed(provenance.upstream):
        yield made, "it was made from"


def _metrics(store: Store, made: Made) -> Iterator[Metric]:
    path = next(iter(_named(store, made, lambda name: name == _FILE)), None)
    text = None if path is None else gathering.text_of(store, made, path, _BYTES)
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return
    found = list(_numbers(value, "", ())) if isinstance(value, Mapping) else []
    yield from found[:MOST]


def _numbers(value: Any, name: str, below: tuple[str, ...]) -> Iterator[Metric]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, name or str(key), below if not name else (*below, str(key)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0:  # finite
        yield Metric(name, value, ".".join(below))


def _tables(store: Store, made: Made) -> Iterator[Table]:
    def fits(name: str) -> bool:
        return name.endswith(".csv") and any(word in name.lower() for word in _TABLES)

    for path in _named(store, made, fits)[:3]:
        text = gathering.text_of(store, made, path, _BYTES)
        header, *rows = list(csv.reader((text or "").splitlines())) or [[]]
        rows = [row for row in rows if len(row) == len(header)]
        if header and rows:
            yield Table(path, header, rows[:ROWS], max(0, len(rows) - ROWS))


def _named(store: Store, made: Made, fits: Any) -> list[str]:
    """Paths of the commit whose last part fits, the least deep first."""
    if made.files > 20_000:
        return []  # images, not an evaluation
    found = [path for path, _ in trees.scan(made.commit.tree, store.objects.read) if fits(path.rpartition("/")[2])]
    return sorted(found, key=lambda path: (path.count("/"), path))
