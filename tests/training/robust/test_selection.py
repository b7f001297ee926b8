"""Co-teaching's pieces: the schedule, and which samples of a batch a net trains on."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812  (as everybody calls it)

from pedigree import training
from pedigree.errors import InvalidInput, NonFinite
from pedigree.training.robust.selection import keep_count, smallest


def test_the_keep_rate_falls_from_1_to_1_less_tau_and_stays() -> None:
    """Values by hand for tau 0.4 over 4 epochs. Break: count epochs from 1; no min."""
    found = [training.keep_rate(epoch, 0.4, 4) for epoch in range(7)]
    assert found == pytest.approx([1.0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.6])
    assert training.keep_rate(0, 0.0) == training.keep_rate(99, 0.0) == 1.0


@given(st.integers(1, 500), st.floats(0, 0.99))
def test_the_count_is_the_least_that_is_no_smaller_a_share(size: int, tau: float) -> None:
    """Algorithm 1: |D'| >= R |D|. Break: round down, as the authors' code does."""
    rate = 1.0 - tau
    count = keep_count(rate, size)
    assert 1 <= count <= size
    assert count >= rate * size - 1e-6
    assert count == 1 or count - 1 < rate * size


def test_rounding_of_a_product_keeps_no_sample_more() -> None:
    """(1 - 0.7) * 10 is a little above 3. Break: leave the 1e-9 out."""
    assert (1 - 0.7) * 10 > 3
    assert keep_count(1 - 0.7, 10) == 3
    assert keep_count(0.1, 3) == 1


@given(st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=40), st.data())
def test_the_smallest_are_chosen_and_ties_go_by_place(values: list[float], data: st.DataObject) -> None:
    """A sort of (loss, place) is the model. Break: an unstable or descending sort; topk."""
    count = data.draw(st.integers(1, len(values)))
    expected = sorted(sorted(range(len(values)), key=lambda place: (values[place], place))[:count])
    assert torch.nonzero(smallest(torch.tensor(values), count)).flatten().tolist() == expected


def test_each_net_trains_on_what_the_other_finds_easy() -> None:
    """Break: give each net its own choice."""
    first, second = torch.tensor([0.1, 0.2, 9.0, 8.0]), torch.tensor([7.0, 0.3, 0.1, 6.0])
    chosen = training.CoTeachingSelector(0.5, ramp=1)(first, second, 1)
    assert chosen.first.tolist() == [False, True, True, False]
    assert chosen.second.tolist() == [True, True, False, False]


@pytest.mark.slow  # cleanlab takes seconds to import
def test_a_step_selects_what_cleanlab_selects() -> None:
    """The losses of a step are those of its Co-teaching, which trains on the same samples then.

    It divides the mean by the count once more, which Adam does not notice; the sizes are such that both round alike.
    Break: choose by the net's own losses.
    """
    coteaching = pytest.importorskip("cleanlab.experimental.coteaching")
    draw = training.torch_generator(1, "logits")
    for epoch in (1, 3, 5, 9):
        logits = [torch.randn(40, 4, generator=draw) for _ in range(2)]
        labels = torch.randint(0, 4, (40,), generator=draw)
        selector = training.CoTeachingSelector(0.5, ramp=5)
        losses = [F.cross_entropy(one, labels, reduction="none") for one in logits]
        chosen = selector(losses[0], losses[1], epoch)
        forget = 1 - selector.keep_rate(epoch)
        count = int(chosen.first.sum())
        assert count == int((1 - forget) * 40)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses what torch and NumPy have deprecated
            theirs = coteaching.loss_coteaching(*logits, labels, forget)
        for loss, mask, other in zip(losses, chosen, theirs, strict=True):
            assert float(loss[mask].mean()) == pytest.approx(float(other) * count, rel=1e-5)


@pytest.mark.parametrize("tau", [-0.1, 1.0, math.nan, "much", None])
def test_a_tau_that_is_no_share_is_refused(tau: object) -> None:
    """Break: accept 1."""
    with pytest.raises(InvalidInput, match="tau must be from 0 to below 1, got"):
        training.CoTeachingSelector(tau)  # type: ignore[arg-type]  # what is tried
    with pytest.raises(InvalidInput, match="tau"):
        training.keep_rate(3, tau)  # type: ignore[arg-type]  # as above


def test_losses_that_cannot_be_ordered_or_paired_are_refused() -> None:
    """Break: sort NaN, which comes last and is silently left out."""
    selector = training.CoTeachingSelector(0.5)
    good = torch.tensor([1.0, 2.0, 3.0])
    with pytest.raises(NonFinite, match=r"1 of 3 losses of the second net are not finite: nan of place 1\."):
        selector(good, torch.tensor([1.0, math.nan, 3.0]), 0)
    with pytest.raises(InvalidInput, match=r"The nets gave 3 and 2 losses"):
        selector(good, good[:2], 0)
    with pytest.raises(InvalidInput, match=r"one number per sample of the batch, got torch.float32 of shape \(\)"):
        selector(good.mean(), good, 0)
    with pytest.raises(InvalidInput, match="ramp must be a whole number from 1 on, got 0"):
        training.CoTeachingSelector(0.5, ramp=0)


def test_a_checkpoint_with_other_settings_is_noticed() -> None:
    """Break: load nothing."""
    state = training.CoTeachingSelector(0.4).state_dict()
    training.CoTeachingSelector(0.4).load_state_dict(state)
    with pytest.raises(InvalidInput, match=r"saved with tau 0\.4; here it has tau 0\.2"):
        training.CoTeachingSelector(0.2).load_state_dict(state)
