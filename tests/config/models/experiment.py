"""A configuration with something of everything, for the tests of what people see."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pedigree.config.documents import read
from pedigree.config.models import Bytes, Config, Mismatch, NumpyDtype, Secret, TorchDtype, validate
from pedigree.errors import InvalidConfig


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 2


class Adam(Config):
    kind: Literal["adam"] = "adam"
    rate: float = 1e-3
    adam: int = 0


class Sgd(Config):
    kind: Literal["sgd"] = "sgd"
    rate: float
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Head(Config):
    classes: int = 10


class Model(Config):
    depth: Annotated[int, Field(ge=1)] = 18
    head: Head = Head()
    colour: Colour = Colour.RED
    level: Level = Level.LOW


class Data(Config):
    path: Path
    classes: int = 10
    token: Secret[str] | None = None
    cache: Bytes = 0
    every: timedelta = timedelta(seconds=1)
    layout: NumpyDtype | None = None
    precision: TorchDtype | None = None


class Experiment(Config):
    version: Literal[1] = 1
    data: Data
    model: Model = Model()
    optimizer: Annotated[Adam | Sgd, Field(discriminator="kind")] = Adam()
    schedule: Adam | Sgd | None = None
    limit: int | Literal["auto"] | None = None
    tags: frozenset[str] = frozenset()
    extra: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _head_fits_data(self) -> Experiment:
        if self.data.classes != self.model.head.classes:
            raise Mismatch("data.classes", "model.head.classes", reason="the head has one output for each class")
        return self


def said(text: str, model: Any = Experiment, **more: Any) -> str:
    """What `validate` says about the values of a file `conf/run.yaml`, without the first line, the remedy and the margin of a problem."""
    document = read(text.encode(), "conf/run.yaml")
    try:
        validate(model, document.values, document.origins, **more)
    except InvalidConfig as error:
        return "\n".join(line if line.startswith("    ") else line[2:] for line in error.message.split("\n")[1:])
    return ""
