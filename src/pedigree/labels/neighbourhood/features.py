"""The features that people hand over, as a matrix that was looked at once and may lie on disk."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs

Floats = NDArray[np.float64]

#: Above so many dimensions distances are cosine distances unless asked otherwise; lengths of vectors mean little there.
EUCLIDEAN_UP_TO = 3
METRICS = ("cosine", "euclidean")
#: Euclidean distances are refused where no feature is as large: squares of smaller differences may be 0.
SHORTEST = 1e-140
#: What a block of rows may take, as float64.
BLOCK_BYTES = 32 << 20


def features(values: Any) -> NDArray[Any]:
    """The features as an (n, d) matrix of float32, float64 or uint8; a `.npy` file is mapped and read in blocks.

    Lists, NumPy, torch, Arrow or a path. One-dimensional values are one feature each. float16 becomes float32, other numbers
    float64, both in memory. Raises InvalidInput for other shapes, and with the first rows that hold NaN or infinite values.
    """
    matrix = _mapped(values) if isinstance(values, (str, PathLike)) else np.asarray(inputs.plain(values))
    if matrix.ndim == 1 and matrix.dtype != object:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or not matrix.shape[1] or matrix.dtype.kind not in "fiub":
        raise InvalidInput(
            f"Features must be numbers of the shape (examples, features), got {matrix.dtype} of the shape {matrix.shape}.",
            remedy="Give one row of numbers per example: an embedding, or what is left of it after a PCA.",
        )
    if matrix.dtype == np.float16:
        matrix = matrix.astype(np.float32)
    elif matrix.dtype not in (np.float32, np.float64, np.uint8) or not matrix.dtype.isnative:
        matrix = matrix.astype(np.float64)
    _check(matrix)
    return np.asarray(matrix)


def _mapped(path: str | PathLike[str]) -> NDArray[Any]:
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InvalidInput(f"{path} is no .npy file.", remedy="Write it with numpy.save.")
    return np.lib.format.open_memmap(path, mode="r")


def _check(matrix: NDArray[Any]) -> None:
    if matrix.dtype.kind != "f":
        return
    wrong: list[int] = []
    found = 0
    for start, block in blocks(matrix, widened=False):
        rows = np.flatnonzero(~np.isfinite(block).all(axis=1))
        found += len(rows)
        wrong += [int(row) + start for row in rows[: max(inputs.NAMED - len(wrong), 0)]]
    if found:
        shown = ", ".join(map(str, wrong)) + (", …" if found > len(wrong) else "")
        raise InvalidInput(
            f"{found} of {len(matrix)} rows of features hold NaN or infinite values: {shown}.",
            remedy="Leave these examples out, or fill the gaps: no distance to them is defined.",
            rows=wrong,
        )


def check_lengths(matrix: NDArray[Any]) -> None:
    """Raise InvalidInput where squared distances leave float64: with the first rows too long, or where all rows are too short."""
    if matrix.dtype != np.float64:  # no square of the others leaves it
        return
    wrong: list[int] = []
    found, longest = 0, 0.0
    for start, block in blocks(matrix):
        longest = max(longest, float(np.abs(block).max()))
        with np.errstate(over="ignore"):
            # No distance is longer than two of the longest row.
            rows = np.flatnonzero(~np.isfinite(4.0 * np.einsum("ij,ij->i", block, block)))
        found += len(rows)
        wrong += [int(row) + start for row in rows[: max(inputs.NAMED - len(wrong), 0)]]
    if found:
        shown = ", ".join(map(str, wrong)) + (", …" if found > len(wrong) else "")
        raise InvalidInput(
            f"{found} of {len(matrix)} rows of features are so long that squared distances overflow: {shown}.",
            remedy="Divide all features by one large number, or use metric='cosine'.",
            rows=wrong,
        )
    if 0.0 < longest < SHORTEST:
        raise InvalidInput(
            f"No feature is larger than {longest:g}, so squared distances are 0.",
            remedy="Multiply all features by one large number, or use metric='cosine'.",
        )


def block_rows(columns: int, block_bytes: int = BLOCK_BYTES) -> int:
    return max(1, block_bytes // (8 * columns))


def blocks(
    matrix: NDArray[Any], block_bytes: int = BLOCK_BYTES, *, widened: bool = True
) -> Iterator[tuple[int, NDArray[Any]]]:
    """The matrix in blocks of rows with where each begins, as float64 unless not `widened`."""
    step = block_rows(matrix.shape[1], block_bytes)
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step]
        yield start, block.astype(np.float64) if widened else block


def metric_for(columns: int, metric: str | None) -> str:
    """The metric asked for, or the one that the number of features calls for: euclidean up to 3, else cosine."""
    if metric is None:
        return "euclidean" if columns <= EUCLIDEAN_UP_TO else "cosine"
    if metric not in METRICS:
        raise InvalidInput(f"There is no metric {metric!r}.", remedy=f"Use one of {', '.join(METRICS)}.")
    return metric


def equal_rows(matrix: NDArray[Any]) -> NDArray[np.int32]:
    """For each row the lowest row that is equal to it in every value, by digest; -0 is 0."""
    from blake3 import blake3

    digests = np.empty((len(matrix), 2), np.uint64)
    for start, block in blocks(matrix):
        block += 0.0
        for at, row in enumerate(block):
            digests[start + at] = np.frombuffer(blake3(row.tobytes()).digest(length=16), np.uint64)
    _, first, which = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    return first[which.ravel()].astype(np.int32)
