"""A loss that is no number is told at its step, with what to look at."""

from __future__ import annotations

import math

import pytest
import torch

from pedigree.errors import NonFinite
from pedigree.training import check_finite


def test_a_finite_loss_is_given_back() -> None:
    """Also a tensor with a graph, without a warning. Break: call float on it as it is."""
    loss = (torch.ones(1, requires_grad=True) * 0.1).sum()
    assert check_finite(loss, 3) == loss.item()
    assert check_finite(2, 3) == 2.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_another_is_told_with_step_and_last_value(value: float) -> None:
    """Break: look for NaN only."""
    with pytest.raises(NonFinite) as caught:
        check_finite(torch.tensor(value), 17, last=0.25, name="validation loss")
    assert caught.value.message == f"The validation loss is {value} at step 17; the last finite value was 0.25."
    assert "learning rate" in (caught.value.remedy or "")
    assert caught.value.objects["step"] == 17


def test_what_is_wrong_in_the_model_is_named() -> None:
    """Break: look at weights only; blame the batch although weights are undefined."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    with pytest.raises(NonFinite, match="Every weight and gradient of the model is finite") as caught:
        check_finite(math.nan, 1, model=model)
    assert "look at this batch" in (caught.value.remedy or "")
    model.get_parameter("0.weight").data[0, 0] = math.inf
    model.get_parameter("0.bias").grad = torch.tensor([math.nan, 0])
    model.get_buffer("1.running_var")[0] = math.nan
    with pytest.raises(NonFinite, match=r"Not finite in the model: 0.weight, 0.bias.grad, 1.running_var\.") as caught:
        check_finite(math.nan, 1, model=model)
    assert "earlier step" in (caught.value.remedy or "")
