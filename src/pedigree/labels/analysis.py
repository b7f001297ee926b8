"""One look at all labels, which every filter, rank and count is answered from.

found = labels.analyse(given, probabilities)
found.issues()            # which labels are probably wrong
found.scores()            # how good each label is, the worst lowest
found.joint, found.noise  # which classes are taken for which
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import counts, inputs
from pedigree.labels.counts import Counts, Noise

#: The least that a threshold can be.
LEAST_THRESHOLD = 2e-6
#: No probability reaches the threshold of a class that has no examples.
NEVER = 2.0
FILTERS = (
    "union",
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
)
RANKS = ("blend", "threshold_margin", "self_confidence", "normalized_margin", "confidence_weighted_entropy")
#: A threshold-ratio margin below this is an issue in itself, in the union.
UNION_MARGIN = -0.5


def analyse(labels: Any, probabilities: Any, *, classes: Sequence[Any] | None = None, void: Any = None) -> Analysis:
    """Look at n labels with the n x K probabilities that a model which was not trained on them gives; see `inputs.labelled`.

    Two passes over the matrix, and memory for a few numbers a row. The same result whatever the number of threads.
    """
    inputs.needs_numba()
    return Analysis(inputs.labelled(labels, probabilities, classes=classes, void=void))


class Analysis:
    """What two passes found. Arrays have one entry per example, in the order given; s is the given label, t the thresholds."""

    def __init__(self, data: inputs.Labelled) -> None:
        from pedigree.labels import rows

        self.data = data
        count, classes = data.probabilities.shape
        sums = np.zeros(classes)
        self.label_counts: Counts = np.zeros(classes, np.int64)
        rows.label_sums(data.probabilities, data.labels, sums, self.label_counts)
        present = self.label_counts > 0
        #: Mean probability of each class over the examples labelled so (Eq. 2 of the paper), 2 for a class without any.
        self.thresholds = np.where(present, np.maximum(sums / np.maximum(self.label_counts, 1), LEAST_THRESHOLD), NEVER)
        kind = data.probabilities.dtype
        self.largest: NDArray[np.int32] = np.empty(count, np.int32)
        #: The class that an example is counted for, -1 for none.
        self.counted: NDArray[np.int32] = np.empty(count, np.int32)
        self.agreeing: NDArray[np.bool_] = np.ones(count, np.bool_)
        self._own: NDArray[Any] = np.zeros(count, kind)
        self._rival: NDArray[Any] = np.zeros(count, kind)
        self._ratio = np.zeros(count)
        rows.survey(
            data.probabilities,
            data.labels,
            _no_less(self.thresholds - rows.SLACK, kind),
            1.0 / self.thresholds,
            kind.type(rows.SLACK),
            self.largest,
            self.counted,
            self.agreeing,
            self._own,
            self._rival,
            self._ratio,
        )

    # -- counts

    @cached_property
    def confident_joint(self) -> Counts:
        """(K, K) counts, given label by counted class, not calibrated."""
        return counts.confident_joint(self.data.labels, self.counted, self.data.classes)

    @cached_property
    def joint(self) -> Counts:
        """(K, K) counts, given label by true class, calibrated: row s sums to the examples labelled s."""
        return counts.calibrated(self.confident_joint, self.label_counts)

    @cached_property
    def noise(self) -> Noise:
        """Noise matrix, its inverse and the prior of the true classes."""
        return counts.noise_of(self.joint, self.label_counts)

    @property
    def errors(self) -> int:
        """Estimated number of wrong labels: the calibrated joint off its diagonal."""
        return int(self.joint.sum() - self.joint.trace())

    # -- filters

    def issues(self, by: str = "union") -> NDArray[np.bool_]:
        """Which labels are probably wrong, by one of `FILTERS`.

        - `prune_by_class`: of the labels s the `n_s - joint[s, s]` with the lowest p_s.
        - `prune_by_noise_rate`: of the labels s, for each other class y, the `joint[s, y]` with the largest p_y - p_s.
        - `both`: what the two have in common.
        - `confident_learning`: those counted off the diagonal of the confident joint.
        - `predicted_neq_given`: another class has the largest p.
        - `union`, the default: either pruning, or a threshold-ratio margin below -0.5.
        In all of them a label that has the largest p (1e-6 granted) is no issue. Ties at a cut go to the lower index.
        Void labels are none. Source: Northcutt et al. 2021, section 3.3; the union is ours.
        """
        if by not in FILTERS:
            raise InvalidInput(f"There is no filter {by!r}.", remedy=f"Use one of {', '.join(FILTERS)}.")
        found: NDArray[np.bool_] = getattr(self, f"_{by}")
        return found.copy()

    @cached_property
    def _suspects(self) -> NDArray[np.int64]:
        """Examples with a label that does not have the largest p, by label and then by index."""
        rows = np.flatnonzero(~self.agreeing & (self.data.labels >= 0))
        return rows[np.argsort(self.data.labels[rows], kind="stable")]

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All examples by label and then by index, and where each label begins."""
        order = np.argsort(self.data.labels, kind="stable")
        starts = np.searchsorted(self.data.labels[order], np.arange(self.data.classes + 1))
        return order, starts

    @cached_property
    def _prune_counts(self) -> Counts:
        return counts.prune_counts(self.joint)

    @cached_property
    def _prune_by_noise_rate(self) -> NDArray[np.bool_]:
        from pedigree.labels import pruning, rows

        found = np.zeros(len(self.data.labels), np.bool_)
        order, starts = self._members
        suspects = self._suspects
        bounds = np.searchsorted(self.data.labels[suspects], np.arange(self.data.classes + 1))
        slack = self.data.probabilities.dtype.type(2 * rows.SLACK)
        for label in range(self.data.classes):
            members = order[starts[label] : starts[label + 1]]
            mine = suspects[bounds[label] : bounds[label + 1]]
            if len(members) > 1 and len(mine):
                wanted = self._prune_counts[label]
                pruning.prune_label(self.data.probabilities, label, mine, members, wanted, slack, found)
        return found

    @cached_property
    def _prune_by_class(self) -> NDArray[np.bool_]:
        found = np.zeros(len(self.data.labels), np.bool_)
        order, starts = self._members
        for label in range(self.data.classes):
            members = order[starts[label] : starts[label + 1]]
            count = len(members) - int(self._prune_counts[label, label])
            if len(members) > 1 and count > 0:
                found[members[_lowest(self._own[members], count)]] = True
        return found & ~self.agreeing

    @cached_property
    def _both(self) -> NDArray[np.bool_]:
        return self._prune_by_class & self._prune_by_noise_rate

    @cached_property
    def _confident_learning(self) -> NDArray[np.bool_]:
        given = self.data.labels
        return np.asarray((self.counted >= 0) & (given >= 0) & (self.counted != given) & ~self.agreeing)

    @cached_property
    def _predicted_neq_given(self) -> NDArray[np.bool_]:
        return np.asarray((self.data.labels >= 0) & (self.largest != self.data.labels) & ~self.agreeing)

    @cached_property
    def _union(self) -> NDArray[np.bool_]:
        pruned = self._prune_by_class | self._prune_by_noise_rate
        return (pruned | (self._margin < UNION_MARGIN)) & ~self.agreeing & (self.data.labels >= 0)

    # -- ranks

    def scores(self, by: str = "blend") -> NDArray[np.float64]:
        """How good each label is, by one of `RANKS`: the lower, the likelier it is wrong. NaN for void labels.

        - `threshold_margin`: log(p_s / t_s) - max over other classes j of log(p_j / t_j); any real number.
        - `blend`, the default: half of that and half of log(p_s / t_s). Both are ours.
        - `self_confidence`: p_s, in [0, 1].
        - `normalized_margin`: (p_s - largest other p + 1) / 2, in [0, 1].
        - `confidence_weighted_entropy`: log(1 + x) / x with x = entropy / (log K * p_s), in (0, 1]; 1 where x is 0, its limit.
        """
        if by not in RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
        found = self._ranked(by)
        return np.where(self.data.labels >= 0, found, np.nan)

    def _ranked(self, by: str) -> NDArray[np.float64]:
        own = self._own.astype(np.float64)
        if by == "self_confidence":
            return own
        if by == "normalized_margin":
            return (own - self._rival.astype(np.float64) + 1.0) / 2.0
        if by == "threshold_margin":
            return self._margin
        if by == "blend":
            return np.asarray(0.5 * self._margin + 0.5 * self._evidence)
        from pedigree.labels import rows

        entropy = np.empty(len(own))
        rows.entropies(self.data.probabilities, entropy)
        weighted = entropy / np.log(self.data.classes) / np.maximum(own, rows.SLACK)
        with np.errstate(invalid="ignore"):
            return np.where(weighted > 0.0, np.log1p(weighted) / weighted, 1.0)

    @cached_property
    def _evidence(self) -> NDArray[np.float64]:
        """log(p_s / t_s); a probability counts as 1e-12 at least."""
        thresholds = self.thresholds[np.maximum(self.data.labels, 0)]
        return np.asarray(np.log(np.maximum(self._own.astype(np.float64), 1e-12) / thresholds))

    @cached_property
    def _margin(self) -> NDArray[np.float64]:
        return np.asarray(self._evidence - np.log(np.maximum(self._ratio, 1e-12)))

    def worst(self, count: int | None = None, *, by: str = "blend") -> NDArray[np.int64]:
        """The examples with the lowest scores, the worst first, ties by index; all with a label if `count` is None."""
        scores = self.scores(by)
        order = np.argsort(scores, kind="stable")[: int((self.data.labels >= 0).sum())]
        return order if count is None else order[:count]


def _no_less(cuts: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """The cuts in the matrix's precision, so that its values reach these exactly when they reach those."""
    found = cuts.astype(kind)
    low = found.astype(np.float64) < cuts
    found[low] = np.nextafter(found[low], kind.type(np.inf))
    return found


def _lowest(values: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where the `count` lowest values are, of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    cut = np.partition(values, count - 1)[count - 1]
    below = np.flatnonzero(values < cut)
    return np.concatenate((below, np.flatnonzero(values == cut)[: count - len(below)]))
