"""What people hand over, as arrays that were looked at once: labels as class numbers, probabilities as a matrix of floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra

#: A row of probabilities may miss 1 by this much; float16 and printed decimals do.
TOLERANCE = 1e-3
#: How many offending rows a message names.
NAMED = 5
VOID = -1
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """`labels` (n,) int64 in [0, classes), VOID where there is none; `probabilities` (n, classes) float32 or float64.

    The matrix may be a memory map. `names` are the classes as they were given.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[Any]
    names: tuple[Any, ...]

    @property
    def classes(self) -> int:
        return len(self.names)


def labelled(labels: Any, probabilities: Any, *, classes: Sequence[Any] | None = None, void: Any = None) -> Labelled:
    """The labels and the probabilities that a model that never saw them gives them.

    `labels`: n whole numbers or texts, as a list, NumPy, torch or Arrow. `probabilities`: n rows that sum to 1 within 1e-3, as
    NumPy, torch, or the path of a `.npy` file, which is mapped and never read whole; float16 is widened to float32.
    `classes` names the columns; without it they are 0, 1, … and labels are numbers. `void` is the label of examples
    that have none.

    Raises InvalidInput with the first offending rows for: lengths that differ, fewer than two classes, a label that is no
    class, NaN or negative values, rows that do not sum to 1, labels that are all equal.
    """
    matrix = _matrix(probabilities)
    count = matrix.shape[1]
    names = tuple(range(count)) if classes is None else tuple(plain(classes))
    if len(names) != count:
        raise InvalidInput(
            f"There are {len(names)} classes and {count} columns of probabilities.",
            remedy="Name each column once, in their order.",
        )
    if len(set(names)) != count:
        raise InvalidInput(f"A class is named twice: {_twice(names)!r}.", remedy="Name each column once.")
    given = np.asarray(plain(labels))
    if given.ndim != 1:
        raise InvalidInput(
            f"Labels must be one per example, got an array of shape {given.shape}.",
            remedy="Several labels per example, or masks, have functions of their own.",
        )
    if len(given) != len(matrix):
        raise InvalidInput(
            f"There are {len(given)} labels and {len(matrix)} rows of probabilities.",
            remedy="Give one row of probabilities for each label, in the same order.",
        )
    numbers = _numbers(given, names, void)
    _check_rows(matrix)
    used = np.unique(numbers[numbers != VOID])
    if len(used) < 2:
        what = "there are no labels" if not len(used) else f"all labels are {names[used[0]]!r}"
        raise InvalidInput(
            f"Nothing can be said about labels of one class: {what}.", remedy="Give examples of two classes at least."
        )
    return Labelled(numbers, matrix, names)


def _matrix(probabilities: Any) -> NDArray[Any]:
    if isinstance(probabilities, (str, PathLike)):
        with open(probabilities, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise InvalidInput(f"{probabilities} is no .npy file.", remedy="Write it with numpy.save.")
        matrix: Any = np.lib.format.open_memmap(probabilities, mode="r")
    else:
        matrix = plain(probabilities)
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise InvalidInput(
            f"Probabilities must have the shape (examples, classes) with two classes at least, got {matrix.shape}.",
            remedy="Of two classes give both columns, p and 1 - p.",
        )
    if matrix.dtype == np.float16:
        matrix = matrix.astype(np.float32)
    if matrix.dtype not in (np.float32, np.float64):
        raise InvalidInput(
            f"Probabilities must be float16, float32 or float64, got {matrix.dtype}.", remedy="Convert them first."
        )
    if not matrix.dtype.isnative:
        matrix = matrix.astype(matrix.dtype.newbyteorder("="))
    return np.asarray(matrix)


def plain(values: Any) -> Any:
    """torch's tensors and Arrow's arrays as NumPy's, without importing either."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        return values.float().numpy() if str(values.dtype) == "torch.bfloat16" else values.numpy()
    if hasattr(values, "to_numpy"):
        try:
            return values.to_numpy(zero_copy_only=False)
        except TypeError:
            return values.to_numpy()
    return values


def _numbers(given: NDArray[Any], names: tuple[Any, ...], void: Any) -> NDArray[np.int64]:
    """Each label as the number of its class, VOID for `void`."""
    empty = np.zeros(len(given), bool) if void is None else np.asarray(given == void)
    if names == tuple(range(len(names))) and given.dtype.kind in "iufb":
        numbers = np.where(empty, VOID, given)
        wrong = ~empty & ~((numbers >= 0) & (numbers < len(names)) & (numbers == np.floor(numbers)))
        if not wrong.any():
            return numbers.astype(np.int64)
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
    rows = np.flatnonzero(wrong)
    shown = ", ".join(
        f"{given[row].item() if hasattr(given[row], 'item') else given[row]!r} in row {row}" for row in rows[:NAMED]
    )
    raise InvalidInput(
        f"{len(rows)} of {len(given)} labels are no class: {shown}{', …' if len(rows) > NAMED else ''}.",
        remedy=f"Labels are {_range(names)}; say `void=` for what marks an example without a label.",
        rows=rows,
    )


def _check_rows(matrix: NDArray[Any]) -> None:
    from pedigree.labels import rows

    faults = np.zeros(NAMED, np.int64)
    found = rows.row_faults(matrix, TOLERANCE, faults)
    if not found:
        return
    first = [int(row) for row in faults[: min(found, NAMED)]]
    shown = "; ".join(f"row {row} is {_shown(matrix[row])}" for row in first[:3])
    raise InvalidInput(
        f"{found} of {len(matrix)} rows are no probabilities (values from 0, sum 1 within {TOLERANCE:g}): {shown}.",
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


def _twice(names: tuple[Any, ...]) -> Any:
    return next(name for at, name in enumerate(names) if name in names[:at])


def needs_numba() -> None:
    """Raise MissingExtra where the compiler of the passes is not installed."""
    try:
        import numba  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "pedigree.labels compiles its passes with numba, which is not installed.",
            remedy="`pip install 'pedigree-ml[labels]'`.",
        ) from None
