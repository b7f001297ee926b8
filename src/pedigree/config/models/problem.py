"""One problem of a configuration, and how the value that it is about is shown: its key, what stands there, its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pedigree.config import origins as places
from pedigree.config.models.expectations import received
from pedigree.config.models.redaction import key_of
from pedigree.config.models.shapes import Path, Shape, default_of, dotted

#: Where no value stands.
NOTHING = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `path` is in the model's keys, `key` in its author's, who may have an older version.

    `kind` is the type of Pydantic's error, or `secret_literal`, `secret_mask`, `secret_text`, `mismatch`. Nothing here
    holds a secret.
    """

    path: Path
    key: str
    kind: str
    text: str  #: what is wrong with it, without the key
    hint: str = ""
    place: str = ""
    details: tuple[str, ...] = ()  #: a line for each key of a mismatch

    def __str__(self) -> str:
        between = " " if self.kind == "mismatch" else ": "
        lines = [f"{self.key or 'the whole'}{between}{self.text}" + (f"; {self.hint}" if self.hint else "")]
        return "\n    ".join([*lines, *self.details, *([self.place] if self.place else [])])


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a problem is told from."""

    shape: Shape
    values: Any
    origins: Any
    interpolations: Mapping[Path, Any]
    old_names: Mapping[Path, Path]


def effective(path: Path, about: Circumstances) -> tuple[str, str]:
    """The value that the model saw at the path, as given or as the default, and its place."""
    value: Any = about.values
    for number, key in enumerate(path):
        below = _item(value, key)
        if below is not NOTHING:
            value = below
            continue
        holder, field_path = path[:number], path[: number + 1]
        field = about.shape.fields(holder).get(key)
        has, default = default_of(field) if field is not None else (False, None)
        place = f"the default of {about.shape.class_at(holder)}.{key}"
        if not has:
            return "its default", place
        for inner in path[len(field_path) :]:
            default = _item(default, inner)
            place = f"the default of {about.shape.class_at(holder)}.{key}"
        return ("its default" if default is NOTHING else _brief(default)), place
    return shown(path, about, brief=True), place_at(path, about)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key, NOTHING)
    if isinstance(value, (list, tuple)):
        return value[key] if isinstance(key, int) and 0 <= key < len(value) else NOTHING
    return getattr(value, str(key), NOTHING)


def value_at(value: Any, path: Path) -> Any:
    for key in path:
        value = _item(value, key) if isinstance(value, (dict, list, tuple)) else NOTHING
    return value


def shown(path: Path, about: Circumstances, *, brief: bool = False) -> str:
    for length in range(len(path), 0, -1):
        origin = about.interpolations.get(path[:length])
        if origin is not None:
            if origin.variables:
                return f"what {origin.text} gives"
            break
    value = value_at(about.values, path)
    if value is NOTHING:
        return "nothing"
    return _brief(value) if brief else received(value)


def _brief(value: Any) -> str:
    text = repr(value) if not isinstance(value, bool) and value is not None else received(value)
    return text if len(text) <= 80 else text[:77] + "..."


def key_at(path: Path, about: Circumstances) -> str:
    for length in range(len(path), 0, -1):
        old = about.old_names.get(path[:length])
        if old is not None:
            return dotted((*old, *path[length:])) + f" (now {dotted(path)})"
    return dotted(path)


def place_at(path: Path, about: Circumstances, *, redacted: bool = False) -> str:
    if about.origins is None:
        return ""
    origin = places.at(about.origins, path)
    if origin.kind != "override":
        return origin.text
    key = key_of(origin.name)
    # An override of a whole section may say a secret beside the value that is wrong.
    elsewhere = about.shape.has_secrets and key.lstrip("+") != dotted(path)
    return f"the override {key}=..." if redacted or elsewhere else origin.text
