"""The resized pairs of image and mask that `transform` writes, as tensors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor


class Pairs(NamedTuple):
    """`names` in order of the pet's id; `images` uint8 (n, 3, h, w); `classes` int64 (n, h, w), trimap value less 1."""

    names: list[str]
    images: Tensor
    classes: Tensor


def read_pairs(folder: Path) -> Pairs:
    """Every `ID/image.png` under `folder` with its `ID/mask.png`; exits naming the folder when there is none."""
    pets = sorted(path.parent for path in folder.glob("*/image.png"))
    if not pets:
        sys.exit(f"{folder}: no pair of image.png and mask.png here; the data set has no pet in this part")
    images = np.stack([np.asarray(Image.open(pet / "image.png").convert("RGB")) for pet in pets])
    masks = np.stack([np.asarray(Image.open(pet / "mask.png")) for pet in pets])
    return Pairs(
        [pet.name for pet in pets],
        torch.from_numpy(images.transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(masks.astype(np.int64) - 1),
    )
