"""settings: what the files in conf/ may say. `pedigree apply` checks them against these classes before anything runs.

A group is versioned: when a field gets another name or meaning, its class gets the next number, and
`pedigree.config.versions` leads the files that people have already to it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pedigree.config import Add, Family, Map
from pedigree.config.models import Config

Device = Annotated[str, Field(pattern=r"^(cpu|cuda(:[0-9]+)?)$")]
Part = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]


class Data(Config):
    version: Literal[1]
    size: int = Field(gt=0, multiple_of=32)


class Pretrained(Config):
    """Published weights of the encoder: a safetensors file, and where `weights.py fetch` has it from."""

    file: str
    url: str | None = None
    checksum: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is not None and self.checksum is None:
            raise ValueError("a url needs a checksum: whoever controls the server could change the model")
        return self


model = Family("model")


@model.version()
class ModelV1(Config):
    version: Literal[1]
    width: float = Field(gt=0)
    decoder: tuple[Count, Count, Count, Count, Count]
    pretrained: str | None = None


@model.version(
    Add("encoder", "mobilenet_v2"),
    Map("pretrained", lambda file: file and {"file": file}, why="a URL and a checksum belong to it"),
)
class Model(Config):
    """A U-Net. `width` multiplies the encoder's channels, 1.0 is the published one; `decoder` are the channels at
    strides 16, 8, 4, 2, 1; `dropout` is the chance of a channel of the decoder to be dropped while training."""

    version: Literal[2]
    encoder: Literal["mobilenet_v2", "vgg19"]
    width: float = Field(gt=0)
    decoder: tuple[Count, Count, Count, Count, Count]
    dropout: float = Field(default=0.0, ge=0, lt=1)
    pretrained: Pretrained | None = None


class Augment(Config):
    flip: Part
    zoom: Part
    light: Part
    saturation: Part = 0.0


class Training(Config):
    version: Literal[1]
    steps: Count
    batch: Count
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    augment: Augment
    watch_every: Count
    # These two change nothing in the result.
    workers: int = Field(default=0, ge=0)
    checkpoint_every: Count | None = None


class Transform(Config):
    data: Data


class Train(Config):
    model: Model
    training: Training
    device: Device
