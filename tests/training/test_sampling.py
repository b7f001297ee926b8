"""Batches are a pure function of (size, batch size, seed, epoch): whatever the number of ranks, resumed or not."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree import training
from pedigree.errors import InvalidInput
from pedigree.training.sampling import order


def test_the_order_of_an_epoch_is_what_it_was_in_the_first_version() -> None:
    """Golden values, never to be changed. Break: numpy's permutation; an unstable or descending sort."""
    assert order(10, 42, 3).tolist() == GOLDEN


def test_every_epoch_has_every_sample_once_in_another_order() -> None:
    """Break: leave the epoch out of the stream."""
    orders = [order(50, 1, epoch).tolist() for epoch in range(20)]
    assert all(sorted(one) == list(range(50)) for one in orders)
    assert len({tuple(one) for one in orders}) == 20


def test_samples_added_at_the_end_leave_the_others_in_their_order() -> None:
    """Break: numpy's permutation."""
    fewer, more = order(40, 1, 2), order(60, 1, 2)
    assert more[more < 40].tolist() == fewer.tolist()


def test_first_places_are_uniform() -> None:
    """Chi-squared of 3,000 epochs' first of 10 samples, 9 degrees of freedom: below 40 (p about 1e-5). Break: sort the words' low byte."""
    counts = np.bincount([order(10, 1, epoch)[0] for epoch in range(3000)], minlength=10)
    assert ((counts - 300) ** 2 / 300).sum() < 40


@given(st.integers(1, 60), st.integers(1, 8), st.sampled_from([1, 2, 3, 4]), st.booleans(), st.integers(0, 5))
def test_the_union_of_the_ranks_is_the_batch_of_one(
    size: int, share: int, world: int, shuffle: bool, epoch: int
) -> None:
    """Break: shard the epoch, not the batch (as DistributedSampler does); pad the last."""
    batch = share * world

    def rank(number: int, of: int) -> list[list[int]]:
        made = training.Batches(
            size, batch, seed=1, shuffle=shuffle, drop_last=size % batch < world, rank=number, world_size=of
        )
        made.set_epoch(epoch)
        batches = list(made)
        assert len(made) == len(batches)
        return batches

    whole = rank(0, 1)
    parts = [rank(number, world) for number in range(world)]
    assert [sorted(chain.from_iterable(step)) for step in zip(*parts, strict=True)] == [sorted(step) for step in whole]
    assert max((len({len(one) for one in step}) for step in zip(*parts, strict=True)), default=1) <= 2


@given(st.integers(0, 40), st.integers(1, 9), st.data())
def test_a_position_continues_exactly_where_it_was(size: int, batch: int, data: st.DataObject) -> None:
    """Through JSON, into another sampler. Break: begin one batch late."""
    one = training.Batches(size, batch, seed=3)
    one.set_epoch(4)
    whole = list(one)
    start = data.draw(st.integers(0, len(one)))
    other = training.Batches(size, batch, seed=3)
    other.load_state_dict(json.loads(json.dumps(one.state_dict() | {"batch": start})))
    other.set_epoch(4)
    assert list(other) == whole[start:]
    assert list(other) == whole


def test_going_to_another_epoch_forgets_the_position() -> None:
    """Break: keep `start`."""
    made = training.Batches(10, 2, seed=1)
    made.load_state_dict(made.state_dict() | {"epoch": 1, "batch": 3})
    made.set_epoch(2)
    assert len(list(made)) == 5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed 4"),
        ({"size": 11}, "size 11"),
        ({"batch_size": 4}, "batch_size 4"),
        ({"shuffle": False}, "shuffle False"),
    ],
)
def test_a_position_in_another_order_is_refused_with_the_difference(change: dict[str, object], named: str) -> None:
    """Break: compare the sizes alone."""
    made = training.Batches(10, 2, seed=1)
    with pytest.raises(InvalidInput, match=named):
        made.load_state_dict(made.state_dict() | {"batch": 2} | change)
    assert made.start == 0


@pytest.mark.parametrize("state", [None, {}, {"format": 2}, "x"])
def test_what_is_no_position_is_refused(state: object) -> None:
    """Break: take missing values for 0."""
    with pytest.raises(InvalidInput, match="no position"):
        training.Batches(10, 2, seed=1).load_state_dict(state)


def test_a_position_behind_the_epochs_end_is_refused() -> None:
    """Break: no check."""
    made = training.Batches(10, 2, seed=1)
    with pytest.raises(InvalidInput, match="batch 6 of an epoch of 5"):
        made.load_state_dict(made.state_dict() | {"batch": 6})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "A batch of 0"),
        ({"batch_size": 3, "world_size": 2}, "shared equally by 2"),
        ({"world_size": 2, "rank": 2}, "Rank 2 does not exist among 2"),
        ({"size": 9, "world_size": 2}, "has 1, too few for 2 ranks"),
        ({"batch_size": True}, "batch size must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(options: dict[str, Any], message: str) -> None:
    """Break: give a rank an empty share."""
    with pytest.raises(InvalidInput, match=message):
        training.Batches(**(DEFAULT | options))


DEFAULT: dict[str, Any] = {"size": 10, "batch_size": 2, "seed": 1}

GOLDEN = [1, 6, 9, 0, 7, 2, 3, 4, 5, 8]
