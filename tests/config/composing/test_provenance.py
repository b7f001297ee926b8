"""Every value of a composed configuration says where it was set, and what it took the place of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pedigree.config.composing import compose
from pedigree.config.origins import OWN, Origin, at
from pedigree.config.scalars import plain
from tests.config.composing.oracle import write
from tests.config.composing.shapes import ROLES, TEMPLATE


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, (dict, list)) and value:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _node_at(node: yaml.Node, line: int, column: int) -> yaml.Node | None:
    """The node of a file, in PyYAML's own tree, that begins at a place: the innermost that is no key."""
    found = node if (node.start_mark.line + 1, node.start_mark.column + 1) == (line, column) else None
    if isinstance(node, yaml.MappingNode):
        inner = [value for _, value in node.value]
    else:
        inner = node.value if isinstance(node, yaml.SequenceNode) else []
    for one in inner:
        found = _node_at(one, line, column) or found
    return found


@pytest.mark.parametrize(("files", "name"), [(TEMPLATE, "train"), (ROLES, "pipe")])
def test_every_leaf_stands_where_its_origin_says(files: dict[str, str], name: str, tmp_path: Path) -> None:
    """The file, parsed anew by PyYAML, has the leaf's text at that line and column, under the leaf's key.

    Break: count columns from 0.
    """
    write(tmp_path, files)
    given = ["experiment=again"] if name == "train" else []
    composed = compose(str(tmp_path), name, given, missing="keep")
    seen = 0
    for path, value in _leaves(composed.raw):
        origin = at(composed.origins, path)
        assert origin.kind == "file", path
        text = Path(origin.name).read_text()
        if not text:  # an empty file is an empty mapping
            assert (value, origin.line, origin.column) == ({}, 1, 1)
            continue
        whole = yaml.compose(text, Loader=yaml.SafeLoader)
        assert whole is not None
        node = _node_at(whole, origin.line, origin.column)
        if isinstance(value, (dict, list)):
            assert isinstance(node, yaml.CollectionNode), path
            assert node.value == []
            continue
        assert isinstance(node, yaml.ScalarNode), (path, origin)
        assert value == (node.value if node.style else plain(node.value)), path
        line = text.split("\n")[origin.line - 1]
        assert isinstance(path[-1], int) or f"{path[-1]}:" in line, (path, line)
        seen += 1
    assert seen > 20


def test_the_values_that_lost_are_remembered_in_order(tmp_path: Path) -> None:
    """The nearest first, down to the first file.

    Break: forget what was there when another file replaces a value.
    """
    files = {
        "config.yaml": "defaults: [a, b, _self_]\nk: 3\n",
        "a.yaml": "k: 1\nonly: 1\n",
        "b.yaml": "m: 0\nk:   2\n",
    }
    write(tmp_path, files)
    composed = compose(str(tmp_path), overrides=["k=4", "k=5"])
    origin = composed.origins["k"]
    assert origin.text == "the override k=5"
    assert [one.text.replace(str(tmp_path), "…") for one in origin.losers()] == [
        "the override k=4",
        "…/config.yaml:2:4",
        "…/b.yaml:2:6",
        "…/a.yaml:1:4",
    ]
    assert composed.origins["only"].losers() == ()


def test_an_override_is_the_origin_of_all_it_sets(tmp_path: Path) -> None:
    """Also of mappings made on the way, and of new items of a list; the rest keep their own.

    Break: give a whole list the origin of the edit; replace a mapping by the one given for it.
    """
    write(tmp_path, {"config.yaml": "l: [1, 2]\nd: {a: 1}\nold: 5\n"})
    composed = compose(str(tmp_path), overrides=["l=append(3)", "d={a:{b:1}}", "+new.x.y=1", "+old.z=1"])
    kinds = {path: at(composed.origins, path).text.replace(str(tmp_path), "…") for path, _ in _leaves(composed.raw)}
    assert kinds == {
        ("l", 0): "…/config.yaml:1:5",
        ("l", 1): "…/config.yaml:1:8",
        ("l", 2): "the override l=append(3)",
        ("d", "a", "b"): "the override d={a:{b:1}}",
        ("new", "x", "y"): "the override +new.x.y=1",
        ("old", "z"): "the override +old.z=1",
    }
    assert composed.origins["new"][OWN].kind == "override"
    assert composed.origins["old"][OWN].losers()[0].line == 3
    assert composed.origins["d"]["a"][OWN].losers()[0] == Origin("file", f"{tmp_path}/config.yaml", 2, 8)


def test_origins_have_the_shape_of_the_values(tmp_path: Path) -> None:

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items() if key is not OWN}
        return [shape(item) for item in value] if type(value) is list else None

    def of_origins(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: of_origins(item) for key, item in value.items() if key is not OWN}
        return [of_origins(item) for item in value[1:]] if type(value) is list else None

    write(tmp_path, TEMPLATE)
    given = ["experiment=big", "~trainer.clip", "tags.0=x", "~callbacks", "+a.b=[1,{c:2}]"]
    composed = compose(str(tmp_path), "train", given, missing="keep")
    assert shape(composed.raw) == of_origins(composed.origins)
    assert "hydra" not in composed.raw
    assert composed.hydra["run"]["dir"] == "${paths.output}/${task}"


def test_choices_and_files_say_what_was_composed(tmp_path: Path) -> None:
    write(tmp_path, TEMPLATE)
    composed = compose(str(tmp_path), "train", ["experiment=again", "debug=limit"], missing="keep")
    assert composed.choices["model"] == "large"
    assert composed.choices["trainer"] == "ddp"
    assert composed.choices["debug"] == "limit"
    names = [Path(name).relative_to(tmp_path).as_posix() for name in composed.files]
    assert names[0] == "train.yaml"
    assert names.index("trainer/default.yaml") < names.index("trainer/gpu.yaml") < names.index("trainer/ddp.yaml")
    assert set(composed.digests) == set(composed.files)
    assert all(composed.digests.values())
