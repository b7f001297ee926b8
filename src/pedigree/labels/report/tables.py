"""The table of all samples, as Parquet and as CSV, written in pieces so that a million rows need the memory of one piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pedigree.labels.report.review import Review

#: Rows that are made and written at once.
PIECE = 65536
TEXTS = ("id", "given", "suggested", "evidence")
#: A text that a spreadsheet would take for a formula gets this in front, in the CSV file.
QUOTE = "'"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

#: Told how many rows are written, of how many.
Progress = Callable[[int, int], None]


def write(review: Review, folder: str, progress: Progress | None = None) -> list[str]:
    """Write `issues.parquet` and `issues.csv` into the folder; their names. The same review gives the same bytes.

    One row per sample, the worst first: rank (from 1), index, id, given, suggested, is_issue (by the chosen filter), is_issue_* of
    every filter, score_* of every rank, p_given, p_suggested and the evidence in words. In the CSV file a text that a
    spreadsheet would run as a formula has a `'` in front; Parquet holds it as it is.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    names = ["issues.parquet", "issues.csv"]
    parquet, text = (os.path.join(folder, name) for name in names)
    schema = _schema(review)
    with (
        pyarrow.parquet.ParquetWriter(parquet, schema, compression="zstd") as columns,
        pyarrow.csv.CSVWriter(text, schema) as lines,
    ):
        for piece in pieces(review, progress):
            table = pa.table(piece, schema=schema)
            columns.write_table(table)
            lines.write_table(pa.table(_harmless(piece), schema=schema))
    return names


def pieces(review: Review, progress: Progress | None = None) -> Iterator[dict[str, Any]]:
    """The table's columns, so many rows at a time."""
    count = len(review.order)
    data, names = (
        review.analysis.data,
        np.array([*review.names, ""], object),
    )  # a label of -1 is the last, which is empty
    for start in range(0, max(count, 1), PIECE):
        rows = review.order[start : start + PIECE]
        suggested = review.suggested[rows]
        yield {
            "rank": np.arange(start + 1, start + 1 + len(rows)),
            "index": rows,
            "id": [review.samples.identity(row) for row in rows.tolist()],
            "given": names[data.labels[rows]],
            "suggested": names[suggested],
            "is_issue": review.flagged[rows],
            **{f"is_issue_{name}": flags[rows] for name, flags in review.issues.items()},
            **{f"score_{name}": values[rows] for name, values in review.scores.items()},
            "p_given": review.probability(rows, data.labels[rows]),
            "p_suggested": review.probability(rows, suggested),
            "evidence": [review.evidence(row) for row in rows.tolist()],
        }
        if progress is not None:
            progress(min(start + PIECE, count), count)


def _schema(review: Review) -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("rank", pa.int64()),
            ("index", pa.int64()),
            ("id", pa.string()),
            ("given", pa.string()),
            ("suggested", pa.string()),
            ("is_issue", pa.bool_()),
            *((f"is_issue_{name}", pa.bool_()) for name in review.issues),
            *((f"score_{name}", pa.float64()) for name in review.scores),
            ("p_given", pa.float64()),
            ("p_suggested", pa.float64()),
            ("evidence", pa.string()),
        ]
    )


def _harmless(piece: dict[str, Any]) -> dict[str, Any]:
    return {
        **piece,
        **{name: [cell(str(value)) for value in piece[name]] for name in TEXTS},
    }


def cell(text: str) -> str:
    """The text as it may stand in a CSV file: what a spreadsheet would run as a formula has a `'` in front."""
    return QUOTE + text if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
