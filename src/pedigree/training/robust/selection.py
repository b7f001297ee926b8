"""Co-teaching: of each batch, the samples with the smallest losses, chosen by one net for the other.

Source: Han et al. 2018, "Co-teaching: Robust training of deep neural networks with extremely noisy labels"
(arXiv:1804.06872), Algorithm 1. T is our `epoch`, T_k our `ramp`, tau our `tau`, R our keep rate.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch

from pedigree.errors import InvalidInput
from pedigree.training.robust.checks import at_least, finite_losses, fraction, per_sample

#: Grants a product of a rate and a size its rounding: (1 - 0.45) * 20 is 11.000000000000002 and means 11.
_ROUNDING = 1e-9


def keep_rate(epoch: int, tau: float, ramp: int = 10) -> float:
    """The share of each batch to train on, R(T) = 1 - min(T / ramp * tau, tau): 1 at epoch 0, 1 - tau from epoch `ramp` on.

    Epochs count from 0, as Algorithm 1 does: it trains its first epoch with what R is before the first update. `tau` in
    [0, 1) is the expected share of wrong labels, for instance `found.errors / n` of `labels.analyse`; `ramp` is 1 at least.
    """
    tau, ramp = fraction("tau", tau), at_least("ramp", ramp, 1)
    return 1.0 - min(at_least("epoch", epoch, 0) / ramp * tau, tau)


def keep_count(rate: float, size: int) -> int:
    """The fewest of `size` samples that are a share `rate` of them (|D'| >= R |D|), and one at least.

    The authors' code and cleanlab's round down, which trains on nothing where a last batch is small.
    """
    return max(1, math.ceil(rate * size - _ROUNDING))


def smallest(losses: torch.Tensor, count: int) -> torch.Tensor:
    """Which of the losses are the `count` smallest, as booleans; of equal ones those that come first. On the losses' device."""
    order = torch.argsort(losses.detach(), stable=True)
    chosen = torch.zeros(len(losses), dtype=torch.bool, device=losses.device)
    chosen[order[:count]] = True
    return chosen


class Exchange(NamedTuple):
    """Which samples of a batch each net trains on, as booleans: `first` was chosen by the second net, `second` by the first."""

    first: torch.Tensor
    second: torch.Tensor


class CoTeachingSelector:
    """Chooses for each of two nets what it trains on, from the losses that the *other* gives the same batch:

        selector = CoTeachingSelector(tau=0.4)
        ...
        losses = [cross_entropy(net(inputs), labels, reduction="none") for net in nets]
        chosen = selector(*losses, epoch)
        losses[0][chosen.first].mean().backward()
        losses[1][chosen.second].mean().backward()

    A net that chose for itself would take its own mistakes for granted; the other one makes other mistakes. With tau = 0 both
    train on everything. Ties go to the sample that comes first in the batch. Holds nothing but its settings: `state_dict`
    is for a checkpoint to notice that they changed.
    """

    def __init__(self, tau: float, ramp: int = 10) -> None:
        self.tau, self.ramp = fraction("tau", tau), at_least("ramp", ramp, 1)

    def keep_rate(self, epoch: int) -> float:
        """See the function of that name."""
        return keep_rate(epoch, self.tau, self.ramp)

    def __call__(self, first: torch.Tensor, second: torch.Tensor, epoch: int, *, of: int | None = None) -> Exchange:
        """`first` and `second` are the nets' losses of one batch, sample by sample.

        The share is one of the batch, or of `of` samples where only so many are meant to count (INCV). Raises NonFinite for
        a loss that is no number, InvalidInput for losses of two batches.
        """
        first, second = per_sample(first, "first net's losses"), per_sample(second, "second net's losses")
        if len(first) != len(second):
            raise InvalidInput(
                f"The nets gave {len(first)} and {len(second)} losses.", remedy="Both must see the same batch."
            )
        finite_losses(first, what="losses of the first net")
        finite_losses(second, what="losses of the second net")
        count = keep_count(self.keep_rate(epoch), len(first) if of is None else of)
        return Exchange(smallest(second, count), smallest(first, count))

    def state_dict(self) -> dict[str, Any]:
        return {"tau": self.tau, "ramp": self.ramp}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises InvalidInput where the settings were others."""
        same_settings("CoTeachingSelector", state, self.state_dict())


def same_settings(what: str, there: dict[str, Any], here: dict[str, Any]) -> None:
    """Raise InvalidInput, naming them, where the settings that a checkpoint holds are not those of here."""
    differ = [name for name in here if there.get(name) != here[name]]
    if differ:
        was = ", ".join(f"{name} {there.get(name)!r}" for name in differ)
        now = ", ".join(f"{name} {here[name]!r}" for name in differ)
        raise InvalidInput(
            f"The {what} was saved with {was}; here it has {now}.",
            remedy="Go on with the settings that it had, or start anew in another folder.",
        )
