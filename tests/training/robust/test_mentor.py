"""MentorNet's predefined weights against a computation by hand."""

from __future__ import annotations

import math

import pytest
import torch

from pedigree import training
from pedigree.errors import InvalidInput, NonFinite
from pedigree.training.robust.mentor import curriculum


def test_two_batches_by_hand() -> None:
    """Percentile 0.5 of (1, 2, 3) is 2, of (2, 4, 9) is 4; the level moves to 0.75 * 2 + 0.25 * 4 = 2.5; width 2.

    Excesses -0.5, 1.5, 6.5 give 1, 0.25, 0. Break: the level of the batch alone; start at 0; divide by the level.
    """
    weigh = training.MentorWeights(0.5, seed=1, width=2.0, burn_in=0, decay=0.75, dropout=0.0)
    assert weigh(torch.tensor([3.0, 1.0, 2.0]), [0, 1, 2], 0).tolist() == [0.5, 1.0, 1.0]
    assert weigh.level == 2.0
    assert weigh(torch.tensor([2.0, 4.0, 9.0]), [0, 1, 2], 0).tolist() == [1.0, 0.25, 0.0]
    assert weigh.level == 2.5


def test_the_curriculum_minimises_the_objective() -> None:
    """v * loss + width / 2 * v^2 - (width + level) * v over a grid of v in [0, 1]. Break: drop the 1."""
    width, level = 0.7, 1.1
    grid = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    for loss in (0.0, 0.9, 1.1, 1.3, 1.7, 1.81, 5.0):
        best = grid[(grid * loss + width / 2 * grid**2 - (width + level) * grid).argmin()]
        found = curriculum(torch.tensor([loss - level], dtype=torch.float64), width)
        assert float(found) == pytest.approx(float(best), abs=1e-4)


def test_width_0_is_a_step() -> None:
    """Break: divide by it."""
    assert curriculum(torch.tensor([-1.0, 0.0, 1e-7]), 0.0).tolist() == [1.0, 1.0, 0.0]


def test_everything_counts_while_it_burns_in_and_the_level_moves_already() -> None:
    """Break: begin one epoch early."""
    weigh = training.MentorWeights(0.5, seed=1, width=0.0, burn_in=2, burn_in_dropout=0.0, dropout=0.0)
    losses = torch.tensor([1.0, 2.0, 3.0])
    assert weigh(losses, [0, 1, 2], 1).tolist() == [1.0, 1.0, 1.0]
    assert weigh.level == 2.0
    assert weigh(losses, [0, 1, 2], 2).tolist() == [1.0, 1.0, 0.0]


def test_what_is_dropped_depends_on_seed_epoch_and_sample_only() -> None:
    """The share of 5,000 is the rate within 5 standard deviations. Break: draw from torch's global generator; leave the epoch out."""
    rows = torch.arange(5000)
    weigh = training.MentorWeights(1.0, seed=3, burn_in=9, burn_in_dropout=0.3)
    whole = weigh(torch.ones(5000), rows, 4)
    assert float((whole == 0).double().mean()) == pytest.approx(0.3, abs=5 * math.sqrt(0.3 * 0.7 / 5000))
    order = torch.randperm(5000, generator=training.torch_generator(1, "order"))
    other = training.MentorWeights(1.0, seed=3, burn_in=9, burn_in_dropout=0.3)
    parts = torch.cat([other(torch.ones(len(part)), part, 4) for part in torch.split(order, 64)])
    assert torch.equal(whole[order], parts)
    assert not torch.equal(whole, weigh(torch.ones(5000), rows, 5))
    assert not torch.equal(
        whole, training.MentorWeights(1.0, seed=4, burn_in=9, burn_in_dropout=0.3)(torch.ones(5000), rows, 4)
    )


def test_it_goes_on_from_a_state() -> None:
    """Break: keep the level out of the state."""
    one, other = (training.MentorWeights(0.5, seed=1, burn_in=0) for _ in range(2))
    one(torch.tensor([5.0, 6.0]), [0, 1], 0)
    other.load_state_dict(one.state_dict())
    losses = torch.tensor([1.0, 7.0])
    assert torch.equal(one(losses, [2, 3], 0), other(losses, [2, 3], 0))
    assert one.level == other.level
    with pytest.raises(InvalidInput, match=r"saved with percentile 0\.5; here it has percentile 0\.6"):
        training.MentorWeights(0.6, seed=1, burn_in=0).load_state_dict(one.state_dict())


def test_bad_input_is_named() -> None:
    """Break: let a NaN become the level."""
    weigh = training.MentorWeights(0.5, seed=1)
    with pytest.raises(NonFinite, match=r"1 of 2 losses are not finite: inf of sample 17\."):
        weigh(torch.tensor([1.0, math.inf]), [4, 17], 0)
    assert weigh.level is None
    with pytest.raises(InvalidInput, match="There are 2 losses and 1 rows"):
        weigh(torch.tensor([1.0, 2.0]), [4], 0)
    with pytest.raises(InvalidInput, match="percentile must be from 0 to 1, got 1.5"):
        training.MentorWeights(1.5, seed=1)
    with pytest.raises(InvalidInput, match="width must be from 0 on, got -1"):
        training.MentorWeights(seed=1, width=-1.0)
