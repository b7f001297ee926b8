"""Why: every value says where it was set, what it was made from and what it took the place of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pedigree.config.composed import Composed
from pedigree.config.explanation import why
from pedigree.config.frozen import files, freeze
from pedigree.config.origins import OWN, Origin
from pedigree.errors import InvalidConfig
from tests.config.frozen import making

BASE = """data:
  root: ${oc.env:DATA}   # where it lies
  train: ${.root}/train
  classes: [cat, dog]
model:
  lr: 0.1
  heads: ${len:${data.classes}}
token: ${oc.env:HF_TOKEN}
1: one
"a.b": dotted
at: ${now:%H}
"""
OPTION = "model: {lr: 0.2, name: r}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "config.yaml").write_text(BASE)
    (tmp_path / "conf" / "model" / "r.yaml").write_text(OPTION)
    return tmp_path


def composed() -> Composed:
    return making.composed(
        ("conf/config.yaml", BASE),
        ("conf/model/r.yaml", OPTION),
        overrides=("model.lr=0.5",),
        environment={"DATA": "/private", "HF_TOKEN": "hunter2"},
    )


def test_a_value_tells_its_place_and_those_that_lost(folder: Path) -> None:
    """Break: the losers in the order in which they were set."""
    frozen = files.parsed(files.data(freeze(composed())), "run.json")
    for one in (frozen, composed()):
        assert why(one, "model.lr", directory=folder).lines() == [
            "model.lr = 0.5",
            "  set by the override model.lr=0.5",
            "  instead of what is at conf/model/r.yaml:1:13",
            "                        | model: {lr: 0.2, name: r}",
            "  instead of what is at conf/config.yaml:6:7",
            "                        | lr: 0.1",
        ]


def test_what_it_was_made_from_is_told_to_the_end(folder: Path) -> None:
    """Break: reads end after the first step."""
    assert why(freeze(composed()), "data.train", directory=folder).lines() == [
        'data.train = "${.root}/train"',
        "  set at conf/config.yaml:3:10",
        "         | train: ${.root}/train",
        "  made by ${.root}/train",
        "  depends on the environment: DATA",
        "  reads",
        '    data.root = "${oc.env:DATA}"',
        "      set at conf/config.yaml:2:9",
        "             | root: ${oc.env:DATA}   # where it lies",
        "      made by ${oc.env:DATA}",
        "      depends on the environment: DATA",
    ]
    assert why(freeze(composed()), "model.heads").lines() == [
        "model.heads = 2",
        "  set at conf/config.yaml:7:10",
        "  made by ${len:${data.classes}}",
        "  reads",
        "    data.classes: a container",
        "      set at conf/config.yaml:4:12",
    ]
    assert why(composed(), "data.train").value == "/private/train"
    assert why(composed(), "at").varies


def test_a_file_that_has_changed_is_not_quoted(folder: Path) -> None:
    """Break: the line is shown whatever the file holds now."""
    (folder / "conf" / "config.yaml").write_text("# new\n" + BASE)
    assert why(freeze(composed()), "data.classes[1]", directory=folder).lines() == [
        'data.classes.1 = "dog"',
        "  set at conf/config.yaml:4:18 (the file has changed since)",
    ]
    (folder / "conf" / "config.yaml").unlink()
    assert why(freeze(composed()), "data.classes[1]", directory=folder).lines()[1] == "  set at conf/config.yaml:4:18"


def test_a_secret_is_never_told(folder: Path) -> None:
    """Break: a composed configuration tells every value."""
    found = why(composed(), "token", directory=folder)
    assert found.value == "${oc.env:HF_TOKEN}"
    assert found.place is not None
    assert found.place.source is None
    assert "hunter2" not in json.dumps(found.as_json()) + "\n".join(found.lines())


def test_a_container_tells_each_leaf() -> None:
    """Break: the container's own place alone."""
    found = why(freeze(composed()), "model")
    assert [one.name for one in found.inside] == ["model.lr", "model.heads", "model.name"]
    assert found.lines()[0] == "model.lr = 0.5"
    assert len(why(composed(), "").inside) == 6


def test_a_path_that_is_not_there_is_answered() -> None:
    """Break: an error is raised."""
    found = why(freeze(composed()), "modle.lr")
    assert found.lines() == ["modle.lr: nothing sets it", "did you mean model.lr?"]
    assert found.as_json() == {"path": "modle.lr", "kind": "nothing", "did_you_mean": "model.lr"}
    assert why(composed(), "zzz").lines() == ["zzz: nothing sets it"]
    assert why(composed(), ("data", "classes", 7)).kind == "nothing"
    with pytest.raises(InvalidConfig, match=r"'a\[' is no path"):
        why(composed(), "a[")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("1", (1,)),
        ("a.b", ("a.b",)),
        ("data.classes.0", ("data", "classes", 0)),
        ("data[classes][0]", ("data", "classes", 0)),
    ],
)
def test_keys_that_are_no_words_are_found(text: str, path: tuple[Any, ...]) -> None:
    """Break: keys are text."""
    assert why(composed(), text).path == path
    assert why(composed(), path).kind == "value"


def test_defaults_and_migrations_are_told() -> None:
    """Break: the migration is told as the place."""
    here = Origin("file", "conf/config.yaml", 2, 3, Origin("default", "Old.size"))
    moved = Origin("migration", "renamed 'size' to 'width'", 2, 3, here)
    whole = Composed(
        {"width": 3, "depth": float("nan")},
        {},
        {OWN: here, "width": moved, "depth": Origin("default", "Model.depth")},
    )
    assert why(whole, "width").lines() == [
        "width = 3",
        "  migrated: renamed 'size' to 'width'",
        "  set at conf/config.yaml:2:3",
        "  instead of the default of Old.size",
    ]
    assert why(whole, "depth").lines() == ["depth = NaN", "  set by the default of Model.depth"]
    assert json.loads(json.dumps(why(whole, "depth").as_json(), allow_nan=False)) == {
        "path": "depth",
        "kind": "value",
        "value": "NaN",
        "place": {"kind": "default", "name": "Model.depth", "text": "the default of Model.depth"},
    }
