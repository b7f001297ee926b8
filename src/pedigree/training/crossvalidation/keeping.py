"""The folder in which folds are kept: the one module that names, writes and reads its files.

    0123456789abcdef/fold-0-3.npy   probabilities of the held-out samples of fold 3 of repetition 0, by position
    0123456789abcdef/fold-0-3.b3    the digest of that file; without it, or with another, the fold is made again
    probabilities.npy               (n, K) float32, those of the last call that ended
    result.json                     what they were made of, and how each fold did

The subfolder is named by the identity of the inputs, so folds of other inputs are never found; they stay until somebody removes them.
Every file is there whole or not at all: written beside its place, synced, renamed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree import canonical
from pedigree.training import durable

PROBABILITIES, RESULT = "probabilities.npy", "result.json"


class Kept:
    """The folds of one identity in a folder."""

    def __init__(self, folder: str | os.PathLike[str], identity: str) -> None:
        self.folder, self.identity = os.fspath(folder), identity

    def _place(self, repetition: int, fold: int) -> str:
        return os.path.join(self.folder, self.identity[:16], f"fold-{repetition}-{fold}.npy")

    def fold(self, repetition: int, fold: int, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """The probabilities of a fold, None where it was not kept or is damaged."""
        try:
            with open(self._place(repetition, fold), "rb") as file:
                data = file.read()
            with open(_beside(self._place(repetition, fold)), "rb") as file:
                if file.read() != _line(data):
                    return None
            found = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        except (OSError, ValueError):
            return None
        sums = (
            found.sum(axis=-1, dtype=np.float64) if found.shape == shape and found.dtype == np.float32 else np.zeros(1)
        )
        return found if (np.abs(sums - 1.0) <= 1e-3).all() else None

    def keep(self, repetition: int, fold: int, rows: NDArray[np.float32]) -> None:
        place, data = self._place(repetition, fold), _npy(rows)
        durable.put(place, [data], "A fold")
        durable.put(_beside(place), [_line(data)], "A fold")

    def finish(self, probabilities: NDArray[np.float32], result: Mapping[str, Any]) -> str:
        """Write the result, and give the path of the probabilities."""
        path = os.path.join(self.folder, PROBABILITIES)
        durable.put(path, [_npy(probabilities)], "The probabilities")
        record = canonical.encode({"identity": self.identity, **result}) + b"\n"
        durable.put(os.path.join(self.folder, RESULT), [record], "The result")
        return path


def _beside(place: str) -> str:
    return place.removesuffix(".npy") + ".b3"


def _line(data: bytes) -> bytes:
    return canonical.digest(data).encode() + b"\n"


def _npy(array: NDArray[Any]) -> bytes:
    data = io.BytesIO()
    np.lib.format.write_array(data, array, version=(1, 0), allow_pickle=False)
    return data.getvalue()
