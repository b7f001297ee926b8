"""What a training showed of each label, as scores.

found = labels.read_signals("out/signals")
found.worst(50)        # the labels that are likeliest wrong
found.scores("aum")    # one number per sample, low where the label is likely wrong
found.analyse()        # confident learning on the mean probabilities
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.dynamics import reading
from pedigree.labels.dynamics.reading import MEANS
from pedigree.labels.names import SIGNAL_RANKS

if TYPE_CHECKING:
    from pedigree.labels.analysis import Analysis

Floats = NDArray[np.float64]


def read_signals(place: str | os.PathLike[str]) -> Signals:
    """The signals that `training.Recorder` saved: a folder, or a file in the format of docs/formats/signals.md, whoever wrote it.

    Raises NotFound, InvalidInput for what is no such file or not whole, and NewerFormat.
    """
    return Signals(*reading.read(place))


class Signals:
    """Of n samples, in the order of the data set. A number is NaN where a sample was never presented."""

    def __init__(self, head: dict[str, str], arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        classes = int(head["classes"])
        #: The classes as they were named, else 0, 1, …
        self.names: tuple[str | int, ...] = (
            tuple(json.loads(head["names"])) if "names" in head else tuple(range(classes))
        )
        #: (n,) given labels as class numbers, -1 for a sample that was never presented.
        self.labels: NDArray[np.int64] = np.where(self.presentations > 0, arrays["label"], inputs.VOID).astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def presentations(self) -> NDArray[np.int64]:
        """How often each sample was trained on."""
        return self._arrays["presentations"].astype(np.int64)

    @property
    def mean_probabilities(self) -> NDArray[np.float32] | None:
        """(n, K), a memory map: the mean of each sample's probabilities over its presentations, where it was recorded."""
        return self._arrays.get(MEANS)

    @cached_property
    def aum(self) -> Floats:
        """Area under the margin: mean of the label's logit less the largest other. Pleiss et al. 2020, Eq. 2 (arXiv:2001.10528)."""
        return self._mean("margin_sum")

    @cached_property
    def confidence(self) -> Floats:
        """Mean probability of the label. Swayamdipta et al. 2020, section 2.1 (arXiv:2009.10795)."""
        return self._mean("probability_sum")

    @cached_property
    def variability(self) -> Floats:
        """Standard deviation (of the population) of the label's probability over the presentations; same source."""
        # Of nearly equal probabilities the difference may come out below 0 by a rounding.
        return np.sqrt(np.maximum(self._mean("probability_square_sum") - self.confidence**2, 0.0))

    @cached_property
    def correctness(self) -> Floats:
        """Share of the presentations at which the label had the largest logit; same source."""
        return self._mean("correct")

    @cached_property
    def loss(self) -> Floats:
        """Mean cross-entropy in nats."""
        return self._mean("loss_sum")

    @cached_property
    def last_loss(self) -> Floats:
        """Cross-entropy at the last presentation."""
        return np.where(self.labels >= 0, self._arrays["loss_last"], np.nan)

    @cached_property
    def el2n(self) -> Floats:
        """Mean norm of the error vector over the early epochs, in [0, sqrt 2]; NaN without a presentation in them.

        Paul et al. 2021, Definition 2.2 (arXiv:2107.07075), is the norm at one time t, expected over initialisations; here it
        is averaged over the first epochs of one training.
        """
        count = self._arrays["error_norm_count"]
        return np.where(count > 0, self._arrays["error_norm_sum"] / np.maximum(count, 1), np.nan)

    @cached_property
    def forgetting(self) -> Floats:
        """How often a sample was right and then wrong. Toneva et al. 2019, section 3 (arXiv:1812.05159).

        One that was never right counts as the maximum: the largest number of presentations of any sample, which no count reaches.
        """
        most = float(self.presentations.max(initial=0))
        found = np.where(self._arrays["first_learnt"] >= 0, self._arrays["forgotten"], most)
        return np.where(self.labels >= 0, found, np.nan)

    @property
    def first_learnt(self) -> NDArray[np.int64]:
        """The epoch at which a sample was right for the first time, -1 for never."""
        return self._arrays["first_learnt"].astype(np.int64)

    def scores(self, by: str = "aum") -> Floats:
        """How good each label is, by one of `SIGNAL_RANKS`: the lower, the likelier it is wrong. NaN for samples never presented.

        `loss`, `last_loss`, `el2n` and `forgetting` with the sign turned, since there a high number speaks against the label.
        """
        if by not in SIGNAL_RANKS:
            raise InvalidInput(f"There is no rank {by!r} of signals.", remedy=f"Use one of {', '.join(SIGNAL_RANKS)}.")
        found: Floats = getattr(self, by)
        return -found if by in ("loss", "last_loss", "el2n", "forgetting") else found

    def issues(self) -> NDArray[np.bool_]:
        """Which labels are probably wrong: those with an area under the margin below 0, so that another class was ahead on the whole of the training.

        Samples never presented are none. `analyse().issues()` finds more where the mean probabilities were recorded; `labels.aum_issues` cuts by threshold samples.
        """
        return self.aum < 0.0

    def worst(self, count: int | None = None, *, by: str = "aum") -> NDArray[np.int64]:
        """The samples with the lowest scores, the worst first, ties by index; all that have a score if `count` is None."""
        scores = self.scores(by)
        order = np.argsort(scores, kind="stable")[: int(np.isfinite(scores).sum())]
        return order if count is None else order[:count]

    def analyse(self) -> Analysis:
        """`labels.analyse` of the mean probabilities: thresholds, joint, issues and ranks without cross-validation.

        The model has seen the labels, so the joint counts fewer errors than there are; ranks suffer less. Raises InvalidInput
        where the mean probabilities were not recorded.
        """
        from pedigree.labels.analysis import Analysis

        if self.mean_probabilities is None:
            raise InvalidInput(
                "The mean probabilities of this training were not recorded.",
                remedy="Record again with training.Recorder(..., probabilities=True), or rank by `scores`.",
            )
        inputs.needs_numba()
        found = inputs.labelled(self.labels, self.mean_probabilities, void=inputs.VOID)
        return Analysis(replace(found, names=self.names))

    def _mean(self, name: str) -> Floats:
        count = self._arrays["presentations"]
        return np.where(count > 0, self._arrays[name] / np.maximum(count, 1), np.nan)
