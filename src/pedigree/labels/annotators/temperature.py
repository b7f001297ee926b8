"""The temperature at which a model's probabilities are as sure as the annotators agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.annotators.annotations import Annotations

_COARSE = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0, 3.0, 5.0, 8.0)
_STEPS = 4


def best_temperature(given: Annotations, probabilities: NDArray[Any]) -> float:
    """The temperature with the least cross-entropy between the annotators' shares and p^(1/T), of those looked at.

    Nine from 0.1 to 8, then four steps to each side of the best of them; the lowest of equally good ones.
    """
    from pedigree.labels.annotators import passes

    def losses(temperatures: NDArray[np.float64]) -> list[float]:
        return [passes.cross_entropy(given.starts, given.labels, probabilities, float(one)) for one in temperatures]

    coarse = np.array(_COARSE)
    best = int(np.argmin(losses(coarse)))
    low, high = coarse[max(best - 1, 0)], coarse[min(best + 1, len(coarse) - 1)]
    below = np.linspace(low, coarse[best], _STEPS, endpoint=False) if best else np.empty(0)
    above = np.linspace(coarse[best], high, _STEPS + 1) if best + 1 < len(coarse) else np.empty(0)
    fine = np.concatenate((below, above))
    return float(fine[int(np.argmin(losses(fine)))])


def tempered(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """p^(1/T), scaled to sum to 1: below 1 sharper, above 1 flatter."""
    from pedigree.labels.annotators import passes

    found = np.empty(probabilities.shape)
    passes.tempered(probabilities, temperature, found)
    return found
