"""A family as the reference post has it: three versions of a ResNet, inside an experiment that has versions too."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pedigree.config.documents import read_value
from pedigree.config.origins import Origins
from pedigree.config.versions import Default, Drop, Family, Map, Rename, Split

resnet = Family("resnet", unversioned=1)


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@resnet.version()
class ResNetV1(Closed):
    version: Literal[1] = 1
    layers: int = 18
    size: str = "32x32"
    lr_ms: int = 100
    debug: bool = False


@resnet.version(
    Drop("debug", why="use the logging settings"),
    Split("size", ("height", "width"), lambda text: [int(part) for part in text.split("x")]),
    Map("lr_ms", lambda value: value / 1000),
    Rename("lr_ms", "lr"),
)
class ResNetV2(Closed):
    version: Literal[2] = 2
    layers: int = 18
    height: int = 32
    width: int = 32
    lr: float = 0.1
    context: int = 256


@resnet.version(Rename("context", "new_context"), Default("new_context", was=256, now=512))
class ResNetV3(Closed):
    version: Literal[3] = 3
    layers: int = 18
    height: int = 32
    width: int = 32
    lr: float = 0.1
    new_context: int = Field(512, ge=128)


experiment = Family("experiment")


class Optimizer(Closed):
    lr: float = 0.1
    momentum: float = 0.9


@experiment.version()
class ExperimentV1(Closed):
    version: Literal[1]
    net: ResNetV1
    epochs: int = 10
    optimizer: Optimizer = Optimizer()


class Training(Closed):
    epochs: int = 20
    optimizer: Optimizer = Optimizer()


@experiment.version(
    Rename("net", "model"),
    Rename("epochs", "training.epochs"),
    Default("training.epochs", was=10, now=20),
    Rename("optimizer", "training.optimizer"),
)
class ExperimentV2(Closed):
    version: Literal[2]
    model: ResNetV3
    models: list[ResNetV3] = []
    training: Training = Training()


def given(text: str, name: str = "conf/experiment.yaml") -> tuple[Any, Origins]:
    """Values and origins of a text of YAML."""
    return read_value(text, name)
