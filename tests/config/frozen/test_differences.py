"""Differences: nothing more and nothing less than what differs, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from pedigree.config.frozen import Differences, diff, freeze
from pedigree.config.frozen.differences import NOTHING
from pedigree.config.frozen.record import Frozen
from pedigree.config.origins import OWN, Origin
from tests.config.frozen import making
from tests.config.frozen.strategies import configurations, raw

BASE = """
data:
  root: ${oc.env:DATA,/data}
  train: ${.root}/train
  classes: [cat, dog]
count: ${len:${data.classes}}
at: ${now:%H%M}
epochs: 10
"""
RESNET = ("conf/model/resnet.yaml", "model: {name: resnet, depth: 18}")
VIT = ("conf/model/vit.yaml", "model: {name: vit, depth: 18}")


def made(text: str = BASE, *options: tuple[str, str], **more: Any) -> Frozen:
    return freeze(making.composed(("conf/config.yaml", text), *options, **more))


def causes(found: Differences) -> dict[str, str]:
    return {".".join(map(str, one.path)): one.cause for one in found.changes}


@given(configurations, configurations)
def test_differences_lead_from_one_to_the_other(a: dict[Any, Any], b: dict[Any, Any]) -> None:
    """Break: leaves that are only in `a` stay."""
    one, other = freeze(making.of(raw(a))), freeze(making.of(raw(b)))
    found = diff(one, other)
    again = freeze(making.of(raw(found.applied(one.values))))
    assert again.digest == other.digest
    assert bool(found) == (one.digest != other.digest)


@given(configurations, configurations)
def test_differences_the_other_way_are_the_same_turned_round(a: dict[Any, Any], b: dict[Any, Any]) -> None:
    """Break: the cause is taken from the second side alone."""
    one, other = freeze(making.of(raw(a))), freeze(making.of(raw(b)))
    there, back = diff(one, other), diff(other, one)
    assert repr(there) == repr(back.reversed())  # by text, for NaN is not equal to itself
    assert not diff(one, one)


def test_each_cause_is_told() -> None:
    """Break: an expression is told as the file that it stands in."""
    before = made(BASE, RESNET, environment={"DATA": "/a"}, choices={"model": "resnet"})
    after = made(
        BASE.replace("[cat, dog]", "[cat, dog, ox]"),
        VIT,
        environment={"DATA": "/b"},
        choices={"model": "vit"},
        overrides=("epochs=20",),
        now=making.NOW.replace(minute=31),
    )
    found = diff(before, after)
    assert causes(found) == {
        "model.name": "choice",
        "epochs": "override",
        "data.root": "environment",
        "data.train": "expression",
        "data.classes.2": "file",
        "count": "expression",
        "at": "moment",
    }
    assert found.choices == (("model", "resnet", "vit"),)
    assert {one.pointer: one.reads for one in found.changes if one.reads} == {
        "/count": (("data", "classes"),),
        "/data/train": (("data", "root"),),
    }
    assert [cause for cause, _ in found.by_cause()] == [
        "choice",
        "override",
        "environment",
        "file",
        "expression",
        "moment",
    ]


def with_origin(value: Any, origin: Origin) -> Frozen:
    from pedigree.config.composed import Composed

    values = {"model": {"lr": value}}
    here = Origin("file", "conf/config.yaml", 1, 1)
    return freeze(Composed(values, values, {OWN: here, "model": {OWN: here, "lr": origin}}))


FILE = Origin("file", "conf/config.yaml", 3, 5)
DEFAULT = Origin("default", "Model.lr")
RENAMED = Origin("migration", "renamed 'rate'", 3, 5, FILE)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (DEFAULT, DEFAULT, "default"),
        (DEFAULT, FILE, "file"),
        (FILE, Origin("override", "model.lr=2"), "override"),
        (Origin("override", "model.lr=1"), DEFAULT, "override"),
        (FILE, RENAMED, "migration"),
        (RENAMED, RENAMED, "file"),
        (Origin("env", "LR"), FILE, "environment"),
        (Origin("code", "compose"), Origin("code", "compose"), "code"),
    ],
)
def test_the_strongest_origin_is_the_cause(before: Origin, after: Origin, cause: str) -> None:
    """Break: values that were migrated alike are told as migrations."""
    assert causes(diff(with_origin(1, before), with_origin(2, after))) == {"model.lr": cause}
    assert causes(diff(with_origin(2, after), with_origin(1, before))) == {"model.lr": cause}


def test_a_value_given_in_another_way_is_no_difference() -> None:
    """Break: values are compared by the text that reads them."""
    by_variable = made("data: ${oc.env:DATA}", environment={"DATA": "/a"})
    literal = made("data: /a")
    assert not diff(by_variable, literal)
    assert causes(diff(by_variable, made("data: /b"))) == {"data": "file"}


def test_a_container_read_from_the_environment_is_compared_as_a_whole() -> None:
    """Break: leaves that are the same stay beside the text for the whole."""
    literal = made("a: {x: 1, y: 2}")
    text = "a: ${oc.decode:${oc.env:A}}"
    read = made(text, environment={"A": "{x:1,y:3}"})
    assert not diff(literal, made(text, environment={"A": "{x:1,y:2}"}))
    found = diff(literal, read)
    assert found.applied(literal.values) == read.values
    assert diff(read, literal) == found.reversed()
    assert diff(read, literal).applied(read.values) == literal.values


def test_differences_are_told_as_lines_and_as_json() -> None:
    """Break: a side without a value is null."""
    before = made("lr: 0.1\nold: .nan", choices={"model": "a"})
    after = made("lr: 0.1", overrides=("lr=0.2", "+new=[]"), choices={"model": ["b", "c"]})
    found = diff(before, after)
    assert found.lines() == [
        "model: a -> b, c",
        "an override:",
        "  lr",
        "    - 0.1  (conf/config.yaml:1:5)",
        "    + 0.2  (the override lr=0.2)",
        "  new",
        "    - (not there)",
        "    + []  (the override +new=[])",
        "a file changed:",
        "  old",
        "    - NaN  (conf/config.yaml:2:6)",
        "    + (not there)",
    ]
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["choices"] == [{"group": "model", "before": "a", "after": ["b", "c"]}]
    assert told["changes"][1] == {
        "path": "new",
        "pointer": "/new",
        "cause": "override",
        "before": {},
        "after": {"value": [], "place": "the override +new=[]", "kind": "override", "name": "+new=[]"},
    }
    assert told["changes"][2]["before"]["value"] == "NaN"
    assert found.changes[1].before.value is NOTHING


def test_no_value_of_the_environment_is_told() -> None:
    """Break: differences show values as they are."""
    found = diff(made(environment={"DATA": "/private/a"}), made(environment={"DATA": "/private/b"}))
    assert causes(found) == {"data.root": "environment", "data.train": "expression"}
    assert "private" not in "\n".join(found.lines()) + json.dumps(found.as_json())
