"""What is found class by class is what cleanlab finds, but for exact ties, which go to the lower row."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from cleanlab import count as peer_count
from cleanlab.multilabel_classification import filter as peer
from cleanlab.multilabel_classification import rank as peer_rank
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pedigree import labels

FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given")


def lists(matrix: NDArray[Any]) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in matrix]


def theirs(matrix: NDArray[Any], probabilities: NDArray[Any], by: str) -> NDArray[np.bool_]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes of one example
        found = peer.find_multilabel_issues_per_class(lists(matrix), probabilities, filter_by=by, n_jobs=1)
    return np.asarray(found)


def key(by: str, matrix: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[Any]:
    """What a filter cuts by, in the precision of the matrix."""
    absent = 1 - probabilities
    own, rival = np.where(matrix == 1, probabilities, absent), np.where(matrix == 1, absent, probabilities)
    return -own if by == "prune_by_class" else rival - own


def check(matrix: NDArray[np.int8], probabilities: NDArray[Any]) -> int:
    """Compare all filters; return how many cells differ, each shown to be as good as one that was taken in its place."""
    found = labels.analyse_multilabel(matrix, probabilities)
    for calibrate, mine in ((False, found.confident_joint), (True, found.joint)):
        joint = peer_count.compute_confident_joint(lists(matrix), probabilities, multi_label=True, calibrate=calibrate)
        assert (mine == joint).all()
    differing = 0
    for by in FILTERS:
        marked, other = found.issues(by), theirs(matrix, probabilities, by)
        if by == "both":
            parts = ("prune_by_noise_rate", "prune_by_class")
            assert (marked == (found.issues(parts[0]) & found.issues(parts[1]))).all()
            continue
        differ = marked != other
        if by in ("confident_learning", "predicted_neq_given"):
            assert not differ.any(), by
        values = key(by, matrix, probabilities)
        for column in np.flatnonzero(differ.any(axis=0)):
            for label in (0, 1):
                among = differ[:, column] & (matrix[:, column] == label)
                if not among.any():
                    continue
                # One value alone, the one at the cut. The peer lets cells that agree take a share of it and removes them
                # afterwards, so that fewer are left to it, by as many as agree at the most.
                (cut,) = np.unique(values[among, column])
                tied = (matrix[:, column] == label) & (values[:, column] == cut)
                agreeing = int((tied & ~theirs(matrix, probabilities, "predicted_neq_given")[:, column]).sum())
                surplus = int(marked[tied, column].sum()) - int(other[tied, column].sum())
                assert 0 <= surplus <= agreeing, (by, column, label)
                differing += int(among.sum())
    assert (
        found.example_issues("confident_learning") == theirs(matrix, probabilities, "confident_learning").any(axis=1)
    ).all()
    return differing


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """Few different probabilities, so that ties abound, at thresholds, at 1/2 and at cuts; each class is present and absent."""
    rows, classes = draw(st.integers(3, 30)), draw(st.integers(2, 4))
    levels = draw(st.sampled_from([2, 4, 5, 10, 64, 1000]))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    values = draw(st.lists(st.integers(0, levels), min_size=rows * classes, max_size=rows * classes))
    matrix = np.array(draw(st.lists(st.booleans(), min_size=rows * classes, max_size=rows * classes)), np.int8)
    matrix = matrix.reshape(rows, classes)
    matrix[0], matrix[1] = 0, 1
    return matrix, (np.array(values) / levels).astype(kind).reshape(rows, classes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(problems())
def test_every_filter_finds_what_the_peer_finds(problem: tuple[NDArray[np.int8], NDArray[Any]]) -> None:
    """Breaks: a tie at 1/2 that is no issue for a class that is given; a threshold that is not reached by what equals it."""
    check(*problem)


@pytest.mark.parametrize("seed", range(4))
def test_the_filters_agree_where_ties_abound(seed: int) -> None:
    """Break: a tie of two confident ones counted for present."""
    rng = np.random.default_rng(seed)
    given_ = (rng.random((60, 3)) < 0.5).astype(np.int8)
    # Labels that are mostly wrong leave both thresholds low, so that many cells are confident of both.
    quarters = rng.integers(0, 4, given_.shape) + (given_ == 0)
    check(given_, quarters / 4)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_the_filters_agree_on_matrices_without_ties(seed: int, kind: type) -> None:
    """Breaks: a bin of the cut that is flagged whole; the joint's cells (0, 1) and (1, 0) exchanged."""
    rng = np.random.default_rng(seed)
    true = rng.random((600, 5)) < 0.25
    given_ = (true ^ (rng.random(true.shape) < (0.02, 0.1, 0.3)[seed])).astype(np.int8)
    probabilities: NDArray[Any] = (1 / (1 + np.exp(rng.normal(0, 1.5, true.shape) - np.where(true, 2, -2)))).astype(
        kind
    )
    assert check(given_, probabilities) == 0


@settings(max_examples=25, deadline=None)
@given(problems())
def test_the_scores_are_those_of_the_peer(problem: tuple[NDArray[np.int8], NDArray[Any]]) -> None:
    """Breaks: alpha and 1 - alpha exchanged; the average taken from the lowest to the largest."""
    matrix, probabilities = problem
    found = labels.analyse_multilabel(matrix, probabilities)
    per_class = np.asarray(peer_rank.get_label_quality_scores_per_class(lists(matrix), probabilities))
    assert (found.scores("self_confidence") == per_class).all()
    averages = peer_rank.get_label_quality_scores(lists(matrix), probabilities)
    assert (found.example_scores("moving_average") == averages).all()


def test_equal_cells_at_a_cut_go_to_the_lower_rows() -> None:
    """Break: `mark_largest` handed the keys in falling order of rows."""
    matrix = np.zeros((40, 1), np.int8)
    matrix[20:] = 1
    probabilities: NDArray[np.float64] = np.where(matrix == 1, 0.9, 0.05)
    probabilities[[3, 7, 11, 15], 0] = 0.99
    probabilities[[0, 2, 4, 6, 8, 10, 12, 14], 0] = 0.85  # counted for neither
    found = labels.analyse_multilabel(matrix, probabilities)
    assert found.joint[0].tolist() == [[13, 7], [0, 20]]
    assert np.flatnonzero(found.issues("prune_by_noise_rate")).tolist() == [0, 2, 3, 4, 7, 11, 15]
