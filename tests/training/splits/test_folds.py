"""Folds hold equal shares of every class, keep groups together, and do not depend on order, machine or version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import InvalidSplit
from pedigree.training import assign_folds


@given(st.lists(st.sampled_from("abcd"), min_size=7, max_size=80), st.integers(2, 7), st.integers(0, 5))
def test_classes_and_sizes_differ_by_one_at_most(labels: list[str], folds: int, seed: int) -> None:
    """Break: deal each class from fold 0 on; deal all samples at once."""
    found = assign_folds(labels, folds, seed=seed)
    assert np.ptp(np.bincount(found, minlength=folds)) <= 1
    for label in set(labels):
        assert np.ptp(np.bincount(found[np.array(labels) == label], minlength=folds)) <= 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.one_of(st.none(), st.integers(0, 9))), min_size=30, max_size=90),
    st.integers(2, 4),
)
def test_a_group_is_in_one_fold(samples: list[tuple[int, int | None]], folds: int) -> None:
    """Break: deal the members of a group that is of two classes by class."""
    labels, groups = [label for label, _ in samples], [group for _, group in samples]
    if len({group for group in groups if group is not None}) + groups.count(None) < folds:
        return
    found = assign_folds(labels, folds, groups=groups)
    for group in {*groups} - {None}:
        assert len({*found[[one == group for one in groups]].tolist()}) == 1
    assert ((found >= 0) & (found < folds)).all()


@given(st.permutations(range(40)))
def test_with_keys_the_order_does_not_matter(order: list[int]) -> None:
    """Two samples of a group in four groups of one size, and single ones. Break: settle ties between groups by position."""
    labels = np.arange(40) % 3
    groups = [f"g{at // 2}" if at < 16 else None for at in range(40)]
    keys = [f"image-{at}" for at in range(40)]
    found = assign_folds(labels, 4, groups=groups, keys=keys, seed=2)
    moved = assign_folds(labels[order], 4, groups=[groups[at] for at in order], keys=[keys[at] for at in order], seed=2)
    assert moved.tolist() == found[order].tolist()


def test_groups_are_equal_whatever_holds_them() -> None:
    """A tensor, an Arrow array, and lists of NumPy's and Python's numbers. Break: `[*groups]` of a tensor; leave NumPy's numbers as they are."""
    numbers = [at % 4 for at in range(40)]
    expected = assign_folds(np.arange(40) % 3, 4, groups=numbers).tolist()
    mixed = [np.int64(one) if at < 20 else one for at, one in enumerate(numbers)]
    held: list[Any] = [torch.tensor(numbers), [*torch.tensor(numbers)], mixed, np.array(numbers), pa.array(numbers)]
    for groups in held:
        assert assign_folds(np.arange(40) % 3, 4, groups=groups).tolist() == expected


def test_classes_are_shared_out_though_groups_are_large() -> None:
    """60 groups of 1 to 12: each fold within a tenth of its share of each class. Break: look at sizes alone; the smallest groups first."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), rng.integers(1, 13, 60))
    labels = np.where(rng.random(len(groups)) < 0.8, groups % 3, rng.integers(0, 3, len(groups)))
    found = assign_folds(labels, 5, groups=groups)
    for label in range(3):
        counts = np.bincount(found[labels == label], minlength=5)
        assert np.abs(counts / counts.mean() - 1).max() < 0.1


def test_folds_are_golden() -> None:
    """Break: another hash, another prefix, NumPy's permutation. Another seed deals otherwise."""
    assert assign_folds([0, 0, 0, 1, 1, 1, 0, 1, 0, 1], 3, seed=4).tolist() == GOLDEN
    assert assign_folds([0, 0, 0, 1, 1, 1, 0, 1, 0, 1], 3, seed=5).tolist() != GOLDEN


GOLDEN = [0, 2, 1, 2, 1, 0, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "two folds at least, got 1"),
        ({"folds": 2.0}, "two folds at least, got 2.0"),
        ({"folds": 5}, "4 samples cannot fill 5 folds"),
        ({"folds": 2, "groups": ["a"] * 4}, "1 groups of 4 samples cannot fill 2 folds"),
        ({"folds": 2, "groups": ["a"]}, "4 labels and 1 groups"),
        ({"folds": 2, "keys": [1, 2]}, "4 labels and 2 keys"),
        ({"folds": 2, "keys": [1, 2, 2, 3]}, "Two samples have the same key"),
        ({"folds": 2, "keys": ["", "a", "b", "c"]}, "and not empty"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], message: str) -> None:
    """Break, one for each: leave its check out."""
    with pytest.raises(InvalidSplit, match=message):
        assign_folds([0, 1, 0, 1], **options)  # type: ignore[arg-type]  # that is the mistake
