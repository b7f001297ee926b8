"""One label per example out of those of several annotators, with how sure it is, and how good each annotator is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.annotators import crowdlab, dawid_skene, temperature, voting
from pedigree.labels.annotators.annotations import Annotations, Ints, annotation_matrix
from pedigree.labels.names import CONSENSUS_METHODS

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Consensus:
    """What the annotators, and the models, make of n examples.

    - `labels` (n,) int64: the consensus, a class number; -1 where nobody gave a label and no model is there to say.
    - `quality` (n,) in [0, 1]: how sure it is right. `agreement` (n,): the share of the annotators who gave it; NaN for none.
    - `posterior` (n, K): the same for every class.
    - `label_quality` (a,): how sure each label that was given is right, in the order of `given`; `given.wide(…)` makes a matrix.
    - `weights`: CROWDLAB's, None for other methods. `temperatures`: what models were calibrated with, 1 where they were not.
    """

    given: Annotations
    method: str
    labels: Ints
    quality: Floats
    agreement: Floats
    posterior: Floats
    label_quality: Floats
    weights: crowdlab.Weights | None
    temperatures: tuple[float, ...]

    @cached_property
    def annotators(self) -> AnnotatorTable:
        """How good each annotator is."""
        return _table(self)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatorTable:
    """One entry per annotator, in the order of `given.annotator_names`; NaN, and -1, of who gave no label.

    - `quality` in [0, 1]: of CROWDLAB the mean quality of their labels and their agreement with the consensus on examples that
      others labelled too, weighted as models against annotators; who shares no example has the former alone. Of other methods
      the mean quality of their labels.
    - `agreement` in [0, 1]: how often their label is the consensus.
    - `worst_class`: of the classes that they gave, the one that is the consensus least often, of equal ones the one given most
      often, then the one whose consensus is the surest, then the lowest.
    - `counts`: how many labels they gave.
    """

    names: tuple[Any, ...]
    quality: Floats
    agreement: Floats
    worst_class: Ints
    counts: Ints

    def worst(self) -> Ints:
        """The annotators by quality, the worst first, equal ones by agreement and then by index; without who gave no label."""
        order = np.lexsort((self.agreement, self.quality))
        return order[self.counts[order] > 0]


def consensus(
    labels: Any,
    probabilities: Any = None,
    *,
    method: str = "crowdlab",
    calibrate: bool = False,
    classes: Sequence[Any] | None = None,
) -> Consensus:
    """The consensus of several annotators, and of one or several models.

    `labels`: a matrix with a column per annotator, see `annotation_matrix`, or what `annotation_matrix` or `annotation_table` made.
    `probabilities`: (n, K) of a model that did not see these labels, or (P, n, K) of several; only CROWDLAB needs them.
    With `calibrate` they are tempered first to be as sure as the annotators agree.

    - `crowdlab`: weights of models and annotators from a majority vote, the label that their mean makes likeliest, and the
      weights again from that. Where no example has two labels, the label given is the consensus and the models alone judge it.
    - `majority_vote`: the label given most often; its quality is the agreement. Models break ties.
    - `dawid_skene`: a confusion matrix per annotator by expectation maximisation, of the labels alone.
    An example without labels has the class that the models (Dawid-Skene: the prior) make likeliest, and changes nothing for others.

    Raises InvalidInput for lengths and classes that differ, and rows that are no probabilities.
    """
    inputs.needs_numba()
    if method not in CONSENSUS_METHODS:
        raise InvalidInput(f"There is no method {method!r}.", remedy=f"Use one of {', '.join(CONSENSUS_METHODS)}.")
    given = labels if isinstance(labels, Annotations) else annotation_matrix(labels, classes=classes)
    models = None if probabilities is None else stacked(probabilities, given)
    temperatures: tuple[float, ...] = ()
    if models is not None:
        temperatures = (
            tuple(temperature.best_temperature(given, one) for one in models) if calibrate else (1.0,) * len(models)
        )
        if calibrate:
            models = np.stack(
                [temperature.tempered(one, degree) for one, degree in zip(models, temperatures, strict=True)]
            )
    if method == "crowdlab":
        if models is None:
            raise InvalidInput(
                "CROWDLAB weighs annotators against a model, and no probabilities were given.",
                remedy="Give them, or use method='dawid_skene' or 'majority_vote'.",
            )
        return crowdlab_consensus(given, models, temperatures)
    size = len(given.classes) if models is None else models.shape[2]
    if method == "majority_vote":
        chosen = voting.majority(given, None if models is None else models.mean(axis=0), size)
        shares = np.zeros((len(given), size))
        np.add.at(shares, (given.rows, given.labels), 1.0)
        with np.errstate(invalid="ignore"):
            shares /= given.counts[:, None]
        if models is not None:
            empty = given.counts == 0
            shares[empty] = models.mean(axis=0)[empty]
            chosen[empty] = np.argmax(shares[empty], axis=1)
        return _result(given, method, chosen, shares, None, temperatures)
    fitted = dawid_skene.dawid_skene(given, classes=size)
    return _result(given, method, np.argmax(fitted.posterior, axis=1), fitted.posterior, None, temperatures)


def crowdlab_consensus(given: Annotations, models: NDArray[Any], temperatures: tuple[float, ...]) -> Consensus:
    """The consensus by CROWDLAB of (P, n, K) probabilities that were looked at."""
    from pedigree.labels.annotators import passes

    mean = models[0] if len(models) == 1 else models.mean(axis=0)
    vote = voting.majority(given, mean, models.shape[2])
    chosen = vote.copy()
    empty = vote < 0
    chosen[empty] = np.argmax(mean[empty], axis=1)
    if (given.counts > 1).any():
        first = crowdlab.posterior(given, models, crowdlab.weights(given, models, chosen))
        passes.first_largest(first, chosen.copy(), chosen)
    trusted = crowdlab.weights(given, models, chosen)
    return _result(given, "crowdlab", chosen, crowdlab.posterior(given, models, trusted), trusted, temperatures)


def _result(
    given: Annotations,
    method: str,
    chosen: Ints,
    posterior: Floats,
    trusted: crowdlab.Weights | None,
    temperatures: tuple[float, ...],
) -> Consensus:
    quality = np.where(chosen >= 0, posterior[np.arange(len(given)), np.maximum(chosen, 0)], np.nan)
    each = posterior[given.rows, given.labels]
    agreement = crowdlab.agreements(given, chosen)
    return Consensus(given, method, chosen, quality, agreement, posterior, each, trusted, temperatures)


def stacked(probabilities: Any, given: Annotations | None = None) -> NDArray[Any]:
    """(P, n, K) probabilities of one model or several (a list of matrices or of `.npy` files), looked at, for those of `given`."""
    values = inputs.plain(probabilities)
    several = isinstance(values, (list, tuple)) and (
        isinstance(values[0], (str, PathLike)) or np.ndim(inputs.plain(values[0])) == 2
    )
    if several or np.ndim(values) == 3:
        models = [inputs.probabilities(one) for one in values]
        if len({model.shape for model in models}) != 1:
            raise InvalidInput(
                f"The models give probabilities of different shapes: {', '.join(str(model.shape) for model in models)}.",
                remedy="Each must give one row per example and one column per class.",
            )
        matrix = np.stack(models)
    else:
        matrix = inputs.probabilities(values)[None]
    if given is not None:
        if matrix.shape[1] != len(given):
            raise InvalidInput(
                f"There are {len(given)} examples with labels and {matrix.shape[1]} rows of probabilities.",
                remedy="Give one row of probabilities per example, in the same order.",
            )
        if matrix.shape[2] < len(given.classes):
            raise InvalidInput(
                f"The annotators use {len(given.classes)} classes, up to {given.classes[-1]!r}, "
                f"and there are {matrix.shape[2]} columns of probabilities.",
                remedy="Give one column per class, also for classes that are rare.",
            )
    return matrix


def _table(found: Consensus) -> AnnotatorTable:
    given = found.given
    people = len(given.annotator_names)
    counts = given.per_annotator
    right = found.labels[given.rows] == given.labels

    def mean(values: NDArray[Any], chosen: NDArray[np.bool_] | None = None) -> Floats:
        who, what = (given.annotators, values) if chosen is None else (given.annotators[chosen], values[chosen])
        with np.errstate(invalid="ignore"):
            return np.asarray(np.bincount(who, what, people) / np.bincount(who, minlength=people))

    quality = mean(found.label_quality)
    if found.weights is not None and (given.counts > 1).any():
        shared = mean(right.astype(float), given.counts[given.rows] > 1)
        used = given.counts[given.counts > 0]
        active = counts > 0
        model = float(found.weights.models.mean())
        people_weight = float(found.weights.annotators[active].sum()) * float(used.mean()) / int(active.sum())
        share = model / (model + people_weight)
        quality = np.where(np.isnan(shared), quality, share * quality + (1.0 - share) * shared)
    return AnnotatorTable(
        given.annotator_names, quality, mean(right.astype(float)), _worst_classes(found, right), counts
    )


def _worst_classes(found: Consensus, right: NDArray[np.bool_]) -> Ints:
    given = found.given
    size = found.posterior.shape[1]
    keys, group, count = np.unique(given.annotators * size + given.labels, return_inverse=True, return_counts=True)
    share = np.bincount(group, right) / count
    sure = np.bincount(group, found.quality[given.rows]) / count
    who = keys // size
    order = np.lexsort((keys, -sure, -count, share, who))
    first = order[np.concatenate(([True], np.diff(who[order]) > 0))]
    worst = np.full(len(given.annotator_names), -1, np.int64)
    worst[who[first]] = keys[first] % size
    return worst
