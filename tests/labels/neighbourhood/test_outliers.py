"""Scores of being out of the distribution: those of cleanlab where they are the same, and what is mended where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree import labels
from pedigree.errors import InvalidInput


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**32), st.integers(12, 140), st.integers(1, 6), st.integers(1, 11), st.booleans())
def test_scores_are_those_of_cleanlab(seed: int, count: int, columns: int, k: int, repeated: bool) -> None:
    """Break: take the mean of the distances for the scale."""
    from cleanlab.outlier import OutOfDistribution

    rng = np.random.default_rng(seed)
    values, new = rng.standard_normal((count, columns)), rng.standard_normal((9, columns))
    if columns == 1:
        # The peer calls cosine above 3 features alone, and its one-dimensional euclidean distances are as ours.
        values, new = values * 3, new * 3
    if repeated:
        values[1] = values[0]
    theirs = OutOfDistribution({"k": k})
    expected = theirs.fit_score(features=values, verbose=False)
    found = labels.outliers(labels.neighbours(values, k))
    np.testing.assert_allclose(found.scores, expected, atol=2e-6)
    np.testing.assert_allclose(found.score_new(new, values).scores, theirs.score(features=new), atol=2e-6)


def test_scores_do_not_depend_on_the_unit() -> None:
    """The peer gives every example 1 where distances are below 1e-7. Break: use a floor of 1e-6 for the scale."""
    values = np.random.default_rng(0).standard_normal((80, 3))
    large, small = (labels.outliers(labels.neighbours(values * unit, 5)).scores for unit in (1.0, 1e-12))
    np.testing.assert_allclose(large, small, rtol=1e-9)
    assert large.std() > 0.05


def test_where_most_examples_are_there_often_the_others_still_differ() -> None:
    """Break: keep a scale of 0."""
    values = np.concatenate((np.ones((30, 3)), np.random.default_rng(1).standard_normal((10, 3)) + 5))
    scores = labels.outliers(labels.neighbours(values, 3)).scores
    assert (scores[:30] == 1).all()
    assert len(set(scores[30:].tolist())) == 10


def test_a_tail_is_the_rate_of_false_alarms() -> None:
    """Break: count the examples that are nearer."""
    rng = np.random.default_rng(2)
    values = rng.standard_normal((2000, 5))
    found = labels.outliers(labels.neighbours(values, 5))
    assert found.tails[np.argmax(found.distances)] == 1 / 2000
    assert found.tails[np.argmin(found.distances)] == 1
    new = found.score_new(rng.standard_normal((1000, 5)), values)
    assert 0.03 < (new.tails < 0.05).mean() < 0.07
    assert found.score_new(np.full((1, 5), -1e3) * [1, -1, 1, -1, 1], values).tails[0] <= 1.0


def test_the_fence_is_that_of_datalab() -> None:
    """Break: use 1.5 interquartile ranges."""
    manager = pytest.importorskip("cleanlab.datalab.internal.issue_manager.outlier").OutlierIssueManager
    graph = labels.neighbours(np.random.default_rng(3).standard_normal((90, 3)) ** 3, 4)
    found = labels.outliers(graph)
    _, fence, issues = manager._compute_threshold_and_issue_column_from_distances(None, graph.distances)
    assert found.fence() == pytest.approx(fence, rel=1e-4)  # the peer's whiskers are 1.70001
    assert (found.issues() == issues).all()
    assert found.issues().any()


def test_new_examples_need_the_reference_that_was_fitted() -> None:
    """Break: leave out the check of the number of rows."""
    values = np.random.default_rng(4).standard_normal((30, 4))
    found = labels.outliers(labels.neighbours(values, 3))
    with pytest.raises(InvalidInput, match="has 29 examples and was fitted on 30"):
        found.score_new(values[:2], values[1:])
    with pytest.raises(InvalidInput, match="have 3 features and the reference has 4"):
        found.score_new(values[:2, :3], values)
    with pytest.raises(InvalidInput, match="hold NaN"):
        found.score_new(np.full((1, 4), np.nan), values)
