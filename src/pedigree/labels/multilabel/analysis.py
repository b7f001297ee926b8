"""One look at the labels of examples that may have several classes each, from which every list and table is answered.

found = labels.analyse_multilabel(given, probabilities)
found.missing()   # classes that an example has and was not given, the worst first
found.extra()     # classes that it was given and has not
found.per_class   # how many of each, estimated and found
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import counts
from pedigree.labels.analysis import LEAST_THRESHOLD, NEVER
from pedigree.labels.inputs import needs_numba
from pedigree.labels.multilabel import cooccurrence, doubt, inputs, tables
from pedigree.labels.multilabel.rules import Rules
from pedigree.labels.multilabel.tables import CellList, ClassSummary
from pedigree.labels.multilabel.violations import Violation, obeying, violations
from pedigree.labels.names import CELL_FILTERS
from pedigree.labels.rounding import Counts, Floats

RANKS = ("co_occurrence", "threshold_margin", "self_confidence")
EXAMPLE_RANKS = ("co_occurrence", "threshold_margin", "moving_average")
#: Of the scores of an example's classes, from the best to the worst, each counts four times what came before it.
ALPHA = 0.8
#: A probability counts as this much at least, and one less this at most, in logarithms.
LEAST = 1e-6


def analyse_multilabel(
    labels: Any,
    probabilities: Any,
    *,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    missing_rate: float = doubt.MISSING_RATE,
    seed: int = 0,
) -> MultiLabelAnalysis:
    """Look at the labels of n examples, each with any number of K classes; see `multilabel.inputs.cells` for the forms.

    Two passes over the matrix of probabilities, one to look at the values; it is copied only where it is of float16 or not in
    rows (see there). What else is asked for is computed then. `missing_rate`, in
    (0, 1), is how many of those that have a class are taken not to have been given it; it weighs missing against extra classes.
    `seed` splits the examples for the refit. The same result whatever the number of threads.
    """
    needs_numba()
    if not 0.0 < missing_rate < 1.0:
        raise InvalidInput(f"missing_rate is {missing_rate}, not between 0 and 1.", remedy="Give a share, such as 0.3.")
    data = inputs.cells(labels, probabilities, classes=classes, void=void)
    return MultiLabelAnalysis(data, missing_rate=missing_rate, seed=seed)


class MultiLabelAnalysis:
    """What was found. Matrices are (n, K), a row per example and a column per class, in the order given.

    Nothing can be said about a class that no example has or none lacks: it has no issues, and no scores but self-confidence.
    """

    def __init__(self, data: inputs.Cells, *, missing_rate: float = doubt.MISSING_RATE, seed: int = 0) -> None:
        from pedigree.labels.multilabel import passes

        self.data = data
        self.missing_rate = missing_rate
        self.seed = seed
        totals = np.zeros((data.classes, 2))
        #: (K, 2): how many examples lack a class and have it, as given.
        self.label_counts: Counts = np.zeros((data.classes, 2), np.int64)
        passes.sums(data.probabilities, data.given, totals, self.label_counts)
        means = np.maximum(totals / np.maximum(self.label_counts, 1), LEAST_THRESHOLD)
        #: (K, 2): mean probability of absence over the examples given so, and of presence; 2 where there are none.
        self.thresholds: Floats = np.where(self.label_counts > 0, means, NEVER)
        self._kept: dict[str, NDArray[np.bool_]] = {}

    # -- counts, each class as a problem of two: absent (0) and present (1)

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
        """Estimated number of wrong cells, by the joint."""
        return int(self.joint[:, 0, 1].sum() + self.joint[:, 1, 0].sum())

    @cached_property
    def per_class(self) -> tuple[ClassSummary, ...]:
        """One line for each class, in their order."""
        return tables.summaries(self.data.names, self.data.given, self.joint, self._issues("co_occurrence"))

    # -- filters

    def issues(self, by: str = "co_occurrence") -> NDArray[np.bool_]:
        """Which cells are probably wrong, (n, K), by one of `CELL_FILTERS`. s is what is given.

        - `co_occurrence`, the default: those that are wrong with a probability above 1/6 (`wrong`), of the missing ones of a
          class no more than `missing_rate` implies. Ours.
        The others take each class for itself, and no cell for wrong with p(s) >= p(1 - s), 1e-6 granted:
        - `prune_by_noise_rate`: of the cells with s the `joint[k, s, 1 - s]` with the largest p(1 - s) - p(s).
        - `prune_by_class`: of the cells with s the `n - joint[k, s, s]` with the lowest p(s).
        - `both`: what the two have in common.
        - `confident_learning`: those counted off the diagonal of the confident joint.
        - `predicted_neq_given`: those with p(1 - s) > p(s).
        Ties at a cut go to the lower row. Void cells are no issues.
        Source: Northcutt et al. 2021 (arXiv:1911.00068), section 3.3; one-vs-rest as in Thyagarajan et al. 2022
        (arXiv:2211.13895).
        """
        return self._issues(by).copy()

    def example_issues(self, by: str = "co_occurrence") -> NDArray[np.bool_]:
        """Which examples have a cell that is an issue, (n,)."""
        return np.asarray(self._issues(by).any(axis=1))

    def missing(self, count: int | None = None, *, by: str = "co_occurrence") -> CellList:
        """Classes that examples have and were not given: the issues where absent is given, the worst first."""
        return tables.listed(self._issues(by) & (self.data.given == 0), self.scores(), self.data.names, count)

    def extra(self, count: int | None = None, *, by: str = "co_occurrence") -> CellList:
        """Classes that examples were given and have not: the issues where present is given, the worst first."""
        return tables.listed(self._issues(by) & (self.data.given == 1), self.scores(), self.data.names, count)

    def _issues(self, by: str) -> NDArray[np.bool_]:
        if by not in CELL_FILTERS:
            raise InvalidInput(f"There is no filter {by!r}.", remedy=f"Use one of {', '.join(CELL_FILTERS)}.")
        if by not in self._kept:
            self._kept[by] = self._found(by)
        return self._kept[by]

    def _found(self, by: str) -> NDArray[np.bool_]:
        from pedigree.labels.multilabel import passes
        from pedigree.labels.rows import SLACK

        if by == "co_occurrence":
            return doubt.issues(self._log_odds, self.data.given, self.missing_rate)
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

    @cached_property
    def co_occurrence(self) -> cooccurrence.CoOccurrence:
        """The refit of each class by the others."""
        return cooccurrence.refit(self.data, seed=self.seed)

    @cached_property
    def extra_rates(self) -> Floats:
        """(K,): the estimated share of those without a class that were given it; see `doubt.extra_rates`."""
        return doubt.extra_rates(self.co_occurrence.logits, self.data.given, ~self.data.one_sided)

    @cached_property
    def wrong(self) -> Floats:
        """(n, K): how probably each cell is wrong, by the refit and the rates of missing and extra classes. NaN as in `scores`."""
        return doubt.wrong(self._log_odds)

    @cached_property
    def _log_odds(self) -> Floats:
        found = doubt.log_odds(self.co_occurrence.logits, self.data.given, self.missing_rate, self.extra_rates)
        found[:, self.data.one_sided] = np.nan
        return found

    def scores(self, by: str = "co_occurrence") -> Floats:
        """How good each cell is, (n, K), by one of `RANKS`: the lower, the likelier it is wrong. NaN for void cells.

        - `co_occurrence`, the default: log-odds that the cell is right.
        - `threshold_margin`: log(p(s) / t(s)) - log(p(1 - s) / t(1 - s)), t the thresholds of the class.
        - `self_confidence`: p(s), in [0, 1].
        """
        if by not in RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(RANKS)}.")
        given, matrix = self.data.given, self.data.probabilities
        if by == "co_occurrence":
            return self._log_odds.copy()
        if by == "self_confidence":
            return np.where(given < 0, np.nan, np.where(given == 1, matrix, 1 - matrix)).astype(np.float64)
        found = margins(given, matrix, self.thresholds)
        found[:, self.data.one_sided] = np.nan
        return found

    def example_scores(self, by: str = "co_occurrence") -> Floats:
        """How good the labels of each example are together, (n,), by one of `EXAMPLE_RANKS`. NaN where all are void.

        - `co_occurrence`, the default: log-odds that all cells are right, were they independent.
        - `threshold_margin`: of the example's cells the lowest.
        - `moving_average`: of the self-confidences, from the largest to the lowest, the exponential moving average with
          alpha 0.8, in [0, 1]. Source: Thyagarajan et al. 2022 (arXiv:2211.13895).
        """
        from pedigree.labels.multilabel import passes

        if by not in EXAMPLE_RANKS:
            raise InvalidInput(f"There is no rank {by!r}.", remedy=f"Use one of {', '.join(EXAMPLE_RANKS)}.")
        if by == "co_occurrence":
            return doubt.together(self._log_odds)
        if by == "moving_average":
            found = np.empty(len(self.data.given))
            passes.moving_averages(self.scores("self_confidence"), self.data.given, ALPHA, found)
            return found
        return np.asarray(np.fmin.reduce(self.scores(by), axis=1))

    def worst(self, count: int | None = None, *, by: str = "co_occurrence") -> NDArray[np.int64]:
        """The examples with the lowest scores, the worst first, ties by index; without those whose cells are all void."""
        scores = self.example_scores(by)
        order = np.argsort(scores, kind="stable")[: int((~np.isnan(scores)).sum())]
        return order if count is None else order[:count]

    # -- rules

    def suggestions(self, rules: Rules | None = None, *, by: str = "co_occurrence") -> NDArray[np.int8]:
        """(n, K): the labels with every issue turned, void cells as they are; with `rules`, none of which they then break.

        Where turning an issue breaks a rule, or leaves one broken, what costs least is changed: a cell costs -log of how
        probably what it is changed to is right.
        """
        found = np.where(self._issues(by), 1 - self.data.given, self.data.given).astype(np.int8)
        if rules is None:
            return found
        turned = found != self.data.given
        return obeying(rules, found, self.data.names, self._costs(np.where(turned, 1.0 - self._doubt, self._doubt)))

    def violations(self, rules: Rules) -> tuple[Violation, ...]:
        """The examples whose labels break a rule, each with the most probable repair; see `multilabel.violations`."""
        return violations(rules, self.data.given, self.data.names, self._costs(self._doubt))

    @property
    def _doubt(self) -> Floats:
        """How probably each cell is wrong; 1/2 where nothing can be said."""
        return np.where(np.isnan(self.wrong), 0.5, self.wrong)

    @staticmethod
    def _costs(wrong: Floats) -> Floats:
        return np.asarray(-np.log(np.clip(wrong, 1e-12, 1.0)))


def margins(given: NDArray[np.int8], probabilities: NDArray[Any], thresholds: Floats) -> Floats:
    """The threshold-ratio margin of each cell, NaN where it is void."""
    clipped = np.clip(probabilities, LEAST, 1.0 - LEAST).astype(np.float64)
    found = np.log(clipped) - np.log1p(-clipped) - np.log(thresholds[:, 1] / thresholds[:, 0])
    found[given == 0] *= -1.0
    found[given < 0] = np.nan
    return np.asarray(found)
