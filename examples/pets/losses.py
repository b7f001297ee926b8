"""The loss: binary cross-entropy plus soft Jaccard, both over the three one-hot classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """Class indices (n, h, w) to zeros and ones (n, classes, h, w), float32."""
    return functional.one_hot(targets, classes).permute(0, 3, 1, 2).to(torch.float32)


def bce_jaccard(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy of the sigmoids, plus 1 minus the mean over classes of the soft Jaccard index.

    Logits are (n, classes, h, w), targets class indices (n, h, w). The index of one class over the whole batch is
    (sum p t + 1) / (sum p + sum t - sum p t + 1); the ones make it 1 for a class that neither side has.
    """
    truth = one_hot(targets, logits.shape[1])
    entropy = functional.binary_cross_entropy_with_logits(logits, truth)
    chance = torch.sigmoid(logits)
    common = (chance * truth).sum(dim=(0, 2, 3))
    either = chance.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3)) - common
    return entropy + 1 - ((common + 1) / (either + 1)).mean()
