"""Matrices of probabilities that are read a chunk of rows at a time, whatever they are kept in.

A chunk is a C-contiguous matrix of float32 or float64 in the machine's byte order. Of an array that is all this, in memory
or mapped, chunks are views. float16, other byte orders and other layouts are converted chunk by chunk, columns of Arrow put
side by side; nothing of the size of the matrix is made. float16 becomes float32, which holds each of its values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput

#: Of what is converted, so much is converted at once.
CHUNK_BYTES = 8 << 20
_KINDS = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


class Matrix(ABC):
    """n rows of K probabilities; `matrix[index]` is what NumPy gives for it, for one row, rows, or (rows, columns)."""

    shape: tuple[int, int]
    #: float32 or float64: what chunks hold.
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, index: Any) -> NDArray[Any]: ...

    @abstractmethod
    def between(self, start: int, stop: int) -> NDArray[Any]:
        """The rows from `start` to `stop`, as a chunk."""

    #: Rows of a chunk where nobody says how many.
    @property
    def usual(self) -> int:
        return max(1, CHUNK_BYTES // (self.shape[1] * self.dtype.itemsize))

    def chunks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """(number of the first row, chunk) for all rows in order, so many at a time."""
        step = self.usual if rows is None else rows
        for start in range(0, len(self), step):
            yield start, self.between(start, min(start + step, len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("this matrix is read in chunks; as an array it is a copy")
        return np.asarray(self.between(0, len(self)), dtype)


@final
class Plain(Matrix):
    """An array or memory map of float16, float32 or float64."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self.shape = values.shape
        self.dtype = np.dtype(np.float64 if values.dtype.itemsize == 8 else np.float32)
        self.direct = values.flags.c_contiguous and values.dtype == self.dtype and values.dtype.isnative

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return np.asarray(self.values[index], self.dtype)

    def between(self, start: int, stop: int) -> NDArray[Any]:
        return np.ascontiguousarray(self.values[start:stop], self.dtype)

    @property
    def usual(self) -> int:
        return max(1, len(self)) if self.direct else super().usual


@final
class Columns(Matrix):
    """A column for each class: an Arrow table or a frame of pandas or polars."""

    def __init__(self, columns: Sequence[NDArray[Any]]) -> None:
        self.columns = columns
        self.shape = (len(columns[0]), len(columns))
        wide = any(column.dtype.itemsize == 8 for column in columns)
        self.dtype = np.dtype(np.float64 if wide else np.float32)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        if not isinstance(index, tuple):
            return np.stack([column[index] for column in self.columns], axis=-1).astype(self.dtype)
        rows, columns = np.broadcast_arrays(*index)
        pairs = zip(rows.ravel().tolist(), columns.ravel().tolist(), strict=True)
        return np.array([self.columns[column][row] for row, column in pairs], self.dtype).reshape(rows.shape)

    def between(self, start: int, stop: int) -> NDArray[Any]:
        found = np.empty((stop - start, len(self.columns)), self.dtype)
        for at, column in enumerate(self.columns):
            found[:, at] = column[start:stop]
        return found


def matrix_of(probabilities: Any) -> Matrix:
    """What was handed over as a Matrix; see `inputs.labelled` for what may be. Raises InvalidInput for what is none."""
    if isinstance(probabilities, Matrix):
        return probabilities
    if isinstance(probabilities, (str, PathLike)):
        return Plain(_checked(_mapped(probabilities)))
    if isinstance(getattr(probabilities, "column_names", None), list):
        return _columns(probabilities.column_names, lambda name: plain(probabilities.column(name)))
    if hasattr(probabilities, "columns") and hasattr(probabilities, "dtypes"):
        return _columns(list(probabilities.columns), lambda name: plain(probabilities[name]))
    return Plain(_checked(np.asarray(plain(probabilities))))


def plain(values: Any) -> Any:
    """torch's tensors, and Arrow's arrays and columns, as NumPy's, without importing either.

    A column of lists of one length becomes a matrix; where Arrow keeps it in one piece, without a copy. Of lists of several
    lengths it stays a column.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        return values.float().numpy() if str(values.dtype) == "torch.bfloat16" else values.numpy()
    size = getattr(getattr(values, "type", None), "list_size", None)
    if size is not None:
        chunks = values.chunks if hasattr(values, "chunks") else [values]
        if any(chunk.null_count for chunk in chunks):
            raise InvalidInput("A row of the column is null.", remedy="Give a list of probabilities for each example.")
        parts = [np.asarray(plain(chunk.flatten())).reshape(-1, size) for chunk in chunks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty((0, size), np.float32)
    if hasattr(values, "to_numpy"):
        try:
            found = values.to_numpy(zero_copy_only=False)
        except TypeError:
            found = values.to_numpy()
        nested = isinstance(found, np.ndarray) and found.dtype == object and found.ndim == 1 and len(found)
        if nested and all(isinstance(row, (list, np.ndarray)) for row in found):
            return _stacked(found)
        return found
    return values


def _stacked(rows: NDArray[Any]) -> NDArray[Any]:
    """Lists of one length as a matrix; of several lengths they stay lists, which labels of several classes may be."""
    if len({len(row) for row in rows}) == 1:
        return np.array(rows.tolist())
    return rows


def _refuse_ragged(values: NDArray[Any]) -> None:
    if values.ndim != 1 or values.dtype != object or not all(hasattr(row, "__len__") for row in values):
        return
    widths = np.array([len(row) for row in values])
    for row in np.flatnonzero(widths != widths[:1]):
        raise InvalidInput(
            f"Row {row} has {widths[row]} probabilities, row 0 has {widths[0]}.",
            remedy="Give each example a probability for each class.",
            rows=[int(row)],
        )


def _columns(names: list[Any], column: Any) -> Matrix:
    found = [np.asarray(column(name)) for name in names]
    if len(found) == 1 and found[0].ndim == 2:
        return Plain(_checked(found[0]))
    wrong = [name for name, values in zip(names, found, strict=True) if values.dtype not in _KINDS]
    if wrong or len(found) < 2:
        what = f"column {wrong[0]!r} is none" if wrong else f"there are {len(found)} columns"
        raise InvalidInput(
            f"A table of probabilities has a column of floats for each class, two at least; {what}.",
            remedy="Select the columns of the classes, in their order.",
        )
    return Columns(found)


def _mapped(path: str | PathLike[str]) -> NDArray[Any]:
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InvalidInput(f"{path} is no .npy file.", remedy="Write it with numpy.save.")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise InvalidInput(
            f"{path} cannot be mapped: {error}.", remedy="Write an array of floats with numpy.save."
        ) from None


def _checked(values: NDArray[Any]) -> NDArray[Any]:
    _refuse_ragged(values)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InvalidInput(
            f"Probabilities must have the shape (examples, classes) with two classes at least, got {values.shape}.",
            remedy="Of two classes give both columns, p and 1 - p.",
        )
    if values.dtype not in _KINDS and values.dtype.newbyteorder("=") not in _KINDS:
        raise InvalidInput(
            f"Probabilities must be float16, float32 or float64, got {values.dtype}.", remedy="Convert them first."
        )
    return values
