"""One look at all labels, which every filter, rank and count is answered from.

found = labels.analyse(given, probabilities)
found.issues()            # which labels are probably wrong
found.scores()            # how good each label is, the worst lowest
found.joint, found.noise  # which classes are taken for which
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import blending, counts, doubts, inputs
from pedigree.labels.counts import Noise
from pedigree.labels.filters import FILTERS as _FILTERS
from pedigree.labels.names import FILTERS, RANKS
from pedigree.labels.ranks import RANKS as _RANKS
from pedigree.labels.rounding import Counts

Joint = Literal["cleanlab", "paper"]

#: The least that a threshold can be.
LEAST_THRESHOLD = 2e-6
#: No probability reaches the threshold of a class that has no examples.
NEVER = 2.0


def analyse(
    labels: Any,
    probabilities: Any,
    *,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    joint: Joint = "cleanlab",
    chunk_rows: int | None = None,
) -> Analysis:
    """Look at n labels with the n x K probabilities that a model which was not trained on them gives; see `inputs.labelled`.

    `joint` says for which class an example is counted (`counted`), and with it what the counts and the filters build on. Where p_k >=
    t_k for one class k alone, it is that one. For several, it is with `cleanlab` the class of the largest p, be it among them or
    not, and 1e-6 are granted on t_k; with `paper` it is the one of them with the largest p (Eq. 1), and nothing is granted.

    Two passes over the matrix, `chunk_rows` rows at a time (as many as suits if None), and memory for a few numbers a row. The same
    result whatever the number of threads and the size of chunks. float16 is computed as float32.

    Warns RareClass and SeenLabels (`doubts`).
    """
    data = inputs.labelled(labels, probabilities, classes=classes, void=void, chunk_rows=chunk_rows)
    found = Analysis(data, joint=joint, chunk_rows=chunk_rows)
    doubts.doubt(found)
    return found


class Analysis:
    """What two passes found. Arrays have one entry per example, in the order given; s is the given label, t the thresholds."""

    def __init__(self, data: inputs.Labelled, *, joint: Joint = "cleanlab", chunk_rows: int | None = None) -> None:
        from pedigree.labels import rows

        if joint not in ("cleanlab", "paper"):
            raise InvalidInput(f"There is no joint {joint!r}.", remedy="Use cleanlab or paper.")
        self.data = data
        self.chunk_rows = chunk_rows
        self.label_counts: Counts = data.counts
        present = data.counts > 0
        #: Mean probability of each class over the examples labelled so (Eq. 2 of the paper), 2 for a class without any.
        self.thresholds = np.where(present, np.maximum(data.sums / np.maximum(data.counts, 1), LEAST_THRESHOLD), NEVER)
        count, kind = len(data.labels), data.probabilities.dtype
        #: The first class of the largest p.
        self.largest: NDArray[np.int32] = np.empty(count, np.int32)
        #: The class that an example is counted for, -1 for none.
        self.counted: NDArray[np.int32] = np.empty(count, np.int32)
        #: Whether the given label has the largest p, 1e-6 granted; such a label is no issue.
        self.agreeing: NDArray[np.bool_] = np.ones(count, np.bool_)
        #: Level of each class, half-way between its threshold and the mean p_s; see `blending`.
        self.levels = blending.levels(self.thresholds, data.sums, data.counts)
        #: p_s, the largest p of the other classes j, the largest p_j / level_j of those; without a label -1, and of all.
        self.own: NDArray[Any] = np.zeros(count, kind)
        self.rival: NDArray[Any] = np.zeros(count, kind)
        self.ratio: NDArray[Any] = np.zeros(count, kind)
        slack = rows.SLACK if joint == "cleanlab" else 0.0
        cuts = rows.padded(no_less(self.thresholds - slack, kind), kind, NEVER)
        inverse = rows.padded(1.0 / self.levels, kind, 0.0)
        work = rows.work_of(cuts)
        outcome = (self.largest, self.counted, self.agreeing, self.own)
        rivals = (self.rival, rows.bits_of(self.rival), rows.bits_of(self.ratio))
        for start, chunk in data.probabilities.chunks(chunk_rows):
            part = slice(start, start + len(chunk))
            parts = (array[part] for array in (*outcome, *rivals))
            rows.survey(chunk, data.labels[part], cuts, inverse, joint == "paper", work, *parts)
        self._masks: dict[str, NDArray[np.bool_]] = {}

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

    def summary(self) -> str:
        """What was found as text to print: totals, classes with the most wrong labels, most confused pairs; see `tables`."""
        from pedigree.labels import tables

        return tables.summary(self)

    # -- filters and ranks

    def issues(self, by: str = FILTERS[0]) -> NDArray[np.bool_]:
        """Which labels are probably wrong, by one of `FILTERS`.

        - `prune_by_class`: of the labels s the `n_s - joint[s, s]` with the lowest p_s.
        - `prune_by_noise_rate`: of the labels s, for each other class y, the `joint[s, y]` with the largest p_y - p_s.
        - `both`: what the two have in common.
        - `confident_learning`: those counted off the diagonal of the confident joint.
        - `predicted_neq_given`: another class has the largest p.
        - `union`, the default: either pruning, or log(p_s / level_s) more than 0.5 below that of another class (`blending`).
        In all of them a label that has the largest p (1e-6 granted) is no issue, nor is the only one of its class in the
        prunings. Ties at a cut go to the lower index. Void labels are none. Each is computed once.
        """
        if by not in _FILTERS:
            raise InvalidInput(f"There is no filter {by!r}.", remedy=f"Use one of {', '.join(FILTERS)}.")
        if by not in self._masks:
            self._masks[by] = _FILTERS[by](self)
        return self._masks[by].copy()

    def scores(self, by: str = RANKS[0]) -> NDArray[np.float64]:
        """How good each label is, by one of `RANKS`: the lower, the likelier it is wrong. NaN for void labels.

        - `threshold_margin`: log(p_s / t_s) - max over other classes j of log(p_j / t_j); any real number.
        - `blend`, the default: see `blending`. Both are ours.
        - `self_confidence`: p_s, in [0, 1].
        - `normalized_margin`: (p_s - largest other p + 1) / 2, in [0, 1].
        - `confidence_weighted_entropy`: log(1 + x) / x with x = entropy / (log K * p_s), in (0, 1]; 1 where x is 0, its limit.
        """
        if by not in _RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
        return np.where(self.data.labels >= 0, _RANKS[by](self), np.nan)

    def worst(self, count: int | None = None, *, by: str = RANKS[0]) -> NDArray[np.int64]:
        """The examples with the lowest scores, the worst first, ties by index; all with a label if `count` is None."""
        scores = self.scores(by)
        order = np.argsort(scores, kind="stable")[: int((self.data.labels >= 0).sum())]
        return order if count is None else order[:count]

    def digest(self) -> str:
        """One digest of all that was found: counts, thresholds, every mask and every score. Equal for equal results alone."""
        from pedigree import canonical

        hasher = canonical.hasher()
        arrays = [self.thresholds, self.largest, self.counted, self.agreeing, self.own, self.rival, self.ratio]
        arrays += [self.confident_joint, self.joint, self.noise.prior, self.noise.noise, self.noise.inverse]
        arrays += [self.issues(by) for by in FILTERS] + [self.scores(by) for by in RANKS]
        for array in arrays:
            hasher.update(f"{array.dtype.str} {array.shape}\n".encode())
            hasher.update(array.tobytes())
        return str(hasher.hexdigest())


def no_less(cuts: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """The cuts in the matrix's precision, so that its values reach these exactly when they reach those."""
    found = cuts.astype(kind)
    low = found.astype(np.float64) < cuts
    found[low] = np.nextafter(found[low], kind.type(np.inf))
    return found
