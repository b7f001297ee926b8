"""What leaves the store in an export, and what does not.

An export is made to be given away. Values of environment variables of a spec are left out unless asked for, because
that is where people put passwords; text under a name that speaks of one is left out of configurations; and a value
that was left out here is blotted out of everything else, such as the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline

WITHHELD = "(withheld)"

_SECRET = re.compile(r"passw|secret|token|api_?key|access_?key|private_?key|credential|auth(?!or)", re.IGNORECASE)
#: A value under another name counts as one that may stand elsewhere too from this length: shorter ones are words ("training").
_SHORTEST = 12
#: And one under a name that speaks of a secret from this length.
_SHORTEST_SECRET = 4


def speaks_of_a_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


class Blotter:
    """Blots out the values that it was told of, in any text of nested plain data."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        found = sorted(set(values), key=lambda one: (-len(one), one))
        self._values = re.compile("|".join(map(re.escape, found))) if found else None

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if self._values is None else self._values.sub(WITHHELD, value)
        if isinstance(value, Mapping):
            return {str(self(str(name))): self(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        return value


def values(tree: Any) -> tuple[Any, list[str]]:
    """A configuration without the texts under names that speak of secrets, and those texts. Numbers are kept (`tokens: 512`)."""
    left: list[str] = []

    def kept(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): kept(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [kept(name, item) for item in value]
        if isinstance(value, str) and value and speaks_of_a_secret(name):
            left.extend([value] if len(value) >= _SHORTEST_SECRET else [])
            return WITHHELD
        if isinstance(value, float) and value - value != 0:
            return str(value)  # JSON has no word for infinity
        return value

    return kept("", tree), left


def spec(pipeline: Pipeline, variables: bool) -> tuple[dict[str, Any], list[str]]:
    """What of a spec decides a result, as plain data, and values left out of it that may stand elsewhere.

    Overrides of the configuration are left out, whose effect is in the frozen values; so is where egress goes, whose URL
    may hold a password. `variables` keeps the values of the environment variables but those named like a secret.
    """
    from pedigree.pipeline.model import input_to_json

    transform = pipeline.transform
    env: dict[str, str] = {}
    left: list[str] = []
    for name, value in sorted(transform.env.items()):
        secret = speaks_of_a_secret(name)
        env[name] = value if variables and not secret else WITHHELD
        if env[name] == WITHHELD and len(value) >= (_SHORTEST_SECRET if secret else _SHORTEST):
            left.append(value)
    limits = pipeline.resource_limits
    whole = replace(pipeline, egress=None).to_json()
    found = {
        "pipeline": pipeline.name,
        "description": pipeline.description,
        "input": None if pipeline.input is None else input_to_json(pipeline.input),
        "cmd": list(transform.cmd),
        "stdin": list(transform.stdin),
        "env": env,
        "secrets": sorted({item.name for item in transform.secrets}),
        "accept_return_code": list(transform.accept_return_code),
        "working_dir": transform.working_dir,
        "code": whole["code"],
        "config": None if pipeline.config is None else {"name": pipeline.config.name, "model": pipeline.config.model},
        "seed": pipeline.seed,
        "network": pipeline.network,
        "resource_limits": None if limits is None else {"cpu": limits.cpu, "gpu": limits.gpu},
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}, left
