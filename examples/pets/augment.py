"""Augmentation: each pair mirrored, cropped and lit by random numbers of its own.

The numbers of a pair are a pure function of (seed, epoch, name of the pet): the pictures of an epoch are the same for any
number of data-loading workers, in any order, and after a resumption.
"""

from __future__ import annotations

import torch
from pairs import Pairs
from settings import Augment
from torch import Tensor
from torch.nn import functional

from pedigree.training import Draw


class Augmented:
    """The pairs as a data set that `training.Loader` tells the draw of each sample.

    A sample is (image, classes): float32 (3, h, w) in [0, 1] and int64 (h, w).
    """

    def __init__(self, pairs: Pairs, how: Augment) -> None:
        self.pairs, self.how = pairs, how

    def __len__(self) -> int:
        return len(self.pairs.names)

    def sample(self, index: int, draw: Draw) -> tuple[Tensor, Tensor]:
        numbers = draw.rng("augment").random(7).tolist()
        return augmented(self.pairs.images[index].to(torch.float32) / 255, self.pairs.classes[index], self.how, numbers)


def augmented(image: Tensor, classes: Tensor, how: Augment, numbers: list[float]) -> tuple[Tensor, Tensor]:
    """The pair mirrored, cropped to a window and enlarged to its old size, and coloured: seven numbers in [0, 1) decide.

    The mask keeps class indices: its pixels are those nearest to the image's.

    One grid moves image and mask alike. Kornia's `hflip`, `warp_affine` and `adjust_...` do the same (a test compares), but
    took 1.1 ms where this takes 0.6 ms for 128 x 128 pixels on one thread, and a second more to start every step.
    """
    mirror = -1.0 if numbers[0] < how.flip else 1.0
    scale = 1 - how.zoom * numbers[1]
    shift_x, shift_y = ((2 * number - 1) * (1 - scale) for number in numbers[2:4])
    window = torch.tensor([[[scale * mirror, 0.0, shift_x], [0.0, scale, shift_y]]])
    grid = functional.affine_grid(window, [1, 1, *image.shape[1:]], align_corners=False)
    moved = functional.grid_sample(
        image.unsqueeze(0), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )[0]
    mask = functional.grid_sample(
        classes.to(torch.float32)[None, None], grid, mode="nearest", padding_mode="reflection", align_corners=False
    )[0, 0]
    contrast, brightness = (1 + how.light * (2 * number - 1) for number in numbers[4:6])
    saturation = 1 + how.saturation * (2 * numbers[6] - 1)
    return coloured(moved, contrast, brightness, saturation), mask.to(torch.int64)


def coloured(image: Tensor, contrast: float, brightness: float, saturation: float) -> Tensor:
    """The image, (3, h, w) in [0, 1], farther from its mean grey, brighter, and farther from its own greys by these factors."""
    middle = image.mean()
    lit = (image - middle) * contrast + middle * brightness
    grey = 0.299 * lit[0] + 0.587 * lit[1] + 0.114 * lit[2]  # ITU-R BT.601
    return torch.lerp(grey.expand_as(lit), lit, saturation).clamp(0, 1)
