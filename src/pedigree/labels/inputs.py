"""What people hand over, looked at once: labels as class numbers, probabilities as a matrix that is read in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra
from pedigree.labels.matrices import Matrix, matrix_of
from pedigree.labels.matrices import plain as plain

#: A row of probabilities may miss 1 by this much; float16 and printed decimals do.
TOLERANCE = 1e-3
#: How many offending rows a message names.
NAMED = 5
VOID = -1


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """`labels` (n,) int64 in [0, classes), VOID where there is none; `probabilities` n rows of `classes` numbers.

    `names` are the classes as they were given. `counts` (classes,) says how many labels each has, `sums` what the
    probabilities of the given labels add up to, by class, in float64 and in the order of the rows.
    """

    labels: NDArray[np.int64]
    probabilities: Matrix
    names: tuple[Any, ...]
    counts: NDArray[np.int64]
    sums: NDArray[np.float64]

    @property
    def classes(self) -> int:
        return len(self.names)


def labelled(
    labels: Any,
    probabilities: Any,
    *,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    chunk_rows: int | None = None,
) -> Labelled:
    """The labels and the probabilities that a model that never saw them gives them.

    `labels`: n whole numbers or texts, as a list, NumPy, torch, Arrow or a column of a frame. `probabilities`: n rows that sum to 1
    within 1e-3, of float16, float32 or float64; NumPy, torch, lists, an Arrow column of lists of one length, a table or frame
    with a column per class, the path of a `.npy` file, which is mapped and never read whole, or a Matrix (`ensembles.mean`).
    Rows are taken as they are, not made to sum to 1. `classes` names the columns; without it they are 0, 1, … and labels are
    numbers. `void` is the label of examples that have none; a NaN stands for None as well. `chunk_rows` is how many rows are
    read at a time; no result depends on it.

    Raises InvalidInput with the first offending rows for: lengths that differ, fewer than two classes, a label that is no
    class, NaN, values below -1e-6, rows that do not sum to 1, labels that are all equal.
    """
    needs_numba()
    if chunk_rows is not None and chunk_rows < 1:
        raise InvalidInput(f"chunk_rows is {chunk_rows}.", remedy="Give a number of rows, 1 at least.")
    matrix = matrix_of(probabilities)
    names = names_of(classes, matrix.shape[1])
    given = array_of(labels)
    if given.ndim != 1:
        raise InvalidInput(
            f"Labels must be one per example, got an array of shape {given.shape}.",
            remedy="Several labels per example, or masks, have functions of their own.",
        )
    if len(given) != len(matrix):
        raise InvalidInput(
            f"There are {len(given)} labels and {len(matrix)} rows of probabilities.",
            remedy="Give one row of probabilities for each label, in the same order.",
            rows=[min(len(given), len(matrix))],
        )
    numbers = _numbers(given, names, void)
    sums, counts = _examined(matrix, numbers, chunk_rows)
    _check_two(np.flatnonzero(counts), names)
    return Labelled(numbers, matrix, names, counts, sums)


def probabilities(values: Any) -> NDArray[Any]:
    """Probabilities alone, looked at as `labelled` does: (n, classes) float32 or float64, rows that sum to 1 within 1e-3."""
    needs_numba()
    matrix = matrix_of(values)
    _examined(matrix, np.full(len(matrix), VOID), None)
    return matrix.between(0, len(matrix))


def numbered(
    labels: Any, count: int, what: str, *, classes: Sequence[Any] | None = None, void: Any = None
) -> tuple[NDArray[np.int64], tuple[Any, ...]]:
    """Labels without probabilities as class numbers, VOID for `void`, and the names of the classes.

    There are `count` `what` that each have one. Without `classes` whole numbers are their own class, from 0 to the largest,
    and texts are classes in their order. Raises InvalidInput as `labelled` does.
    """
    given = array_of(labels)
    if given.ndim != 1 or len(given) != count:
        raise InvalidInput(
            f"There are {count} {what} and labels of the shape {given.shape}.",
            remedy="Give one label for each, in their order.",
        )
    if classes is not None:
        names = names_of(classes, len(plain(classes)))
    else:
        kept = given[~(_empty(given, void) | missing(given))]
        if kept.dtype == object:
            kept = np.array(kept.tolist())
        if kept.dtype.kind in "iufb":
            finite = kept[np.isfinite(kept)]
            names = tuple(range(int(finite.max()) + 1 if len(finite) else 0))
        else:
            names = tuple(sorted(set(kept.tolist())))
    numbers = _numbers(given, names, void)
    _check_two(np.unique(numbers[numbers != VOID]), names)
    return numbers, names


def _examined(
    matrix: Matrix, numbers: NDArray[np.int64], chunk_rows: int | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each class the sum of p_s and the number of its labels, once every row was seen to be probabilities."""
    from pedigree.labels import rows

    sums, counts = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1], np.int64)
    faults, wrong = np.full(NAMED, -1, np.int64), 0
    for start, chunk in matrix.chunks(chunk_rows):
        part = numbers[start : start + len(chunk)]
        wrong += rows.examine(chunk, start, part, TOLERANCE, sums, counts, faults)
    if wrong:
        raise _no_probabilities(matrix, wrong, [int(row) for row in faults if row >= 0])
    return sums, counts


def _check_two(used: NDArray[np.int64], names: tuple[Any, ...]) -> None:
    if len(used) < 2:
        what = "there are no labels" if not len(used) else f"all labels are {names[used[0]]!r}"
        raise InvalidInput(
            f"Nothing can be said about labels of one class: {what}.", remedy="Give examples of two classes at least."
        )


def names_of(classes: Sequence[Any] | None, count: int) -> tuple[Any, ...]:
    """The names of `count` classes, 0, 1, … where none are given. Raises InvalidInput for another number, or one name twice."""
    if classes is None:
        return tuple(range(count))
    found = np.asarray(plain(classes))
    names = tuple(found.tolist()) if found.ndim == 1 else tuple(classes)
    if len(names) != count:
        raise InvalidInput(
            f"There are {len(names)} classes and {count} columns of probabilities.",
            remedy="Name each column once, in their order.",
        )
    if len(set(names)) != count:
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise InvalidInput(f"A class is named twice: {twice!r}.", remedy="Name each column once.")
    return names


def _numbers(given: NDArray[Any], names: tuple[Any, ...], void: Any) -> NDArray[np.int64]:
    """Each label as the number of its class, VOID for `void`."""
    empty = _empty(given, void)
    if names == tuple(range(len(names))) and given.dtype.kind in "iufb":
        wrong = ~((given >= 0) & (given < len(names))) & ~empty
        if given.dtype.kind == "f":
            wrong |= (given != np.floor(given)) & ~empty
        if not wrong.any():
            return np.asarray(np.where(empty, VOID, given), np.int64)
    else:
        place = {name: at for at, name in enumerate(names)}
        try:
            numbers = np.array([place.get(label, VOID) for label in given.tolist()], np.int64)
        except TypeError:
            raise InvalidInput("A label is neither a number nor a text.", remedy="Give one plain value each.") from None
        wrong = (numbers == VOID) & ~empty
        numbers[empty] = VOID
        if not wrong.any():
            return numbers
    rows = [int(row) for row in np.flatnonzero(wrong)[:NAMED]]
    shown = ", ".join(
        f"{given[row].item() if hasattr(given[row], 'item') else given[row]!r} in row {row}" for row in rows
    )
    raise InvalidInput(
        f"{wrong.sum()} of {len(given)} labels are no class: {shown}{', …' if wrong.sum() > NAMED else ''}.",
        remedy=f"Labels are {_range(names)}; say `void=` for what marks an example without a label.",
        rows=rows,
    )


def array_of(values: Any) -> NDArray[Any]:
    """What was handed over as an array. NumPy makes the text "nan" of a NaN among texts in a list; here it stays a NaN."""
    given = plain(values)
    found = np.asarray(given)
    if found.dtype.kind == "U" and isinstance(given, (list, tuple)):
        kept = np.array(given, object)
        if missing(kept).any():
            return kept
    return found


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array of any shape holds None, NaN or pandas' NA."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype != object:
        return np.zeros(values.shape, np.bool_)
    return np.array([_absent(one) for one in values.ravel().tolist()], np.bool_).reshape(values.shape)


def equal(values: NDArray[Any], void: Any) -> NDArray[np.bool_]:
    """Where an array of any shape holds `void`; what is missing is equal to nothing."""
    if values.dtype != object:
        return np.asarray(values == void) & np.ones(values.shape, np.bool_)
    return np.array([not _absent(one) and bool(one == void) for one in values.ravel().tolist()], np.bool_).reshape(
        values.shape
    )


def _absent(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal to itself nor different
        return True


def _empty(given: NDArray[Any], void: Any) -> NDArray[np.bool_]:
    if void is None:
        return np.zeros(len(given), bool)
    return missing(given) if _absent(void) else equal(given, void)


def _no_probabilities(matrix: Matrix, wrong: int, first: list[int]) -> InvalidInput:
    shown = "; ".join(f"row {row} is {_shown(matrix[row])}" for row in first[:3])
    return InvalidInput(
        f"{wrong} of {len(matrix)} rows are no probabilities (values from 0, sum 1 within {TOLERANCE:g}): {shown}.",
        remedy="Give softmax outputs, not logits, and nothing undefined.",
        rows=first,
    )


def _shown(row: NDArray[Any]) -> str:
    values = ", ".join(f"{value:.4g}" for value in row[:4])
    return f"[{values}{', …' if len(row) > 4 else ''}], sum {float(np.sum(row, dtype=np.float64)):.6g}"


def _range(names: tuple[Any, ...]) -> str:
    if names == tuple(range(len(names))):
        return f"0 to {len(names) - 1}"
    shown = ", ".join(repr(name) for name in names[:6])
    return shown + (", …" if len(names) > 6 else "")


def needs_numba() -> None:
    """Raise MissingExtra where the compiler of the passes is not installed."""
    try:
        import numba  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "pedigree.labels compiles its passes with numba, which is not installed.",
            remedy="`pip install 'pedigree-ml[labels]'`.",
        ) from None
