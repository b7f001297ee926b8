"""The spellings of spec fields: camelCase, snake_case and those of Pachyderm 1.x, brought to schema.py's.

The walk follows the schema, so keys of free mappings (`env`, `labels`, `config`) stay as they were typed. It
remembers where each field was written, and collects what cannot be understood instead of stopping at the
first.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Union, get_args, get_origin

from pedigree.pipeline.documents import Node
from pedigree.pipeline.schema import Model

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """One thing that is wrong with a document. `field` is dotted and in the schema's spelling."""

    line: int
    field: str
    what: str
    remedy: str


@dataclass
class Spelled:
    """A document under the schema's names; `lines` maps each path in it to the line where it stands."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the value at the path, or of the nearest container around it that was written."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def spell(node: Node, kind: type[Model]) -> Spelled:
    """The document under the schema's names. Fields that are null count as not written."""
    result = Spelled()
    result.value = _walk(node, kind, (), result)
    return result


def dotted(path: Path) -> str:
    """`("input", "join", 1, "pfs")` as `input.join[1].pfs`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


@cache
def names(kind: type[Model]) -> dict[str, str]:
    """Every accepted spelling of the fields of a model, and the field that it means."""
    found = {}
    for name, info in kind.model_fields.items():
        extra = info.json_schema_extra
        aliases = extra.get("aliases") if isinstance(extra, dict) else None
        for spelling in (name, *(aliases if isinstance(aliases, list) else ())):
            spelling = str(spelling)
            found[spelling] = name
            found[camel(spelling)] = name
    return found


def camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def _walk(node: Node, kind: Any, path: Path, result: Spelled) -> Any:
    result.lines[path] = node.line
    model, item = parts(kind)
    if isinstance(node.value, dict) and model is not None:
        return _mapping(node, node.value, model, path, result)
    if isinstance(node.value, list) and item is not None:
        return [_walk(child, item, (*path, place), result) for place, child in enumerate(node.value)]
    if isinstance(node.value, dict):
        return {key: _walk(child, Any, (*path, key), result) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_walk(child, Any, (*path, place), result) for place, child in enumerate(node.value)]
    return node.value


def _mapping(node: Node, fields: dict[str, Node], model: type[Model], path: Path, result: Spelled) -> Any:
    known = names(model)
    value: dict[str, Any] = {}
    written: dict[str, str] = {}
    for key, child in fields.items():
        line = node.keys[key].line
        name = known.get(key)
        if name is None:
            result.problems.append(_unknown(key, line, path, model))
            continue
        if child.value is None:
            continue
        if name in written:
            what = f"the field is written twice, as {written[name]} and as {key}"
            result.problems.append(Problem(line, dotted((*path, name)), what, "Keep one of them."))
            continue
        written[name] = key
        value[name] = _walk(child, model.model_fields[name].annotation, (*path, name), result)
        # An error about a field points at its key, not at the first line of its value.
        result.lines[(*path, name)] = line
    return value


def _unknown(key: str, line: int, path: Path, model: type[Model]) -> Problem:
    known = names(model)
    place = f" in {dotted(path)}" if path else ""
    folded = {spelling.lower().replace("_", ""): name for spelling, name in known.items()}
    near = difflib.get_close_matches(key.lower().replace("_", "").replace("-", ""), folded, n=1, cutoff=0.7)
    if not path and key == "name":
        remedy = "Write pipeline: {name: ...}."
    elif near:
        remedy = f"Did you mean {folded[near[0]]}?"
    else:
        fields = sorted(set(known.values()))
        # The top level has 45 fields; a list of them would bury the message.
        remedy = f"Known here: {', '.join(fields)}." if len(fields) < 20 else "docs/reference/spec.md lists the fields."
    return Problem(line, dotted((*path, key)), f"there is no field {key!r}{place}", remedy)


def parts(kind: Any) -> tuple[type[Model] | None, Any]:
    """The model that a mapping of this type is, and the type of the items that a list of it has."""
    import types

    if get_origin(kind) in (Union, types.UnionType):
        found = [parts(option) for option in get_args(kind)]
        model = next((model for model, _ in found if model is not None), None)
        return model, next((item for _, item in found if item is not None), None)
    if get_origin(kind) is list:
        return None, get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Model):
        return kind, None
    return None, None
