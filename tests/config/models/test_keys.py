"""Which keys a model has, and overriding those that only the model has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from pedigree.config import Config, compose, freeze
from pedigree.config.models import has_key
from pedigree.errors import InvalidConfig


class Cnn(Config):
    kind: Literal["cnn"]
    kernel: int = 3


class Vit(Config):
    kind: Literal["vit"]
    heads: int = 4


class Layer(Config):
    width: int
    dropout: float = 0.0


class Training(Config):
    model: Annotated[Cnn | Vit, Field(discriminator="kind")]
    layers: list[Layer] = Field([])
    extra: dict[str, int] = Field({})
    last: Layer | None = None
    tags: list[str] = Field(["a"])
    steps: int = Field(10, alias="epochs")


FILE = "model: {kind: vit}\nlayers: [{width: 3}]\nextra: {a: 1}\nlast: null\n"


def composed(folder: Path, *overrides: str) -> dict[str, object]:
    (folder / "config.yaml").write_text(FILE)
    return freeze(compose(folder, "config", overrides, has_key=has_key(Training)), Training).as_dict()


def test_an_override_sets_what_only_the_model_has(tmp_path: Path) -> None:
    """Break: refuse a key that is in no file, though the model has it, with a default."""
    found = composed(tmp_path, "model.heads=8", "layers.0.dropout=0.5", "last.width=2", "epochs=7", "tags=[b]")
    assert found["model"] == {"kind": "vit", "heads": 8}
    assert found["layers"] == [{"width": 3, "dropout": 0.5}]
    assert found["last"] == {"width": 2, "dropout": 0.0}
    assert found["tags"] == ["b"]


@pytest.mark.parametrize(
    "override", ["model.haeds=8", "extra.b=2", "layers.1.width=3", "nope.heads=1", "tags=append(x)"]
)
def test_what_the_model_has_not_is_refused_where_it_is_composed(tmp_path: Path, override: str) -> None:
    """Break: take any key, or the keys of a plain mapping, where a typo would be set in silence."""
    with pytest.raises(InvalidConfig, match=f"override {override.replace('(', '.').replace(')', '.')}"):
        composed(tmp_path, override)


def test_a_key_of_another_member_of_a_union_is_refused_by_the_model(tmp_path: Path) -> None:
    """Break: let an override set what belongs to no member that is chosen."""
    with pytest.raises(InvalidConfig, match=r"model\.kernel: unknown key"):
        composed(tmp_path, "model.kernel=5")


def test_a_suggestion_is_never_the_key_itself(tmp_path: Path) -> None:
    """Break: suggest a key of another member of the union that was just refused."""
    with pytest.raises(InvalidConfig) as refused:
        composed(tmp_path, "model.kernel=5")
    assert "did you mean" not in str(refused.value)
