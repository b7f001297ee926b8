"""What cleanlab 2.9 gives is what we give, but for exact ties at a cut, which we break by index."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from cleanlab import count as peer_count
from cleanlab import filter as peer_filter
from cleanlab import rank as peer_rank
from hypothesis import assume, given, settings
from numpy.typing import NDArray

from pedigree import labels
from pedigree.labels import counts, filters, names, ranks, rounding
from tests.labels.matrices import Ints, drawn, hurtful

Mask = NDArray[np.bool_]

#: The order of nine keys, four of them 0 and five 1, as a bitonic sorter leaves equal ones.
NINE = [1, 3, 6, 4, 2, 0, 5, 7, 8]


@pytest.fixture(autouse=True)
def _peer_warns_of_small_classes() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def peer(given: Ints, matrix: NDArray[Any], by: str) -> Mask:
    return np.asarray(peer_filter.find_label_issues(given, matrix, filter_by=by, n_jobs=1))


def pruned(found: labels.Analysis, by: str) -> tuple[Mask, Mask, Mask]:
    """What the definition of a pruning takes out: without its ties, by index, with all ties. Slow and short."""
    given, matrix = found.data.labels, np.asarray(found.data.probabilities)
    wanted = counts.prune_counts(found.joint)
    without, exact, with_all = (np.zeros(len(given), bool) for _ in range(3))
    for s in range(found.data.classes):
        members = np.flatnonzero(given == s)
        if len(members) < 2:
            continue
        cells: list[tuple[NDArray[Any], int]]
        if by == "prune_by_class":
            cells = [(-matrix[members, s], len(members) - wanted[s, s])]
        else:
            cells = [
                (matrix[members, y] - matrix[members, s], wanted[s, y]) for y in range(found.data.classes) if y != s
            ]
        for values, number in cells:
            if number > 0:
                order = np.argsort(-values, kind="stable")[:number]
                exact[members[order]] = True
                without[members[values > values[order[-1]]]] = True
                with_all[members[values >= values[order[-1]]]] = True
    return without & ~found.agreeing, exact & ~found.agreeing, with_all & ~found.agreeing


def check(given: Ints, matrix: NDArray[Any]) -> None:
    found = labels.analyse(given, matrix)
    # The peer's mean of float32 is a float32; ours is of float64, row after row.
    bound = 1e-6 if matrix.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found.thresholds, peer_count.get_confident_thresholds(given, matrix), rtol=bound)
    np.testing.assert_array_equal(
        found.confident_joint, peer_count.compute_confident_joint(given, matrix, calibrate=False)
    )
    joint = peer_count.compute_confident_joint(given, matrix)
    if orders_like_the_peer():
        np.testing.assert_array_equal(found.joint, joint)
    elif not np.array_equal(found.joint, joint):
        return  # another processor's ties
    prior, noise, inverse = peer_count.estimate_latent(joint, given)
    for name, value in ("prior", prior), ("noise", noise), ("inverse", inverse):
        np.testing.assert_allclose(getattr(found.noise, name), value, rtol=1e-12, atol=1e-15)
    for by in ("confident_learning", "predicted_neq_given"):
        np.testing.assert_array_equal(found.issues(by), peer(given, matrix, by))
    for by in ("prune_by_class", "prune_by_noise_rate"):
        without, exact, with_all = pruned(found, by)
        theirs, ours = peer(given, matrix, by), found.issues(by)
        np.testing.assert_array_equal(ours, exact)
        assert not (without & ~theirs).any()
        assert not (theirs & ~with_all).any()
        if np.array_equal(without, with_all):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.issues("both"), found.issues("prune_by_class") & found.issues("prune_by_noise_rate"))  # fmt: skip


def orders_like_the_peer() -> bool:
    """Whether NumPy's default sort is the network here: asked of a row of nine, by what that gives with AVX2 and AVX-512."""
    return bool(np.argsort(np.array([1.0, 0, 1, 0, 0, 1, 0, 1, 1])).tolist() == NINE)


@settings(max_examples=40, deadline=None)
@given(hurtful())
def test_on_hurtful_input_only_exact_ties_differ(example: tuple[Ints, NDArray[Any]]) -> None:
    """Break: leave the second pass of pruning out."""
    given, matrix = example
    assume(len(np.unique(given)) > 1)
    check(given, matrix)


def test_many_classes_round_as_the_peer_does() -> None:
    """Rows of more than 256 cells, most of them equally far from their rounding. Break: a stable sort for long rows."""
    rng = np.random.default_rng(0)
    joint = rng.poisson(0.4, (300, 300)) + np.diag(np.full(300, 20))
    given = np.repeat(np.arange(300), joint.sum(axis=1) * 3 // 2)
    theirs = peer_count.calibrate_confident_joint(joint, given)
    np.testing.assert_array_equal(counts.calibrated(joint, np.bincount(given)), theirs)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(hurtful())
def test_on_much_hurtful_input_only_exact_ties_differ(example: tuple[Ints, NDArray[Any]]) -> None:
    given, matrix = example
    assume(len(np.unique(given)) > 1)
    check(given, matrix)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_without_ties_nothing_differs(classes: int, kind: Any) -> None:
    """Break: count the margins of the given class with the others'."""
    given, matrix = drawn(2000, classes, kind=kind)
    check(given, matrix)
    found = labels.analyse(given, matrix)
    for by in ("prune_by_noise_rate", "prune_by_class", "both"):
        np.testing.assert_array_equal(found.issues(by), peer(given, matrix, by))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_ranks_are_the_peers(kind: Any) -> None:
    """Break: divide the entropy by log 2; count the own class among the rivals."""
    given, matrix = drawn(500, 7, kind=kind)
    found = labels.analyse(given, matrix)
    for by in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        theirs = peer_rank.get_label_quality_scores(given, matrix, method=by)
        np.testing.assert_allclose(found.scores(by), theirs, rtol=1e-5 if kind == np.float32 else 1e-10)


def test_the_most_certain_labels_are_not_the_worst() -> None:
    """The peer's entropy score is 0 for a certain label. Break: divide by `max(x, 1e-6)`."""
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [0.3, 0.7], [1 - 1e-9, 1e-9]])
    found = labels.analyse([0, 1, 0, 0], matrix)
    assert found.worst(by="confidence_weighted_entropy")[0] == 2
    assert found.scores("confidence_weighted_entropy")[0] == 1.0


@pytest.mark.parametrize("length", [1, 2, 3, 16, 17, 100, 255, 256])
def test_equal_cells_are_rounded_as_numpy_sorts_them(length: int) -> None:
    """Break: exchange equal keys; begin a merge without going backwards."""
    if not orders_like_the_peer():
        pytest.skip("this processor's NumPy sorts in another order")
    keys = np.random.default_rng(length).integers(0, 5, (30, length)) / 5.0
    for row, order in zip(keys, rounding.order_of(keys), strict=True):
        np.testing.assert_array_equal(order, np.argsort(row))


@pytest.mark.parametrize("length", [2, 3, 50, 256, 257, 400])
def test_rounding_keeps_rows_and_moves_the_furthest(length: int) -> None:
    """Break: raise the cells that come first; forget rows above the network's length."""
    values = np.random.default_rng(0).gamma(0.5, 3, (20, length))
    values *= (np.rint(values.sum(1)) / values.sum(1))[:, None]
    found = rounding.rounded_rows(values)
    np.testing.assert_array_equal(found.sum(1), np.rint(values.sum(1)))
    assert (np.abs(found - values) < 1.0).all()
    for row, whole in zip(values, found, strict=True):
        moved, up = whole != np.rint(row), whole.sum() > np.rint(row).sum()
        far = row - np.rint(row) if up else np.rint(row) - row
        assert not moved.any() or far[moved].min() >= far[~moved].max() - 1e-12


@pytest.mark.slow
def test_above_the_network_the_joint_differs_in_exact_ties_alone() -> None:
    """Of 300 classes: each cell that differs from the peer's is as far from its rounding as one that the peer moved instead.

    Break: raise the cells that come first.
    """
    given, matrix = drawn(30_000, 300)
    found = labels.analyse(given, matrix)
    theirs = peer_count.compute_confident_joint(given, matrix)
    joint = found.confident_joint
    scaled = joint / joint.sum(1, keepdims=True) * found.label_counts[:, None]
    far = scaled - np.rint(scaled)
    for row in np.flatnonzero((found.joint != theirs).any(1)):
        changed = found.joint[row] != theirs[row]
        assert found.joint[row].sum() == theirs[row].sum()
        assert np.ptp(far[row][changed]) < 1e-9


def test_the_names_are_those_of_what_there_is() -> None:
    """The command line offers the names without loading what they stand for. Break: leave one out; name one that is none."""
    assert tuple(filters.FILTERS) == names.FILTERS
    assert tuple(ranks.RANKS) == names.RANKS
