"""What a template may hold: parts, placeholders, interpolations; and what an editor then says of mistakes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model
from pydantic_core import core_schema

from pedigree.config.schemas import build
from pedigree.errors import InvalidInput, NotFound
from tests.config.schemas.lab import Experiment, complaints, conf, of

FILES = {
    "config.yaml": "defaults:\n  - model: resnet\n  - data: mnist\n",
    "model/resnet.yaml": "depth: 18\n",
    "data/mnist.yaml": "classes: 10\n",
    "server/local.yaml": "host: localhost\n",
    "optimizer/sgd.yaml": "lr: 0.1\n",
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build(Experiment, conf(tmp_path_factory.mktemp("lab"), FILES))


def test_every_schema_is_one_of_draft_7(schemas: Any) -> None:
    """Break: keep `prefixItems` and give `items` a number."""
    assert [one.name for one in schemas.schemas] == [
        "_primary_.json",
        "data.json",
        "model.json",
        "optimizer.json",
        "server.json",
    ]
    for one in schemas.schemas:
        Draft7Validator.check_schema(one.schema)
        assert one.schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        assert "$defs" not in str(one.schema)
        assert "prefixItems" not in str(one.schema)


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("", ""),
        ("", "# nothing\n"),
        ("", "title: run-${model.kind}\n"),
        ("", "model: ${other}\ndata: ???\n"),
        ("", "model:\n  depth: 3\n"),
        ("", "model: {kind: vit, patch: [8, '${data.classes}']}\n"),
        ("", "hydra:\n  run: {dir: out}\n  anything: [1]\n"),
        ("", "server: null\nteacher: {lr: 1e-3}\nanything: {a: [1, x]}\n"),
        ("model", "kind: resnet\ndepth: ${oc.decode:${oc.env:DEPTH}}\n"),
        ("model", "depth: ???\ninner: {inner: {depth: '${..depth}'}}\n"),
        ("model", "depth: 1_000\n"),
        ("model", "depth: 0x10\n"),
        ("model", "depth: 1:30\n"),
        ("model", "blocks: [{width: 3}, {width: '???', norm: layer}, '${shared}']\n"),
        ("model", "blocks: ${shared}\n"),
        ("model", "kind: ${kind_of}\nheads: 3\n"),
        ("model", "kind: vit\npatch: ${a}\n"),
        ("data", "shuffle: yes\n"),
        ("data", "shuffle: Off\nname: \"on\"\n"),
        ("data", "shuffle: ${on}\nseed: ${one}\n"),
        ("data", "url: https://${host}/x\nsizes: {a: 1e3, b: .inf, c: '${a}', d: -1_0.5}\n"),
        ("data", "url: ~\nname: ${a}-${b}\n"),
        ("server", "token: ${oc.env:TOKEN}\nkey: null\n"),
        ("server", "token: ???\nhost: plain\n"),
        ("optimizer", "lr: 5E-4\n"),
    ],
)  # fmt: skip
def test_what_a_template_may_hold(schemas: Any, group: str, text: str) -> None:
    """Break: keep `required`; keep `oneOf`; give no stand-in to containers, to tuples' items, to list items;
    leave the words of YAML 1.1 out of booleans or numbers."""
    assert complaints(of(schemas, group).schema, text) == []


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ("", "modle: {}\n"),
        ("", "model: {depht: 3}\n"),
        ("", "model: 3\n"),
        ("", "model: ${a} and ${b} or so\n"),
        ("", "hydra: 3\n"),
        ("", "data: null\n"),
        ("", "model: {kind: vit, patch: [1, 2, 3]}\n"),
        ("", "model: {kind: vit, patch: [1]}\n"),
        ("model", "hydra: {}\n"),
        ("model", "depth: deep\n"),
        ("model", "depth: 0\n"),
        ("model", "depth: '5'\n"),
        ("model", "depth: true\n"),
        ("model", "depth: 1.5\n"),
        ("model", "depth: x${a}\n"),
        ("model", "kind: alexnet\n"),
        ("model", "kind: vit\ndepth: 3\n"),
        ("model", "blocks: [{norm: layer}]\n"),
        ("model", "blocks: [{width: 3, norm: group}]\n"),
        ("model", "blocks: {width: 3}\n"),
        ("model", "inner: {inner: {dpth: 3}}\n"),
        ("data", "shuffle: maybe\n"),
        ("data", "shuffle: 1\n"),
        ("data", "name: 3\n"),
        ("data", "seed: 3\n"),
        ("data", "sizes: {a: big}\n"),
        ("server", "token: hunter2\n"),
        ("server", "key: hunter2\n"),
        ("server", "token: Bearer ${oc.env:TOKEN}\n"),
        ("optimizer", "lr: -1\n"),
        ("optimizer", "lr: '0.1'\n"),
        ("optimizer", "lr: .inf.\n"),
        ("optimizer", "momentum: 0.9\n"),
    ],
)  # fmt: skip
def test_what_an_editor_underlines(schemas: Any, group: str, text: str) -> None:
    """Break: leave `additionalProperties` as pydantic has it for models that allow more; drop `required` in lists
    too; let the pattern of numbers match "5"; let a secret be any text with `${` in it; take `hydra:` everywhere."""
    assert complaints(of(schemas, group).schema, text) != []


def test_descriptions_and_defaults_of_the_model_are_kept_where_an_editor_looks(schemas: Any) -> None:
    """Break: hoist nothing out of the alternatives; draft 7 ignores what stands beside a `$ref`."""
    whole = of(schemas, "").schema
    assert whole["properties"]["model"]["description"] == "What is trained."
    assert "$ref" not in whole["properties"]["model"]
    depth = whole["definitions"]["Resnet"]["properties"]["depth"]
    assert (depth["description"], depth["default"]) == ("How many layers it has.", 18)
    lr = of(schemas, "optimizer").schema["properties"]["lr"]
    assert (lr["description"], lr["default"]) == ("Step size.", 0.1)


def test_a_secret_shows_no_default_and_says_what_to_write(schemas: Any) -> None:
    """Break: keep the default of a secret."""
    schema = of(schemas, "server").schema
    assert "default" not in schema["properties"]["key"]
    secret = schema["definitions"]["stand-in.secret"]
    assert secret["patternErrorMessage"] == "A secret is no literal: write a reference such as ${oc.env:NAME}."


class Kept:
    """A secret of the kind that says where it is: `env:NAME`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(str, metadata={"pedigree_secret": True})

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        return {"anyOf": [{"type": "string", "pattern": "^env:"}, {"type": "object"}], "description": "Where it is."}


@pytest.mark.parametrize("optional", [False, True])
def test_a_secret_that_says_where_it_is_may_and_a_literal_may_not(tmp_path: Path, optional: bool) -> None:
    """Break: put the reference away with the text; let `Bearer ${...}` pass as any other text does."""
    model = create_model("Login", token=(Kept | None if optional else Kept, ...))
    schema = of(build(model, conf(tmp_path, {"config.yaml": ""})), "").schema
    for text in ("token: env:NAME\n", "token: {env: NAME}\n", "token: ???\n", "token: ${oc.env:NAME}\n"):
        assert complaints(schema, text) == []
    for text in ("token: hunter2\n", "token: Bearer ${oc.env:NAME}\n", "token: 3\n"):
        assert complaints(schema, text) != []
    assert (complaints(schema, "token: null\n") == []) is optional


def test_a_field_may_be_called_by_its_alias_and_by_its_name(tmp_path: Path) -> None:
    """Break: go by the alias alone; refuse an item of a list for the spelling that it does not use."""

    class Item(BaseModel):
        model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
        rate: float = Field(alias="lr")
        size: int = Field(default=1, validation_alias=AliasChoices("width", "breadth"))

    class Whole(BaseModel):
        items: list[Item]

    schema = of(build(Whole, conf(tmp_path, {"config.yaml": ""})), "").schema
    for item in ("{lr: 1}", "{rate: 1, width: 2}", "{lr: 1, breadth: 2}", "{rate: 1, size: 2}"):
        assert complaints(schema, f"items: [{item}]\n") == []
    for item in ("{lr: x}", "{rate: x}", "{lr: 1, breadth: x}", "{lr: 1, length: 2}"):
        assert complaints(schema, f"items: [{item}]\n") != []


def test_a_dataclass_serves_as_well(tmp_path: Path) -> None:
    """Break: call `model_json_schema` on the class."""

    @dataclass
    class Small:
        lr: float
        names: list[str]

    schema = of(build(Small, conf(tmp_path, {"config.yaml": ""})), "").schema
    assert complaints(schema, "lr: 3\n") == []
    assert complaints(schema, "lr: x\n") != []
    assert complaints(schema, "rl: 3\n") != []


def test_what_json_does_not_know_may_be_anything(tmp_path: Path) -> None:
    """Break: let pydantic refuse the whole model for one field."""

    class Odd(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        code: random.Random
        lr: float

    schema = of(build(Odd, conf(tmp_path, {"config.yaml": ""})), "").schema
    assert complaints(schema, "code: {a: 1}\nlr: 2\n") == []
    assert complaints(schema, "code: 3\nlr: x\n") != []


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """Break: let PydanticUserError through."""
    with pytest.raises(InvalidInput, match=r"^Random has no JSON Schema: .*\nGive a pydantic model or a dataclass"):
        build(random.Random, conf(tmp_path, {"config.yaml": ""}))
    with pytest.raises(NotFound, match="^There is no folder .*nowhere"):
        build(Experiment, tmp_path / "nowhere")


def test_no_part_of_a_valid_configuration_is_underlined(schemas: Any) -> None:
    """Whatever is left out of a valid configuration, or replaced by `???` or an interpolation, passes; a key that is
    misspelt does not. Break: any alternative that lacks its stand-in; `required` kept."""
    chance = random.Random(7)
    whole = {
        "model": {"kind": "resnet", "depth": 50, "blocks": [{"width": 3, "norm": "layer"}], "inner": {"depth": 2}},
        "data": {"name": "a", "classes": 10, "shuffle": False, "seed": 2, "url": "https://a.b/", "sizes": {"a": 1.5}},
        "server": {"host": "h", "token": "${oc.env:T}", "key": None},
        "optimizer": {"lr": 0.5},
        "teacher": None,
        "title": "t",
        "anything": [1, {"a": 2}],
    }  # fmt: skip
    Experiment.model_validate(whole)
    schema = of(schemas, "").schema

    def part(value: Any, *, whole: bool = False) -> Any:
        if chance.random() < 0.1:
            return chance.choice(["???", "${a.b}", "${oc.env:X,${c}}"])
        if isinstance(value, dict):
            return {key: part(item, whole=whole) for key, item in value.items() if whole or chance.random() < 0.8}
        if isinstance(value, list):
            return [part(item, whole=True) for item in value]
        return value

    misspelt = 0
    for _ in range(150):
        made = part(whole)
        if not isinstance(made, dict):
            continue
        text = yaml.safe_dump(made)
        assert complaints(schema, text) == [], text
        mappings = [made, *(item for key, item in made.items() if isinstance(item, dict) and key != "anything")]
        wrong = chance.choice(mappings)
        if wrong:
            key = chance.choice(list(wrong))
            wrong[f"{key}x"] = wrong.pop(key)
            misspelt += 1
            assert complaints(schema, yaml.safe_dump(made)) != [], made
    assert misspelt > 100
