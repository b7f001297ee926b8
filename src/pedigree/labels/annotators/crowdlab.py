"""CROWDLAB: how far models and annotators are to be trusted, and what they say together.

Source: Goh, Tkachenko and Mueller 2022 (arXiv:2210.06812), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.annotators.annotations import Annotations, Ints

Floats = NDArray[np.float64]

#: No weight and no error rate is below this.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """`models` (P,) and `annotators` (m,; NaN of who labelled nothing) are weights in the mean. `likelihood` is what an annotator
    says of the label they gave.
    """

    models: Floats
    annotators: Floats
    likelihood: float

    @property
    def mean_annotator(self) -> float:
        return float(np.nanmean(self.annotators))


def agreements(given: Annotations, consensus: Ints) -> Floats:
    """(n,): the share of each example's annotators who gave its consensus label; NaN where nobody gave one."""
    right = given.labels == consensus[given.rows]
    same = np.bincount(given.rows[right], minlength=len(given))
    with np.errstate(invalid="ignore"):
        return np.asarray(same / given.counts)


def weights(given: Annotations, models: NDArray[Any], consensus: Ints) -> Weights:
    """The weights that a consensus implies. `models` (P, n, K).

    With e the error of always naming the commonest consensus label: of an annotator 1 - (1 - A) / e, A how often others agree
    with them (the mean of the others for who shares no example); of a model 1 - (its error) / e, times the root of the mean
    number of labels. Each 1e-6 at least. Examples with two labels and more count; where there are none, every weight is 1.
    """
    from pedigree.labels.annotators import passes

    counts = given.counts
    several = counts > 1
    active = given.per_annotator > 0
    classes = models.shape[2]
    if not several.any():
        return Weights(np.ones(len(models)), np.where(active, 1.0, np.nan), 1.0)
    chosen = consensus[several]
    commonest = int(np.argmax(np.bincount(chosen, minlength=classes)))
    baseline = max(float(np.mean(chosen != commonest)), _LEAST)
    people = len(given.annotator_names)
    same, others = np.zeros(people), np.zeros(people)
    passes.overlaps(given.starts, given.annotators, given.labels, same, others)
    shared = others > 0
    agreement = same / np.maximum(others, 1.0)
    agreement[~shared] = agreement[shared].mean()
    found = np.where(active, np.maximum(1.0 - (1.0 - agreement) / baseline, _LEAST), np.nan)
    root = float(np.sqrt(counts[counts > 0].mean()))
    errors = [float(np.mean(np.argmax(model[several], axis=1) != chosen)) for model in models]
    trusted = np.array([max(1.0 - error / baseline, _LEAST) * root for error in errors])
    return Weights(trusted, found, float(agreements(given, consensus)[several].mean()))


def posterior(given: Annotations, models: NDArray[Any], trusted: Weights) -> Floats:
    """(n, K): what models and annotators say together; of an example without labels, what the models say."""
    from pedigree.labels.annotators import passes

    found = np.empty(models.shape[1:])
    if not (given.counts > 1).any():
        # Nobody can be compared with anybody: the models alone, as ActiveLab has it.
        return np.asarray(models.mean(axis=0), np.float64)
    unlikely = (1.0 - trusted.likelihood) / (models.shape[2] - 1)
    passes.posteriors(
        given.starts,
        given.annotators,
        given.labels,
        models,
        trusted.models,
        trusted.annotators,
        trusted.likelihood,
        unlikely,
        found,
    )
    return found
