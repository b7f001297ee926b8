"""The U-Net: a MobileNetV2 encoder, and a decoder that climbs back through its activations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mobilenet import Encoder
from torch import Tensor, nn
from torch.nn import functional

# The classes in the order of the model's output; the trimap's values 1, 2, 3 are these indices plus one.
CLASSES = ("pet", "background", "border")


class Up(nn.Module):
    """Double the resolution, join the encoder's activation of that size, and mix the two."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(inputs + skip, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.mix(x if skip is None else torch.cat((x, skip), dim=1))


class UNet(nn.Module):
    """Image (n, 3, h, w) with values in [0, 1] to logits (n, 3, h, w); h and w are multiples of 32.

    `decoder` holds the channels at strides 16, 8, 4, 2 and 1.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: float, decoder: Sequence[int]) -> None:
        super().__init__()
        if len(decoder) != 5:
            raise ValueError(f"the decoder has 5 stages (strides 16, 8, 4, 2, 1), got {len(decoder)}: {list(decoder)}")
        self.settings = {"width": width, "decoder": list(decoder)}
        self.encoder = Encoder(width)
        *skips, deepest = self.encoder.depths
        self.ups = nn.ModuleList(
            Up(inputs, skip, outputs)
            for inputs, skip, outputs in zip((deepest, *decoder), (*reversed(skips), 0), decoder, strict=False)
        )
        self.head = nn.Conv2d(decoder[-1], len(CLASSES), 1)
        # The statistics of ImageNet, which pretrained encoders expect; without one they only centre the values.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        *skips, x = self.encoder((images - self.mean) / self.spread)
        for up, skip in zip(self.ups, (*reversed(skips), None), strict=True):
            x = up(x, skip)
        logits: Tensor = self.head(x)
        return logits
