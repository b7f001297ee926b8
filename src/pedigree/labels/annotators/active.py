"""ActiveLab: which examples to have labelled next, or once more.

Source: Goh and Mueller 2023 (arXiv:2301.11856), equations 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.annotators import consensus as consensus_
from pedigree.labels.annotators import temperature, voting
from pedigree.labels.annotators.annotations import Annotations, annotation_matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NextLabels:
    """`labelled` (n,) and `unlabelled` (u,) in [0, 1]: how little one more label would tell. The lowest first."""

    labelled: Floats
    unlabelled: Floats

    def first(self, count: int) -> list[tuple[str, int]]:
        """The `count` examples to label first: pool ("labelled" or "unlabelled") and index there.

        Equal scores: labelled ones first, then by index.
        """
        order = np.argsort(np.concatenate((self.labelled, self.unlabelled)), kind="stable")[:count]
        size = len(self.labelled)
        return [("labelled", int(at)) if at < size else ("unlabelled", int(at) - size) for at in order]


def next_labels(
    labels: Any = None, probabilities: Any = None, unlabelled: Any = None, *, classes: Sequence[Any] | None = None
) -> NextLabels:
    """How little one more label of each example would tell, by ActiveLab.

    `labels` and `probabilities` are of the examples that have labels (several, one or none each), as `consensus` takes them;
    `unlabelled` (u, K), or (P, u, K) of as many models, are the probabilities of examples that nobody has labelled. Either may
    be left out. Probabilities are tempered first; what is handed over is not changed.

    The score is the mean of the consensus' quality, weighted by all who have spoken, and of 1/K, weighted by one annotator more.
    Where every example has one label at most, all weights are 1 and nothing is tempered.
    """
    inputs.needs_numba()
    if probabilities is None and unlabelled is None:
        raise InvalidInput(
            "No probabilities were given.", remedy="Give those of the labelled or of the unlabelled examples."
        )
    known, models_weight, mean_annotator, degrees = np.empty(0), None, 1.0, None
    if probabilities is not None:
        if labels is None:
            raise InvalidInput(
                "Probabilities of labelled examples were given without their labels.",
                remedy="Give `labels`, or hand them over as `unlabelled`.",
            )
        given = labels if isinstance(labels, Annotations) else annotation_matrix(labels, classes=classes)
        models = consensus_.stacked(probabilities, given)
        known, models_weight, mean_annotator, degrees = _labelled(given, models)
    if unlabelled is None:
        return NextLabels(known, np.empty(0))
    pool = consensus_.stacked(unlabelled)
    if models_weight is None or degrees is None:
        models_weight, degrees = np.ones(len(pool)), [1.0] * len(pool)
    elif (len(models_weight), models.shape[2]) != (len(pool), pool.shape[2]):
        raise InvalidInput(
            f"Labelled examples have {len(models_weight)} models and {models.shape[2]} classes, unlabelled ones {len(pool)} "
            f"and {pool.shape[2]}.",
            remedy="Let the same models judge both.",
        )
    sharp = np.stack([temperature.tempered(one, degree) for one, degree in zip(pool, degrees, strict=True)])
    return NextLabels(known, _unlabelled(sharp, models_weight, mean_annotator))


def _labelled(given: Annotations, models: NDArray[Any]) -> tuple[Floats, Floats, float, list[float]]:
    degrees = [1.0] * len(models)
    if (given.counts > 1).any():
        degrees = [temperature.best_temperature(given, model) for model in models]
        models = np.stack([temperature.tempered(one, degree) for one, degree in zip(models, degrees, strict=True)])
    found = consensus_.crowdlab_consensus(given, models, tuple(degrees))
    assert found.weights is not None
    people, mean = found.weights.annotators, found.weights.mean_annotator
    spoken = np.bincount(given.rows, people[given.annotators], len(given)) + found.weights.models.sum()
    scores = (found.quality * spoken + mean / models.shape[2]) / (spoken + mean)
    return scores, found.weights.models, mean, degrees


def _unlabelled(models: Floats, weights: Floats, annotator: float) -> Floats:
    """Each model votes for its likeliest class; the score is what all say of the class with most votes, and 1/K beside it."""
    count, size = models.shape[1:]
    mean = models.mean(axis=0)
    if len(models) == 1:
        chosen = np.argmax(mean, axis=1)
    else:
        chosen = voting.majority(annotation_matrix(np.argmax(models, axis=2).T, classes=range(size)), mean, size)
    said = models[:, np.arange(count), chosen]
    return np.asarray((weights @ said + annotator / size) / (weights.sum() + annotator))
