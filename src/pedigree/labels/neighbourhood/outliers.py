"""How far out of the distribution examples lie, by the distance to their nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels.neighbourhood import features as features_
from pedigree.labels.neighbourhood import search
from pedigree.labels.neighbourhood.features import Floats
from pedigree.labels.neighbourhood.graph import Graph

#: Interquartile ranges above the third quartile, from where a distance is an outlier's.
WHISKERS = 1.7


@dataclass(frozen=True, slots=True, eq=False)
class Outliers:
    """`distances` (n,): the mean distance of each example to its k nearest others, in the unit of the metric.

    `scale` is their median over the examples that lie apart at all: what scores are measured in.
    """

    distances: Floats
    scale: float
    k: int
    metric: str

    @property
    def scores(self) -> Floats:
        """exp(-distance / scale), in [0, 1]: the lower, the further out. A typical example has 1/e = 0.37, an equal one 1.

        It does not depend on the unit of the features, and neither do ties. What a low value means depends on the data;
        `tails` are comparable between data sets.
        """
        return self._scores(self.distances)

    @property
    def tails(self) -> Floats:
        """The share of the examples that lie at least so far out, in (0, 1]: a threshold on it is a rate of false alarms."""
        return self._tails(self.distances)

    def issues(self, whiskers: float = WHISKERS) -> NDArray[np.bool_]:
        """Whose distance is above the third quartile by more than `whiskers` interquartile ranges (Tukey's fence)."""
        return np.asarray(self.distances > self.fence(whiskers))

    def fence(self, whiskers: float = WHISKERS) -> float:
        low, high = np.percentile(self.distances, (25, 75))
        return float(high + whiskers * (high - low))

    def score_new(self, new: Any, reference: Any) -> NewScores:
        """The same of examples that were not there: `new` (m, d) against `reference`, the features that the graph was built on.

        Raises InvalidInput where the reference has another number of rows, or the new ones of columns.
        """
        known, asked = features_.features(reference), features_.features(new)
        if len(known) != len(self.distances):
            raise InvalidInput(
                f"The reference has {len(known)} examples and was fitted on {len(self.distances)}.",
                remedy="Give the features that the graph was built on.",
            )
        _, found = search.nearest(known, asked, self.k, self.metric)
        means = found.mean(axis=1)
        return NewScores(means, self._scores(means), self._tails(means, itself=1))

    def _scores(self, distances: Floats) -> Floats:
        return np.exp(-distances / self.scale)

    def _tails(self, distances: Floats, itself: int = 0) -> Floats:
        order = np.sort(self.distances)
        as_far = len(order) - np.searchsorted(order, distances, side="left")
        return (as_far + itself) / (len(order) + itself)


@dataclass(frozen=True, slots=True, eq=False)
class NewScores:
    """Of m new examples: mean `distances` to the k nearest of the reference, `scores` and `tails` as in `Outliers`.

    A tail counts the new example itself among the known ones, (as far + 1) / (n + 1): a conformal p-value.
    """

    distances: Floats
    scores: Floats
    tails: Floats


def outliers(graph: Graph, *, k: int | None = None) -> Outliers:
    """How far out each example lies, by its k nearest neighbours, all of the graph's if None.

    Source: Kuan and Mueller 2022 (arXiv:2207.03061), distances to k nearest neighbours.
    """
    part = graph.nearest(k)
    distances = part.distances.mean(axis=1)
    scale = float(np.median(distances))
    if scale == 0.0:
        apart = distances[distances > 0.0]
        scale = float(np.median(apart)) if len(apart) else 1.0
    return Outliers(distances, scale, part.k, part.metric)
