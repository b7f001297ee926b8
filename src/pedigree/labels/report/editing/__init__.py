"""Tables of labels that are changed where they must be: everything else stays as it was, in text formats byte for byte."""

from __future__ import annotations

from pedigree.errors import InvalidInput
from pedigree.labels.report.editing.table import Table as Table


def opened(data: bytes, name: str, label_column: str | None, id_column: str | None) -> Table:
    """The table in a file's bytes; its kind is told by the ending of its name.

    Raises InvalidInput for another kind, and for an id that is empty or there twice: an edit would not say which row it means.
    """
    from pedigree.labels.report import files
    from pedigree.labels.report.samples import check_ids

    table = _read(data, name, label_column, id_column)
    if id_column is not None:
        check_ids(
            files.objects(table.ids), f"column {id_column!r} of {name}", remedy="Give each sample an id of its own."
        )
    return table


def _read(data: bytes, name: str, label_column: str | None, id_column: str | None) -> Table:
    import os

    from pedigree.labels.report import files
    from pedigree.labels.report.editing import arrays, columns, delimited, jsonlines

    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".npy":
        return arrays.Array(data)
    kind = files.SUFFIXES.get(suffix)
    if label_column is None:
        raise InvalidInput("The decisions do not say which column holds the label.", remedy="Save them again.")
    if kind == "csv":
        return delimited.Delimited(data, "\t" if suffix == ".tsv" else ",", label_column, id_column)
    if kind == "jsonl":
        return jsonlines.JsonLines(data, label_column, id_column)
    if kind == "parquet":
        return columns.Columns(data, label_column, id_column)
    raise InvalidInput(
        f"{name} is of no kind that labels are changed in ({suffix or 'no ending'}).",
        remedy=f"Give {', '.join(files.SUFFIXES)} or .npy.",
    )
