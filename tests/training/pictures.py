"""A dataset of small pictures for the tests of loaders, which draws from whatever it is asked to."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from pedigree.training import Draw


class Pictures:
    """`size` pictures; one number of each kind of randomness stands beside each."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def sample(self, index: int, draw: Draw) -> dict[str, Any]:
        assert draw.sample_id == index
        wide = torch.linspace(0, 3, 200_003) * (index + 1)
        return {
            "index": index,
            "epoch": draw.epoch,
            "drawn": draw.rng("augment").random(3),
            "torch": torch.rand(2, generator=draw.generator("augment")),
            "globals": torch.tensor([random.random(), np.random.random(), torch.rand(()).item()], dtype=torch.float64),
            # Other bits on two threads than on one, as a worker has.
            "sum": wide.sigmoid().sum(),
        }


def mixed(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """A collation that draws, as mix-up does."""
    made: dict[str, Any] = torch.utils.data.default_collate(samples)
    made["order"] = torch.randperm(len(samples))
    return made


def jittered(sample: int, draw: Draw) -> float:
    """An augmentation of a plain list of numbers."""
    return sample + float(draw.rng("jitter").random())
