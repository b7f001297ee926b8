"""The nearest rows of a matrix: candidates by scikit-learn, their distances again by us, and a proof that none is missing.

scikit-learn finds candidates by matrix products, whose last bits depend on the number of threads and on the processor. So
each distance is computed again (`kernels`), a few more candidates than are wanted are asked for, and where a row that is not
among them could be as near as the last neighbour, more are asked for, and then every row is looked at. What comes out does
not depend on threads, blocks or libraries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput, MissingExtra
from pedigree.labels import inputs
from pedigree.labels.neighbourhood import features as features_
from pedigree.labels.neighbourhood.features import BLOCK_BYTES, Floats

#: Candidates beyond those that are wanted, at the first and at the second try.
_SPARE, _MORE_SPARE = 8, 120
_EPSILON = float(np.finfo(np.float64).eps)

Found = tuple[NDArray[np.int32], Floats]


def nearest(
    matrix: NDArray[Any],
    queries: NDArray[Any] | None,
    k: int,
    metric: str,
    *,
    block_bytes: int = BLOCK_BYTES,
) -> Found:
    """The k nearest rows of each query: (q, k) indices and distances, nearest first, equal distances by index.

    Without `queries` these are the rows themselves, and none is its own neighbour. Reads the matrix once per block of queries.
    """
    inputs.needs_numba()
    asked = matrix if queries is None else queries
    least = k + (queries is None)
    if len(matrix) < least or k < 1:
        raise InvalidInput(
            f"{k} neighbours each cannot be found among {len(matrix)} examples.",
            remedy=f"Use k from 1 to {max(len(matrix) - (queries is None), 1)}, or more examples.",
        )
    if asked.shape[1] != matrix.shape[1]:
        raise InvalidInput(
            f"New examples have {asked.shape[1]} features and the reference has {matrix.shape[1]}.",
            remedy="Compute the features of both with the same model.",
        )
    scales = scales_of(matrix, metric)
    asked_scales = scales if queries is None else scales_of(asked, metric)
    indices = np.empty((len(asked), k), np.int32)
    distances = np.empty((len(asked), k))
    rows = features_.block_rows(asked.shape[1], block_bytes)
    for start in range(0, len(asked), rows):
        part = slice(start, min(start + rows, len(asked)))
        itself = np.arange(part.start, part.stop) if queries is None else np.full(part.stop - start, -1)
        block = _Block(asked[part], asked_scales[part], itself, matrix, scales, block_bytes)
        indices[part], distances[part] = block.nearest(k)
    return indices, measured(distances, metric)


def measured(squared: Floats, metric: str) -> Floats:
    """Squared distances of scaled rows in the unit of the metric, in their place."""
    return np.divide(squared, 2.0, out=squared) if metric == "cosine" else np.sqrt(squared, out=squared)


def scales_of(matrix: NDArray[Any], metric: str) -> Floats:
    """What each row is multiplied by before distances: one over its length for cosine, 1 for euclidean.

    Raises InvalidInput for euclidean distances that float64 does not hold.
    """
    from pedigree.labels.neighbourhood import kernels

    found = np.ones(len(matrix))
    if metric == "cosine":
        kernels.inverse_norms(matrix, found)
    else:
        features_.check_lengths(matrix)
    return found


class _Block:
    """A block of queries against a whole matrix; distances are squared, of rows times their scales."""

    def __init__(
        self,
        queries: NDArray[Any],
        query_scales: Floats,
        itself: NDArray[np.int64],
        matrix: NDArray[Any],
        scales: Floats,
        block_bytes: int,
    ) -> None:
        self.queries, self.query_scales, self.itself = np.asarray(queries), query_scales, itself
        self.matrix, self.scales, self.block_bytes = matrix, scales, block_bytes

    def nearest(self, k: int) -> Found:
        from pedigree.labels.neighbourhood import kernels

        indices = np.empty((len(self.queries), k), np.int32)
        distances = np.empty((len(self.queries), k))
        unsure = np.arange(len(self.queries))
        for spare in (_SPARE, _MORE_SPARE):
            got = self._refined(unsure, k, min(k + 1 + spare, len(self.matrix)))
            indices[unsure], distances[unsure] = got[0], got[1]
            unsure = unsure[~got[2]]
            if not len(unsure):
                return indices, distances
        for row in unsure:
            kernels.scan(
                self.queries[row],
                self.query_scales[row],
                self.matrix,
                self.scales,
                self.itself[row],
                distances[row],
                indices[row],
            )
        return indices, distances

    def _refined(
        self, rows: NDArray[np.int64], k: int, count: int
    ) -> tuple[NDArray[np.int32], Floats, NDArray[np.bool_]]:
        from pedigree.labels.neighbourhood import kernels

        whole = len(rows) == len(self.queries)
        queries = self.queries if whole else self.queries[rows]
        scaled = queries.astype(np.float64) * self.query_scales[rows, None]
        candidates, bounds, longest = self._candidates(scaled, count)
        lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        # How far a squared distance from matrix products may be off, four times over.
        slack = 8.0 * (scaled.shape[1] + 4) * _EPSILON * (lengths + longest) ** 2
        indices = np.empty((len(rows), k), np.int32)
        distances = np.empty((len(rows), k))
        sure = np.empty(len(rows), np.bool_)
        kernels.refine(
            queries,
            self.query_scales[rows],
            self.matrix,
            self.scales,
            self.itself[rows],
            candidates,
            bounds,
            slack,
            distances,
            indices,
            sure,
        )
        return indices, distances, sure

    def _candidates(self, scaled: Floats, count: int) -> tuple[NDArray[np.int32], Floats, float]:
        """(q, count) rows of the matrix, what no other row is nearer than, and the longest row."""
        try:
            from sklearn.neighbors import NearestNeighbors
        except ImportError:
            raise MissingExtra(
                "Neighbours are found by scikit-learn, which is not installed.",
                remedy="`pip install 'pedigree-ml[labels]'`.",
            ) from None
        best = np.full((len(scaled), count), np.inf)
        found = np.full((len(scaled), count), -1, np.int32)
        bounds = np.full(len(scaled), np.inf)
        longest = 0.0
        for start, block in features_.blocks(self.matrix, self.block_bytes):
            block *= self.scales[start : start + len(block), None]
            longest = max(longest, float(np.einsum("ij,ij->i", block, block).max()))
            size = min(count, len(block))
            search = NearestNeighbors(n_neighbors=size, algorithm="brute", metric="sqeuclidean").fit(block)
            near, which = search.kneighbors(scaled)
            if size < len(block):
                bounds = np.minimum(bounds, near[:, -1])
            if start == 0 and size == count:
                best, found = near, which.astype(np.int32)
                continue
            values = np.concatenate((best, near), axis=1)
            places = np.concatenate((found, (which + start).astype(np.int32)), axis=1)
            kept = np.argpartition(values, count - 1, axis=1)[:, :count]
            best, found = np.take_along_axis(values, kept, 1), np.take_along_axis(places, kept, 1)
            bounds = np.minimum(bounds, np.where(values.shape[1] > count, best.max(axis=1), np.inf))
        return found, bounds, float(np.sqrt(longest))
