"""settings_evaluate: what conf/evaluate.yaml may say."""

from __future__ import annotations

from typing import Literal

from settings import Count, Device

from pedigree.config.models import Config


class Evaluate(Config):
    version: Literal[1]
    batch: Count
    pictures: Count
    cases: Count
    bins: Count
    device: Device
