"""What is asked of each row of probabilities, logits or neighbours, in one compiled pass without temporaries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)


@_compiled
def adjusted_entropies(matrix: Any, offsets: Any, found: Any) -> None:
    """1 - H(q) / log K, q the row plus the offsets, scaled to sum to 1."""
    classes = matrix.shape[1]
    for row in range(len(found)):
        total = 0.0
        for column in range(classes):
            total += np.float64(matrix[row, column]) + offsets[column]
        entropy = 0.0
        for column in range(classes):
            value = (np.float64(matrix[row, column]) + offsets[column]) / total
            if value > 0.0:
                entropy -= value * np.log(value)
        found[row] = min(max(1.0 - entropy / np.log(classes), 0.0), 1.0)


@_compiled
def adjusted_maxima(matrix: Any, offsets: Any, found: Any) -> None:
    """The largest q, as above."""
    for row in range(len(found)):
        total, largest = 0.0, 0.0
        for column in range(matrix.shape[1]):
            value = np.float64(matrix[row, column]) + offsets[column]
            total += value
            largest = max(largest, value)
        found[row] = largest / total


@_compiled
def energies(matrix: Any, temperature: float, found: Any) -> None:
    """T log sum exp(logit / T), with the largest logit taken out so that nothing overflows."""
    for row in range(len(found)):
        largest = np.float64(matrix[row, 0])
        for column in range(1, matrix.shape[1]):
            largest = max(largest, np.float64(matrix[row, column]))
        total = 0.0
        for column in range(matrix.shape[1]):
            total += np.exp((np.float64(matrix[row, column]) - largest) / temperature)
        found[row] = largest + temperature * np.log(total)


@_compiled
def label_votes(
    indices: Any,
    distances: Any,
    labels: Any,
    classes: int,
    same: Any,
    agreement: Any,
    similarity: Any,
    vote: Any,
    ratio: Any,
) -> None:
    """Of each example's neighbours that have a label: how the labels fall, see `agreement.Agreement`."""
    counts = np.zeros(classes, np.int64)
    for row in range(len(indices)):
        counts[:] = 0
        used, own, other = 0, -1.0, -1.0
        far = distances[row, distances.shape[1] - 1]
        for place in range(indices.shape[1]):
            label = labels[indices[row, place]]
            if label < 0:
                continue
            counts[label] += 1
            used += 1
            if label == labels[row]:
                if own < 0.0:
                    own = distances[row, place]
            elif other < 0.0:
                other = distances[row, place]
        best, squares = -1, 0.0
        for label in range(classes):
            squares += np.float64(counts[label] * counts[label])
        # Of classes with equally many neighbours the one with the nearest wins.
        for place in range(indices.shape[1]):
            label = labels[indices[row, place]]
            if label >= 0 and (best < 0 or counts[label] > counts[best]):
                best = label
        vote[row] = best
        if labels[row] < 0 or used == 0:
            continue
        mine = counts[labels[row]]
        same[row] = mine
        agreement[row] = mine / used
        similarity[row] = mine / np.sqrt(squares)
        # A class that is not among the neighbours is as far as the last of them, or further.
        own = far if own < 0.0 else own
        other = far if other < 0.0 else other
        total = own * own + other * other
        ratio[row] = other * other / total if total > 0.0 else 0.5
