"""VGG-19 as an encoder: its convolutions, and what leaves each of the five pooling layers.

The parameters have the names and shapes that torchvision gives them (`features.0.weight`, ...), so that weights pretrained
elsewhere load from a file. Source: Simonyan and Zisserman 2014 (arXiv:1409.1556), table 1, column E.
"""

from __future__ import annotations

from torch import Tensor, nn

# The channels of the convolutions between two pooling layers: column E.
GROUPS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)


class Encoder(nn.Module):
    """Image (n, 3, h, w) to five activations at strides 2, 4, 8, 16, 32; h and w are multiples of 32.

    `width` multiplies every number of channels; 1.0 is the published network.
    """

    #: What a whole VGG-19 has besides: the part that tells classes of pictures apart.
    unused = ("classifier.",)

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for group in GROUPS:
            for count in group:
                outputs = max(1, round(count * width))
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.depths = tuple(max(1, round(group[-1] * width)) for group in GROUPS)

    def forward(self, x: Tensor) -> list[Tensor]:
        taken = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                taken.append(x)
        return taken
