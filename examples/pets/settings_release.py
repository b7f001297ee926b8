"""settings_release: what conf/release.yaml may say."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pedigree.config.models import Config

Bound = Annotated[float, Field(allow_inf_nan=False)]

#: The bounds of a gate, in words as they are told and compared.
BOUNDS = {"above": "above", "below": "below", "at_least": "at least", "at_most": "at most"}


class Gate(Config):
    """A metric by its path in metrics.json, `calibrated.iou.pet`, and one bound or several that must all hold."""

    metric: str = Field(min_length=1)
    above: Bound | None = None
    below: Bound | None = None
    at_least: Bound | None = None
    at_most: Bound | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not self.bounds:
            raise ValueError(f"the gate on {self.metric} has no bound: give above, below, at_least or at_most")
        return self

    @property
    def bounds(self) -> dict[str, float]:
        return {name: value for name in BOUNDS if (value := getattr(self, name)) is not None}


class Release(Config):
    version: Literal[1]
    gates: list[Gate] = Field(min_length=1)
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")] | None
