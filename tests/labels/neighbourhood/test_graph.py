"""The graph of neighbours is exact, ties are by index, and nothing about the machine shows in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels.neighbourhood import search


def by_hand(values: NDArray[Any], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of whole numbers every squared distance is exact, so the order is beyond doubt."""
    squared = ((values[:, None] - values[None]) ** 2).sum(axis=2).astype(float)
    np.fill_diagonal(squared, np.inf)
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return order, np.sqrt(np.take_along_axis(squared, order, 1))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(3, 40), st.integers(1, 9), st.integers(1, 4), st.integers(1, 9))
def test_neighbours_are_the_nearest_and_ties_go_by_index(seed: int, count: int, columns: int, top: int, k: int) -> None:
    """Break: compare distances alone in `_offer`; or leave out the look at `bounds` in `refine`."""
    values = np.random.default_rng(seed).integers(0, top + 1, (count, columns))
    values[0] = top + 1  # not all are equal
    k = min(k, count - 1)
    found = labels.neighbours(values, k, metric="euclidean")
    indices, distances = by_hand(values, k)
    assert (found.indices == indices).all()
    assert (found.distances == distances).all()


def test_more_equal_examples_than_candidates_are_asked_for() -> None:
    """Break: leave a query among its own candidates."""
    values = np.random.default_rng(0).integers(0, 9, (420, 5))
    values[100:400] = values[100]
    found = labels.neighbours(values, 4, metric="euclidean")
    indices, distances = by_hand(values, 4)
    assert (found.indices == indices).all()
    assert (found.distances == distances).all()
    assert (found.equal[100:400] == found.equal[100]).all()


def test_features_far_from_zero_have_the_neighbours_of_those_near_it() -> None:
    """Matrix products lose the differences; the distances are computed again. Break: call a query sure
    without asking whether another row is as near, or without a slack."""
    values = np.random.default_rng(1).integers(0, 50, (150, 6)) + 1_000_000_000
    found = labels.neighbours(values, 5, metric="euclidean")
    indices, distances = by_hand(values, 5)
    assert (found.indices == indices).all()
    assert (found.distances == distances).all()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_blocks_threads_and_files_change_nothing(metric: str, tmp_path: Path) -> None:
    """Break: add the start of a block to neither of its indices in `_candidates`; or forget the bound of a block."""
    rng = np.random.default_rng(2)
    values = rng.standard_normal((300, 7)).astype(np.float32)
    values[50:90] = values[10:50]
    values[200:215] = values[0]
    whole = search.nearest(values, None, 6, metric)
    for block_bytes in (8 * 7 * 90, 8 * 7 * 160):
        parts = search.nearest(values, None, 6, metric, block_bytes=block_bytes)
        assert (parts[0] == whole[0]).all()
        assert (parts[1] == whole[1]).all()
    with threadpool_limits(1):
        alone = search.nearest(values, None, 6, metric)
    assert (alone[0] == whole[0]).all()
    assert (alone[1] == whole[1]).all()
    np.save(tmp_path / "features.npy", values)
    mapped = labels.neighbours(tmp_path / "features.npy", 6, metric=metric)
    assert (mapped.indices == whole[0]).all()
    assert (mapped.distances == whole[1]).all()


def test_cosine_distances_are_those_of_scikit_learn() -> None:
    """Break: leave out the halving in `nearest`."""
    from sklearn.metrics.pairwise import cosine_distances

    values = np.random.default_rng(3).standard_normal((60, 5))
    found = labels.neighbours(values, 8)
    assert found.metric == "cosine"
    every = cosine_distances(values)
    np.testing.assert_allclose(found.distances, np.take_along_axis(every, found.indices, 1), atol=1e-14)
    np.fill_diagonal(every, np.inf)
    np.testing.assert_allclose(found.distances, np.sort(every, axis=1)[:, :8], atol=1e-14)


def test_a_row_of_zeros_is_at_one_from_all_and_at_zero_from_another() -> None:
    """Break: return 0 for a row of zeros beside one that is none."""
    values = np.random.default_rng(4).standard_normal((40, 5))
    values[[3, 8]] = 0
    found = labels.neighbours(values, 3)
    assert found.indices[3].tolist() == [8, 0, 1]
    assert found.distances[3].tolist() == [0, 1, 1]


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-530, 2.0**560, 2.0**1020])
def test_the_scale_of_features_does_not_matter_to_cosine(factor: float) -> None:
    """Squares were 0 or infinite, and so were all distances. Break: take the length of a row from its squares as they are."""
    values = np.random.default_rng(9).standard_normal((60, 5))
    values[5] = 0.0
    expected, found = labels.neighbours(values, 4), labels.neighbours(values * factor, 4)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-12, atol=1e-15)


def test_euclidean_distances_that_no_number_holds_are_refused() -> None:
    """Breaks: leave out the look at lengths; or at the largest feature."""
    values = np.random.default_rng(10).standard_normal((60, 2))
    values[[7, 9]] *= 1e170
    with pytest.raises(InvalidInput, match=r"^2 of 60 rows of features are so long .*: 7, 9\.\n") as caught:
        labels.neighbours(values, 4)
    assert caught.value.objects["rows"] == [7, 9]
    with pytest.raises(InvalidInput, match=r"^No feature is larger than \S+e-170, so"):
        labels.neighbours(np.delete(values, [7, 9], axis=0) * 1e-170, 4)


def test_the_metric_is_euclidean_up_to_three_features() -> None:
    """Break: raise EUCLIDEAN_UP_TO to 4."""
    values = np.random.default_rng(5).standard_normal((20, 4))
    assert labels.neighbours(values[:, :3], 2).metric == "euclidean"
    assert labels.neighbours(values, 2).metric == "cosine"


def test_a_graph_that_was_saved_is_read_as_it_was(tmp_path: Path) -> None:
    """Break: write `distances` as float32."""
    graph = labels.neighbours(np.random.default_rng(6).standard_normal((30, 4)), 3)
    graph.save(tmp_path / "graph")
    again = labels.Graph.read(tmp_path / "graph")
    assert again.metric == graph.metric
    for name in ("indices", "distances", "equal"):
        assert (getattr(again, name) == getattr(graph, name)).all()
    for name in ("indices.npy", "distances.npy"):
        with open(tmp_path / "graph" / name, "rb") as file:
            np.lib.format.read_array(file, allow_pickle=False)


def test_a_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    """Break: let the error of the missing file through."""
    with pytest.raises(InvalidInput, match="holds no graph of neighbours"):
        labels.Graph.read(tmp_path)


def test_fewer_neighbours_are_the_first_of_more() -> None:
    """Break: take the last columns."""
    values = np.random.default_rng(7).standard_normal((50, 6))
    more, fewer = labels.neighbours(values, 9), labels.neighbours(values, 4)
    assert (more.nearest(4).indices == fewer.indices).all()
    with pytest.raises(InvalidInput, match="holds 9 neighbours"):
        more.nearest(10)


@pytest.mark.parametrize(
    ("values", "k", "message"),
    [
        (
            [[1.0, 2.0], [np.nan, 1.0], [3.0, 3.0], [np.inf, 0.0]],
            1,
            "2 of 4 rows of features hold NaN or infinite values: 1, 3",
        ),
        ([[1.0, 2.0]] * 5, 2, "All 5 rows of features are equal"),
        ([[1.0], [2.0]], 2, "2 neighbours each cannot be found among 2 examples"),
        ([[1.0], [2.0]], 0, "0 neighbours each"),
        ([["a"], ["b"]], 1, "Features must be numbers"),
        (np.zeros((2, 2, 2)), 1, r"of the shape \(2, 2, 2\)"),
    ],
)
def test_features_that_say_nothing_are_refused(values: Any, k: int, message: str) -> None:
    """Break: leave out any of the checks."""
    with pytest.raises(InvalidInput, match=message):
        labels.neighbours(values, k)


@pytest.mark.slow
def test_approximate_neighbours_are_nearly_all_and_repeat_themselves() -> None:
    """Break: leave out the seed."""
    rng = np.random.default_rng(8)
    values = rng.standard_normal((3000, 12)) @ rng.standard_normal((12, 30))
    values[2900:] = values[:100]
    values[7] = 0
    exact = labels.neighbours(values, 8)
    found = labels.neighbours(values, 8, approximate=True)
    same = [len(set(ours) & set(theirs)) for ours, theirs in zip(found.indices, exact.indices, strict=True)]
    assert np.mean(same) / 8 > 0.98
    assert (found.distances >= exact.distances).all()
    assert (found.equal == exact.equal).all()
    right = found.indices[:, 0] == exact.indices[:, 0]
    assert (found.distances[right, 0] == exact.distances[right, 0]).all()
    with threadpool_limits(1):
        again = labels.neighbours(values, 8, approximate=True)
    assert (again.indices == found.indices).all()


def test_rows_of_another_librarys_graph_are_checked() -> None:
    """Break: leave out the look at the order of distances."""
    indices = np.array([[1, 2], [0, 2], [0, 1]])
    distances = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    assert labels.graph(indices, distances, metric="cosine").equal.tolist() == [0, 0, 2]
    with pytest.raises(InvalidInput, match="1 of 3 rows have distances") as caught:
        labels.graph(indices, distances[:, ::-1] * [[1], [0], [1]], metric="cosine")
    assert caught.value.objects["rows"] == [0]
    with pytest.raises(InvalidInput, match="outside 0 to 2: 1"):
        labels.graph(indices + [[0], [1], [0]] * np.array([1]), distances, metric="cosine")
