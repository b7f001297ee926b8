"""How far out of the distribution examples lie, by what a classifier makes of them. The lower, the further out.

`thresholds` are fitted on training data, `labels.analyse(given, probabilities).thresholds`, and used on any other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs
from pedigree.labels.neighbourhood.features import Floats

#: A threshold that no probability reaches stands for a class without examples.
_MOST = 1.0


def entropy_scores(probabilities: Any, thresholds: Any = None) -> Floats:
    """1 - entropy / log K of each row's probabilities, in [0, 1].

    With thresholds (K,) the probabilities are first freed of what classes the model is sure of in general:
    p_k - t_k + max t, then scaled to sum to 1. A class that had no examples (a threshold above 1) is left as it is.
    Source: Kuan and Mueller 2022 (arXiv:2207.03061), section 2.
    """
    from pedigree.labels.neighbourhood import passes

    matrix = inputs.probabilities(probabilities)
    found = np.empty(len(matrix))
    passes.adjusted_entropies(matrix, _offsets(thresholds, matrix.shape[1]), found)
    return found


def confidence_scores(probabilities: Any, thresholds: Any = None) -> Floats:
    """The largest of each row's probabilities, in [1/K, 1]; with thresholds as `entropy_scores` adjusts them.

    Source: Hendrycks and Gimpel 2017 (arXiv:1610.02136).
    """
    from pedigree.labels.neighbourhood import passes

    matrix = inputs.probabilities(probabilities)
    found = np.empty(len(matrix))
    passes.adjusted_maxima(matrix, _offsets(thresholds, matrix.shape[1]), found)
    return found


def energy_scores(logits: Any, *, temperature: float = 1.0) -> Floats:
    """T log of the sum of exp(logit / T) over the classes: the energy with its sign turned; any real number.

    Needs nothing fitted. `logits` (n, K), before softmax. Raises InvalidInput with the first rows that are not finite.
    Source: Liu et al. 2020 (arXiv:2010.03759), equation 4.
    """
    inputs.needs_numba()
    from pedigree.labels.neighbourhood import features, passes

    if not temperature > 0:
        raise InvalidInput(f"The temperature must be above 0, got {temperature}.", remedy="1 is what the source uses.")
    matrix = features.features(logits)
    found = np.empty(len(matrix))
    passes.energies(matrix, float(temperature), found)
    return found


def _offsets(thresholds: Any, classes: int) -> Floats:
    """What is added to each column: the largest threshold of a class with examples, less its own."""
    if thresholds is None:
        return np.zeros(classes)
    cuts: NDArray[np.float64] = np.asarray(inputs.plain(thresholds), np.float64)
    if cuts.shape != (classes,) or not (cuts >= 0).all():
        raise InvalidInput(
            f"Thresholds must be {classes} numbers from 0, one per class, got {cuts.shape}.",
            remedy="Take them from `labels.analyse(given, probabilities).thresholds` of the training data.",
        )
    present = cuts <= _MOST
    if not present.any():
        return np.zeros(classes)
    return np.where(present, cuts[present].max() - cuts, 0.0)
