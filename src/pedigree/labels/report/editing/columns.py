"""Labels in Parquet: the file is written again, with every other value, the schema and the sizes of row groups as they were."""

from __future__ import annotations

import io
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
        self._column = label_column
        self._label = [files.as_text(value) for value in self._table.column(label_column).to_pylist()]
        count = len(self._label)
        self._ids = (
            [str(row) for row in range(count)]
            if id_column is None
            else [files.as_text(value) for value in self._table.column(id_column).to_pylist()]
        )

    def labels(self) -> dict[str, str]:
        return dict(zip(self._ids, self._label, strict=True))

    def rewritten(self, edits: Edits) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet

        table, place = self._table, self._table.column_names.index(self._column)
        field = table.schema.field(place)
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        values: list[Any] = table.column(place).to_pylist()
        for row, name in enumerate(self._ids):
            label = edits.get(name)
            if label is not None:
                values[row] = (
                    label if pa.types.is_string(kind) or pa.types.is_large_string(kind) else _cast(label, kind)
                )
        column = pa.chunked_array([pa.array(values, kind)])
        if pa.types.is_dictionary(field.type):
            column = column.dictionary_encode().cast(field.type)
        table = table.set_column(place, field, column)
        table = table.filter(pa.array([name not in edits or edits[name] is not None for name in self._ids], pa.bool_()))
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


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name


def _cast(label: str, kind: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.scalar(label).cast(kind).as_py()
    except pa.ArrowInvalid as error:
        raise InvalidInput(
            f"The label {label!r} is no {kind}, which the column holds.", remedy="Decide for a label of that kind."
        ) from error
