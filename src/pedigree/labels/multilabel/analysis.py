"""One look at the labels of examples that may have several classes each, from which every list and table is answered.

found = labels.analyse_multilabel(given, probabilities)
found.missing()   # classes that an example has and was not given, the worst first
found.extra()     # classes that it was given and has not
found.per_class   # how many of each, estimated and found
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import counts
from pedigree.labels.analysis import LEAST_THRESHOLD, NEVER
from pedigree.labels.inputs import needs_numba
from pedigree.labels.multilabel import inputs
from pedigree.labels.rounding import Counts, Floats

FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")
RANKS = ("threshold_margin", "self_confidence")
EXAMPLE_RANKS = ("threshold_margin", "moving_average")
#: Of the scores of an example's classes, from the best to the worst, each counts four times what came before it.
ALPHA = 0.8
#: A probability counts as this much at least, and one less this at most, in logarithms.
LEAST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class CellList:
    """Cells, the worst first, ties by example and then by class: the example, the column of the class, the score."""

    examples: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: Floats
    names: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[tuple[int, Any, float]]:
        """(example, name of the class, score)"""
        for example, column, score in zip(self.examples, self.columns, self.scores, strict=True):
            yield int(example), self.names[column], float(score)


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """What is known of one class: how many examples were given it, estimates from the calibrated joint, cells found.

    `missing_rate` is the share of those that truly have the class and were not given it, `extra_rate` the share of those
    that truly lack it and were.
    """

    name: Any
    present: int
    absent: int
    void: int
    estimated_missing: int
    estimated_extra: int
    missing_rate: float
    extra_rate: float
    missing: int
    extra: int


def analyse_multilabel(
    labels: Any, probabilities: Any, *, classes: Sequence[Any] | None = None, void: Any = None
) -> MultiLabelAnalysis:
    """Look at the labels of n examples, each with any number of K classes; see `multilabel.inputs.cells` for the forms.

    Two passes over the matrix of probabilities, which is never copied. The same result whatever the number of threads.
    """
    needs_numba()
    return MultiLabelAnalysis(inputs.cells(labels, probabilities, classes=classes, void=void))


class MultiLabelAnalysis:
    """What the passes found. Matrices are (n, K), a row per example and a column per class, in the order given.

    Each class is taken for itself, as a problem of two classes: absent (0) and present (1).
    """

    def __init__(self, data: inputs.Cells) -> None:
        from pedigree.labels.multilabel import passes

        self.data = data
        totals = np.zeros((data.classes, 2))
        #: (K, 2): how many examples lack a class and have it, as given.
        self.label_counts: Counts = np.zeros((data.classes, 2), np.int64)
        passes.sums(data.probabilities, data.given, totals, self.label_counts)
        means = np.maximum(totals / np.maximum(self.label_counts, 1), LEAST_THRESHOLD)
        #: (K, 2): mean probability of absence over the examples given so, and of presence; 2 where there are none.
        self.thresholds: Floats = np.where(self.label_counts > 0, means, NEVER)
        self._kept: dict[str, NDArray[np.bool_]] = {}

    # -- counts

    @cached_property
    def confident_joint(self) -> Counts:
        """(K, 2, 2) counts, given by counted, not calibrated."""
        from pedigree.labels.multilabel import passes
        from pedigree.labels.rows import SLACK

        counted = np.zeros((self.data.classes, 3, 2), np.int64)
        passes.joints(self.data.probabilities, self.data.given, self.thresholds - SLACK, counted)
        found = counted[:, 1:]
        found[:, [0, 1], [0, 1]] = np.maximum(found[:, [0, 1], [0, 1]], 1)
        return found

    @cached_property
    def joint(self) -> Counts:
        """(K, 2, 2) counts, given by true, calibrated: `joint[k, s]` sums to the examples that were given s for class k."""
        pairs = zip(self.confident_joint, self.label_counts, strict=True)
        return np.stack([counts.calibrated(joint, count) for joint, count in pairs])

    @property
    def errors(self) -> int:
        """Estimated number of wrong cells."""
        return int(self.joint[:, 0, 1].sum() + self.joint[:, 1, 0].sum())

    @cached_property
    def per_class(self) -> tuple[ClassSummary, ...]:
        """One line for each class, in their order."""
        joint = self.joint.astype(float)
        issues, given = self._issues("prune_by_noise_rate"), self.data.given
        missing, extra = (issues & (given == 0)).sum(axis=0), (issues & (given == 1)).sum(axis=0)
        rates = joint[:, [0, 1], [1, 0]] / np.maximum(joint.sum(axis=1)[:, ::-1], 1.0)
        rows = len(self.data.given)
        return tuple(
            ClassSummary(
                name=name,
                present=int(present),
                absent=int(absent),
                void=rows - int(present + absent),
                estimated_missing=int(joint[at, 0, 1]),
                estimated_extra=int(joint[at, 1, 0]),
                missing_rate=float(rates[at, 0]),
                extra_rate=float(rates[at, 1]),
                missing=int(missing[at]),
                extra=int(extra[at]),
            )
            for at, (name, (absent, present)) in enumerate(zip(self.data.names, self.label_counts, strict=True))
        )

    # -- filters

    def issues(self, by: str = "prune_by_noise_rate") -> NDArray[np.bool_]:
        """Which cells are probably wrong, (n, K), by one of `FILTERS`, each class for itself. s is what is given.

        - `prune_by_noise_rate`: of the cells with s the `joint[k, s, 1 - s]` with the largest p(1 - s) - p(s).
        - `prune_by_class`: of the cells with s the `n - joint[k, s, s]` with the lowest p(s).
        - `both`: what the two have in common.
        - `confident_learning`: those counted off the diagonal of the confident joint.
        - `predicted_neq_given`: those with p(1 - s) > p(s).
        In all of them a cell with p(s) >= p(1 - s), 1e-6 granted, is no issue. Ties at a cut go to the lower row. Void cells
        are none, and classes that no example has or none lacks have none.
        Source: Northcutt et al. 2021 (arXiv:1911.00068), section 3.3; one-vs-rest as in Thyagarajan et al. 2022
        (arXiv:2211.13895).
        """
        if by not in FILTERS:
            raise InvalidInput(f"There is no filter {by!r}.", remedy=f"Use one of {', '.join(FILTERS)}.")
        found: NDArray[np.bool_] = self._issues(by).copy()
        return found

    def example_issues(self, by: str = "prune_by_noise_rate") -> NDArray[np.bool_]:
        """Which examples have a cell that is an issue, (n,)."""
        return np.asarray(self._issues(by).any(axis=1))

    def missing(self, count: int | None = None, *, by: str = "prune_by_noise_rate") -> CellList:
        """Classes that examples have and were not given: the issues where absent is given, the worst first."""
        return self._listed(0, count, by)

    def extra(self, count: int | None = None, *, by: str = "prune_by_noise_rate") -> CellList:
        """Classes that examples were given and have not: the issues where present is given, the worst first."""
        return self._listed(1, count, by)

    def _listed(self, given: int, count: int | None, by: str) -> CellList:
        examples, columns = np.nonzero(self._issues(by) & (self.data.given == given))
        scores = self.scores()[examples, columns]
        order = np.argsort(scores, kind="stable")[:count]
        return CellList(examples[order], columns[order], scores[order], self.data.names)

    def _issues(self, by: str) -> NDArray[np.bool_]:
        if by not in self._kept:
            self._kept[by] = self._found(by)
        return self._kept[by]

    def _found(self, by: str) -> NDArray[np.bool_]:
        from pedigree.labels.multilabel import passes
        from pedigree.labels.rows import SLACK

        if by == "both":
            return self._issues("prune_by_class") & self._issues("prune_by_noise_rate")
        data = self.data
        found = np.zeros(data.given.shape, np.bool_)
        slack = data.probabilities.dtype.type(SLACK)
        if by in ("confident_learning", "predicted_neq_given"):
            cuts = self.thresholds - SLACK
            passes.mark(data.probabilities, data.given, cuts, by == "confident_learning", slack, found)
            found[:, data.one_sided] = False
            return found
        kept = np.stack([counts.prune_counts(joint) for joint in self.joint])
        if by == "prune_by_class":
            kind, wanted = passes.BY_CONFIDENCE, self.label_counts - kept[:, [0, 1], [0, 1]]
        else:
            kind, wanted = passes.BY_MARGIN, kept[:, [0, 1], [1, 0]]
        # Of a single example with a label nothing is taken.
        wanted = np.where((self.label_counts > 1) & ~data.one_sided[:, None], wanted, 0)
        passes.prune(data.probabilities, data.given, wanted, kind, slack, found)
        return found

    # -- ranks

    def scores(self, by: str = "threshold_margin") -> Floats:
        """How good each cell is, (n, K), by one of `RANKS`: the lower, the likelier it is wrong. NaN for void cells.

        - `threshold_margin`, the default: log(p(s) / t(s)) - log(p(1 - s) / t(1 - s)), t the thresholds of the class.
        - `self_confidence`: p(s), in [0, 1].
        """
        if by not in RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
        given, matrix = self.data.given, self.data.probabilities
        if by == "self_confidence":
            return np.where(given < 0, np.nan, np.where(given == 1, matrix, 1 - matrix)).astype(np.float64)
        return margins(given, matrix, self.thresholds)

    def example_scores(self, by: str = "threshold_margin") -> Floats:
        """How good the labels of each example are together, (n,), by one of `EXAMPLE_RANKS`. NaN where all are void.

        - `threshold_margin`, the default: of the example's cells the lowest.
        - `moving_average`: of the self-confidences, from the largest to the lowest, the exponential moving average with
          alpha 0.8, in [0, 1]. Source: Thyagarajan et al. 2022 (arXiv:2211.13895).
        """
        from pedigree.labels.multilabel import passes

        if by not in EXAMPLE_RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(EXAMPLE_RANKS)}.")
        if by == "moving_average":
            found = np.empty(len(self.data.given))
            passes.moving_averages(self.scores("self_confidence"), self.data.given, ALPHA, found)
            return found
        lowest = np.fmin.reduce(self.scores(by), axis=1)
        return np.asarray(lowest)

    def worst(self, count: int | None = None, *, by: str = "threshold_margin") -> NDArray[np.int64]:
        """The examples with the lowest scores, the worst first, ties by index; without those whose cells are all void."""
        scores = self.example_scores(by)
        order = np.argsort(scores, kind="stable")[: int((~np.isnan(scores)).sum())]
        return order if count is None else order[:count]


def margins(given: NDArray[np.int8], probabilities: NDArray[Any], thresholds: Floats) -> Floats:
    """The threshold-ratio margin of each cell, NaN where it is void."""
    clipped = np.clip(probabilities, LEAST, 1.0 - LEAST).astype(np.float64)
    found = np.log(clipped) - np.log1p(-clipped) - np.log(thresholds[:, 1] / thresholds[:, 0])
    found[given == 0] *= -1.0
    found[given < 0] = np.nan
    return np.asarray(found)
