"""Texts below fields, in the JSON Schema."""

from __future__ import annotations

from pydantic import Field

from pedigree.config.models import Config


class Optimizer(Config):
    lr: float = 0.1
    """Step size,
    before the schedule."""
    steps: int = Field(default=10, alias="max_steps")
    """How many."""


class Adam(Optimizer):
    beta: float = Field(default=0.9, description="Said in the field.")
    """Not this."""
    optimizer: Optimizer = Optimizer()
    """Another one."""
    bare: int = 0


def test_the_text_below_a_field_describes_it() -> None:
    """Break: make no use of `describe`; look at the class alone and not at those that it extends; let the text win
    over a description; look for the name alone and not for the alias."""
    properties = Adam.model_json_schema()["properties"]

    assert {name: one.get("description") for name, one in properties.items()} == {
        "lr": "Step size,\nbefore the schedule.",
        "max_steps": "How many.",
        "beta": "Said in the field.",
        "optimizer": "Another one.",
        "bare": None,
    }


def test_a_class_without_source_has_no_descriptions() -> None:
    """Break: let the OSError of `inspect` out."""
    space: dict[str, object] = {"Config": Config, "__name__": "nowhere"}
    exec('class Typed(Config):\n    x: int = 0\n    """Text."""\n', space)  # noqa: S102  (as a prompt does)
    model = space["Typed"]

    assert isinstance(model, type)
    assert issubclass(model, Config)
    assert "description" not in model.model_json_schema()["properties"]["x"]
