"""Examples that are there twice: equal ones, near ones, and those that reach from one split into another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.neighbourhood import sets
from pedigree.labels.neighbourhood.features import Floats
from pedigree.labels.neighbourhood.graph import Graph

#: So many near-duplicates of each example may be chance.
CHANCE = 1e-3
#: No neighbourhood counts as narrower than this part of the median one, so that many copies of one example are found too.
_NARROWEST = 1 / 32
_LEAST_NEIGHBOURS = 3

Set = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """`pairs` (p, 2) int32 are near-duplicates, lower index first, the most alike first, with their `ratios` (p,).

    `scores` (n,) in [0, 1]: the least ratio of an example with any neighbour, 0 where it has an equal, 1 at most. `equal` and
    `near` (n,) int32: the lowest example of the set that one belongs to, itself where it is alone; near sets contain the equal
    ones. `threshold` is the ratio below which a pair is near, `dimension` the one it was computed from. `splits` (n,) are the names of the splits, None where none were given.
    """

    pairs: NDArray[np.int32]
    ratios: Floats
    scores: Floats
    equal: NDArray[np.int32]
    near: NDArray[np.int32]
    threshold: float
    dimension: float
    splits: NDArray[Any] | None

    @cached_property
    def exact_sets(self) -> list[Set]:
        """Examples with equal features, each set in rising order, by their first."""
        return sets.members(self.equal)

    @cached_property
    def near_sets(self) -> list[Set]:
        """Examples that a chain of near-duplicates holds together, without the sets that hold equal ones alone."""
        return [found for found in sets.members(self.near) if (self.equal[found] != self.equal[found[0]]).any()]

    @property
    def issues(self) -> NDArray[np.bool_]:
        """Which examples have a duplicate, equal or near."""
        counts = np.bincount(self.near, minlength=len(self.near))
        return np.asarray(counts[self.near] > 1)

    @cached_property
    def leaks(self) -> list[Set]:
        """The sets, equal or near, with examples of more than one split. Raises InvalidInput without splits."""
        splits = self._splits()
        return [found for found in sets.members(self.near) if (splits[found] != splits[found[0]]).any()]

    def leaking(self, held_out: Any, *, out_of: Any = None) -> NDArray[np.int64]:
        """The examples of `out_of` (all other splits if None) that have a duplicate in the split `held_out`: what to drop."""
        splits = self._splits()
        for name in (held_out, *(() if out_of is None else (out_of,))):
            if not (splits == name).any():
                known = ", ".join(repr(one) for one in np.unique(splits).tolist())
                raise InvalidInput(f"There is no split {name!r}.", remedy=f"The splits are {known}.")
        touched = np.zeros(len(splits), np.bool_)
        touched[self.near[splits == held_out]] = True
        mine = splits != held_out if out_of is None else splits == out_of
        return np.flatnonzero(touched[self.near] & mine)

    def _splits(self) -> NDArray[Any]:
        if self.splits is None:
            raise InvalidInput(
                "Leaks are duplicates between splits, and no splits were given.",
                remedy="Say `duplicates(graph, splits=…)` with the name of each example's split.",
            )
        return self.splits


def duplicates(graph: Graph, *, chance: float = CHANCE, splits: Any = None) -> Duplicates:
    """Near-duplicates among neighbours: pairs whose ratio d(i, j) / sqrt(w(i) w(j)) is below a threshold, w the distance to the
    k-th neighbour.

    The ratio depends neither on the unit of the features nor on how dense they lie where the pair is. The threshold is
    (chance / k)^(1 / D), D the intrinsic dimension, estimated from the same distances: so far do neighbours come to each other
    by chance that an example has `chance` of them, if examples lie evenly where the pair is.
    Distances are lengths; of a cosine distance it is its square root. A width counts as a thirty-second of the median one at least.
    `splits`: the name of each example's split, for leaks. O(n k).

    Raises InvalidInput for lengths that differ and for a graph of fewer than three neighbours.
    Source of D: Levina and Bickel 2004, equation 8, with the median over the examples for their mean.
    """
    if not 0 < chance < 1:
        raise InvalidInput(f"The chance must lie between 0 and 1, got {chance}.", remedy="0.001 is the default.")
    if graph.k < _LEAST_NEIGHBOURS:
        raise InvalidInput(
            f"Near-duplicates are told from {_LEAST_NEIGHBOURS} neighbours of each example and more, the graph has {graph.k}.",
            remedy="Build it with `neighbours(features, k=10)`.",
        )
    count = len(graph)
    named = None if splits is None else np.asarray(inputs.plain(splits))
    if named is not None and named.shape != (count,):
        raise InvalidInput(
            f"There are {len(named)} names of splits and {count} examples.", remedy="Name the split of each example."
        )
    lengths = np.sqrt(graph.distances) if graph.metric == "cosine" else np.asarray(graph.distances)
    widths = lengths[:, -1]
    positive = widths[widths > 0]
    widths = np.maximum(widths, _NARROWEST * float(np.median(positive)) if len(positive) else 1.0)
    ratios = lengths / np.sqrt(widths[:, None] * widths[graph.indices])
    scores = np.minimum(ratios.min(axis=1), 1.0)
    dimension = intrinsic_dimension(lengths)
    threshold = (chance / graph.k) ** (1.0 / dimension)
    near = ratios < threshold
    np.minimum.at(scores, graph.indices[near], ratios[near])
    members = np.bincount(graph.equal, minlength=count)[graph.equal]
    scores[members > 1] = 0.0
    left, column = np.nonzero(near)
    right = graph.indices[left, column]
    apart = graph.equal[left] != graph.equal[right]
    found, values = _unordered(left[apart], right[apart], ratios[left[apart], column[apart]])
    everyone = np.arange(count)
    linked = sets.lowest_members(
        count, np.concatenate((found[:, 0], everyone)), np.concatenate((found[:, 1], graph.equal))
    )
    return Duplicates(found, values, scores, np.asarray(graph.equal), linked, threshold, dimension, named)


def intrinsic_dimension(lengths: Floats) -> float:
    """Of how many dimensions the space looks in which these (n, k) distances to neighbours, nearest first, are found.

    One over the median, over the examples whose distances are all above 0, of the mean of log(d_k / d_j), j < k. 1 at least,
    and 1 where nothing can be said.
    """
    apart = lengths[lengths[:, 0] > 0]
    if not len(apart):
        return 1.0
    slope = float(np.median(np.log(apart[:, -1:] / apart[:, :-1]).mean(axis=1)))
    return 1.0 / min(max(slope, 1e-3), 1.0)


def _unordered(left: NDArray[Any], right: NDArray[Any], ratios: Floats) -> tuple[NDArray[np.int32], Floats]:
    """Each pair once, lower index first, by ratio and then by index."""
    low, high = np.minimum(left, right).astype(np.int32), np.maximum(left, right).astype(np.int32)
    order = np.lexsort((high, low, ratios))
    pairs = np.stack((low[order], high[order]), axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    kept = np.sort(first)
    return pairs[kept], ratios[order][kept]


def equal_contents(contents: Iterable[Any]) -> list[Set]:
    """The sets of equal pictures, or of anything: `contents` are bytes, arrays, or paths of files, which are read.

    Arrays are equal when type, shape and every byte are. Each set in rising order, by its first. For what cannot be embedded yet.
    """
    from blake3 import blake3

    first: dict[bytes, int] = {}
    lowest = []
    for at, content in enumerate(contents):
        digest = blake3()
        if isinstance(content, (bytes, bytearray, memoryview)):
            digest.update(bytes(content))
        elif isinstance(content, str) or hasattr(content, "__fspath__"):
            digest.update_mmap(content)
        else:
            array = np.ascontiguousarray(inputs.plain(content))
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        lowest.append(first.setdefault(digest.digest(), at))
    return sets.members(np.array(lowest, np.int32))
