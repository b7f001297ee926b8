"""Majority votes, with ties broken by everything that is known and at last by index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.annotators.annotations import Annotations, Ints

_NONE = np.empty((0, 0))


def majority(given: Annotations, probabilities: NDArray[np.float64] | None = None, classes: int | None = None) -> Ints:
    """The label (n,) that most annotators gave each example, -1 where nobody gave one.

    Of labels given equally often the one with the largest probability, then the one that is rarest among all labels, then the
    one whose annotators agree most with the undisputed votes, then the lowest; the peer draws the last by chance.
    """
    from pedigree.labels.annotators import passes

    size = len(given.classes) if classes is None else classes
    matrix = _NONE if probabilities is None else probabilities
    frequency = np.bincount(given.labels, minlength=size)
    people = len(given.annotator_names)
    found = np.empty(len(given), np.int64)
    blank = np.zeros(people)
    passes.votes(given.starts, given.annotators, given.labels, matrix, frequency, blank, False, found)
    trust = _agreement_with(given, found)
    passes.votes(given.starts, given.annotators, given.labels, matrix, frequency, trust, True, found)
    return found


def _agreement_with(given: Annotations, undisputed: Ints) -> NDArray[np.float64]:
    """Per annotator the share of their labels that are the undisputed ones; the mean of the others for who has none."""
    people = len(given.annotator_names)
    votes = undisputed[given.rows]
    settled = votes >= 0
    seen = np.bincount(given.annotators[settled], minlength=people)
    right = np.bincount(given.annotators[settled & (votes == given.labels)], minlength=people)
    share = right / np.maximum(seen, 1)
    if seen.any():
        share[seen == 0] = share[seen > 0].mean()
    return np.asarray(share)
