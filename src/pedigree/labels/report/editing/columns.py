"""Labels in Parquet: the file is written again, with every other value, the schema and the sizes of row groups as they were."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from pedigree.errors import InvalidInput
from pedigree.labels.report import files
from pedigree.labels.report.editing.table import Edits


class Columns:
    """Parquet packs a column's values together, so that bytes cannot stay; values, types and metadata do."""

    def __init__(self, data: bytes, label_column: str, id_column: str | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        try:
            self._file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
            self._table = self._file.read()
        except pa.ArrowInvalid as error:
            raise InvalidInput(f"The table is no Parquet: {error}.", remedy="Mend it.") from error
        for name in filter(None, (label_column, id_column)):
            if name not in self._table.column_names:
                raise InvalidInput(f"The table has no column {name!r} (any more).", remedy="Find the labels anew.")
            if self._table.column_names.count(name) > 1:
                raise InvalidInput(f"The table has more than one column {name!r}.", remedy="Rename the others.")
        self._column = label_column
        self._label = [files.as_text(value) for value in self._table.column(label_column).to_pylist()]
        count = len(self._label)
        self.ids = (
            [str(row) for row in range(count)]
            if id_column is None
            else [files.as_text(value) for value in self._table.column(id_column).to_pylist()]
        )

    def labels(self) -> dict[str, str]:
        return dict(zip(self.ids, self._label, strict=True))

    def rewritten(self, edits: Edits) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet

        table, place = self._table, self._table.column_names.index(self._column)
        field = table.schema.field(place)
        new = {row: edits[name] for row, name in enumerate(self.ids) if edits.get(name) is not None}
        categories = pa.types.is_dictionary(field.type)
        change = _with_categories if categories else _with_values
        table = table.set_column(place, field, change(table.column(place), new))
        table = table.filter(pa.array([name not in edits or edits[name] is not None for name in self.ids], pa.bool_()))
        metadata, buffer = self._file.metadata, io.BytesIO()
        groups = metadata.num_row_groups
        pyarrow.parquet.write_table(
            table,
            buffer,
            row_group_size=max(metadata.row_group(0).num_rows, 1) if groups else None,
            compression={
                metadata.row_group(0).column(at).path_in_schema: _codec(metadata.row_group(0).column(at).compression)
                for at in range(metadata.num_columns)
            }
            if groups
            else "snappy",
        )
        return buffer.getvalue()


def _with_values(column: Any, new: Mapping[int, Any]) -> Any:
    """The column with other values in some rows."""
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    for row, label in new.items():
        values[row] = _cast(label, column.type)
    return pa.chunked_array([pa.array(values, column.type)])


def _with_categories(column: Any, new: Mapping[int, Any]) -> Any:
    """The column with other categories in some rows: those it has keep their order and stay where none is used, new ones follow."""
    import pyarrow as pa

    kind = column.type
    old = column.unify_dictionaries().combine_chunks()
    names: list[Any] = old.dictionary.to_pylist()
    place = {name: at for at, name in enumerate(names)}
    numbers: list[Any] = old.indices.to_pylist()
    for row, label in new.items():
        value = _cast(label, kind.value_type)
        if value not in place:
            place[value] = len(names)
            names.append(value)
        numbers[row] = place[value]
    try:
        indices = pa.array(numbers, kind.index_type)
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"The column has room for {kind.index_type} categories, and {len(names)} are too many.",
            remedy="Widen its type.",
        ) from error
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, kind.value_type), ordered=kind.ordered)


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name


def _cast(label: str, kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return label
    try:
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
            return pa.array([label.encode()], kind)[0].as_py()
        return pa.scalar(label).cast(kind).as_py()
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"The label {label!r} is no {kind}, which the column holds.", remedy="Decide for a label of that kind."
        ) from error
