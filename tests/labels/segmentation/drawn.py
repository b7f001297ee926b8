"""Masks and probabilities that look like those of a segmentation network, from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def drawn(
    seed: int, images: int = 6, classes: int = 4, height: int = 24, width: int = 20, kind: Any = np.float64
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """(n, h, w) masks of rectangles, a tenth of them relabelled, and (n, K, h, w) probabilities of a model that sees the truth blurred."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((images, height, width), np.uint8)
    logits = rng.normal(0, 1, (images, classes, height, width))
    for image in range(images):
        for _ in range(5):
            top, left = int(rng.integers(height - 4)), int(rng.integers(width - 4))
            number = int(rng.integers(classes))
            part = (slice(top, top + int(rng.integers(3, 12))), slice(left, left + int(rng.integers(3, 12))))
            masks[image][part] = number
        truth = masks[image]
        np.put_along_axis(
            logits[image],
            truth[None].astype(int),
            np.take_along_axis(logits[image], truth[None].astype(int), 0) + 3.0,
            0,
        )
        if image % 3 == 0:
            masks[image, 2:8, 3:9] = (truth[2:8, 3:9] + 1) % classes
    values = np.exp(logits)
    return masks, (values / values.sum(axis=1, keepdims=True)).astype(kind)
