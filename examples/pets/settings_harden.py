"""settings_harden: what conf/harden.yaml and its groups may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from settings import Augment, Count, Device, Part

from pedigree.config.models import Config

# An L-infinity distance in 255ths of the range of a value: 1 is one step of an 8-bit photograph.
Epsilon = Annotated[float, Field(ge=0, le=255)]
Severity = Annotated[int, Field(ge=1, le=5)]
Kind = Literal[
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "motion_blur",
    "brightness",
    "contrast",
    "fog",
    "jpeg",
    "pixelate",
]


class Attacks(Config):
    version: Literal[1]
    epsilons: tuple[Epsilon, ...]
    steps: Count
    restarts: Count


class Corruptions(Config):
    version: Literal[1]
    kinds: tuple[Kind, ...]
    severities: tuple[Severity, ...]


class FineTuning(Config):
    version: Literal[1]
    steps: int = Field(ge=0)
    batch: Count
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    augment: Augment
    epsilon: Epsilon
    attack_steps: Count
    share: Part


class Harden(Config):
    pets: Count
    batch: Count
    device: Device
    attacks: Attacks
    corruptions: Corruptions
    fine_tuning: FineTuning
