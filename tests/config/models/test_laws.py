"""Laws: what is written reads back, whatever the types; and nothing but InvalidConfig comes of bad values."""

from __future__ import annotations

import enum
import json
import math
import pickle  # noqa: TID251  (processes hand errors on in this way)
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import create_model

from pedigree import canonical
from pedigree.config.models import Bytes, Config, NumpyDtype, Secret, dump, format_bytes, parse_bytes, validate
from pedigree.config.origins import OWN, Origin, spread
from pedigree.errors import InvalidConfig
from tests.config.models.experiment import Experiment


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Letter(enum.Enum):
    A = "a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, st.floats() | st.integers(-(2**53), 2**53)),
    (bool, st.booleans()),
    (str, st.text() | st.sampled_from(["NaN", "Infinity", "**********", "env:X"])),
    (float | str, st.floats() | st.text()),
    (int | float, st.integers() | st.floats()),
    (int | None, st.none() | st.integers()),
    (Any, JSON),
    (Path, st.text(st.characters(exclude_characters="\0", codec="utf-8"))),
    (datetime, st.datetimes().map(datetime.isoformat)),
    (timedelta, st.integers(-(10**9), 10**9).map("{}".format).map(lambda s: f"{s}us") | st.integers(-(10**9), 10**9)),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False).map(str)),
    (uuid.UUID, st.uuids().map(str)),
    (complex, st.complex_numbers(allow_nan=False).map(str)),
    (Bytes, st.integers(0) | st.integers(0, 2**70).map(format_bytes)),
    (NumpyDtype, st.sampled_from(["float32", ">i8", "U5", "datetime64[ns]", "bool", "complex64"])),
    (Level, st.sampled_from([1, 2])),
    (Letter, st.just("a")),
    (Literal[1, "x", True], st.sampled_from([1, "x", True])),
    (
        Secret[str],
        st.sampled_from(["env:X", {"file": "/run/x y"}, "command:pass show 'a b'", {"command": ["a", "b c"]}]),
    ),
]
KEYS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, st.text()),
    (int, st.integers()),
    (float, st.floats(allow_nan=False)),
    (bool, st.booleans()),
    (Level, st.sampled_from([1, 2])),
]
UNHASHABLE = (Any,)


Typed = tuple[Any, st.SearchStrategy[Any]]  # a type, and values of a file that fit it


def leaves() -> st.SearchStrategy[Typed]:
    return st.sampled_from(LEAVES)


def around(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """Types with one of these inside."""
    hashable = st.sampled_from([leaf for leaf in LEAVES if leaf[0] not in UNHASHABLE])
    return st.one_of(
        inner.map(lambda one: (list.__class_getitem__(one[0]), st.lists(one[1], max_size=3))),
        inner.map(lambda one: (tuple.__class_getitem__((one[0], ...)), st.lists(one[1], max_size=3))),
        inner.map(lambda one: (one[0] | None, st.none() | one[1])),
        hashable.map(lambda one: (frozenset.__class_getitem__(one[0]), st.lists(one[1], max_size=4))),
        st.tuples(st.sampled_from(KEYS), inner).map(
            lambda two: (
                dict.__class_getitem__((two[0][0], two[1][0])),
                st.dictionaries(two[0][1], two[1][1], max_size=3),
            )
        ),
        st.tuples(inner, inner).map(
            lambda two: (
                create_model("Made", __base__=Config, first=(two[0][0], ...), second=(two[1][0] | None, None)),
                st.fixed_dictionaries({"first": two[0][1]}, optional={"second": two[1][1]}),
            )
        ),
    )


def typed() -> st.SearchStrategy[Typed]:
    return st.recursive(leaves(), around, max_leaves=4)


def holds_nan(value: Any) -> bool:
    return "NaN" in json.dumps(value)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_written_reads_back(data: st.DataObject) -> None:
    """`validate(dump(x)) == x` through JSON and through canonical bytes, which are the same again.

    Break: `ser_json_inf_nan` left out, so that NaN becomes null; sets as they come; keys of JSON not read as numbers.
    """
    of, values = data.draw(typed())
    found = validate(of, data.draw(values))
    written = canonical.encode(found.values)
    again = validate(of, json.loads(written))
    assert canonical.encode(again.values) == written
    if not holds_nan(found.values):
        assert again.instance == found.instance
    assert canonical.encode(dump(found.instance, of)) == written


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_origins_have_the_shape_of_the_values(data: st.DataObject) -> None:
    """Break: `fill` that gives back the given origins where a set lost an item or a default was filled in."""
    of, values = data.draw(typed())
    given_values = data.draw(values)
    found = validate(of, given_values, spread(given_values, Origin("file", "conf/run.yaml", 1, 1)))
    assert shape(found.values) == shape_of_origins(found.origins)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else None


def shape_of_origins(origins: Any) -> Any:
    if isinstance(origins, Origin):
        return None
    if isinstance(origins, dict):
        assert isinstance(origins[OWN], Origin)
        return {key: shape_of_origins(item) for key, item in origins.items() if key is not OWN}
    assert isinstance(origins[0], Origin)
    return [shape_of_origins(item) for item in origins[1:]]


FIELDS = ("version", "data", "model", "optimizer", "schedule", "limit", "tags", "extra")
NAMES = st.sampled_from(
    ["path", "classes", "token", "cache", "kind", "rate", "head", "depth", "every", "layout", "adam", "x"]
)
SECTIONS = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=2) | st.sampled_from(["adam", "sgd"]))


@settings(deadline=None, max_examples=400)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON | SECTIONS, max_size=8) | JSON)
def test_nothing_but_invalid_config_comes_of_bad_values(values: Any) -> None:
    """Break: `_item` without the check of an index; `_tag` of a discriminator as Pydantic quotes it."""
    refusal = None
    try:
        found = validate(Experiment, values)
    except InvalidConfig as error:
        refusal = error
    if refusal is not None:
        assert refusal.objects["problems"]
        assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)  # noqa: S301  (what this test wrote itself)
    else:
        assert canonical.encode(validate(Experiment, found.values).values) == canonical.encode(found.values)


@given(st.integers(0))
def test_a_number_of_bytes_reads_back(size: int) -> None:
    """Break: a unit of 1000 where 1024 was meant."""
    assert parse_bytes(format_bytes(size)) == size


def test_the_spelling_of_sizes() -> None:
    """Break: 1000 before 1024; `1024 B`."""
    spelt = [format_bytes(size) for size in (0, 1, 1000, 1024, 1500, 64 << 20, 10**9, 3 * 2**40 + 1)]
    assert spelt == ["0 B", "1 B", "1 kB", "1 KiB", "1500 B", "64 MiB", "1 GB", "3298534883329 B"]


@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_survive_wherever_they_stand(special: float) -> None:
    """Break: no second attempt in `_instance`; no `number_of_text` around a union; no `restored` around Any."""

    class Rates(Config):
        plain: float
        either: float | str
        anything: Any
        several: dict[str, list[float]]
        maybe: float | None

    values = {"plain": special, "either": special, "anything": {"a": [special]}, "several": {"b": [1, special]}}
    found = validate(Rates, {**values, "maybe": special})
    again = validate(Rates, json.loads(canonical.encode(found.values))).instance
    for one in (again.plain, again.either, again.anything["a"][0], again.several["b"][1], again.maybe):
        assert repr(one) == repr(special)
