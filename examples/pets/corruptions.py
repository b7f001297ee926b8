"""Photographs as bad cameras, weather and compression make them: ten kinds, each at severities 1 to 5.

The kinds follow Hendrycks and Dietterich 2019 (arXiv:1903.12261), section 3; the constants are our own, and lengths are
parts of the photograph's side, so that a severity means the same at every size. Figures are not comparable with ImageNet-C.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from pedigree import training

# Floats (h, w, 3), as a rule in [0, 1]; `corrupted` clips what leaves it.
Picture = np.ndarray[Any, np.dtype[np.float64]]

SEVERITIES = (1, 2, 3, 4, 5)
# The strength of each kind at severities 1 to 5.
STRENGTHS: dict[str, tuple[float, float, float, float, float]] = {
    "gaussian_noise": (0.04, 0.06, 0.09, 0.13, 0.18),  # standard deviation
    "shot_noise": (120, 60, 30, 15, 8),  # photons that make white
    "impulse_noise": (0.01, 0.03, 0.06, 0.12, 0.20),  # part of the values that become 0 or 1
    "defocus_blur": (0.008, 0.012, 0.018, 0.026, 0.036),  # radius of the disk, as a part of the side
    "motion_blur": (0.03, 0.05, 0.08, 0.12, 0.17),  # length of the path, as a part of the side
    "brightness": (0.08, 0.16, 0.24, 0.32, 0.40),  # added
    "contrast": (0.70, 0.50, 0.35, 0.22, 0.12),  # what is left of the distance from the mean
    "fog": (0.20, 0.35, 0.50, 0.62, 0.74),  # part of the light that comes from the fog
    "jpeg": (40, 25, 15, 10, 6),  # quality, 1 to 95
    "pixelate": (0.60, 0.45, 0.33, 0.25, 0.18),  # what is left of the number of pixels along a side
}


def gaussian_noise(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    return picture + strength * rng.standard_normal(picture.shape)


def shot_noise(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    return rng.poisson(picture * strength) / strength


def impulse_noise(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    hit, white = rng.random(picture.shape), rng.random(picture.shape) < 0.5
    return np.where(hit < strength, white.astype(np.float64), picture)


def defocus_blur(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The mean over a disk, taken at 32 points across it."""
    across = (np.arange(32) + 0.5) / 16 - 1
    down, right = np.meshgrid(across, across, indexing="ij")
    inside = down**2 + right**2 <= 1
    radius = strength * picture.shape[0]
    return _mean(picture, radius * down[inside], radius * right[inside])


def motion_blur(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The mean along a straight path in a random direction."""
    length, angle = strength * picture.shape[0], rng.random() * math.pi
    along = length * ((np.arange(256) + 0.5) / 256 - 0.5)
    return _mean(picture, along * math.sin(angle), along * math.cos(angle))


def brightness(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    return picture + strength


def contrast(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    middle = picture.mean(axis=(0, 1), keepdims=True)
    return middle + (picture - middle) * strength


def fog(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Light grey clouds in front: smooth noise of four scales, each half as strong as the one twice as coarse."""
    height, width = picture.shape[:2]
    clouds = np.zeros((height, width))
    for octave in range(4):
        cells = 2 ** (octave + 1) + 1
        places = np.meshgrid(np.linspace(0, cells - 1, height), np.linspace(0, cells - 1, width), indexing="ij")
        clouds += ndimage.map_coordinates(rng.random((cells, cells)), places, order=1) / 2**octave
    clouds = (clouds - clouds.min()) / (clouds.max() - clouds.min())
    return picture * (1 - strength) + strength * (0.6 + 0.4 * clouds)[:, :, None]


def jpeg(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    file = io.BytesIO()
    Image.fromarray(_eight_bits(picture)).save(file, "JPEG", quality=int(strength))
    return np.asarray(Image.open(file), dtype=np.float64) / 255


def pixelate(picture: Picture, strength: float, rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    small = (max(1, round(width * strength)), max(1, round(height * strength)))
    image = Image.fromarray(_eight_bits(picture)).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.NEAREST), dtype=np.float64) / 255


KINDS: dict[str, Callable[[Picture, float, np.random.Generator], Picture]] = {
    function.__name__: function
    for function in (
        *(gaussian_noise, shot_noise, impulse_noise, defocus_blur, motion_blur),
        *(brightness, contrast, fog, jpeg, pixelate),
    )
}


def corrupted(images: Tensor, names: Sequence[str], kind: str, severity: int, *, seed: int) -> Tensor:
    """The photographs, corrupted: uint8 (n, 3, h, w) like `images`, rounded to 8 bits as a file would be.

    What is random is a pure function of the seed, the kind and the photograph's name: the five severities of a photograph have
    the same noise, direction and clouds, only stronger.
    """
    function, strength = KINDS[kind], STRENGTHS[kind][severity - 1]
    made = np.empty(images.shape, dtype=np.uint8)
    for number, (image, name) in enumerate(zip(images.numpy(), names, strict=True)):
        rng = training.sample_rng(seed, f"corruption {kind}", 0, name)
        made[number] = _eight_bits(function(image.transpose(1, 2, 0) / 255, strength, rng)).transpose(2, 0, 1)
    return torch.from_numpy(made)


def _mean(picture: Picture, down: Picture, right: Picture) -> Picture:
    """Every pixel becomes the mean of what lies so far from it; places between pixels are interpolated from the nearest four.

    So a blur by less than a pixel is one too. Beyond its edge the picture is its mirror image.
    """
    reach = math.ceil(max(np.abs(down).max(), np.abs(right).max()))
    kernel = np.zeros((2 * reach + 2, 2 * reach + 2))
    top, left = np.floor(down).astype(np.int64), np.floor(right).astype(np.int64)
    lower, further = down - top, right - left
    for step_down, step_right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - step_down - lower) * np.abs(1 - step_right - further)
        np.add.at(kernel, (top + reach + step_down, left + reach + step_right), weight)
    kernel = kernel[:-1, :-1]  # the last row and column are places at `reach` exactly, with weight 0
    made: Picture = ndimage.convolve(picture, (kernel / kernel.sum())[:, :, None], mode="reflect")
    return made


def _eight_bits(picture: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
