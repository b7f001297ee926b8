"""Which values fit which types."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import pytest
import torch
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pedigree.config.models import Bytes, Config, NumpyDtype, TorchDtype, dump, validate
from pedigree.config.models.strictness import near_strict
from pedigree.errors import InvalidConfig


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Pair(NamedTuple):
    left: int
    right: str


class One(Config):
    kind: Literal[1]
    left: int = 0


class Two(Config):
    kind: Literal[2]
    right: int = 0


class Levelled(Config):
    """Pydantic keeps an Enum apart, behind a reference."""

    level: Level = Level.LOW
    levels: tuple[Level, ...] = ()


NUMBERED = Annotated[One | Two, Field(discriminator="kind")]

FITS: list[tuple[Any, Any, Any]] = [
    (int, 5, 5),
    (float, 3, 3.0),
    (float, 1e-3, 1e-3),
    (bool, True, True),
    (str, "5", "5"),
    (int | float, 3, 3),
    (int | float, 3.0, 3.0),
    (float | int, 3, 3),
    (int | str, "3", "3"),
    (str | int, 3, 3),
    (Path | None, "a/b", Path("a/b")),
    (str | Path, "a/b", "a/b"),
    (Colour, "red", Colour.RED),
    (Level, 1, Level.LOW),
    (Literal["a", 1], 1, 1),
    (AnyUrl, "https://example.org/", AnyUrl("https://example.org/")),
    (uuid.UUID, "12345678123456781234567812345678", uuid.UUID("12345678123456781234567812345678")),
    (datetime, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    (date, "2026-01-31", date(2026, 1, 31)),
    (time, "12:30", time(12, 30)),
    (time, 45045, time(12, 30, 45)),  # what YAML reads an unquoted 12:30:45 as
    (timedelta, 90, timedelta(seconds=90)),
    (timedelta, 1.5, timedelta(seconds=1.5)),
    (timedelta, "90s", timedelta(seconds=90)),
    (timedelta, "1h30m", timedelta(minutes=90)),
    (timedelta, "1.5 days", timedelta(hours=36)),
    (timedelta, "2 weeks 1 hour", timedelta(weeks=2, hours=1)),
    (timedelta, "250ms", timedelta(milliseconds=250)),
    (timedelta, "0.1s", timedelta(microseconds=100_000)),
    (timedelta, "-1h", -timedelta(hours=1)),
    (timedelta, "PT90S", timedelta(seconds=90)),
    (timedelta, "1:30:00", timedelta(minutes=90)),
    (Decimal, "1.10", Decimal("1.10")),
    (complex, "1+2j", 1 + 2j),
    (tuple[int, ...], [1, 2], (1, 2)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (frozenset[int], [2, 1, 2], frozenset({1, 2})),
    (Sequence[int], [1], [1]),
    (Mapping[str, int], {"a": 1}, {"a": 1}),
    (Pair, [1, "a"], Pair(1, "a")),
    (dict[int, str], {1: "a"}, {1: "a"}),
    (dict[int, str], {"1": "a"}, {1: "a"}),  # a key of JSON is text
    (dict[bool, int], {"true": 1}, {True: 1}),
    (dict[Level, int], {"1": 1}, {Level.LOW: 1}),
    (NUMBERED, {"kind": 2, "right": 3}, Two(kind=2, right=3)),
    (Bytes, 5, 5),
    (Bytes, "64 MiB", 64 << 20),
    (Bytes, "1.5kb", 1500),
    (Bytes | Literal["auto"], "auto", "auto"),
    (NumpyDtype, "float32", np.dtype("float32")),
    (NumpyDtype, ">i4", np.dtype(">i4")),
    (NumpyDtype, "np.datetime64[ns]", np.dtype("datetime64[ns]")),
    (TorchDtype, "bfloat16", torch.bfloat16),
    (TorchDtype, "torch.half", torch.float16),
]


@pytest.mark.parametrize(("of", "value", "expected"), FITS)
def test_a_value_is_read_as_its_type_and_written_as_one_that_reads_back(of: Any, value: Any, expected: Any) -> None:
    """Break: `duration` without the table of units; `Pydantic's strict` set on every node, which refuses a Path."""
    found = validate(of, value)
    assert found.instance == expected
    assert type(found.instance) is type(expected)
    assert validate(of, found.values).instance == expected


MISFITS: list[tuple[Any, Any]] = [
    (int, True),
    (int, "5"),
    (int, 3.0),
    (int, None),
    (float, True),
    (float, "5"),
    (float, "nan"),  # one spelling only
    (bool, 1),
    (bool, "true"),
    (str, 5),
    (str, b"a"),
    (str, True),
    (int | float, True),
    (int | None, "5"),
    (Path, 5),
    (Colour, "RED"),
    (Level, True),
    (Level, 1.0),
    (Literal[1], True),
    (Literal[1], 1.0),
    (Literal[True], 1),
    (Literal[1] | None, True),
    (list[Literal[1]], [True]),
    (NUMBERED, {"kind": True}),
    (NUMBERED, {"kind": 2.0}),
    (datetime, 5),
    (datetime, "2021"),
    (date, 20260131),
    (time, 86_400),
    (time, True),
    (timedelta, True),
    (timedelta, "90"),
    (timedelta, "01:30"),
    (timedelta, "5 fortnights"),
    (Decimal, True),
    (complex, True),
    (list[int], "12"),
    (list[int], {"a": 1}),
    (tuple[int, ...], ["1"]),
    (frozenset[int], [True]),
    (Sequence[int], ["1"]),
    (dict[str, int], {1: 1}),
    (dict[int, str], {True: "a"}),
    (dict[int, str], {"1.5": "a"}),
    (Bytes, "64"),
    (Bytes, "0.5 B"),
    (Bytes, -1),
    (Bytes, True),
    (Bytes, 1.0),
    (NumpyDtype, "object"),
    (NumpyDtype, "i4,i4"),
    (NumpyDtype, 5),
    (TorchDtype, "nn"),
    (TorchDtype, None),
]


@pytest.mark.parametrize(("of", "value"), MISFITS)
def test_no_value_is_taken_for_another_type(of: Any, value: Any) -> None:
    """Break: leave the schema as Pydantic made it; Literal fields without their guard, so that True is 1."""
    with pytest.raises(InvalidConfig):
        validate(of, value)


def test_a_config_keeps_its_rules_where_nobody_calls_validate() -> None:
    """Break: leave out `__get_pydantic_core_schema__` of Config."""
    with pytest.raises(ValidationError):
        Levelled.model_validate({"level": 1.0})
    with pytest.raises(ValidationError):
        Levelled.model_validate({"levels": [True]})
    for values in ({"kind": True}, {"kind": 1, "left": "5"}, {"kind": 1, "left": True}, {"kind": 1, "light": 5}):
        with pytest.raises(ValidationError):
            One(**values)


class Node(Config):
    value: int
    below: tuple[Node, ...] = ()


T = TypeVar("T")


class Box(Config, Generic[T]):
    inside: T


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Node, {"value": 1, "below": [{"value": True}]}),
        (Box[int], {"inside": "5"}),
        (Box[Node], {"inside": {"value": 1.0}}),
    ],
)
def test_classes_that_hold_themselves_or_take_a_type_have_the_rules_too(model: Any, values: Any) -> None:
    """Break: leave out `__get_pydantic_core_schema__` of Config."""
    with pytest.raises(ValidationError):
        model.model_validate(values)
    with pytest.raises(InvalidConfig):
        validate(model, values)


class Plain(BaseModel):
    size: int = 1


@dataclasses.dataclass
class Record:
    size: int = 1


class Keys(TypedDict):
    size: int


@pytest.mark.parametrize("model", [Plain, Record, Keys])
def test_classes_that_are_no_config_are_held_to_the_same(model: Any) -> None:
    """Break: compile the schema with Pydantic's own validators inside; no `extra_fields_behavior` in `_closed`."""
    assert validate(model, {"size": 3}).values == {"size": 3}
    for values in ({"size": True}, {"size": "3"}, {"size": 3, "sise": 3}):
        with pytest.raises(InvalidConfig):
            validate(model, values)
    with pytest.raises(InvalidConfig):
        validate(dict[str, model], {"a": {"size": "3"}})


def test_what_a_class_says_itself_stands() -> None:
    """Break: ignore `own` in `near_strict`; force `extra` in `_closed`."""

    class Loose(BaseModel):
        model_config = ConfigDict(strict=False, extra="allow")
        size: int

    class Partly(Config):
        size: Annotated[int, Field(strict=False)]

    assert validate(Loose, {"size": "3", "more": 1}).values == {"size": 3, "more": 1}
    assert validate(Partly, {"size": "3"}).values == {"size": 3}


def test_the_rules_are_worked_in_once() -> None:
    """Break: wrap a node again that is wrapped already."""
    every: tuple[Any, ...] = (
        timedelta,
        NUMBERED,
        dict[int, str],
        Any,
        float | str,
        list[Literal[1]],
        set[int],
        Node,
        Levelled,
    )
    for of in every:
        once = near_strict(TypeAdapter(of).core_schema)
        assert near_strict(once) is once


def test_a_config_does_not_change_and_a_changed_copy_is_checked() -> None:
    """Break: `frozen` left out of Config; `model_copy` left to Pydantic."""
    one = One(kind=1)
    with pytest.raises(ValidationError):
        one.left = 3
    assert one.model_copy(update={"left": 3}) == One(kind=1, left=3)
    with pytest.raises(ValidationError):
        one.model_copy(update={"left": "3"})
    with pytest.raises(ValidationError):
        one.model_copy(update={"light": 3})


def test_a_default_is_written_as_a_given_value_is() -> None:
    """Break: no `validate_default`, so that a rate of 1 and a rate of 1.0 have two digests."""

    class Rate(Config):
        rate: float = 1
        path: Path = "a/../b"  # type: ignore[assignment]  # what people write

    assert [type(value) for value in dump(Rate()).values()] == [float, str]
    assert type(Rate().path) is type(Path())
    assert repr(dump(Rate())) == repr(dump(Rate(rate=1.0, path=Path("a/../b"))))


def test_a_default_of_a_subclass_is_written_whole() -> None:
    """So that reading it back says what is wrong, and does not lose half. Break: no `polymorphic_serialization`."""

    class Wider(One):
        more: int = 3

    class Holder(Config):
        one: One = Wider(kind=1)

    written = dump(Holder())
    assert written == {"one": {"kind": 1, "left": 0, "more": 3}}
    with pytest.raises(InvalidConfig, match="one.more: unknown key"):
        validate(Holder, written)


def test_a_schema_for_editors_can_still_be_made() -> None:
    """Break: a guard of a Literal that Pydantic's JSON Schema does not know."""
    schema = Box[NUMBERED].model_json_schema()
    assert schema["properties"]["inside"]["discriminator"]["propertyName"] == "kind"
    assert TypeAdapter(Bytes).json_schema()["anyOf"][0] == {"type": "integer", "minimum": 0}
    assert TypeAdapter(dict[int, timedelta]).json_schema()["additionalProperties"]["format"] == "duration"
