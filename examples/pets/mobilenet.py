"""MobileNetV2 as an encoder: the blocks up to stride 32, and the activations a U-Net takes from them.

The parameters have the names that torchvision gives them (`features.1.conv.0.0.weight`, ...), so that weights
pretrained elsewhere load from a file. Source: Sandler et al. 2018 (arXiv:1801.04381), table 2.
"""

from __future__ import annotations

from torch import Tensor, nn

# Expansion t, output channels c, repeats n, stride s of the first repeat: the rows of the paper's table 2.
ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# The last block at each of the strides 2, 4, 8, 16, and the last block of all (stride 32).
TAPS = (1, 3, 6, 13, 17)


def channels(count: int, width: float) -> int:
    """`count * width` rounded to the nearest multiple of 8, never more than 10 % below it, at least 8."""
    rounded = max(8, int(count * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * count * width else rounded


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Widen by `expansion`, filter each channel alone, project back without a non-linearity; add the input if it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [_convolution(inputs, hidden, 1)]
        layers += [
            _convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds_input else self.conv(x)


class Encoder(nn.Module):
    """Image (n, 3, h, w) to five activations at strides 2, 4, 8, 16, 32; h and w are multiples of 32."""

    #: What a whole MobileNetV2 has besides: its last convolution, and the part that tells classes of pictures apart.
    unused = ("features.18.", "classifier.")

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        inputs = channels(32, width)
        blocks: list[nn.Module] = [_convolution(3, inputs, 3, stride=2)]
        for expansion, count, repeats, stride in ROWS:
            outputs = channels(count, width)
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*blocks)
        self.depths = tuple(channels(count, width) for count in (16, 24, 32, 96, 320))

    def forward(self, x: Tensor) -> list[Tensor]:
        taken = []
        for number, block in enumerate(self.features):
            x = block(x)
            if number in TAPS:
                taken.append(x)
        return taken
