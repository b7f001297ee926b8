"""The scores of images are what their formulas say; softmin is the peer's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pedigree import labels
from pedigree.errors import InvalidInput
from tests.labels.segmentation.drawn import drawn


@pytest.mark.parametrize(("kind", "close"), [(np.float32, 1e-9), (np.float64, 1e-11)])
def test_softmin_and_issues_are_the_peers(kind: Any, close: float) -> None:
    """Break: the 32nd power of the polynomial. What differs is the order of the sums, and float32 widened."""
    from cleanlab.segmentation.rank import get_label_quality_scores

    for seed in range(3):
        masks, probabilities = drawn(seed, kind=kind)
        found = labels.analyse_masks(masks, probabilities)
        expected, _ = get_label_quality_scores(masks.astype(int), probabilities, verbose=False)
        assert np.abs(found.scores("softmin") - expected).max() < close
        counts, _ = get_label_quality_scores(
            masks.astype(int), probabilities, method="num_pixel_issues", n_jobs=1, verbose=False
        )
        assert np.array_equal(found.scores("num_pixel_issues"), counts)


def test_the_others_are_their_formulas() -> None:
    """Break: the mean of the lowest 4 %; evidence from -0.4 on; its third power."""
    masks, probabilities = drawn(4)
    found = labels.analyse_masks(masks, probabilities)
    place = masks[:, None].astype(int)
    own: NDArray[Any] = np.take_along_axis(probabilities, place, axis=1)[:, 0]
    lowest = np.sort(own.reshape(6, -1), axis=1)[:, : 24 * 20 // 20].mean(axis=1)
    assert np.allclose(found.scores("lowest"), lowest, rtol=1e-12)
    thresholds = np.array([own[masks == number].mean() for number in range(4)])
    ratios = probabilities / thresholds[:, None, None]
    mine = np.take_along_axis(ratios, place, axis=1)[:, 0]
    np.put_along_axis(ratios, place, 0.0, axis=1)
    margin = np.log(mine) - np.log(ratios.max(axis=1))
    grades = np.clip(-margin - 0.5, 0, 4)
    evidence = grades.sum(axis=(1, 2))
    assert np.allclose(found.scores("evidence"), -evidence, rtol=1e-4)
    assert np.allclose(found.scores(), -np.clip(-margin - 1, 0, 6).sum(axis=(1, 2)), rtol=1e-4)
    assert np.allclose(found.scores("strong_evidence"), -(grades**4).sum(axis=(1, 2)), rtol=1e-4)
    assert evidence.min() > 0
    ranks = [np.argsort(np.argsort(values)) for values in (-evidence, lowest)]
    assert np.allclose(found.scores("blend"), np.mean(ranks, axis=0) / 5)
    assert found.worst(2).tolist() == np.argsort(found.scores(), kind="stable")[:2].tolist()


def test_an_unknown_rank_is_named() -> None:
    """Break: fall back to the default."""
    with pytest.raises(InvalidInput, match="There is no rank 'softmax'"):
        labels.analyse_masks(*drawn(0)).scores("softmax")
