"""Points as the layer of frozen configurations makes them, in little: values, overrides, a digest, one JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pedigree import canonical
from pedigree.config import overrides as grammar
from pedigree.errors import InvalidConfig

KEYS = {"x", "opt", "lr", "n", "what"}


class Frozen:
    def __init__(self, overrides: list[str]) -> None:
        self.overrides = tuple(overrides)
        self.values = {one.key: one.value for one in grammar.parse_all(overrides)}
        self.digest = canonical.digest_of("test", self.values)

    def write(self, path: Any) -> None:
        Path(path).write_text(json.dumps({"values": self.values, "digest": self.digest}), encoding="utf-8")


def compose_point(overrides: list[str]) -> Frozen:
    """Refuses keys that no model has, as composing does."""
    frozen = Frozen(overrides)
    for key in frozen.values:
        if key not in KEYS:
            raise InvalidConfig(f"There is no key {key}.")
    return frozen


def values(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))["values"]
    return found
