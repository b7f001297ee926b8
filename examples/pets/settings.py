"""settings: what the files in conf/ may say. `pedigree apply` checks them against these classes before anything runs.

A group is versioned: when a field gets another name or meaning, its class gets the next number, and
`pedigree.config.versions` leads the files that people have already to it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pedigree.config.models import Config

Device = Annotated[str, Field(pattern=r"^(cpu|cuda(:[0-9]+)?)$")]
Part = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0)]


class Data(Config):
    version: Literal[1]
    size: int = Field(gt=0, multiple_of=32)


class Model(Config):
    version: Literal[1]
    width: float = Field(gt=0)
    decoder: tuple[Count, Count, Count, Count, Count]
    pretrained: str | None = None


class Augment(Config):
    flip: Part
    zoom: Part
    light: Part


class Training(Config):
    version: Literal[1]
    steps: Count
    batch: Count
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    augment: Augment
    watch_every: Count


class Transform(Config):
    data: Data


class Train(Config):
    model: Model
    training: Training
    device: Device


class Evaluate(Config):
    batch: Count
    device: Device
    pictures: Count
