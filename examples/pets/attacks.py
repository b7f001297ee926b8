"""Perturbations of images within a small L-infinity ball that make the segmentation worst: FGSM and PGD.

The objective is the loss that the model was trained with, of each image alone, so that what becomes of an image does not depend on the
batch that it is in. The model is attacked as it predicts: in evaluation mode, its parameters, their gradients and the statistics of
batch normalisation as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from losses import bce_jaccard
from torch import Tensor, nn

from pedigree import training


def losses_each(logits: Tensor, truth: Tensor) -> Tensor:
    """The loss of every image alone, float (n,); logits are (n, classes, h, w), truth class indices (n, h, w)."""
    return torch.stack([bce_jaccard(*one) for one in zip(logits.split(1), truth.split(1), strict=True)])


@contextmanager
def still(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, whatever mode each module is in before and after."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def gradient(model: nn.Module, images: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """How the loss of each image changes with its values, (n, 3, h, w), and the losses themselves, (n,)."""
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        each = losses_each(model(images), truth)
        # Not backward(): that would add to the gradients of the parameters.
        (slope,) = torch.autograd.grad(each.sum(), images)
    return slope, each.detach()


def within(images: Tensor, centre: Tensor, epsilon: float) -> Tensor:
    """The nearest images that are at most `epsilon` from `centre` in every value, and in [0, 1]."""
    return torch.minimum(torch.maximum(images, centre - epsilon), centre + epsilon).clamp(0, 1)


def fgsm(model: nn.Module, images: Tensor, truth: Tensor, epsilon: float) -> Tensor:
    """One step of length `epsilon` along the sign of the gradient, (n, 3, h, w) in [0, 1].

    Values differ from `images` (floats in [0, 1]) by at most `epsilon`, up to the rounding of one float32 sum; with 0 they
    are the same bits. A value without gradient stays. Source: Goodfellow, Shlens, Szegedy 2015 (arXiv:1412.6572), section 4.
    """
    with still(model):
        slope, _ = gradient(model, images, truth)
    return within(images + epsilon * slope.sign(), images, epsilon)


def pgd(
    model: nn.Module, images: Tensor, truth: Tensor, epsilon: float, *, steps: int, starts: Sequence[Tensor]
) -> Tensor:
    """The worst of several projected gradient ascents, (n, 3, h, w) in [0, 1]; bounds as for `fgsm`.

    Each begins at `images + epsilon * start` (values of a start are in [-1, 1], shape of `images`) and takes `steps` steps
    of 2.5 epsilon / steps along the sign of the gradient, long enough to cross the ball. Of the ends, and of the image
    itself, each image keeps the one with the largest loss; of equal ones the first.
    Source: Madry et al. 2018 (arXiv:1706.06083), section 2.1; the length of a step is that of its appendix on norms.
    """
    with still(model):
        with torch.no_grad():
            worst, most = images, losses_each(model(images), truth)
        for start in starts:
            moved = within(images + epsilon * start, images, epsilon)
            for _ in range(steps):
                slope, _ = gradient(model, moved, truth)
                moved = within(moved + 2.5 * epsilon / steps * slope.sign(), images, epsilon)
            with torch.no_grad():
                each = losses_each(model(moved), truth)
            worse = each > most
            worst = torch.where(worse.view(-1, 1, 1, 1), moved, worst)
            most = torch.where(worse, each, most)
    return worst


def starts(names: Sequence[str], shape: Sequence[int], *, seed: int, count: int) -> list[Tensor]:
    """`count` random starts for PGD, each float32 (len(names), *shape), uniform in [-1, 1).

    A start is a pure function of the seed, its number and the photograph's name.
    """
    made = np.empty((count, len(names), *shape), dtype=np.float32)
    for number, name in enumerate(names):
        made[:, number] = training.sample_rng(seed, "pgd", 0, name).random((count, *shape), dtype=np.float32)
    return list(torch.from_numpy(made * 2 - 1))
