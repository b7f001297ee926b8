"""Dawid and Skene's model: each annotator has a confusion matrix, found together with the true labels by expectation maximisation.

Source: Dawid and Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.annotators.annotations import Annotations

Floats = NDArray[np.float64]

#: What each cell of a confusion matrix has seen beforehand, so that an annotator with few labels rules nothing out.
SMOOTHING = 0.01
_ROUNDS, _ENOUGH = 200, 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class DawidSkene:
    """`posterior` (n, K); `confusion` (m, K, K), true label by given label, rows sum to 1; `prior` (K,) of the true labels.

    `rounds` is how many were made; `log_likelihood` of the labels at the end.
    """

    posterior: Floats
    confusion: Floats
    prior: Floats
    rounds: int
    log_likelihood: float


def dawid_skene(given: Annotations, *, classes: int | None = None, smoothing: float = SMOOTHING) -> DawidSkene:
    """The model fitted to the labels alone; no classifier takes part.

    Starts from the shares of each example's labels, so it draws nothing by chance, and ends when the log likelihood per label
    rises by less than 1e-8, or after 200 rounds. Memory for m x K x K numbers. An example without labels has the prior.
    """
    from pedigree.labels.annotators import passes

    size = len(given.classes) if classes is None else classes
    posterior = np.zeros((len(given), size))
    np.add.at(posterior, (given.rows, given.labels), 1.0)
    posterior /= np.maximum(given.counts, 1)[:, None]
    confusion = np.empty((len(given.annotator_names), size, size))
    prior = np.empty(size)
    last, rounds = -np.inf, 0
    for rounds in range(1, _ROUNDS + 1):  # noqa: B007 - how many were made is told
        confusion[:] = smoothing
        prior[:] = smoothing
        passes.maximise(given.starts, given.annotators, given.labels, posterior, prior, confusion)
        confusion /= confusion.sum(axis=2, keepdims=True)
        prior /= prior.sum()
        likelihood = passes.expect(
            given.starts, given.annotators, given.labels, np.log(prior), np.log(confusion), posterior
        )
        if likelihood - last < _ENOUGH * len(given.labels):
            last = likelihood
            break
        last = likelihood
    return DawidSkene(posterior, confusion, prior, rounds, float(last))
