"""Equal and near-equal examples, and those that reach from one split into another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pedigree import labels
from pedigree.errors import InvalidInput


def planted(unit: float = 1.0) -> np.ndarray:
    """200 examples, one half ten times denser; 0 is equal to 150 and 151, 1 near 152, 120 (dense) near 153 and 154."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((200, 6))
    values[100:150] = values[100:150] / 10 + 20
    values[[150, 151]] = values[0]
    values[152] = values[1] + 0.02
    values[[153, 154]] = values[120] + [[0.002], [-0.002]]
    return np.asarray(values * unit)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e6])
def test_near_ones_are_found_where_it_is_dense_and_where_not(metric: str, unit: float) -> None:
    """Break: measure in the median distance of all to their nearest."""
    found = labels.duplicates(labels.neighbours(planted(unit), metric=metric))
    assert [one.tolist() for one in found.exact_sets] == [[0, 150, 151]]
    near = [one.tolist() for one in found.near_sets]
    assert [1, 152] in near
    if metric == "euclidean":
        assert near == [[1, 152], [120, 153, 154]]
        assert np.flatnonzero(found.issues).tolist() == [0, 1, 120, 150, 151, 152, 153, 154]
        assert {tuple(pair) for pair in found.pairs.tolist()} == {(1, 152), (120, 153), (120, 154), (153, 154)}


def test_scores_are_lowest_of_duplicates() -> None:
    """Break: score how alike two are, 1 at the most."""
    found = labels.duplicates(labels.neighbours(planted(), metric="euclidean"))
    assert (found.scores[[0, 150, 151]] == 0).all()
    assert set(np.argsort(found.scores)[:8]) == {0, 1, 120, 150, 151, 152, 153, 154}
    assert (np.diff(found.ratios) >= 0).all()
    assert (found.ratios < found.threshold).all()
    assert found.scores.max() <= 1


def test_more_near_copies_than_neighbours_are_still_near() -> None:
    """Break: let a neighbourhood be as narrow as it is."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((150, 5))
    values[100:130] = values[0] + rng.normal(0, 1e-4, (30, 5))
    found = labels.duplicates(labels.neighbours(values, 5, metric="euclidean"))
    assert [one.tolist() for one in found.near_sets] == [[0, *range(100, 130)]]


@pytest.mark.parametrize("columns", [1, 2, 4, 8])
def test_chance_is_the_rate_of_pairs_that_are_none(columns: int) -> None:
    """Whatever the dimension. Break: use a fixed threshold, or the number of features for the dimension of a line in space."""
    rng = np.random.default_rng(2)
    values = rng.standard_normal((2500, columns)) @ rng.standard_normal((columns, 12))
    found = labels.duplicates(labels.neighbours(values, metric="euclidean"), chance=0.02)
    assert abs(found.dimension / columns - 1) < 0.25
    assert 0.005 < 2 * len(found.pairs) / 2500 < 0.06


def test_leaks_are_sets_with_two_splits() -> None:
    """Break: take the sets of equal examples alone; or drop those of the held-out split."""
    splits = np.array(["train"] * 150 + ["test"] * 50)
    splits[151], splits[154] = "train", "valid"
    found = labels.duplicates(labels.neighbours(planted(), metric="euclidean"), splits=splits)
    assert [one.tolist() for one in found.leaks] == [[0, 150, 151], [1, 152], [120, 153, 154]]
    assert found.leaking("test").tolist() == [0, 1, 120, 151, 154]
    assert found.leaking("test", out_of="train").tolist() == [0, 1, 120, 151]
    assert found.leaking("valid", out_of="test").tolist() == [153]
    with pytest.raises(InvalidInput, match="no split 'tset'"):
        found.leaking("tset")


def test_leaks_need_splits() -> None:
    """Break: take a missing split for one split."""
    graph = labels.neighbours(planted())
    with pytest.raises(InvalidInput, match="no splits were given"):
        labels.duplicates(graph).leaks  # noqa: B018
    with pytest.raises(InvalidInput, match="3 names of splits and 200 examples"):
        labels.duplicates(graph, splits=["a", "b", "c"])
    with pytest.raises(InvalidInput, match="chance must lie between 0 and 1"):
        labels.duplicates(graph, chance=0)
    with pytest.raises(InvalidInput, match="the graph has 2"):
        labels.duplicates(labels.neighbours(planted(), 2))


def test_equal_files_and_arrays_are_told_by_their_bytes(tmp_path: Path) -> None:
    """Break: leave out type and shape of an array."""
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        (tmp_path / name).write_bytes(content)
    files = [tmp_path / name for name in "abc"]
    assert [one.tolist() for one in labels.equal_contents(files)] == [[0, 2]]
    assert [one.tolist() for one in labels.equal_contents([b"x", b"y", b"y", b"x"])] == [[0, 3], [1, 2]]
    pictures = [np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint8)]
    assert [one.tolist() for one in labels.equal_contents(pictures)] == [[0, 2]]
