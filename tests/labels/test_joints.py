"""Both ways of counting a confident example, by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from numpy.typing import NDArray

from pedigree import labels
from tests.labels.matrices import Ints, hurtful


def by_equation(given: Ints, matrix: NDArray[np.float64], thresholds: NDArray[np.float64]) -> list[int]:
    """Eq. 1 of the paper, word by word: argmax over the classes that reach their threshold; -1 where none does."""
    found = []
    for row in matrix.astype(np.float64):
        confident = [k for k in range(len(row)) if row[k] >= thresholds[k]]
        found.append(max(confident, key=lambda k: (row[k], -k)) if confident else -1)
    return found


@pytest.mark.filterwarnings("ignore::pedigree.labels.LabelWarning")
@settings(max_examples=40, deadline=None)
@given(hurtful())
def test_the_papers_joint_is_equation_1(example: tuple[Ints, NDArray[np.float64]]) -> None:
    """Here the paper's text is the oracle, on input that hurts."""
    given, matrix = example
    assume(len(np.unique(given)) > 1)
    found = labels.analyse(given, matrix, joint="paper")
    assert found.counted.tolist() == by_equation(given, matrix, found.thresholds)
    np.testing.assert_array_equal(found.joint.sum(1), found.label_counts)


def test_the_two_differ_where_the_argmax_is_not_confident() -> None:
    """Thresholds 0.8, 0.3, 0.2; the last row reaches those of 1 and 2, and has 0 as the largest. Break: grant the slack in both."""
    matrix = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.6, 0.2, 0.2]] * 2 + [[0.42, 0.33, 0.25]])
    given = [0, 1, 2, 0, 1, 2, -1]
    peer, paper = (labels.analyse(given, matrix, void=-1, joint=joint) for joint in ("cleanlab", "paper"))
    np.testing.assert_allclose(peer.thresholds, [0.8, 0.3, 0.2])
    assert peer.counted[-1] == 0
    # Just below its threshold: granted by the one, not by the other.
    below = np.concatenate((matrix[:6], [[0.7, 0.3 - 5e-7, 5e-7]]))
    lately = [labels.analyse(given, below, void=-1, joint=joint).counted[-1] for joint in ("cleanlab", "paper")]
    assert lately == [1, -1]
    assert paper.counted[-1] == 1
