"""How to train: everything but the data, the net and the method."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from pedigree.training.robust.checks import at_least
from pedigree.training.streams import checked


def adam(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Adam with rate 1e-3."""
    return torch.optim.Adam(parameters, lr=1e-3)


def told(value: Any) -> str:
    """What a checkpoint keeps of a function or a setting: a function's name, what a partial fixes; nowhere an address in memory."""
    if isinstance(value, functools.partial):
        return f"{told(value.func)} {[*map(told, value.args)]} { {name: told(one) for name, one in value.keywords.items()} }"
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The same recipe, data and net give the same bytes, on the same hardware, versions and number of threads.

    - `seed` decides the weights, the order of the batches (as `Batches`) and every draw of the net, such as dropout.
    - `optimizer` makes one from a net's parameters, `schedule` a scheduler from that, which steps once per epoch.
    - `augment(sample, draw)` changes each sample, as that of `Loader`.
    - `checkpoints` is a folder: an interrupted training goes on behind its last full epoch, to the same bytes. One of other inputs, labels, settings,
      optimiser, schedule, augmentation (by name) or test set, or of more epochs, is CheckpointMismatch.
    - `determinism` is that of `pedigree.training.deterministic`; None leaves torch as it is.
    """

    seed: int
    epochs: int = 15
    batch_size: int = 128
    optimizer: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer] = adam
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None
    augment: Callable[..., Any] | None = None
    device: str = "cpu"
    checkpoints: str | os.PathLike[str] | None = None
    determinism: Literal["full", "close"] | None = "full"

    def __post_init__(self) -> None:
        checked("seed", self.seed)
        at_least("epochs", self.epochs, 1)
        at_least("batch_size", self.batch_size, 1)
