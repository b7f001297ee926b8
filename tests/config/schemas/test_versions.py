"""Files of older versions, which are migrated, are in order for an editor as well."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from jsonschema import Draft7Validator

from pedigree.config.models import Bytes, Config, Secret
from pedigree.config.schemas import build
from pedigree.config.versions import Family, Rename
from tests.config.schemas.lab import complaints, conf, of

resnet = Family("resnet", unversioned=1)


head = Family("head")


@head.version()
class Head1(Config):
    version: Literal[1]
    old: int


@head.version(Rename("old", "new"))
class Head2(Config):
    version: Literal[2]
    new: int


class Part(Config):
    size: int


class Before:
    class Part(Config):
        length: int


@resnet.version()
class Resnet1(Config):
    kind: Literal["resnet"] = "resnet"
    version: Literal[1] = 1
    context: int
    part: Before.Part | None = None
    head: Head2 | None = None


@resnet.version(Rename("context", "new_context"))
class Resnet2(Config):
    kind: Literal["resnet"] = "resnet"
    version: Literal[2] = 2
    new_context: int
    part: Part | None = None


class Vit(Config):
    kind: Literal["vit"]
    memory: Bytes = 0
    token: Secret[str] | None = None


class Whole(Config):
    model: Resnet2 | Vit


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build(Whole, conf(tmp_path_factory.mktemp("lab"), {"config.yaml": "", "model/a.yaml": ""}))


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\nnew_context: 3\n",
        "version: 1\ncontext: 3\n",
        "version: 1\npart: {length: 1}\nhead: {version: 1, old: 3}\n",
        "context: ${a}\nhead: {version: 2, new: 3}\n",
        "part: {size: '???'}\n",
        "kind: vit\nmemory: 64 MiB\ntoken: env:TOKEN\n",
        "kind: vit\nmemory: ${a}\ntoken: {file: /run/secret}\n",
    ],
)
def test_a_file_of_any_version_is_in_order(schemas: Any, text: str) -> None:
    """Break: look at the newest version alone; leave the references of an older one as they are."""
    assert complaints(of(schemas, "model").schema, text) == []
    inside = "model:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    assert complaints(of(schemas, "").schema, inside) == []
    Draft7Validator.check_schema(of(schemas, "model").schema)


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\ncontext: 3\n",
        "version: 1\nnew_context: 3\n",
        "version: 3\n",
        "context: 3\nnew_context: 3\n",
        "version: 1\ncontext: wide\n",
        "version: 1\npart: {size: 1}\n",
        "version: 2\npart: {length: 1}\n",
        "version: 1\nhead: {version: 2, old: 3}\n",
        "kind: vit\nmemory: 64 MoB\n",
        "kind: vit\ntoken: hunter2\n",
        "kind: vit\ncontext: 3\n",
    ],
)
def test_keys_of_two_versions_do_not_mix(schemas: Any, text: str) -> None:
    """Break: merge the properties of the versions; take anything under an older one."""
    assert complaints(of(schemas, "model").schema, text) != []
