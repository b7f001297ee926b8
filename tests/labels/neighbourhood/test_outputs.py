"""Scores of being out of the distribution from probabilities and logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from pedigree import labels
from pedigree.errors import InvalidInput


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32), st.integers(2, 7), st.sampled_from([0.1, 1.0, 5.0]))
def test_scores_of_probabilities_are_those_of_cleanlab(seed: int, classes: int, sharpness: float) -> None:
    """Break: subtract the thresholds without adding the largest."""
    from cleanlab.outlier import OutOfDistribution

    rng = np.random.default_rng(seed)
    matrix = rng.dirichlet(np.full(classes, sharpness), 60)
    new = rng.dirichlet(np.full(classes, sharpness), 20)
    given_ = np.concatenate((np.arange(classes), rng.integers(0, classes, 60 - classes)))
    thresholds = labels.analyse(given_, matrix).thresholds
    for method, ours in (("entropy", labels.entropy_scores), ("least_confidence", labels.confidence_scores)):
        theirs = OutOfDistribution({"method": method})
        expected = theirs.fit_score(pred_probs=matrix, labels=given_, verbose=False)
        np.testing.assert_allclose(ours(matrix, thresholds), expected, atol=1e-12)
        np.testing.assert_allclose(ours(new, thresholds), theirs.score(pred_probs=new), atol=1e-12)
        plain = OutOfDistribution({"method": method, "adjust_pred_probs": False})
        np.testing.assert_allclose(ours(new), plain.score(pred_probs=new), atol=1e-12)


def test_a_class_without_examples_does_not_drown_the_others() -> None:
    """Its threshold, 2, would be added to every other class. Break: take the largest threshold of all classes."""
    rng = np.random.default_rng(0)
    matrix = rng.dirichlet([0.2, 0.2, 0.2, 0.2], 50)
    with pytest.warns(labels.RareClass):
        found = labels.analyse(rng.integers(0, 3, 50), matrix)
    assert found.thresholds[3] == 2
    scores = labels.entropy_scores(matrix, found.thresholds)
    assert scores.max() > 0.5


def test_the_energy_is_the_logarithm_of_the_sum() -> None:
    """Break: leave out the temperature before the logarithm."""
    logits = np.random.default_rng(1).normal(0, 300, (40, 6))
    for temperature in (0.5, 1.0, 3.0):
        expected = temperature * logsumexp(logits / temperature, axis=1)
        np.testing.assert_allclose(labels.energy_scores(logits, temperature=temperature), expected, rtol=1e-12)


def test_what_is_no_output_is_refused() -> None:
    """Break: leave out the check of rows, of thresholds or of the temperature."""
    with pytest.raises(InvalidInput, match="1 of 2 rows are no probabilities"):
        labels.entropy_scores([[0.5, 0.5], [0.9, 0.5]])
    with pytest.raises(InvalidInput, match="Thresholds must be 2 numbers"):
        labels.confidence_scores([[0.5, 0.5]], [0.1])
    with pytest.raises(InvalidInput, match="hold NaN"):
        labels.energy_scores([[0.5, np.nan]])
    with pytest.raises(InvalidInput, match="temperature must be above 0"):
        labels.energy_scores([[0.5, 1.0]], temperature=0)
