"""Where each value of what is written was set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import AliasChoices, BaseModel, Field

from pedigree.config.documents import read
from pedigree.config.models import Config, validate
from pedigree.config.origins import at, copied


class Leaf(Config):
    rate: float = 0.1
    steps: int = 3


class Tree(Config):
    leaf: Leaf = Leaf()
    leaves: dict[str, Leaf] = Field(default_factory=dict)
    row: tuple[Leaf, ...] = ()
    tags: frozenset[str] = frozenset()
    numbers: dict[int, str] = Field(default_factory=dict)


class Named(BaseModel):
    size: int = Field(1, alias="Size")
    shape: int = Field(1, validation_alias=AliasChoices("form", "figure"))


@dataclass
class Record:
    leaf: Leaf = field(default_factory=Leaf)
    size: int = 1


def places(model: Any, text: str, *paths: str) -> list[str]:
    document = read(text.encode(), "f")
    before = copied(document.origins)
    found = validate(model, document.values, document.origins)
    assert document.origins == before, "what was given is not changed"
    split = [tuple(int(part) if part.isdigit() else part for part in path.split(".")) for path in paths]
    return [at(found.origins, path).text for path in split]


def test_a_default_names_its_class_and_field() -> None:
    """Break: the class at the top for every default; the path in place of the field."""
    text = "leaf: {steps: 4}\nleaves: {a: {rate: 1}}\nrow: [{}, {steps: 5}]"
    paths = ("leaf.steps", "leaf.rate", "leaves.a.rate", "leaves.a.steps", "row.0.rate", "row.1.steps", "tags")
    assert places(Tree, text, *paths) == [
        "f:1:15",
        "the default of Leaf.rate",
        "f:2:20",
        "the default of Leaf.steps",
        "the default of Leaf.rate",
        "f:3:19",
        "the default of Tree.tags",
    ]
    assert places(Record, "size: 3", "size", "leaf.rate", "leaf") == ["f:1:7", *["the default of Record.leaf"] * 2]


def test_items_of_a_set_keep_their_places_though_not_their_order() -> None:
    """Break: the origins of a list as they come."""
    assert places(Tree, "tags: [c, a, b, a]", "tags.0", "tags.1", "tags.2") == ["f:1:11", "f:1:14", "f:1:8"]


def test_keys_that_are_written_in_another_way_keep_their_places() -> None:
    """Break: no look for an alias, or for a number whose key is text in JSON."""
    assert places(Tree, "numbers: {7: a}", "numbers.7") == ["f:1:10"]
    document = read(b"numbers: {7: a}", "f")
    assert at(validate(Tree, document.values, document.origins).origins, ("numbers", "7")).text == "f:1:14"
    assert places(Named, "{Size: 3, figure: 4}", "size", "shape") == ["f:1:8", "f:1:19"]


def test_a_group_of_leaves_that_were_all_given_shares_its_origins() -> None:
    """Break: a copy of every mapping, which is what 2,001 leaves would pay for."""
    document = read(b"leaf: {rate: 1.5, steps: 4}", "f")
    found = validate(Tree, document.values, document.origins)
    assert found.origins["leaf"] is document.origins["leaf"]
