"""Passes over the labels of several annotators, compiled. Of one example they follow the order of annotators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)
_LEAST = 1e-30


@_compiled
def votes(
    starts: Any, annotators: Any, labels: Any, probabilities: Any, frequency: Any, trust: Any, deep: bool, found: Any
) -> None:
    """The label of each example that most annotators gave, -1 for none.

    Not `deep`: -1 too where several are given as often. Deep: of these the one with the largest probability (where there are
    any), then the one given least often in all (`frequency`), then the one whose annotators have the largest mean `trust`,
    then the lowest.
    """
    classes = len(frequency)
    counts = np.zeros(classes, np.int64)
    trusts = np.zeros(classes)
    for row in range(len(found)):
        start, stop = starts[row], starts[row + 1]
        most = 0
        for at in range(start, stop):
            counts[labels[at]] += 1
            trusts[labels[at]] += trust[annotators[at]]
            most = max(most, counts[labels[at]])
        best, tied = -1, False
        for at in range(start, stop):
            label = labels[at]
            if counts[label] != most or label == best:
                continue
            if best < 0:
                best = label
                continue
            tied = True
            better = 0
            if len(probabilities) and probabilities[row, label] != probabilities[row, best]:
                better = 1 if probabilities[row, label] > probabilities[row, best] else -1
            elif frequency[label] != frequency[best]:
                better = 1 if frequency[label] < frequency[best] else -1
            elif trusts[label] != trusts[best]:
                better = 1 if trusts[label] > trusts[best] else -1
            elif label < best:
                better = 1
            if better > 0:
                best = label
        found[row] = best if deep or not tied else -1
        for at in range(start, stop):
            counts[labels[at]] = 0
            trusts[labels[at]] = 0.0


@_compiled
def overlaps(starts: Any, annotators: Any, labels: Any, same: Any, others: Any) -> None:
    """Per annotator: how many labels others gave to the same examples, and how many of them are the same as theirs."""
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        for at in range(start, stop):
            others[annotators[at]] += stop - start - 1
            for other in range(start, stop):
                same[annotators[at]] += labels[other] == labels[at]
            same[annotators[at]] -= 1


@_compiled
def posteriors(
    starts: Any,
    annotators: Any,
    labels: Any,
    models: Any,
    model_weights: Any,
    weights: Any,
    likely: float,
    unlikely: float,
    found: Any,
) -> None:
    """The weighted mean of what the models (P, n, K) and the annotators say of each class.

    An annotator says `likely` of the label they gave and `unlikely` of the others. An example without labels has the models.
    """
    classes = found.shape[1]
    for row in range(len(found)):
        start, stop = starts[row], starts[row + 1]
        total = 0.0
        for at in range(start, stop):
            total += weights[annotators[at]]
        for model in range(len(models)):
            total += model_weights[model]
        for label in range(classes):
            value = 0.0
            for model in range(len(models)):
                value += np.float64(models[model, row, label]) * model_weights[model]
            for at in range(start, stop):
                value += weights[annotators[at]] * (likely if labels[at] == label else unlikely)
            found[row, label] = value / total


@_compiled
def first_largest(matrix: Any, fallback: Any, found: Any) -> None:
    """The class of each row's largest value; where several are, the fallback, or the first of them where that is below 0."""
    for row in range(len(found)):
        best, tied = 0, False
        for label in range(1, matrix.shape[1]):
            if matrix[row, label] > matrix[row, best]:
                best, tied = label, False
            elif matrix[row, label] == matrix[row, best]:
                tied = True
        found[row] = fallback[row] if tied and fallback[row] >= 0 else best


@_compiled
def cross_entropy(starts: Any, labels: Any, probabilities: Any, temperature: float) -> float:
    """Mean over the examples with labels of -sum of f log q over the classes, f the share of the labels, q = p^(1/T) scaled to 1."""
    classes = probabilities.shape[1]
    powers = np.empty(classes)
    total, used = 0.0, 0
    for row in range(len(starts) - 1):
        start, stop = starts[row], starts[row + 1]
        if start == stop:
            continue
        whole = 0.0
        for label in range(classes):
            value = np.float64(probabilities[row, label])
            powers[label] = np.exp(np.log(value) / temperature) if value > 0.0 else 0.0
            whole += powers[label]
        sum_ = 0.0
        for at in range(start, stop):
            sum_ -= np.log(max(powers[labels[at]] / whole, _LEAST))
        total += sum_ / (stop - start)
        used += 1
    return total / used


@_compiled
def tempered(probabilities: Any, temperature: float, found: Any) -> None:
    """p^(1/T), scaled to sum to 1; a probability counts as 1e-30 at least."""
    classes = probabilities.shape[1]
    for row in range(len(probabilities)):
        whole = 0.0
        for label in range(classes):
            whole += max(np.float64(probabilities[row, label]), _LEAST)
        total = 0.0
        for label in range(classes):
            value = max(np.float64(probabilities[row, label]), _LEAST) / whole
            found[row, label] = np.exp(np.log(value) / temperature)
            total += found[row, label]
        for label in range(classes):
            found[row, label] /= total


@_compiled
def expect(starts: Any, annotators: Any, labels: Any, log_prior: Any, log_confusion: Any, found: Any) -> float:
    """Dawid and Skene's E step: the posterior of each example in `found`; the log likelihood of the labels."""
    classes = len(log_prior)
    likelihood = 0.0
    for row in range(len(found)):
        largest = -np.inf
        for true in range(classes):
            value = log_prior[true]
            for at in range(starts[row], starts[row + 1]):
                value += log_confusion[annotators[at], true, labels[at]]
            found[row, true] = value
            largest = max(largest, value)
        total = 0.0
        for true in range(classes):
            found[row, true] = np.exp(found[row, true] - largest)
            total += found[row, true]
        for true in range(classes):
            found[row, true] /= total
        if starts[row] < starts[row + 1]:
            likelihood += largest + np.log(total)
    return likelihood


@_compiled
def maximise(starts: Any, annotators: Any, labels: Any, posterior: Any, prior: Any, confusion: Any) -> None:
    """Dawid and Skene's M step: sums of the posteriors by class, and by annotator, class and label, added to what is there."""
    for row in range(len(posterior)):
        if starts[row] == starts[row + 1]:
            continue
        for true in range(len(prior)):
            prior[true] += posterior[row, true]
            for at in range(starts[row], starts[row + 1]):
                confusion[annotators[at], true, labels[at]] += posterior[row, true]
