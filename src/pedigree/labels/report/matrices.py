"""Probabilities in files: a `.npy` file, which is mapped, or a table with a column per class; put beside the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.report import files
from pedigree.labels.report.samples import ID_COLUMNS, Samples, check_ids

#: Classes, by the columns of probabilities.
Names = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Probabilities:
    """A matrix, or the path of a `.npy` file that holds one; `classes` and `ids` where the file names them."""

    matrix: Any
    digest: str
    classes: tuple[str, ...] | None = None
    ids: NDArray[Any] | None = None


def probabilities(path: str, *, id_column: str | None = None) -> Probabilities:
    """The probabilities of a `.npy` file, which is mapped and not read here, or of a table with a column per class.

    In a table, an id column (`id_column` where the table has it, else one of ID_COLUMNS) is told apart, as texts; all others are
    classes. One column of lists is a row of probabilities each.
    """
    files.there(path)
    if path.endswith(".npy"):
        return Probabilities(path, files.file_digest(path))
    guesses = ID_COLUMNS if id_column is None else (id_column, *ID_COLUMNS)
    table = files.table(path, texts=guesses)
    identity = files.column(table.column_names, None, guesses, "id", path) if len(table.column_names) > 1 else None
    ids = None if identity is None else files.texts(table.column(identity))
    columns = [name for name in table.column_names if name != identity]
    import pyarrow as pa

    if len(columns) == 1 and pa.types.is_list(table.schema.field(columns[0]).type):
        rows = table.column(columns[0]).to_pylist()
        if len({len(row or ()) for row in rows}) > 1:
            raise InvalidInput(
                f"Lists in {columns[0]!r} of {path} differ in length.", remedy="Give one number per class."
            )
        return Probabilities(np.array(rows, np.float64), files.file_digest(path), None, ids)
    wrong = [name for name in columns if not _number(table.schema.field(name).type)]
    if wrong:
        raise InvalidInput(
            f"Columns of {path} that are no numbers: {', '.join(map(repr, wrong[: files.NAMED]))}.",
            remedy="Give one column of probabilities per class, and name the id column with --id-column.",
        )
    matrix = np.column_stack([table.column(name).to_numpy() for name in columns])
    return Probabilities(matrix, files.file_digest(path), tuple(columns), ids)


def named_alike(models: Sequence[Probabilities]) -> tuple[str, ...] | None:
    """The classes that the files of several models name, None where none does. Raises InvalidInput where two name others."""
    named = [model.classes for model in models if model.classes is not None]
    for other in named[1:]:
        if other != named[0]:
            raise InvalidInput(
                f"The columns of one model are {files.listed(named[0])}, those of another {files.listed(other)}.",
                remedy="Put the classes into the same order.",
            )
    return named[0] if named else None


def aligned(given: Samples, found: Probabilities) -> Any:
    """The probabilities in the order of the samples: by id where both have ids, else as they come.

    Raises InvalidInput for an id that only one of them has, or that is there twice.
    """
    if given.ids is None or found.ids is None:
        return found.matrix
    check_ids(found.ids, "the probabilities")
    place = {name: at for at, name in enumerate(found.ids.tolist())}
    order = [place.get(name, -1) for name in given.ids.tolist()]
    missing = [str(given.ids[row]) for row, at in enumerate(order) if at < 0]
    if missing:
        raise InvalidInput(
            f"{len(missing)} of {len(order)} samples have no probabilities: {files.listed(missing)}.",
            remedy="Give a row for each id, or leave the id column out where the rows are in the same order.",
        )
    if len(place) > len(order):
        kept = set(given.ids.tolist())
        extra = [str(name) for name in found.ids.tolist() if name not in kept]
        raise InvalidInput(
            f"{len(extra)} rows of probabilities are for no sample: {files.listed(extra)}.", remedy="Leave them out."
        )
    matrix = files.mapped(found.matrix) if isinstance(found.matrix, str) else found.matrix
    return np.asarray(matrix)[order]


def class_names(
    given: Samples, matrix: Any, named: Sequence[str] | None, void: Any = None
) -> tuple[Names | None, Names | None]:
    """What the columns of probabilities are called in the labels (None: 0, 1, …), and the titles to show, where they are others.

    Names that are given are those of the labels; where the labels are whole numbers and the names are not, they are titles of
    0, 1, …. Without names the columns are 0, 1, … or the labels that occur, but for `void`, sorted. Raises InvalidInput where these are not as
    many as there are columns.
    """
    columns = _columns(matrix)
    if given.given.dtype.kind in "iu":
        if named is None:
            return None, None
        if columns and len(named) != columns:
            raise InvalidInput(
                f"There are {len(named)} classes ({files.listed(named)}) and {columns} columns of probabilities.",
                remedy="Name each column, in their order, with --classes.",
            )
        if all(map(files.is_whole, named)):
            return tuple(map(int, named)), None
        return None, tuple(named)
    if named is not None:
        return tuple(named), None
    found = sorted({*given.given.tolist()} - {void})
    if len(found) != columns:
        raise InvalidInput(
            f"There are {len(found)} different labels ({files.listed(found)}) and {columns} columns of probabilities.",
            remedy="Name the columns in their order with --classes.",
        )
    return tuple(found), None


def as_label(text: str, given: Samples) -> Any:
    """A label that was typed, as the kind that the samples have."""
    return int(text) if given.given.dtype.kind in "iu" and text.lstrip("-").isdecimal() else text


def _columns(matrix: Any) -> int:
    shape = files.mapped(matrix).shape if isinstance(matrix, str) else np.shape(matrix)
    return int(shape[1]) if len(shape) == 2 else 0


def _number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
