"""What people hand over, as two matrices with a cell for each example and class: what is given, and how probable it is."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.doubts import LabelWarning
from pedigree.labels.inputs import NAMED, VOID, names_of
from pedigree.labels.matrices import Plain, matrix_of, plain

Given = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """`given` (n, K) int8: 1 for a class that an example has, 0 for one that it has not, VOID for one that nobody knows.

    `probabilities` (n, K) float32 or float64 in [0, 1], maybe a memory map. `names` are the classes as they were given;
    `one_sided` says of each whether no example has it, or none lacks it: nothing can be said about such a class.
    """

    given: Given
    probabilities: NDArray[Any]
    names: tuple[Any, ...]
    one_sided: NDArray[np.bool_]

    @property
    def classes(self) -> int:
        return len(self.names)


def cells(labels: Any, probabilities: Any, *, classes: Sequence[Any] | None = None, void: Any = None) -> Cells:
    """The labels of n examples, and the probability of each of K classes for each, from a model that never saw the labels.

    `labels`: n lists of classes, by number or by name (None for an example whose classes nobody knows), or an n x K matrix
    of 0 and 1 as NumPy, torch, Arrow or a data frame, where -1, NaN and whatever equals `void` mark unknown cells.
    `probabilities`: n x K values in [0, 1], each class for itself, or the path of a `.npy` file, which is mapped and never
    read whole unless it is of float16. Values of float16, of the other byte order or not in rows are copied as a whole
    (float16 as float32), others are not. `classes` names the columns; without it they are 0, 1, …

    Raises InvalidInput with the first offending rows for: lengths that differ, a label that is no class, a class twice in a
    list, a cell that is neither 0, 1 nor void, probabilities that are NaN or outside [0, 1]. Warns of classes that no
    example has, or that none lacks.
    """
    matrix = _matrix(probabilities)
    names = names_of(classes, matrix.shape[1])
    given = given_cells(labels, names, void=void)
    if len(given) != len(matrix):
        raise InvalidInput(
            f"There are labels of {len(given)} examples and probabilities of {len(matrix)}.",
            remedy="Give one row of probabilities for each example, in the same order.",
        )
    _check(matrix)
    return Cells(given, matrix, names, one_sided(given, names))


def given_cells(labels: Any, names: tuple[Any, ...], *, void: Any = None) -> Given:
    """The labels alone, see `cells`."""
    lists = _lists(labels)
    return _from_matrix(np.asarray(plain(labels)), names, void) if lists is None else _from_lists(lists, names)


def _lists(labels: Any) -> Sequence[Any] | None:
    """Labels that are lists of classes, from Python, or a column of lists of NumPy, Arrow, pandas or polars."""
    if isinstance(labels, (list, tuple)):
        return labels
    kind = str(getattr(labels, "type", None) or getattr(labels, "dtype", ""))
    if kind.startswith(("list<", "large_list<")):
        return list(labels.to_pylist())
    if kind.startswith("List("):
        return list(labels.to_list())
    if kind == "object" and labels.ndim == 1:
        return list(labels.tolist())
    return None


def one_sided(given: Given, names: tuple[Any, ...]) -> NDArray[np.bool_]:
    """Which classes no example has or none lacks; says so in one warning."""
    found = np.asarray(~((given == 1).any(axis=0) & (given == 0).any(axis=0)))
    if found.any():
        shown = ", ".join(repr(names[at]) for at in np.flatnonzero(found)[:NAMED])
        more = ", …" if found.sum() > NAMED else ""
        # Of two classes [[1, 0], [0, 1]] is both as a list of classes.
        hint = " A matrix of 0 and 1 is given as an array, not as lists." if (given == 1).all() else ""
        warnings.warn(
            f"Nothing can be said about {found.sum()} of {len(names)} classes, which no example has or none lacks: {shown}{more}.{hint}",
            LabelWarning,
            stacklevel=4,
        )
    return found


def _matrix(probabilities: Any) -> NDArray[Any]:
    """The probabilities as one array, a view where they are one of floats in rows."""
    values = probabilities if isinstance(probabilities, np.ndarray) else None
    if values is not None and values.ndim == 2 and values.shape[1] == 1:
        # One class alone, which the check for classes of which each example has one refuses.
        return _matrix(np.repeat(values, 2, axis=1))[:, :1]
    matrix = matrix_of(probabilities)
    return matrix.values if isinstance(matrix, Plain) and matrix.direct else np.asarray(matrix)


def _check(matrix: NDArray[Any]) -> None:
    from pedigree.labels.multilabel import passes

    faults = np.zeros((NAMED, 2), np.int64)
    found = passes.faults(matrix, faults)
    if found:
        places = faults[: min(found, NAMED)].tolist()
        shown = ", ".join(f"{matrix[row, column]:.6g} in row {row}, column {column}" for row, column in places)
        raise InvalidInput(
            f"{found} probabilities are not in [0, 1]: {shown}{', …' if found > NAMED else ''}.",
            remedy="Give a probability for each class by itself (a sigmoid's output, not a logit), and nothing undefined.",
            rows=list(dict.fromkeys(row for row, _ in places)),
        )


def _from_lists(lists: Sequence[Any], names: tuple[Any, ...]) -> Given:
    """Lists of classes as cells."""
    # Questions of 100,000 lists one by one cost more than the passes: each is asked once of each type.
    kinds = set(map(type, lists))
    odd = {kind for kind in kinds if kind is not type(None) and not _is_list(kind)}
    if odd:
        row = next(row for row, classes in enumerate(lists) if type(classes) in odd)
        raise InvalidInput(
            f"The labels of row {row} are {lists[row]!r}, which is no list of classes.",
            remedy="Give a list for each example, empty where it has no class.",
            rows=[row],
        )
    known: Any = slice(None)
    held: Sequence[Any] = lists
    rows = np.arange(len(lists))
    if type(None) in kinds:
        rows = known = np.array([row for row, classes in enumerate(lists) if classes is not None], np.int64)
        held = [lists[row] for row in known]
    rows = np.repeat(rows, np.fromiter(map(len, held), np.int64, len(held)))
    columns = _columns(held, names, rows)
    given = np.full((len(lists), len(names)), VOID, np.int8)
    given[known] = 0
    flat = rows * len(names) + columns
    given.reshape(-1)[flat] = 1
    if int(given[known].sum()) != len(flat):
        places, counts = np.unique(flat, return_counts=True)
        row, column = divmod(int(places[counts > 1][0]), len(names))
        raise InvalidInput(
            f"Class {names[column]!r} stands twice in the labels of row {row}.",
            remedy="List each class once. A matrix of 0 and 1 is given as an array, not as lists.",
            rows=[row],
        )
    return given


def _is_list(kind: type) -> bool:
    return issubclass(kind, Iterable) and issubclass(kind, Sized) and not issubclass(kind, (str, bytes))


def _columns(lists: Sequence[Any], names: tuple[Any, ...], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The column of each class, which is named, or numbered where the names are no numbers."""
    if names == tuple(range(len(names))):
        try:
            # Unlike NumPy's conversions this takes whole numbers only, at twice the speed.
            numbers = np.frombuffer(array("q", chain.from_iterable(lists)), np.int64)
        except (TypeError, OverflowError):
            pass
        else:
            if not len(numbers) or (numbers.min() >= 0 and numbers.max() < len(names)):
                return numbers
    values = list(chain.from_iterable(lists))
    place: dict[Any, int] = {} if any(isinstance(name, int) for name in names) else {k: k for k in range(len(names))}
    place.update({name: at for at, name in enumerate(names)})
    try:
        columns = np.array([place.get(value, VOID) for value in values], np.int64)
    except TypeError:
        raise InvalidInput("A class is neither a number nor a text.", remedy="Give lists of plain values.") from None
    wrong = np.flatnonzero(columns == VOID)
    if len(wrong):
        shown = ", ".join(f"{_shown(values[at])} in row {rows[at]}" for at in wrong[:NAMED])
        raise InvalidInput(
            f"{len(wrong)} labels are no class: {shown}{', …' if len(wrong) > NAMED else ''}.",
            remedy=f"Classes are {_range(names)}.",
            rows=list(dict.fromkeys(int(rows[at]) for at in wrong[:NAMED])),
        )
    return columns


def _from_matrix(matrix: NDArray[Any], names: tuple[Any, ...], void: Any) -> Given:
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise InvalidInput(
            f"Labels must have the shape (examples, {len(names)}) or be lists of classes, got {matrix.shape}.",
            remedy="Give a column of 0 and 1 for each class, or a list of classes for each example.",
        )
    if matrix.dtype.kind not in "biufO":
        raise InvalidInput(f"Labels must be 0 and 1, got {matrix.dtype}.", remedy="Convert them first.")
    if matrix.dtype.kind == "b":
        return matrix.astype(np.int8)  # a copy: what is done to the array later changes no label
    given = np.full(matrix.shape, 2, np.int8)
    given[matrix == 0] = 0
    given[matrix == 1] = 1
    # NaN alone differs from itself.
    given[(matrix == VOID) | (matrix != matrix) | (matrix == void if void is not None else False)] = VOID
    wrong = np.argwhere(given == 2)
    if len(wrong):
        shown = ", ".join(f"{_shown(matrix[row, at])} in row {row}, column {at}" for row, at in wrong[:NAMED].tolist())
        raise InvalidInput(
            f"{len(wrong)} cells of the labels are neither 0 nor 1: {shown}{', …' if len(wrong) > NAMED else ''}.",
            remedy="Mark what nobody knows by -1 or NaN, or say `void=` for another mark.",
            rows=list(dict.fromkeys(wrong[:NAMED, 0].tolist())),
        )
    return given


def _shown(value: Any) -> str:
    return repr(value.item() if hasattr(value, "item") else value)


def _range(names: tuple[Any, ...]) -> str:
    if names == tuple(range(len(names))):
        return f"0 to {len(names) - 1}"
    return ", ".join(repr(name) for name in names[:6]) + (", …" if len(names) > 6 else "")
