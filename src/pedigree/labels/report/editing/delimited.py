"""Labels in CSV and TSV: cells are replaced and records taken out by their place in the bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pedigree.errors import InvalidInput
from pedigree.labels.report.editing.table import Edits

_BOM = b"\xef\xbb\xbf"
#: What stands between quotes. Possessive, for the pattern never has to go back: what it noted to do so took 130 bytes a letter.
_QUOTED = rb'[^"]*+(?:""[^"]*+)*+'


class Delimited:
    """Quoting, line ends, order, other columns, a byte order mark and a missing last line end stay as they are."""

    def __init__(self, data: bytes, delimiter: str, label_column: str, id_column: str | None) -> None:
        self._data = data
        comma = delimiter.encode()
        # A cell that begins with a quote ends at the next single one; what follows up to the delimiter belongs to it.
        self._cell = re.compile(
            rb'("' + _QUOTED + rb'"?[^' + comma + rb"\r\n]*|[^" + comma + rb"\r\n]*)(" + comma + rb"|\r\n|\n|\r|\Z)"
        )
        self._special = re.compile(rb'["\r\n' + comma + rb"]|\A[ \t]|[ \t]\Z")
        records = self._records(len(_BOM) if data.startswith(_BOM) else 0)
        header = [self._text(start, end) for start, end in next(records, (0, 0, []))[2]]
        for name in filter(None, (label_column, id_column)):
            if name not in header:
                raise InvalidInput(f"The table has no column {name!r} (any more).", remedy="Find the labels anew.")
            if header.count(name) > 1:
                raise InvalidInput(f"The table has more than one column {name!r}.", remedy="Rename the others.")
        label, identity = header.index(label_column), None if id_column is None else header.index(id_column)
        #: Id, where the record begins and ends, where its label does.
        self._rows: list[tuple[str, int, int, int, int]] = []
        for start, end, cells in records:
            if len(cells) != len(header):
                raise InvalidInput(
                    f"Row {len(self._rows)} has {len(cells)} cells, the header {len(header)}.", remedy="Mend the table."
                )
            name = str(len(self._rows)) if identity is None else self._text(*cells[identity])
            self._rows.append((name, start, end, *cells[label]))

    @property
    def ids(self) -> list[str]:
        return [name for name, *_ in self._rows]

    def labels(self) -> dict[str, str]:
        return {name: self._text(start, end) for name, _, _, start, end in self._rows}

    def rewritten(self, edits: Edits) -> bytes:
        parts, at = [], 0
        for name, start, end, cell, cell_end in self._rows:
            if name not in edits:
                continue
            label = edits[name]
            if label is None:
                parts.append(self._data[at:start])
                at = end
            else:
                parts += [self._data[at:cell], self._quoted(label, self._data[cell:cell_end])]
                at = cell_end
        return b"".join([*parts, self._data[at:]])

    def _records(self, at: int) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        """Where each record begins and ends, its line end included, and where its cells do. Empty lines are none."""
        start = at
        cells: list[tuple[int, int]] = []
        while at < len(self._data) or cells:
            found = self._cell.match(self._data, at)
            assert found is not None  # the pattern takes the empty text at the end
            cells.append(found.span(1))
            at = found.end()
            if found[2] in {b"\n", b"\r\n", b"\r", b""}:
                if len(cells) > 1 or found[1]:
                    yield start, at, cells
                start, cells = at, []

    def _text(self, start: int, end: int) -> str:
        cell = self._data[start:end]
        if cell.startswith(b'"'):
            closing = re.match(rb'"(' + _QUOTED + rb')"?(.*)\Z', cell, re.DOTALL)
            assert closing is not None  # whatever begins with a quote matches
            cell = closing[1].replace(b'""', b'"') + closing[2]
        return cell.decode("utf-8", "replace")

    def _quoted(self, label: str, before: bytes) -> bytes:
        """The label as a cell, in quotes where the cell was or where it needs them."""
        text = label.encode()
        if before.startswith(b'"') or self._special.search(text) or not text:
            return b'"' + text.replace(b'"', b'""') + b'"'
        return text
