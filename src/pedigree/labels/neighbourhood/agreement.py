"""Whether examples have the label of their neighbours: label errors without a classifier, and which classes overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.neighbourhood.features import Floats
from pedigree.labels.neighbourhood.graph import Graph

RANKS = ("similarity", "agreement", "ratio")


@dataclass(frozen=True, eq=False)
class Agreement:
    """How the labels of each example's neighbours fall. The lower, the likelier the label is wrong; NaN where nothing is known.

    - `agreement` (n,) in [0, 1]: the share of the neighbours that have the example's label.
    - `similarity` (n,) in [0, 1]: the cosine between the given label and the counts of the neighbours' labels, so that a label
      counts for less where the neighbours agree on another one than where they are of all kinds (SimiFeat's ranking).
    - `ratio` (n,) in [0, 1]: b^2 / (a^2 + b^2), a the distance to the nearest neighbour with the same label, b with another
      (SelfClean). Where one of the two is not among the neighbours, the distance to the last stands for it.
    - `vote` (n,) int32: the class of most neighbours, of equal ones that of the nearest; -1 where no neighbour has a label.
    """

    agreement: Floats
    similarity: Floats
    ratio: Floats
    vote: NDArray[np.int32]
    labels: NDArray[np.int64]
    names: tuple[Any, ...]
    #: Neighbours with a label: of examples labelled a (rows) those labelled b (columns), counted.
    counts: NDArray[np.int64]

    @property
    def issues(self) -> NDArray[np.bool_]:
        """Whose neighbours vote for another label than the given one."""
        return np.asarray(
            (self.labels >= 0) & (self.vote >= 0) & (self.vote != self.labels) & ~np.isnan(self.agreement)
        )

    def scores(self, by: str = "similarity") -> Floats:
        if by not in RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
        return np.asarray(getattr(self, by), np.float64)

    @cached_property
    def overlap(self) -> Floats:
        """(K, K): of the neighbours of examples of a class (rows) the share of each class; rows sum to 1, NaN of an absent class."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))

    @property
    def mixed_up(self) -> list[tuple[Any, Any, float]]:
        """Every pair of classes that are neighbours, the most mixed up first: names and how often, as a part of chance.

        1 means that neighbours are of the other class as often as if classes lay at random, 0 that they never are. It is
        (C[a, b] + C[b, a]) / (n_a C_b / C + n_b C_a / C), C the counts, n the neighbours of a class, C_b those that are of b.
        """
        rows, columns, every = self.counts.sum(axis=1), self.counts.sum(axis=0), max(int(self.counts.sum()), 1)
        chance = (np.outer(rows, columns) + np.outer(columns, rows)) / every
        both = self.counts + self.counts.T
        left, right = np.nonzero(np.triu(both, 1))
        strength = both[left, right] / chance[left, right]
        order = np.lexsort((right, left, -strength))
        return [(self.names[left[at]], self.names[right[at]], float(strength[at])) for at in order]


def agreement(
    graph: Graph, labels: Any, *, classes: Sequence[Any] | None = None, void: Any = None, k: int | None = None
) -> Agreement:
    """How the labels of the k nearest neighbours of each example fall; all of the graph's neighbours if k is None.

    `labels`: n whole numbers or texts; `classes` names them, else they are 0, 1, … or the texts in their order; `void` marks
    examples without a label, which neither vote nor are judged. The only example of a class has no score: NaN.
    Raises InvalidInput for lengths that differ, labels that are no class, and labels of one class alone.
    Source: Zhu et al. 2022 (arXiv:2110.06283); Gröger et al. 2024 (arXiv:2305.17048), section 3.
    """
    from pedigree.labels.neighbourhood import passes

    inputs.needs_numba()
    part = graph.nearest(k)
    numbers, names = inputs.numbered(labels, len(graph), "examples in the graph", classes=classes, void=void)
    count, size = len(graph), len(names)
    same = np.zeros(count, np.int64)
    share, cosine, ratio = (np.full(count, np.nan) for _ in range(3))
    vote = np.full(count, -1, np.int32)
    passes.label_votes(
        np.ascontiguousarray(part.indices),
        np.ascontiguousarray(part.distances),
        numbers,
        size,
        same,
        share,
        cosine,
        vote,
        ratio,
    )
    members = np.bincount(numbers[numbers >= 0], minlength=size)
    alone = (numbers >= 0) & (members[numbers] == 1)
    for found in (share, cosine, ratio):
        found[alone] = np.nan
    return Agreement(share, cosine, ratio, vote, numbers, names, _counts(part, numbers, size))


def _counts(graph: Graph, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    found = np.zeros(classes * classes, np.int64)
    for place in range(graph.k):
        theirs = labels[graph.indices[:, place]]
        known = (labels >= 0) & (theirs >= 0)
        found += np.bincount(labels[known] * classes + theirs[known], minlength=classes * classes)
    return found.reshape(classes, classes)
