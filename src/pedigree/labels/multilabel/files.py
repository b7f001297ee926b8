"""Labels of several classes in files, and the tables of what was found."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.multilabel.analysis import MultiLabelAnalysis
from pedigree.labels.multilabel.rules import Rules
from pedigree.labels.multilabel.violations import Violation
from pedigree.labels.report import files

#: Version of the summary's layout.
VERSION = 1
#: Between the classes of an example, in a column of texts and in the tables.
SEPARATOR = ";"
LABEL_COLUMNS = ("labels", "classes", "label")
ID_COLUMNS = ("id", "path", "file", "filename")


@dataclass(frozen=True, eq=False)
class Labels:
    """`given` as `multilabel.inputs.cells` takes it; `classes` and `ids` where the file names them."""

    given: Any
    digest: str
    classes: tuple[str, ...] | None = None
    ids: NDArray[Any] | None = None


def read(path: str, *, label_column: str | None = None, id_column: str | None = None) -> Labels:
    """The labels of a `.npy` file (a matrix of 0 and 1), or of a table (CSV, TSV, Parquet, JSON Lines).

    A table has a column of classes, as lists or as texts with `;` between them (a null is unknown), or a column of 0 and 1
    for each class (a null is unknown). The id column is told apart.
    """
    files.there(path)
    digest = files.file_digest(path)
    if path.endswith(".npy"):
        return Labels(files.mapped(path), digest)
    table = files.table(path, texts=ID_COLUMNS if id_column is None else (id_column, *ID_COLUMNS))
    names = table.column_names
    identity = files.column(names, id_column, ID_COLUMNS, "id", path) if len(names) > 1 else None
    ids = None if identity is None else files.texts(table.column(identity))
    rest = [name for name in names if name != identity]
    column = files.column(rest, label_column, LABEL_COLUMNS, "label", path)
    if column is None and len(rest) == 1:
        column = rest[0]
    if column is not None:
        return Labels(_lists(table.column(column).to_pylist()), digest, None, ids)
    return Labels(_matrix(table, rest, path), digest, tuple(rest), ids)


def _lists(values: list[Any]) -> list[Any]:
    found = [_split(value) if value is None or isinstance(value, (str, int)) else list(value) for value in values]
    tokens = {name for row in found if row is not None for name in row}
    if tokens and all(isinstance(name, str) and files.is_whole(name) for name in tokens):
        return [None if row is None else [int(name) for name in row] for row in found]
    return found


def _split(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [name for name in (part.strip() for part in str(value).split(SEPARATOR)) if name]


def _matrix(table: Any, columns: Sequence[str], path: str) -> NDArray[np.float64]:
    import pyarrow as pa

    for name in columns:
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise InvalidInput(
                f"Column {name!r} of {path} is neither a list of classes nor 0 and 1.",
                remedy="Name the column of classes with --label-column, or give a column of 0 and 1 for each class.",
            )
    return np.column_stack([table.column(name).cast(pa.float64()).to_numpy() for name in columns])


def write(analysis: MultiLabelAnalysis, folder: str, *, by: str, rules: Rules | None, ids: NDArray[Any] | None) -> None:
    """Write `cells` (every issue) and `examples` (every example), the worst first, each as Parquet and as CSV.

    cells: rank (from 1), index, id, class, kind (missing, extra), wrong (probability), score. examples: rank, index, id, score, given
    and suggested (classes with `;` between them), issues (how many cells), broken (rules, as texts) and changes that mend them.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    for name, columns in (
        ("cells", _cells(analysis, by, ids)),
        ("examples", _examples(analysis, by, rules, ids)),
    ):
        table = pa.table(columns)
        pyarrow.parquet.write_table(table, os.path.join(folder, f"{name}.parquet"), compression="zstd")
        pyarrow.csv.write_csv(table, os.path.join(folder, f"{name}.csv"))


def _identities(rows: NDArray[np.int64], ids: NDArray[Any] | None) -> list[str]:
    return [str(row) if ids is None else str(ids[row]) for row in rows.tolist()]


def _cells(analysis: MultiLabelAnalysis, by: str, ids: NDArray[Any] | None) -> dict[str, Any]:
    rows, columns = np.nonzero(analysis.issues(by))
    scores = analysis.scores()[rows, columns]
    order = np.argsort(scores, kind="stable")
    rows, columns = rows[order], columns[order]
    given = analysis.data.given[rows, columns]
    return {
        "rank": np.arange(1, len(rows) + 1),
        "index": rows,
        "id": _identities(rows, ids),
        "class": [str(analysis.data.names[column]) for column in columns.tolist()],
        "kind": ["extra" if value == 1 else "missing" for value in given.tolist()],
        "wrong": analysis.wrong[rows, columns],
        "score": scores[order],
    }


def _examples(analysis: MultiLabelAnalysis, by: str, rules: Rules | None, ids: NDArray[Any] | None) -> dict[str, Any]:
    scores = analysis.example_scores()
    rows = np.argsort(scores, kind="stable")
    broken: dict[int, Violation] = {}
    if rules is not None:
        broken = {each.example: each for each in analysis.violations(rules)}
    suggested, names = analysis.suggestions(rules, by=by), analysis.data.names
    return {
        "rank": np.arange(1, len(rows) + 1),
        "index": rows,
        "id": _identities(rows, ids),
        "score": scores[rows],
        "given": _joined(analysis.data.given[rows], names),
        "suggested": _joined(suggested[rows], names),
        "issues": analysis.issues(by)[rows].sum(axis=1),
        "broken": ["; ".join(map(str, broken[row].rules)) if row in broken else "" for row in rows.tolist()],
        "changes": [_changes(broken.get(row)) for row in rows.tolist()],
    }


def _joined(cells: NDArray[np.int8], names: tuple[Any, ...]) -> list[str]:
    return [SEPARATOR.join(str(names[at]) for at in np.flatnonzero(row == 1)) for row in cells]


def _changes(violation: Violation | None) -> str:
    """`+animal -plant`"""
    if violation is None:
        return ""
    return " ".join(f"{'+' if present else '-'}{name}" for name, present in violation.changes)


def summary(
    analysis: MultiLabelAnalysis,
    described: Mapping[str, Mapping[str, Any]],
    *,
    by: str,
    rules: Rules | None,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """The counts, for JSON: of all, of each class, and of the rules, with the inputs and their digests."""
    issues, given = analysis.issues(by), analysis.data.given
    found: dict[str, Any] = {
        "version": VERSION,
        "examples": len(given),
        "classes": [str(name) for name in analysis.data.names],
        "unknown_cells": int((given < 0).sum()),
        "filter": by,
        "missing": int((issues & (given == 0)).sum()),
        "extra": int((issues & (given == 1)).sum()),
        "examples_with_issues": int(issues.any(axis=1).sum()),
        "estimated_errors": analysis.errors,
        "warnings": list(warnings),
        "one_sided": [str(analysis.data.names[at]) for at in np.flatnonzero(analysis.data.one_sided)],
        "per_class": [{**asdict(each), "name": str(each.name)} for each in analysis.per_class],
        "refitted": [str(analysis.data.names[at]) for at in np.flatnonzero(analysis.co_occurrence.refitted)],
        "inputs": {name: dict(each) for name, each in described.items()},
    }
    if rules is not None:
        counts = {str(rule): 0 for rule in rules.each}
        violations = analysis.violations(rules)
        for violation in violations:
            for rule in violation.rules:
                counts[str(rule)] += 1
        found["violations"] = len(violations)
        found["per_rule"] = [{"rule": rule, "examples": count} for rule, count in counts.items()]
    return found
