"""A review: the samples, what the analysis says of each, and which of them are put in front of a person, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.analysis import Analysis
from pedigree.labels.names import FILTERS, RANKS
from pedigree.labels.report.samples import Samples


@dataclass(frozen=True, eq=False)
class Review:
    """What `analysis` found in `samples`; `filter` says which are issues, `rank` which of them come first.

    `titles` are what classes are called before people, where the labels are numbers.
    """

    samples: Samples
    analysis: Analysis
    filter: str = "union"
    rank: str = "blend"
    titles: tuple[str, ...] | None = None

    @cached_property
    def issues(self) -> dict[str, NDArray[np.bool_]]:
        """Which samples each of FILTERS flags."""
        return {name: self.analysis.issues(name) for name in FILTERS}

    @cached_property
    def scores(self) -> dict[str, NDArray[np.float64]]:
        """Every score of RANKS; the lower, the likelier the label is wrong."""
        return {name: self.analysis.scores(name) for name in RANKS}

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """The issues of the chosen filter."""
        return self.issues[self.filter]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """All samples with a label, the worst first by the chosen rank, ties by index; then those without, by index."""
        return np.argsort(self.scores[self.rank], kind="stable")  # NaN comes last

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes as the labels write them."""
        return tuple(str(name) for name in self.analysis.data.names)

    @property
    def shown(self) -> tuple[str, ...]:
        """The classes as people read them."""
        return self.titles or self.names

    @property
    def suggested(self) -> NDArray[np.int32]:
        """The class with the largest probability, by number; of an issue never the given one."""
        return self.analysis.largest

    def given(self, row: int) -> str:
        """The given label as text, empty where there is none."""
        label = int(self.analysis.data.labels[row])
        return "" if label < 0 else self.names[label]

    def probability(self, rows: NDArray[np.int64], classes: NDArray[Any]) -> NDArray[np.float64]:
        """p of one class in each of the rows, NaN where the class is below 0."""
        found = np.asarray(self.analysis.data.probabilities[rows, np.maximum(classes, 0)], np.float64)
        return np.where(classes >= 0, found, np.nan)

    def reason(self, row: int) -> str:
        """Why the label is doubted: what the model gives the given and the suggested class, and what such labels usually get."""
        label, other = int(self.analysis.data.labels[row]), int(self.suggested[row])
        return " but ".join(self._told(row, number) for number in dict.fromkeys((label, other)) if number >= 0)

    def evidence(self, row: int) -> str:
        """The reason and the filters that flag the sample, as a sentence; empty where none does."""
        by = [name for name, flags in self.issues.items() if flags[row]]
        return f"{self.reason(row)}; flagged by {', '.join(by)}." if by else ""

    def _told(self, row: int, label: int) -> str:
        cut = self.analysis.thresholds[label]
        usual = f" (labels {self.shown[label]} usually get {cut:.2g})" if cut <= 1 else ""
        return f"{self.shown[label]} has {float(self.analysis.data.probabilities[row, label]):.2g}{usual}"
