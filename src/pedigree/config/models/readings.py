"""What text and numbers of a file may stand for where the type is one that YAML cannot spell.

Each function takes the value as it stands and returns one that Pydantic reads, or raises what becomes a problem of the
field. None sees values of the common types.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError, PydanticSerializationUnexpectedValue

#: How numbers that JSON lacks are spelt in it; the spelling of Protocol Buffers' JSON.
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

#: What stands for a secret that has no reference. Nobody's secret: it is refused wherever a secret is read.
MASK = "**********"
#: Under this key of its metadata a schema says that it is a secret's: "reference" for ours, "value" for Pydantic's.
MARK = "pedigree_secret"

_UNITS_S: dict[str, int | float] = {
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3_600),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
}
_SMALL_US = {"ms": 1000, "us": 1, "µs": 1}
_UNIT = "|".join(sorted((*_UNITS_S, *_SMALL_US), key=len, reverse=True))
# Compiled on use, by the functions of `re`: these types are rare.
_PART = rf"([0-9]+(?:\.[0-9]+)?)\s*({_UNIT})(?![a-zµ])\s*"
_DURATION = rf"([+-]?)\s*((?:{_PART})+)"
_TWO_PART_CLOCK = r"[+-]?[0-9]{1,2}:[0-9]{2}"
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_expected", "Input should be a number")
    return value


def dated(value: Any) -> Any:
    """A number is no date: whether it counts seconds or milliseconds cannot be seen."""
    if isinstance(value, (bool, int, float)) or (isinstance(value, str) and re.fullmatch(_NUMBER, value)):
        raise PydanticCustomError("date_expected", "Input should be a date, such as 2026-01-31 or 2026-01-31T12:00:00Z")
    return value


def clock(value: Any) -> Any:
    """A time of day; YAML reads an unquoted `12:30:45` as 45045, the seconds since midnight."""
    if isinstance(value, (bool, float)) or (isinstance(value, str) and re.fullmatch(_NUMBER, value)):
        raise PydanticCustomError("time_expected", "Input should be a time of day, such as '12:30:45'")
    if isinstance(value, int):
        if not 0 <= value < 86_400:
            raise PydanticCustomError("time_expected", "Input should be a time of day, such as '12:30:45'")
        return time(value // 3600, value // 60 % 60, value % 60)
    return value


def duration(value: Any) -> Any:
    """Seconds, or `90s`, `1h30m`, `1.5 days`, `250ms`, beside the forms of ISO 8601 and `1:30:00`."""
    if isinstance(value, bool):
        raise _no_duration()
    if not isinstance(value, str):
        return value
    found = re.fullmatch(_DURATION, value.strip())
    if found is not None:
        try:
            microseconds = sum(_microseconds(number, unit) for number, unit in re.findall(_PART, found[2]))
            return timedelta(microseconds=-microseconds if found[1] == "-" else microseconds)
        except OverflowError:
            raise PydanticCustomError("duration_expected", "Input should be a duration of less than 1e9 days") from None
    if re.fullmatch(_TWO_PART_CLOCK, value.strip()):
        # Unquoted it is 90 to YAML, so seconds; Pydantic reads hours and minutes.
        raise PydanticCustomError(
            "duration_expected", "Input should be a duration that says its units, such as '1h30m'"
        )
    return value


def _microseconds(number: str, unit: str) -> int:
    from fractions import Fraction  # exact: 0.1 s is 100000 us

    size = _SMALL_US[unit] if unit in _SMALL_US else _UNITS_S[unit] * 1_000_000
    return round(Fraction(number) * int(size))


def _no_duration() -> PydanticCustomError:
    return PydanticCustomError("duration_expected", "Input should be a duration, such as '90s' or '1h30m', or seconds")


def unmasked(value: Any) -> Any:
    """What Pydantic's SecretStr may hold: anything but the mask that it is written as."""
    if value in (MASK, MASK.encode()):
        raise PydanticCustomError(
            "secret_mask", "this is the mask of a secret that was never written down, not a secret"
        )
    return value


def number_of_text(value: Any) -> Any:
    """Where both a float and a text would fit, the three spellings mean the number: so NaN survives being written."""
    return SPECIAL.get(value, value) if isinstance(value, str) else value


def restored(value: Any) -> Any:
    """The same for a value of any type, and everything in it."""
    if isinstance(value, str):
        return SPECIAL.get(value, value)
    if type(value) is dict:
        return {key: restored(item) for key, item in value.items()}
    if type(value) is list:
        return [restored(item) for item in value]
    return value


def exact_member(value: Any) -> Any:  # pragma: no cover  (stands for `Exact` when a schema is looked at)
    return value


def exact_fields(value: Any) -> Any:  # pragma: no cover  (stands for `ExactFields`)
    return value


class Exact(NamedTuple):
    """Refuses True and 1.0 where a Literal or an Enum has 1, and the like."""

    members: frozenset[tuple[type, Any]]

    def __call__(self, value: Any) -> Any:
        if type(value) in (bool, int, float) and (type(value), value) not in self.members:
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": self.expected})
        return value

    @property
    def read(self) -> Callable[[Any], Any]:
        return exact_member

    @property
    def expected(self) -> str:
        return " or ".join(sorted(repr(member) for _, member in self.members))


class ExactFields(NamedTuple):
    """The same for fields of a mapping, looked at from above; the problem is the whole mapping's and names the key."""

    fields: Mapping[str, Exact]

    def __call__(self, values: Any) -> Any:
        if type(values) is dict:
            for key, exact in self.fields.items():
                value = values.get(key)
                if type(value) in (bool, int, float) and (type(value), value) not in exact.members:
                    raise PydanticCustomError(
                        "exact_field",
                        "{key} should be {expected}",
                        {"key": key, "expected": exact.expected, "member": next(iter(exact.members))[1]},
                    )
        return values

    @property
    def read(self) -> Callable[[Any], Any]:
        return exact_fields


def whole_key(key: Any) -> Any:
    return int(key) if isinstance(key, str) and re.fullmatch(r"[+-]?[0-9]{1,4000}", key) else key


def float_key(key: Any) -> Any:
    if isinstance(key, str):
        try:
            return float(key)
        except ValueError:
            pass
    return key


def truth_key(key: Any) -> Any:
    return {"true": True, "false": False}.get(key, key) if isinstance(key, str) else key


def number_key(key: Any) -> Any:
    for read in (whole_key, float_key, truth_key):
        found = read(key)
        if found is not key:
            return found
    return key


KEYS: dict[str, Callable[[Any], Any]] = {"int": whole_key, "float": float_key, "bool": truth_key}
KEY_READERS = frozenset({*KEYS.values(), number_key})


def in_order(values: Any, handler: Callable[[Any], Any]) -> list[Any]:
    """The items of a set, written, in the order of what is written."""
    if not isinstance(values, (set, frozenset)):
        raise PydanticSerializationUnexpectedValue("not a set")  # of a union, another member
    import json

    return sorted(handler(values), key=lambda item: json.dumps(item, sort_keys=True))
