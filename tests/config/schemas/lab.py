"""A model and directories to make schemas of, and the two ways to read a file: ours, and an editor's."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from jsonschema import Draft7Validator
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from pedigree.config.documents import read
from pedigree.config.schemas import GroupSchema, Schemas


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Norm(StrEnum):
    BATCH = "batch"
    LAYER = "layer"


class Block(Strict):
    width: int
    norm: Norm = Norm.BATCH


class Resnet(Strict):
    """A residual network."""

    kind: Literal["resnet"] = "resnet"
    depth: Annotated[int, Field(ge=1)] = 18
    """How many layers it has."""
    blocks: list[Block] = []
    inner: Resnet | None = None


class Vit(Strict):
    """A transformer."""

    kind: Literal["vit"]
    heads: int
    patch: tuple[int, int] = (16, 16)


class Data(Strict):
    name: str
    classes: int
    shuffle: bool = True
    seed: Literal[1, 2] = 1
    url: HttpUrl | None = None
    sizes: dict[str, float] = {}


class Server(Strict):
    host: str
    token: SecretStr
    key: SecretStr | None = None


class Optimizer(Strict):
    lr: float = Field(default=0.1, gt=0, description="Step size.")


class Experiment(Strict):
    model: Resnet | Vit = Field(discriminator="kind", description="What is trained.")
    data: Data
    server: Server | None = None
    optimizer: Optimizer = Optimizer()
    teacher: Optimizer | None = None
    title: str = ""
    anything: Any = None


def conf(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "conf"


def of(schemas: Schemas, group: str) -> GroupSchema:
    (found,) = [one for one in schemas.schemas if one.group == group]
    return found


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    """What the schema has against a file, as we read it; where an editor's reading would differ on that, it fails."""
    validator = Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
    ours = [error.message for error in validator.iter_errors(read(text.encode(), "file.yaml").values)]
    theirs = [error.message for error in validator.iter_errors(_Core(text).get_single_data() or {})]
    assert bool(ours) == bool(theirs), (ours, theirs)
    return ours


class _Core(yaml.SafeLoader):
    """YAML 1.2 with its core schema, as editors read it."""


_Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", "null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("merge", "<<", "<"),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
_Core.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(node.value, 8 if "o" in node.value else 16 if "x" in node.value else 10),
)
_Core.add_constructor(
    "tag:yaml.org,2002:float",
    lambda loader, node: float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan")),
)
