"""settings_tune: what conf/tune.yaml and the options in conf/search/ may say: the space, the trials and how they are looked at."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from settings import Count, Device, Model, Training

from pedigree.config.models import Config

#: Not to be tuned: how long a trial is and when it is looked at are the search's, and the last two change no result.
RULED = ("version", "steps", "watch_every", "workers", "checkpoint_every")
Metric = Literal["loss/training", "loss/validation", "iou/pet", "iou/mean", "f1/mean", "accuracy"]


class Float(Config):
    """A real number in [low, high]; with `log`, its logarithm is what is searched evenly."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        _check(self.low, self.high, self.log)
        return self

    def ends(self) -> tuple[float, ...]:
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        return self.low <= value <= self.high


class Int(Config):
    """A whole number in low, low + step, ..., high; with `log`, every whole number between them."""

    kind: Literal["int"]
    low: int
    high: int
    step: Count = 1
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.log and self.step != 1:
            raise ValueError(f"step {self.step} and log exclude each other")
        if (self.high - self.low) % self.step:
            raise ValueError(f"high {self.high} is not low {self.low} and a multiple of step {self.step}")
        _check(self.low, self.high, self.log)
        return self

    def ends(self) -> tuple[int, ...]:
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        return self.low <= value <= self.high and (value - self.low) % self.step == 0


class Categorical(Config):
    """One of the choices, which have no order."""

    kind: Literal["categorical"]
    choices: tuple[bool | int | float | str, ...] = Field(min_length=2)

    def ends(self) -> tuple[Any, ...]:
        return self.choices

    def holds(self, value: Any) -> bool:
        return value in self.choices


Parameter = Annotated[Float | Int | Categorical, Field(discriminator="kind")]


class Search(Config):
    """`trials` trials, `together` at a time, each looked at every `min_steps` steps until `steps`.

    Hyperband compares at min_steps, min_steps x reduction, ... and lets one in `reduction` go on. TPE draws the first `startup`
    trials of each of Hyperband's brackets at random. `threads` are those of one trial. All of these numbers decide the
    result; how many trials the machine's cores can run at once does not.
    """

    version: Literal[1]
    metric: Metric
    trials: Count
    together: Count
    steps: Count
    min_steps: Count
    reduction: int = Field(ge=2)
    startup: Count
    threads: Count
    space: dict[str, Parameter] = Field(min_length=1)

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.min_steps > self.steps:
            raise ValueError(f"min_steps {self.min_steps} is beyond steps {self.steps}")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """The steps after which trials are looked at, ascending; the last is `steps`."""
        return (*range(self.min_steps, self.steps, self.min_steps), self.steps)


class Tune(Config):
    model: Model
    training: Training
    search: Search
    device: Device

    @model_validator(mode="after")
    def _searches_what_training_has(self) -> Self:
        for name, parameter in self.search.space.items():
            if name not in Training.model_fields or name in RULED:
                raise ValueError(f"search.space.{name} cannot be tuned; {', '.join(tunable(self.training))} can")
            if name not in tunable(self.training):
                raise ValueError(f"search.space.{name} holds further fields; only single values can be tuned")
            today = getattr(self.training, name)
            if isinstance(today, int) and parameter.kind == "float":
                raise ValueError(f"search.space.{name} is a whole number: kind: int")
            for value in parameter.ends():
                try:
                    self.training.model_copy(update={name: value})
                except ValidationError as error:
                    raise ValueError(
                        f"search.space.{name}: training takes no {value!r}: {error.errors()[0]['msg']}"
                    ) from None
            if not parameter.holds(today):
                raise ValueError(f"search.space.{name} does not hold training.{name}, {today!r}, which is tried first")
        return self


def tunable(training: Training) -> list[str]:
    """The fields of a training that a search may set, by name."""
    values = training.model_dump()
    return sorted(
        name for name, value in values.items() if name not in RULED and not isinstance(value, dict | list | tuple)
    )


def _check(low: float, high: float, log: bool) -> None:
    if low >= high:
        raise ValueError(f"low {low} is not below high {high}")
    if log and low <= 0:
        raise ValueError(f"low {low} has no logarithm")
