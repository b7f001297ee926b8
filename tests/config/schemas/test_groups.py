"""Which part of the model a group's files are held to, and what their defaults lists may name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from pedigree.config.composing.sources import Files
from pedigree.config.schemas import build
from tests.config.schemas.lab import Experiment, Resnet, Strict, Vit, complaints, conf, of


class Optimizer(Strict):
    lr: float


class Pair(Strict):
    source: Optimizer
    target: Optimizer


class Trunk(Strict):
    pair: Pair
    name: str = ""


class Root(Strict):
    trunk: Trunk
    models: dict[str, Annotated[Resnet | Vit, Field(discriminator="kind")]] | None = None


def test_a_nested_group_goes_to_its_path_with_dots(tmp_path: Path) -> None:
    """Break: take only the last part of the path."""
    schemas = build(Root, conf(tmp_path, {"trunk/pair/a.yaml": "source: {lr: 1}\n", "trunk/b.yaml": "name: x\n"}))
    assert of(schemas, "trunk/pair").packages == ("trunk.pair",)
    assert of(schemas, "trunk/pair").name == "trunk.pair.json"
    assert of(schemas, "trunk/pair").files == ("trunk/pair/*.yaml",)
    assert complaints(of(schemas, "trunk/pair").schema, "source: {lr: 2}\n") == []
    assert complaints(of(schemas, "trunk/pair").schema, "name: x\n") != []
    assert complaints(of(schemas, "trunk").schema, "name: x\npair: {target: {lr: 1}}\n") == []


def test_a_header_on_which_all_files_agree_is_respected(tmp_path: Path) -> None:
    """Break: go by the group's name alone."""
    schemas = build(
        Root,
        conf(
            tmp_path,
            {
                "experiment/a.yaml": "# @package _global_\ntrunk: {name: a}\n",
                "experiment/b.yaml": "\n# @package _global_\n# a remark\n",
                "opt/a.yaml": "# @package trunk.pair.source\nlr: 1\n",
                "trunk/x.yaml": "# @package trunk\n",
            },
        ),
    )
    assert (of(schemas, "experiment").packages, of(schemas, "experiment").files) == (("",), ("experiment/*.yaml",))
    assert complaints(of(schemas, "experiment").schema, "trunk: {name: b}\nhydra: {}\n") == []
    assert complaints(of(schemas, "experiment").schema, "name: b\n") != []
    assert complaints(of(schemas, "opt").schema, "lr: x\n") != []
    assert of(schemas, "trunk").packages == ("trunk",)


def test_files_of_one_group_that_go_to_different_places_have_a_schema_each(tmp_path: Path) -> None:
    """Break: let the first header stand for all."""
    files = {"opt/a.yaml": "# @package trunk.pair.source\nlr: 1\n", "opt/b.yaml": "# @package trunk\nname: x\n"}
    schemas = build(Root, conf(tmp_path, files))
    assert [(one.name, one.files) for one in schemas.schemas if one.group] == [
        ("opt@trunk.pair.source.json", ("opt/a.yaml",)),
        ("opt@trunk.json", ("opt/b.yaml",)),
    ]


def test_a_package_that_a_defaults_list_gives_counts_as_well(tmp_path: Path) -> None:
    """Break: look at headers only; take a relative package for one from the top."""
    files = {
        "config.yaml": "defaults:\n  - opt@trunk.pair.source: sgd\n  - opt@trunk.pair.target: sgd\n",
        "opt/sgd.yaml": "lr: 1\n",
        "trunk/t.yaml": "defaults:\n  - part@pair.source: p\n",
        "trunk/part/p.yaml": "lr: 2\n",
    }
    schemas = build(Root, conf(tmp_path, files))
    assert of(schemas, "opt").packages == ("opt", "trunk.pair.source", "trunk.pair.target")
    assert complaints(of(schemas, "opt").schema, "lr: 1\n") == []
    assert complaints(of(schemas, "opt").schema, "rl: 1\n") != []
    assert complaints(of(schemas, "trunk/part").schema, "lr: 1\n") == []
    assert complaints(of(schemas, "trunk/part").schema, "lr: x\n") != []


def test_the_way_to_a_group_leads_through_dicts_and_unions(tmp_path: Path) -> None:
    """Break: look for fields only."""
    schemas = build(Root, conf(tmp_path, {"models/big/a.yaml": "kind: vit\n"}))
    assert complaints(of(schemas, "models/big").schema, "kind: vit\nheads: 3\n") == []
    assert complaints(of(schemas, "models/big").schema, "kind: vit\ndepth: 3\n") != []


def test_a_group_without_a_place_has_no_schema_and_a_note(tmp_path: Path) -> None:
    """Break: give it one that allows nothing."""
    schemas = build(
        Root, conf(tmp_path, {"modle/a.yaml": "x: 1\n", "hydra/launcher/b.yaml": "n: 1\n", "trunk/c.yaml": ""})
    )
    assert [one.group for one in schemas.schemas] == ["trunk"]
    assert schemas.notes == ("Files of the group modle: the model has no mapping at 'modle'; no schema.",)


def test_a_file_that_cannot_be_read_is_noted_and_counts_by_its_name(tmp_path: Path) -> None:
    """Break: let its error stop the rest."""
    folder = conf(
        tmp_path, {"config.yaml": "defaults: [\n", "trunk/c.yaml": "a: 1\na: 2\n", "trunk/d.yaml": "defaults: 3\n"}
    )
    schemas = build(Root, folder)
    assert [note.partition(": ")[0] for note in schemas.notes] == [
        f"{folder}/config.yaml:2:1",
        f"{folder}/trunk/c.yaml:2:1",
        f"{folder}/trunk/d.yaml:1:11",
    ]
    assert complaints(of(schemas, "trunk").schema, "defaults: [c]\n") == []


def test_options_of_the_search_path_of_a_primary_configuration_may_be_named(tmp_path: Path) -> None:
    """Break: look at `search` alone; let what is not there stop the rest."""
    shared = conf(tmp_path / "shared", {"trunk/c.yaml": ""})
    text = f"hydra:\n  searchpath: [{shared}, file://{tmp_path}/gone, pkg://no.such]\n"
    schemas = build(Root, conf(tmp_path, {"config.yaml": text, "trunk/a.yaml": ""}))
    assert complaints(of(schemas, "").schema, "defaults: [trunk: c]\n") == []
    assert complaints(of(schemas, "").schema, "defaults: [trunk: d]\n") != []
    assert [one.files for one in schemas.schemas] == [("*.yaml",), ("trunk/*.yaml",)]
    assert schemas.notes == (
        f"config: there is no {tmp_path}/gone, which hydra.searchpath names.",
        "config: The search path names pkg://no.such, and there is no package 'no' to import.",
    )


CONF = {
    "config.yaml": "",
    "base.yaml": "",
    "model/resnet.yaml": "",
    "model/1.yaml": "",
    "model/inner/small.yaml": "",
    "data/a/mnist.yaml": "",
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build(Experiment, conf(tmp_path_factory.mktemp("lab"), CONF), search=[Files({"model/extra.yaml": ""})])


@pytest.mark.parametrize(
    ("group", "entry"),
    [
        ("", "_self_"),
        ("", "base"),
        ("", "model/resnet"),
        ("", "model: resnet"),
        ("", "model: extra"),
        ("", "model: 1"),
        ("", "model: '1'"),
        ("", "model: null"),
        ("", "model: ???"),
        ("", "model: inner/small"),
        ("", "model: [resnet, extra]"),
        ("", "model: ${size}_net"),
        ("", "model: resnet.yaml"),
        ("", "/model: resnet"),
        ("", "model@data.model: resnet"),
        ("", "model/inner@_global_: small"),
        ("", "optional model: resnet"),
        ("", "optional nothing: x"),
        ("", "override model: resnet"),
        ("", "optional override /model@x: resnet"),
        ("", "data: a/mnist"),
        ("", "override hydra/launcher: submitit"),
        ("", "hydra: default"),
        ("", "base@here"),
        ("", "/base"),
        ("model", "resnet"),
        ("model", "inner: small"),
        ("model", "/base"),
        ("model", "/data: a/mnist"),
        ("model", "/data/a: mnist"),
        ("model", "override /model/inner: small"),
    ],
)  # fmt: skip
def test_what_a_defaults_list_may_name(schemas: Any, group: str, entry: str) -> None:
    """Break: name groups from the top in every file; leave `search` out; leave options of inner groups out."""
    assert complaints(of(schemas, group).schema, f"defaults:\n  - {entry}\n") == []


@pytest.mark.parametrize(
    ("group", "entry"),
    [
        ("", "bass"),
        ("", "modle: resnet"),
        ("", "override modle: resnet"),
        ("", "model: resnext"),
        ("", "model: [resnet, resnext]"),
        ("", "optional model: resnext"),
        ("", "model@x: resnext"),
        ("", "model: {a: 1}"),
        ("", "{model: resnet, data: a/mnist}"),
        ("", "{}"),
        ("", "3"),
        ("", "[model]"),
        ("", "inner: small"),
        ("model", "base"),
        ("model", "model: resnet"),
        ("model", "data: a/mnist"),
        ("model", "/inner: small"),
    ],
)  # fmt: skip
def test_what_an_editor_underlines_in_a_defaults_list(schemas: Any, group: str, entry: str) -> None:
    """Break: any text for an option; any key for a group; more than one key in an entry."""
    assert complaints(of(schemas, group).schema, f"defaults:\n  - {entry}\n") != []


def test_a_defaults_list_is_a_list(schemas: Any) -> None:
    """Break: leave its type out."""
    assert complaints(of(schemas, "").schema, "defaults: {model: resnet}\n") != []


def test_options_are_offered_by_name(schemas: Any) -> None:
    """Editors complete from `enum`. Break: a pattern in its place."""
    schema = of(schemas, "").schema
    assert schema["definitions"]["option.model"]["anyOf"][0] == {"enum": ["1", "extra", "inner/small", "resnet", 1]}
    assert schema["properties"]["defaults"]["items"]["then"]["properties"]["model"] == {
        "$ref": "#/definitions/option.model"
    }


def test_schemas_are_written_and_left_alone_when_they_are_the_same(tmp_path: Path) -> None:
    """Break: write anew each time."""
    schemas = build(Root, conf(tmp_path, {"config.yaml": "", "trunk/c.yaml": ""}))
    paths = schemas.write(tmp_path / "out" / "schemas")
    assert [path.name for path in paths] == ["_primary_.json", "trunk.json"]
    for path in paths:
        os.utime(path, ns=(1, 1))
    paths[0].write_text("{}")
    schemas.write(tmp_path / "out" / "schemas")
    assert paths[1].stat().st_mtime_ns == 1
    assert paths[0].read_text().startswith('{\n "$schema"')
