"""Neighbours of large data sets: candidates by nearest-neighbour descent, which misses about one in a hundred.

pynndescent takes 6.5 CPU s for 200,000 x 50, where the exact search takes 15 for 60,000 and grows with the square. It draws at random and in parallel, so it runs from
a fixed seed and on one thread: with more its result depends on their number (so does that of faiss' inverted files).
Compiling it takes half a minute in each process, which pays from about 100,000 examples on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra
from pedigree.labels.neighbourhood import search
from pedigree.labels.neighbourhood.features import Floats

#: Candidates beyond those that are wanted; with them 99 of 100 neighbours are found.
_SPARE = 5


def nearest(matrix: NDArray[Any], k: int, metric: str, seed: int = 0) -> tuple[NDArray[np.int32], Floats]:
    """As `search.nearest` of the rows themselves, but a neighbour may be missing, and the next stands in its place.

    Distances are exact, and ties among those found go by index. Holds the features in memory, as float32.
    """
    from pedigree.labels.neighbourhood import kernels

    try:
        from pynndescent import NNDescent
    except ImportError:
        raise MissingExtra(
            "Approximate neighbours are found by pynndescent, which is not installed.",
            remedy="`pip install 'pedigree-ml[approximate]'`, or leave out `approximate`.",
        ) from None
    size = min(k + 1 + _SPARE, len(matrix))
    if len(matrix) <= k or k < 1:
        raise InvalidInput(
            f"{k} neighbours each cannot be found among {len(matrix)} examples.",
            remedy=f"Use k from 1 to {max(len(matrix) - 1, 1)}, or more examples.",
        )
    scales = search.scales_of(matrix, metric)
    rows = (matrix * scales[:, None]).astype(np.float32)
    found = NNDescent(rows, metric="euclidean", n_neighbors=size, random_state=seed, n_jobs=1)
    candidates = np.ascontiguousarray(found.neighbor_graph[0], np.int32)
    indices, distances = np.empty((len(matrix), k), np.int32), np.empty((len(matrix), k))
    sure = np.empty(len(matrix), np.bool_)
    itself = np.arange(len(matrix))
    endless, nothing = np.full(len(matrix), np.inf), np.zeros(len(matrix))
    kernels.refine(matrix, scales, matrix, scales, itself, candidates, endless, nothing, distances, indices, sure)
    for row in np.flatnonzero(~sure):  # fewer than k candidates were found
        kernels.scan(matrix[row], scales[row], matrix, scales, row, distances[row], indices[row])
    return indices, search.measured(distances, metric)
