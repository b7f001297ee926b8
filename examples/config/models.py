"""What a configuration of this experiment may say. `train.py` reads nothing that is not in here."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pedigree.config import Bytes, Config, Default, Family, Mismatch, Rename, Secret

resnet = Family("resnet", unversioned=1)


@resnet.version()
class ResNetV1(Config):
    version: Literal[1]
    layers: int = 2
    context: int = 256
    classes: int


@resnet.version(Rename("layers", "depth", why="a layer has two matrices by now"))
class ResNetV2(Config):
    version: Literal[2]
    depth: int = 2
    context: int = 256
    classes: int


@resnet.version(
    Rename("context", "new_context", why="counted in features, no more in pixels"),
    Default("new_context", was=256, now=512),
)
class ResNetV3(Config):
    version: Literal[3]
    depth: Annotated[int, Field(ge=1, le=8)] = 2
    """Residual blocks, one after another."""
    new_context: Annotated[int, Field(ge=512)] = 512
    """Features that the head sees."""
    classes: Annotated[int, Field(ge=2)]


class Data(Config):
    name: Literal["mnist", "voc"]
    classes: Annotated[int, Field(ge=2)]
    images: Annotated[int, Field(ge=100)] = 1200
    token: Secret[str] | None = None
    """What the host of the data asks for."""


class Sgd(Config):
    kind: Literal["sgd"]
    lr: Annotated[float, Field(gt=0)]


class Momentum(Config):
    kind: Literal["momentum"]
    lr: Annotated[float, Field(gt=0)]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9


class Training(Config):
    optimizer: Annotated[Sgd | Momentum, Field(discriminator="kind")]
    epochs: Annotated[int, Field(ge=1)] = 5
    batch: Annotated[int, Field(ge=1)] = 64
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    keep: Bytes = 0
    """How large the weights may be on disk; 0 is no bound."""


class Experiment(Config):
    name: str
    seed: int = 0
    data: Data
    model: ResNetV3
    training: Training

    @model_validator(mode="after")
    def _head_fits_data(self) -> Self:
        if self.model.classes != self.data.classes:
            raise Mismatch("data.classes", "model.classes", reason="the head needs one output for each class")
        return self
