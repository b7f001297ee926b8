"""settings_calibrate: what conf/calibrate.yaml may say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from settings import Count, Device

from pedigree.config.models import Config


class Calibrate(Config):
    version: Literal[1]
    folds: int = Field(ge=2)
    pixels_per_pet: Count
    batch: Count
    device: Device
