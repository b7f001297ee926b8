"""The default rank: worked by hand, indifferent to what must not matter, and right about examples of no class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pedigree import labels
from pedigree.labels.blending import blended
from tests.labels.matrices import drawn

#: Matrices worked by hand are small, which `analyse` warns of.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
log = math.log


def test_levels_and_blend_by_hand() -> None:
    """T = (0.8 + 0.4 + 0.6) / 3 = 0.6, t = (0.6, 0.6) of three labels, so both levels are 0.6 and every case stands below.

    Break: count a rival below its level in full; take the shortfall of the given class alone.
    """
    matrix = np.array([[0.8, 0.2], [0.4, 0.6], [0.4, 0.6]])
    found = labels.analyse([0, 0, 1], matrix)
    np.testing.assert_allclose(found.levels, [0.6, 0.6])
    expected = [
        log(0.8 / 0.6) - 0.1 * log(0.2 / 0.6),  # the rival is below its level
        log(0.4 / 0.6),  # the rival is just at it
        log(0.6 / 0.6) - 0.1 * log(0.4 / 0.6),
    ]
    np.testing.assert_allclose(found.scores(), expected)


def test_the_level_is_half_way_to_the_mean() -> None:
    """t = (0.9, 0.3), T = (0.9 + 0.9 + 0.3) / 3 = 0.7: levels 0.8 and 0.5. Break: weigh the classes alike in T (0.6)."""
    found = labels.analyse([0, 0, 1], np.array([[0.9, 0.1], [0.9, 0.1], [0.7, 0.3]]))
    np.testing.assert_allclose(found.levels, [0.8, 0.5])


def test_a_class_without_examples_has_a_level_that_nothing_reaches() -> None:
    """Break: give it the mean: the 0.5 of the third class would be a rival above its level."""
    found = labels.analyse([0, 1], np.array([[0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]), classes=[0, 1, 2])
    assert found.levels[2] == 2.0
    np.testing.assert_allclose(found.scores(), [-0.1 * log(0.25)] * 2)


@pytest.mark.parametrize(
    ("own", "rival", "expected"),
    [
        (1.0, 0.5, 0.75),  # a rival above its level counts for half
        (-1.0, 2.0, -2.0),
        (1.0, -2.0, 1.2),  # and below for a tenth
        (-0.5, -2.0, -0.5 + 0.2 - 0.075),  # no class reaches its level; the best is the given one
        (-2.0, -0.5, -2.0 + 0.05 - 0.075),  # and here another
    ],
)
def test_the_parts_of_the_blend(own: float, rival: float, expected: float) -> None:
    """Break: leave out the shortfall; add the rival above its level."""
    assert blended(np.array([own]), np.array([rival]))[0] == pytest.approx(expected)


def test_more_for_the_label_is_never_worse_and_more_for_a_confident_rival_is_worse() -> None:
    """Break: add the rival above its level."""
    grid = np.linspace(-5, 3, 81)
    own, rival = np.meshgrid(grid, grid)
    score = blended(own, rival)
    assert (np.diff(score, axis=1) > 0).all()
    above = grid[:-1] >= 0
    assert (np.diff(score, axis=0)[above] < 0).all()


def test_order_of_classes_and_copies_do_not_matter() -> None:
    """Break: add one to the number of labels in the mean."""
    given, matrix = drawn(300, 5)
    score = labels.analyse(given, matrix).scores()
    order = np.array([3, 0, 4, 1, 2])
    moved = labels.analyse(np.argsort(order)[given], matrix[:, order])
    np.testing.assert_allclose(moved.scores(), score, rtol=1e-12)
    twice = labels.analyse(np.tile(given, 2), np.tile(matrix, (2, 1)))
    np.testing.assert_allclose(twice.scores(), np.tile(score, 2), rtol=1e-12)


def test_chunks_do_not_matter() -> None:
    """Break: take the labels of the first chunk for each, in the threshold margin."""
    given, matrix = drawn(300, 5, kind=np.float32)
    for by in ("blend", "threshold_margin"):
        whole = labels.analyse(given, matrix).scores(by)
        np.testing.assert_array_equal(labels.analyse(given, matrix, chunk_rows=7).scores(by), whole)


def test_the_threshold_margin_has_the_whole_thresholds() -> None:
    """Break: take the levels in it as well."""
    found = labels.analyse([0, 0, 1], np.array([[0.9, 0.1], [0.9, 0.1], [0.7, 0.3]]))
    np.testing.assert_allclose(found.scores("threshold_margin")[2], log(0.3 / 0.3) - log(0.7 / 0.9))


@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_certain_and_coarse_probabilities_have_finite_scores(classes: int, kind: Any) -> None:
    """Probabilities of exactly 0 and 1, and a class with one example. Break: take the logarithm of p as it is."""
    given = np.zeros(20, np.int64)
    given[3:] = np.arange(17) % 2
    given[19] = classes - 1
    matrix = np.zeros((20, classes), kind)
    matrix[np.arange(20), np.arange(20) % 2] = 1
    score = labels.analyse(given, matrix, classes=range(classes)).scores()
    assert np.isfinite(score).all()
    agree = matrix[np.arange(20), given] == 1
    assert score[agree].min() > 0 > score[~agree].max()


def test_pictures_of_nothing_rank_below_hard_ones() -> None:
    """Ten of no class, with flat probabilities, against 60 right ones with a likely rival: a plain margin has them in the wrong order.

    Break: leave out the shortfall (UNCLAIMED = 0).
    """
    given, matrix, nothing = among_hard_ones()
    found = labels.analyse(given, matrix)
    assert set(found.worst(10)) == set(np.flatnonzero(nothing))
    half = found.scores("threshold_margin") + np.log(found.own / found.thresholds[given])
    assert not set(np.argsort(half, kind="stable")[:10]) & set(np.flatnonzero(nothing))


def among_hard_ones() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Ten classes of which each row of probabilities is either sure (100), torn between two (60) or flat (10)."""
    sure, torn, flat = np.full((100, 10), 0.01), np.full((60, 10), 0.02), np.full((10, 10), 0.72 / 8)
    given = np.arange(170) % 10
    for row, place in enumerate(given[:100]):
        sure[row, place] = 0.91
    for row, place in enumerate(given[100:160]):
        torn[row, place], torn[row, (place + 1) % 10] = 0.15, 0.69
    for row, place in enumerate(given[160:]):
        flat[row, place], flat[row, (place + 1) % 10] = 0.14, 0.14
    return given, np.concatenate((sure, torn, flat)), np.arange(170) >= 160
