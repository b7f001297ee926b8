"""The graph of nearest neighbours that everything about neighbourhoods is answered from."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.neighbourhood import features as features_
from pedigree.labels.neighbourhood import search
from pedigree.labels.neighbourhood.features import Floats

_FORMAT = "pedigree-neighbours-1"
_ARRAYS = ("indices", "distances", "equal")


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The k nearest neighbours of each of n examples.

    `indices` (n, k) int32, nearest first, equally far ones by index; an example is not its own neighbour. `distances` (n, k)
    float64, of the `metric`. `equal` (n,) int32: the lowest example whose features are equal in every value, itself if alone.
    """

    indices: NDArray[np.int32]
    distances: Floats
    equal: NDArray[np.int32]
    metric: str

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def k(self) -> int:
        return int(self.indices.shape[1])

    def nearest(self, k: int | None = None) -> Graph:
        """The same graph with the k nearest neighbours alone; all of them if None."""
        if k is None or k == self.k:
            return self
        if not 1 <= k <= self.k:
            raise InvalidInput(
                f"The graph holds {self.k} neighbours of each example, {k} were asked for.",
                remedy="Build it with `neighbours(features, k=…)`.",
            )
        return Graph(self.indices[:, :k], self.distances[:, :k], self.equal, self.metric)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write indices.npy, distances.npy, equal.npy and graph.json (format, metric) into the folder, which is made."""
        os.makedirs(folder, exist_ok=True)
        for name in _ARRAYS:
            with open(os.path.join(folder, f"{name}.npy"), "wb") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(getattr(self, name)), allow_pickle=False)
        with open(os.path.join(folder, "graph.json"), "w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, "metric": self.metric}, file)
            file.write("\n")

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Graph:
        """What `save` wrote, as memory maps. Raises InvalidInput where the folder holds no graph."""
        try:
            with open(os.path.join(folder, "graph.json"), encoding="utf-8") as file:
                head = json.load(file)
            if head["format"] != _FORMAT:
                raise InvalidInput(
                    f"{folder} is in the format {head['format']!r}, not {_FORMAT!r}.", remedy="Build the graph again."
                )
            arrays = [np.lib.format.open_memmap(os.path.join(folder, f"{name}.npy"), mode="r") for name in _ARRAYS]
            return graph(*arrays, metric=head["metric"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(
                f"{folder} holds no graph of neighbours: {error}", remedy="Write one with `save`."
            ) from error


def graph(indices: Any, distances: Any, equal: Any = None, *, metric: str) -> Graph:
    """A graph from arrays that another library found: (n, k) indices and distances, nearest first, without the example itself.

    Without `equal` examples at distance 0 of each other count as equal, as far as they are neighbours. Raises InvalidInput with
    the first offending rows for indices outside the data or of the example itself, and distances that are NaN, negative or not
    in rising order.
    """
    places, lengths = np.asarray(indices), np.asarray(distances)
    if places.ndim != 2 or places.shape != lengths.shape or places.dtype.kind not in "iu" or not places.size:
        raise InvalidInput(
            f"A graph needs whole indices and distances of one shape (n, k), got {places.shape} and {lengths.shape}.",
            remedy="Give for each example the indices of its k nearest others and the distances to them.",
        )
    count = len(places)
    _refuse(((places < 0) | (places >= count)).any(axis=1), f"name neighbours outside 0 to {count - 1}")
    _refuse((places == np.arange(count)[:, None]).any(axis=1), "have the example itself among its neighbours")
    falling = np.zeros(count, np.bool_) if places.shape[1] < 2 else (lengths[:, 1:] < lengths[:, :-1]).any(axis=1)
    _refuse(~(lengths >= 0).all(axis=1) | falling, "have distances that are undefined, negative or not in rising order")
    if equal is None:
        from pedigree.labels.neighbourhood import sets

        rows, columns = np.nonzero(lengths == 0)
        equal = sets.lowest_members(count, rows, places[rows, columns])
    same = np.asarray(equal)
    if same.shape != (count,):
        raise InvalidInput(f"`equal` must have one entry per example, got {same.shape}.", remedy="Leave it out.")
    return Graph(places.astype(np.int32, copy=False), lengths.astype(np.float64, copy=False), same, metric)


def _refuse(wrong: Any, what: str) -> None:
    if wrong.any():
        rows = [int(row) for row in np.flatnonzero(wrong)[:5]]
        raise InvalidInput(
            f"{int(wrong.sum())} of {len(wrong)} rows {what}: {', '.join(map(str, rows))}.",
            remedy="Give for each example its k nearest others, nearest first.",
            rows=rows,
        )


def neighbours(features: Any, k: int = 10, *, metric: str | None = None, approximate: bool = False) -> Graph:
    """The graph of the k nearest neighbours of each example, exact unless `approximate`.

    `features`: (n, d) numbers, or the path of a `.npy` file, which is read in blocks; see `features.features`. `metric` is
    "cosine" (1 - cosine of the angle, from 0 to 2; a row of zeros is at 1 from all others) or "euclidean"; by default cosine
    above 3 features, else euclidean. O(n^2 d) time; beyond the features and the result, memory for a few blocks.
    The same for any number of threads and any size of blocks. `approximate` misses about one neighbour in a hundred, in a
    fraction of the time from 100,000 examples on (see `approximate`; the extra of that name).

    Raises InvalidInput for NaN and infinite values, for fewer than k + 1 examples, where all examples are equal, and for
    features whose squared euclidean distances leave the range of float64.
    """
    matrix = features_.features(features)
    chosen = features_.metric_for(matrix.shape[1], metric)
    equal = features_.equal_rows(matrix)
    if len(matrix) > 1 and not equal.any():
        raise InvalidInput(
            f"All {len(matrix)} rows of features are equal, so nothing is near or far.",
            remedy="Look at what computed them; constant features say nothing.",
        )
    if approximate:
        from pedigree.labels.neighbourhood import approximate as approximate_

        indices, distances = approximate_.nearest(matrix, k, chosen)
    else:
        indices, distances = search.nearest(matrix, None, k, chosen)
    return Graph(indices, distances, equal, chosen)
