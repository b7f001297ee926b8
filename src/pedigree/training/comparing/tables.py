"""Tables: CSV by row and column, Parquet by column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import IO, Any

from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Source, Unreadable
from pedigree.training.comparing.ulps import ulp_distance

#: Columns by which a row of a training log is known.
MOMENTS = ("epoch", "step", "global_step")


class Columns:
    """What differs, per column: how many cells, the largest distance, and the first cell of all."""

    def __init__(self) -> None:
        self.cells: dict[str, int] = {}
        self.ulps: dict[str, int] = {}
        self.first: dict[str, Any] | None = None
        self.unmeasured = 0

    def add(self, row: int, column: str, a: Any, b: Any, moment: dict[str, Any]) -> None:
        self.cells[column] = self.cells.get(column, 0) + 1
        steps = _distance(a, b)
        if steps is None:
            self.unmeasured += 1
        else:
            self.ulps[column] = max(self.ulps.get(column, 0), steps)
        if self.first is None:
            self.first = {"row": row, **moment, "column": column, "a": a, "b": b}
            if steps is not None:
                self.first["ulps"] = steps

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = {"cells_apart": sum(self.cells.values()), "columns_apart": dict(self.cells)}
        if self.ulps:
            found["max_ulps"] = dict(self.ulps)
        if self.cells and not self.unmeasured:
            found["equal_up_to_ulps"] = max(self.ulps.values())
        return found

    def text(self) -> str:
        """`2 cells differ, equal up to 1 ULP; first row 3 (epoch 2), column 'loss': 0.5 and 0.25`."""
        assert self.first is not None
        one, facts = self.first, self.facts()
        number = facts["cells_apart"]
        far = f", equal up to {count(facts['equal_up_to_ulps'], 'ULP')}" if "equal_up_to_ulps" in facts else ""
        moment = ", ".join(f"{key} {one[key]}" for key in MOMENTS if key in one)
        where = f"row {one['row']:,}{f' ({moment})' if moment else ''}, column {one['column']!r}"
        steps = f" ({count(one['ulps'], 'ULP')})" if "ulps" in one else ""
        verb = "differs" if number == 1 else "differ"
        return f"{count(number, 'cell')} {verb}{far}; first {where}: {_short(one['a'])} and {_short(one['b'])}{steps}"


def compare_csv(a: Source, b: Source, *, delimiter: str = ",") -> Comparison:
    """Two files of rows; row 1 is the first below the header. Cells are compared as text, and measured where both are numbers.

    One row of each is in memory at a time. The first row is the header.
    """
    found, notes, widths = Columns(), [], 0
    facts: dict[str, Any] = {}
    rows = {"a": 0, "b": 0}
    with _rows(a, delimiter) as left, _rows(b, delimiter) as right:
        header, other = next(left, []), next(right, [])
        if header != other:
            facts["headers"] = [header, other]
            return _headers(a, b, header, other, facts)
        for number, (one, two) in enumerate(zip_longest(left, right), 1):
            rows["a"] += one is not None
            rows["b"] += two is not None
            if one is None or two is None or one == two:
                continue
            moment = {name: cell for name, cell in zip(header, one, strict=False) if name in MOMENTS}
            for place, (x, y) in enumerate(zip_longest(one, two)):
                if x != y:
                    name = header[place] if place < len(header) else f"#{place + 1}"
                    found.add(number, name, x, y, moment)
            widths += len(one) != len(two)
    facts = {"rows": [rows["a"], rows["b"]], **found.facts()}
    if widths:
        notes.append(f"{count(widths, 'row')} with another number of cells")
    return _finished("table", a, b, found, facts, tuple(notes), "line ends, quotes or encoding differ")


def compare_parquet(a: Source, b: Source) -> Comparison:
    """Two Parquet files column by column, a batch of rows at a time. Needs pyarrow; raises Unreadable without it.

    Values are compared as pyarrow gives them; floats by their bits.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise Unreadable(
            "Parquet is read with pyarrow, which is not installed: pip install 'pedigree-ml[training]'"
        ) from None
    found = Columns()
    with a.open() as one, b.open() as other:
        try:
            left, right = parquet.ParquetFile(one), parquet.ParquetFile(other)
            schemas = left.schema_arrow, right.schema_arrow
            names = [[f"{field.name}: {field.type}" for field in schema] for schema in schemas]
            if names[0] != names[1]:
                return _headers(a, b, names[0], names[1], {"headers": names})
            facts: dict[str, Any] = {"rows": [left.metadata.num_rows, right.metadata.num_rows]}
            done = 0
            for x, y in zip(_batches(left), _batches(right), strict=False):
                length = min(x.num_rows, y.num_rows)
                _batch(found, x.slice(0, length), y.slice(0, length), done)
                done += length
        except (pa.ArrowException, OSError) as error:
            raise Unreadable(f"not Parquet that pyarrow reads: {error}") from error
    facts |= found.facts()
    notes = () if schemas[0].equals(schemas[1], check_metadata=True) else ("metadata of the schema differ",)
    return _finished("table", a, b, found, facts, notes, "compression, pages or metadata differ")


def _batch(found: Columns, a: Any, b: Any, done: int) -> None:
    moments = {name: a.column(name) for name in a.schema.names if name in MOMENTS}
    differing: list[tuple[int, int]] = []
    values: dict[int, tuple[list[Any], list[Any]]] = {}
    for place in range(a.num_columns):
        x, y = a.column(place), b.column(place)
        if _same_column(x, y):
            continue
        one, two = x.to_pylist(), y.to_pylist()
        values[place] = one, two
        # By repr, for which a NaN is like itself and -0.0 is unlike 0.0, within lists too.
        pairs = enumerate(zip(one, two, strict=True))
        differing += [(row, place) for row, pair in pairs if pair[0] is not pair[1] and repr(pair[0]) != repr(pair[1])]
    for row, place in sorted(differing):
        moment = {name: column[row].as_py() for name, column in moments.items()}
        one, two = values[place]
        found.add(done + row + 1, a.schema.names[place], _json(one[row]), _json(two[row]), moment)


def _batches(file: Any) -> Iterator[Any]:
    """Batches of 65,536 rows, whatever the row groups of the file, so that two files' batches lie side by side."""
    import pyarrow as pa

    kept: list[Any] = []
    size = 1 << 16
    for batch in file.iter_batches(batch_size=size):
        kept.append(batch)
        while sum(one.num_rows for one in kept) >= size:
            table = pa.Table.from_batches(kept).combine_chunks()
            yield table.slice(0, size)
            kept = table.slice(size).to_batches()
    if kept:
        yield pa.Table.from_batches(kept).combine_chunks()


def _same_column(a: Any, b: Any) -> bool:
    """Whether two columns are the same bit for bit. False only sends them the slow way, value by value."""
    import pyarrow as pa

    if pa.types.is_floating(a.type):
        # pyarrow's own answer takes -0.0 for 0.0 and no NaN for itself.
        bits = [side.fill_null(0).to_numpy().view(f"u{a.type.bit_width // 8}") for side in (a, b)]
        return bool(a.is_null().equals(b.is_null()) and (bits[0] == bits[1]).all())
    nested = any(word in str(a.type) for word in ("float", "double"))
    return not nested and bool(a.equals(b))


def _headers(a: Source, b: Source, left: list[str], right: list[str], facts: dict[str, Any]) -> Comparison:
    place = next((at for at, pair in enumerate(zip_longest(left, right)) if pair[0] != pair[1]), 0)
    names = [side[place] if place < len(side) else None for side in (left, right)]
    first = {"row": 0, "column": place, "a": names[0], "b": names[1]}
    summary = f"other columns: column {place + 1} is {names[0]!r} and {names[1]!r}; rows not compared"
    return Comparison("table", a.name, b.name, False, summary, first=first, facts=facts)


def _finished(
    kind: str, a: Source, b: Source, found: Columns, facts: dict[str, Any], notes: tuple[str, ...], same: str
) -> Comparison:
    left, right = facts["rows"]
    words = [] if left == right else [f"{count(left, 'row')} and {right:,}"]
    first = found.first
    if first is None and left != right:
        first = {"row": min(left, right) + 1, "only_in": "a" if left > right else "b"}
    if found.cells:
        words.append(found.text())
    elif left != right:
        words.append("the rows of the shorter are the same")
        facts.pop("equal_up_to_ulps", None)
    if words:
        return Comparison(kind, a.name, b.name, False, "; ".join(words), first=first, facts=facts, notes=notes)
    summary = f"the same {count(left, 'row')}, cell by cell; {same}"
    return Comparison(kind, a.name, b.name, False, summary, equivalent=not notes, facts=facts, notes=notes)


class _Reader(Iterator[list[str]]):
    def __init__(self, file: IO[bytes], delimiter: str) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._rows = csv.reader(self._text, delimiter=delimiter, strict=True)

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def __next__(self) -> list[str]:
        try:
            return next(self._rows)
        except (csv.Error, UnicodeDecodeError) as error:
            raise Unreadable(f"not CSV in UTF-8 near line {self._rows.line_num}: {error}") from error


def _rows(source: Source, delimiter: str) -> _Reader:
    return _Reader(source.buffered(), delimiter)


def _distance(a: Any, b: Any) -> int | None:
    if a is None or b is None or isinstance(a, bool) or isinstance(b, bool):
        return None
    try:
        return ulp_distance(float(a), float(b))
    except (TypeError, ValueError, OverflowError):
        return None


def _json(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
