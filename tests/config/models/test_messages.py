"""What a mistake looks like to the person who made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, model_validator

from pedigree.config.documents import read
from pedigree.config.models import Config, Mismatch, Secret, validate
from pedigree.config.origins import Origin
from pedigree.errors import InvalidConfig
from tests.config.models.experiment import Experiment, Head, said

MISTAKES = [
    ("data: {path: 3}", "data.path: expected a path, got 3\n    conf/run.yaml:1:14"),
    ("data: {}", "data.path: missing, and has no default\n    conf/run.yaml:1:7"),
    ("data: {path: '???'}", "data.path: missing, and has no default\n    conf/run.yaml:1:14"),
    ("data:", "data: expected a mapping, got null\n    conf/run.yaml:1:6"),
    ("data: {path: a, pth: b}", "data.pth: unknown key; did you mean 'path'?\n    conf/run.yaml:1:22"),
    (
        "data: {path: a}\nx: 1",
        (
            "x: unknown key; the keys here are version, data, model, optimizer, schedule, limit, tags, extra\n"
            "    conf/run.yaml:2:4"
        ),
    ),
    (
        "data: {path: a, classes: '10'}",
        "data.classes: expected a whole number, got the text '10'; write it without quotes\n    conf/run.yaml:1:26",
    ),
    (
        "data: {path: a, classes: 10.0}",
        "data.classes: expected a whole number, got 10.0; write 10\n    conf/run.yaml:1:26",
    ),
    (
        "data: {path: a, classes: yes}",
        "data.classes: expected a whole number, got true\n    conf/run.yaml:1:26",
    ),
    (
        "data: {path: a, cache: 64 mub}",
        "data.cache: expected a number of bytes, such as 64 MiB or 1.5 GB, got the text '64 mub'\n    conf/run.yaml:1:24",
    ),
    (
        "data: {path: a, layout: flat32}",
        (
            "data.layout: expected a dtype of NumPy, such as float32, got the text 'flat32'; did you mean 'float32'?\n"
            "    conf/run.yaml:1:25"
        ),
    ),
    (
        "data: {path: a, precision: bfloat61}",
        (
            "data.precision: expected a dtype of PyTorch, such as float32 or bfloat16, got the text 'bfloat61'; "
            "did you mean 'bfloat16'?\n    conf/run.yaml:1:28"
        ),
    ),
    ("data: {path: a}\nmodel: {depth: 0}", "model.depth: expected 1 or more, got 0\n    conf/run.yaml:2:16"),
    (
        "data: {path: a}\nmodel: {colour: rad}",
        "model.colour: expected 'red' or 'blue', got the text 'rad'; did you mean 'red'?\n    conf/run.yaml:2:17",
    ),
    ("data: {path: a}\nmodel: {level: true}", "model.level: expected 1 or 2, got true\n    conf/run.yaml:2:16"),
    ("version: true\ndata: {path: a}", "version: expected 1, got true\n    conf/run.yaml:1:10"),
    ("version: '1'\ndata: {path: a}", "version: expected 1, got the text '1'\n    conf/run.yaml:1:10"),
    (
        "data: {path: a}\noptimizer: {kind: adm}",
        "optimizer.kind: expected 'adam' or 'sgd', got the text 'adm'; did you mean 'adam'?\n    conf/run.yaml:2:19",
    ),
    (
        "data: {path: a}\noptimizer: {rate: 1}",
        (
            "optimizer.kind: missing, and says which of several forms this is; it is one of 'adam', 'sgd'\n"
            "    conf/run.yaml:2:12"
        ),
    ),
    # The tag is also a key of what it stands for: Pydantic's location is (optimizer, adam, rate).
    (
        "data: {path: a}\noptimizer: {kind: adam, adam: 3, rate: x}",
        "optimizer.rate: expected a number, got the text 'x'\n    conf/run.yaml:2:40",
    ),
    # Neither form fits; the one that knows the keys is the one that was meant.
    (
        "data: {path: a}\nschedule: {rate: x, momentum: 0.5}",
        "schedule.rate: expected a number, got the text 'x'\n    conf/run.yaml:2:18",
    ),
    ("data: {path: a}\nschedule: 3", "schedule: expected a mapping, got 3\n    conf/run.yaml:2:11"),
    (
        "data: {path: a}\nlimit: aut",
        "limit: expected a whole number or 'auto', got the text 'aut'; did you mean 'auto'?\n    conf/run.yaml:2:8",
    ),
    (
        "data: {path: a}\ntags: [a, 3]",
        "tags.1: expected a text, got 3; put it in quotes if it is meant as text\n    conf/run.yaml:2:11",
    ),
    (
        "data: {path: a, token: hunter2}",
        (
            "data.token: a secret is not written down; say where it is; write env:NAME, file:PATH or command:...\n"
            "    conf/run.yaml:1:24"
        ),
    ),
    (
        "data: {path: a, classes: 20}",
        (
            "data.classes and model.head.classes do not fit: the head has one output for each class\n"
            "    data.classes = 20 (conf/run.yaml:1:26)\n"
            "    model.head.classes = 10 (the default of Experiment.model)"
        ),
    ),
    (
        "data: {path: a, classes: 20}\nmodel: {depth: 3}",
        (
            "data.classes and model.head.classes do not fit: the head has one output for each class\n"
            "    data.classes = 20 (conf/run.yaml:1:26)\n"
            "    model.head.classes = 10 (the default of Model.head)"
        ),
    ),
    (
        "data: {path: a}\nmodel: {head: {classes: 12}}",
        (
            "data.classes and model.head.classes do not fit: the head has one output for each class\n"
            "    data.classes = 10 (the default of Data.classes)\n"
            "    model.head.classes = 12 (conf/run.yaml:2:25)"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_in_the_words_and_at_the_place_of_its_author(text: str, message: str) -> None:
    """Break: locations by the values alone, so that a tag is taken for a key; the first member of a union for the best."""
    assert said(text) == message


def test_every_problem_is_told_at_once() -> None:
    """Break: let the guard of a Literal, which looks at a mapping before its fields, hide the rest."""
    text = "version: true\ndata: {classes: x}\nmodel: {depth: 0, level: 1.0, deep: 3}\nlimit: x"
    keys = [line.partition(":")[0] for line in said(text).split("\n") if not line.startswith(" ")]
    assert sorted(keys) == ["data.classes", "data.path", "limit", "model.deep", "model.depth", "model.level", "version"]


def test_the_whole_error_says_which_model_and_what_to_do() -> None:
    """Break: no `problems` on the error; the remedy of one problem for many."""
    document = read(b"data: {path: 3, pth: 4}", "conf/run.yaml")
    with pytest.raises(InvalidConfig) as caught:
        validate(Experiment, document.values, document.origins)
    assert str(caught.value) == (
        "The configuration does not fit Experiment:\n"
        "  data.path: expected a path, got 3\n    conf/run.yaml:1:14\n"
        "  data.pth: unknown key; did you mean 'path'?\n    conf/run.yaml:1:22\n"
        "Correct these 2 values."
    )
    assert [(one.path, one.kind) for one in caught.value.objects["problems"]] == [
        (("data", "path"), "path_type"),
        (("data", "pth"), "extra_forbidden"),
    ]


def test_an_override_is_the_place_of_what_it_set() -> None:
    """Break: places from the files alone."""
    with pytest.raises(
        InvalidConfig, match="lasses: expected a whole number, got the text 'x'\n    the override classes=x"
    ):
        validate(Head, {"classes": "x"}, {None: Origin("file", "a", 1, 1), "classes": Origin("override", "classes=x")})


@pytest.mark.parametrize(
    "old_names", [{"model.depth": "net.layers"}, {("model",): ("net",), ("model", "depth"): ("net", "layers")}]
)
def test_an_author_of_an_older_version_reads_their_own_keys(old_names: Any) -> None:
    """Break: names of the model only; the shortest prefix in place of the longest."""
    message = said("data: {path: a}\nmodel: {depth: 0}", old_names=old_names)
    assert message == "net.layers (now model.depth): expected 1 or more, got 0\n    conf/run.yaml:2:16"


class Inner(Config):
    low: int = 0
    high: int = 1
    token: Secret[str] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Inner:
        if self.low > self.high:
            raise Mismatch("low", "high", "token", reason="low is above high")
        if self.low == 7:
            raise ValueError("7 is never right")
        return self


class Outer(Config):
    inner: dict[str, list[Inner]] = Field(default_factory=dict)


def test_a_mismatch_names_keys_from_the_model_that_raised_it() -> None:
    """And shows no secret. Break: keys from the top; a secret's value beside the others."""
    assert said("inner: {a: [{low: 5, token: 'env:X'}]}", Outer) == (
        "inner.a.0.low and inner.a.0.high and inner.a.0.token do not fit: low is above high\n"
        "    inner.a.0.low = 5 (conf/run.yaml:1:19)\n"
        "    inner.a.0.high = 1 (the default of Inner.high)\n"
        "    inner.a.0.token = a value that is not shown (conf/run.yaml:1:29)"
    )


def test_a_validator_speaks_for_itself() -> None:
    """Break: `Value error, ` in front, as Pydantic has it."""
    assert said("inner: {a: [{low: 7, high: 8}]}", Outer) == "inner.a.0: 7 is never right\n    conf/run.yaml:1:13"


def test_a_validator_is_not_asked_about_values_that_nobody_wrote() -> None:
    """To look behind `true`, a 1 is put in its place; what a validator then says is about that 1.

    Break: keep the validators' errors of a further attempt.
    """

    class Paired(Config):
        version: Literal[1]
        size: int

        @model_validator(mode="after")
        def _never(self) -> Paired:
            raise ValueError("never")

    assert said("{version: true, size: 3}", Paired) == "version: expected 1, got true\n    conf/run.yaml:1:11"
    assert said("{version: 1, size: 3}", Paired) == "the whole: never\n    conf/run.yaml:1:1"


@dataclass
class Layer:
    width: int
    rate: Annotated[float, Field(gt=0)] = 0.1


def test_a_dataclass_is_told_about_in_the_same_way() -> None:
    """Break: the fields of a dataclass looked for where a model has them."""
    assert said("a: {width: x}\nb: {rate: 0, wdth: 3}", dict[str, Layer]) == (
        "a.width: expected a whole number, got the text 'x'\n    conf/run.yaml:1:12\n"
        "b.width: missing, and has no default\n    conf/run.yaml:2:4\n"
        "b.rate: expected more than 0.0, got 0\n    conf/run.yaml:2:11\n"
        "b.wdth: unknown key; did you mean 'width'?\n    conf/run.yaml:2:20"
    )
