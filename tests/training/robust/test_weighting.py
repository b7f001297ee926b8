"""Weights from a noise matrix and from ranks, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree import training
from pedigree.errors import InvalidInput

#: P(given s | true y) in row s and column y: a fifth of the class 1 is labelled 0.
NOISE = np.array([[1.0, 0.2], [0.0, 0.8]])


def test_suggestions_survive_whole_or_are_refused() -> None:
    """Break: the labels' own type whatever it cuts."""
    found = training.relabelled(["cat", "dog"], [True, False], ["elephant", "dog"])
    assert found.tolist() == ["elephant", "dog"]
    small = np.array([1, 2], np.uint8)
    assert training.relabelled(small, [True, False], [7, -1]).dtype == np.uint8
    with pytest.raises(InvalidInput, match="1 suggestions cannot be labels of uint8: .*-1.* of sample 1") as error:
        training.relabelled(small, [False, True], [1, -1])
    assert error.value.objects["rows"] == [1]


def test_what_is_left_of_a_class_counts_for_what_was_lost() -> None:
    """A class of which 0.8 are left counts 1.25 each. Break: take the rows' sums; the inverse matrix."""
    assert training.recovery_weights([0, 1, 1], NOISE).tolist() == [1.0, 1.25, 1.25]


def test_importance_is_the_ratio_of_the_two_posteriors() -> None:
    """x with P(true 1 | x) = 0.5: P(given 1 | x) = 0.4, P(given 0 | x) = 0.6, so the weights are 0.5 / 0.6 and 0.5 / 0.4.

    Certain samples: true 1 labelled 0 weighs 0 (its given posterior is (0.2, 0.8)), labelled 1 weighs 1.25. Break: transpose; no inverse.
    """
    chances = np.array([[0.6, 0.4], [0.6, 0.4], [0.2, 0.8], [0.2, 0.8], [1.0, 0.0]])
    found = training.importance_weights([0, 1, 0, 1, 0], chances, NOISE)
    assert found == pytest.approx([0.5 / 0.6, 1.25, 0.0, 1.25, 1.0])


@given(st.floats(0.0, 0.45), st.floats(0.0, 0.45), st.floats(0.001, 0.999))
def test_expected_importance_of_a_sample_is_1(first: float, second: float, chance: float) -> None:
    """Sum over s of P(given s | x) * weight = sum of P(true s | x) = 1, where the estimates are exact. Break: leave a posterior out."""
    noise = np.array([[1 - first, second], [first, 1 - second]])
    given_ = noise @ [chance, 1 - chance]
    weights = training.importance_weights([0, 1], np.stack([given_, given_]), noise)
    assert float(given_ @ weights) == pytest.approx(1.0)


def test_ranks_take_out_as_much_as_there_are_errors() -> None:
    """Two errors among six: 1/8, 3/8, 5/8, 7/8 in the order of the scores, then 1. Ties by index. Break: weigh by the score itself."""
    found = training.rank_weights([5.0, 1.0, 9.0, 1.0, -2.0, 7.0], 2)
    assert found.tolist() == [7 / 8, 3 / 8, 1.0, 5 / 8, 1 / 8, 1.0]


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=60), st.data())
def test_the_weight_taken_out_is_the_number_of_errors(scores: list[float], data: st.DataObject) -> None:
    """n - sum(w) = errors, for any scores. Break: leave the 1/2 out."""
    errors = data.draw(st.integers(0, len(scores) // 2))
    assert len(scores) - training.rank_weights(scores, errors).sum() == pytest.approx(errors)


def test_a_sample_without_a_score_weighs_nothing_and_is_not_counted() -> None:
    """Break: let NaN sort last with weight 1."""
    assert training.rank_weights([np.nan, 1.0, 2.0], 1).tolist() == [0.0, 0.25, 0.75]


def test_a_label_that_is_an_issue_takes_its_suggestion() -> None:
    """Break: swap the two."""
    given_ = np.array([3, 1, 2], np.uint8)
    found = training.relabelled(given_, np.array([False, True, False]), [0, 0, 0])
    assert found.tolist() == [3, 0, 2]
    assert found.dtype == np.dtype(np.uint8)
    assert given_.tolist() == [3, 1, 2]


def test_bad_input_is_named() -> None:
    """Break: accept rows that sum to 1; row numbers for a mask, which NumPy would take as booleans."""
    with pytest.raises(InvalidInput, match=r"Column 0 of the noise matrix sums to 1\.2\.\nColumns are true classes"):
        training.recovery_weights([0], NOISE.T)
    with pytest.raises(InvalidInput, match="Of class 1 no sample keeps its label"):
        training.recovery_weights([0, 1], [[1.0, 1.0], [0.0, 0.0]])
    with pytest.raises(InvalidInput, match="two true classes are labelled in the same way"):
        training.importance_weights([0], [[0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(InvalidInput, match=r"1 of 3 labels are no class: 2 in row 1\.") as caught:
        training.recovery_weights([0, 2, 1], NOISE)
    assert caught.value.rows == [1]  # type: ignore[attr-defined]  # what the error carries
    with pytest.raises(InvalidInput, match="the first row 1"):
        training.importance_weights([0, 1], [[0.5, 0.5], [np.nan, 1.0]], NOISE)
    with pytest.raises(InvalidInput, match="errors is 2 of 3 samples"):
        training.rank_weights([1, 2, 3], 2)
    with pytest.raises(InvalidInput, match=r"issues must be one boolean per sample, got int64 of shape \(1,\)"):
        training.relabelled([0, 1], np.array([1]), [0, 0])
    with pytest.raises(InvalidInput, match="There are 2 suggestions and 3 labels"):
        training.relabelled([0, 1, 1], np.zeros(3, bool), [0, 0])
