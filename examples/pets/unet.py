"""The U-Net: a MobileNetV2 or VGG-19 encoder, and a decoder that climbs back through its activations."""

from __future__ import annotations

from collections.abc import Sequence

import mobilenet
import torch
import vgg
from torch import Tensor, nn
from torch.nn import functional

# The classes in the order of the model's output; the trimap's values 1, 2, 3 are these indices plus one.
CLASSES = ("pet", "background", "border")

ENCODERS: dict[str, type[mobilenet.Encoder | vgg.Encoder]] = {"mobilenet_v2": mobilenet.Encoder, "vgg19": vgg.Encoder}


class Up(nn.Module):
    """Double the resolution, join the encoder's activation of that size, and mix the two.

    While training, a channel of the result is dropped with the chance `dropout`, by torch's random state.
    Source: Tompson et al. 2015 (arXiv:1411.4280): neighbouring pixels are too alike to drop them one by one.
    """

    def __init__(self, inputs: int, skip: int, outputs: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(inputs + skip, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
        if dropout:
            layers.append(nn.Dropout2d(dropout))
        self.mix = nn.Sequential(*layers)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.mix(x if skip is None else torch.cat((x, skip), dim=1))


class UNet(nn.Module):
    """Image (n, 3, h, w) with values in [0, 1] to logits (n, 3, h, w); h and w are multiples of 32.

    `decoder` holds the channels at strides 16, 8, 4, 2 and 1. `dropout` is that of every stage of the decoder but the last.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self, width: float, decoder: Sequence[int], encoder: str = "mobilenet_v2", dropout: float = 0.0
    ) -> None:
        super().__init__()
        if len(decoder) != 5:
            raise ValueError(f"the decoder has 5 stages (strides 16, 8, 4, 2, 1), got {len(decoder)}: {list(decoder)}")
        if encoder not in ENCODERS:
            raise ValueError(f"there is no encoder {encoder!r}; there are {', '.join(ENCODERS)}")
        #: What `models.build` needs to build this model again.
        self.settings = {"encoder": encoder, "width": width, "decoder": list(decoder), "dropout": dropout}
        self.encoder = ENCODERS[encoder](width)
        *skips, deepest = self.encoder.depths
        dropouts = (*(dropout,) * 4, 0.0)  # what the head reads stays whole
        self.ups = nn.ModuleList(
            Up(inputs, skip, outputs, dropped)
            for inputs, skip, outputs, dropped in zip(
                (deepest, *decoder), (*reversed(skips), 0), decoder, dropouts, strict=False
            )
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


def initialise(model: nn.Module) -> None:
    """Draw the weights of every convolution from torch's random state: normal, with the variance 2 / inputs.

    Activations then keep their size through ReLUs, without which VGG-19, having no normalisation, does not begin to
    learn. `inputs` counts what one output sums: channels of its group times the kernel's area. Biases become 0.
    Source: He et al. 2015 (arXiv:1502.01852), equation 10.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
