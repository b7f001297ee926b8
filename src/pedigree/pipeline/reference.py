"""The reference page of the spec, docs/reference/spec.md, written from the schema. A test compares the two.

`python -m pedigree.pipeline.reference > docs/reference/spec.md` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from pedigree.pipeline.schema import Model, PipelineSpec
from pedigree.pipeline.spelling import parts

_HEAD = """# Pipeline spec

<!-- Written by `python -m pedigree.pipeline.reference` from pipeline/schema.py; a test compares the two. -->

A spec file is YAML or JSON: one document, several, or a list. A template ends in `.jsonnet` and takes
`--arg NAME=VALUE`. Every field may be written in snake_case or camelCase. Durations are Go's (`90s`,
`1h30m`), sizes are Kubernetes' (`512Mi` = 512 x 2^20 bytes, `2G` = 2 x 10^9 bytes). Plain words stay text
unless they are a number, `true`, `false` or `null`: `no` and `2024-01-01` are text.

A field that is not listed here is an error that names the nearest one. The column *default* says what holds
when the field is not written, the column *here* what one machine does with it.
"""


def page() -> str:
    """The whole page."""
    sections = [_HEAD]
    for title, model in _models():
        lines = [f"## {title}", ""]
        if model.__doc__ and model.__doc__ != Model.__doc__:
            lines += [cleandoc(model.__doc__), ""]
        lines += ["| field | type | meaning | default | here |", "|---|---|---|---|---|"]
        lines += [_row(name, info) for name, info in model.model_fields.items()]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def _models() -> Iterator[tuple[str, type[Model]]]:
    """Every model once, under the first dotted name that leads to it, outer before inner."""
    waiting: list[tuple[str, type[Model]]] = [("", PipelineSpec)]
    seen: set[type[Model]] = {PipelineSpec}
    while waiting:
        path, model = waiting.pop(0)
        yield (f"`{path}`" if path else "Top level"), model
        for name, info in model.model_fields.items():
            inner, items = parts(info.annotation)
            listed = isinstance(items, type) and issubclass(items, Model)
            found = inner or (items if listed else None)
            if found is not None and found not in seen:
                seen.add(found)
                place = f"{path}.{name}" if path else name
                waiting.append((place + ("[]" if inner is None else ""), found))


def _row(name: str, info: Any) -> str:
    extra = info.json_schema_extra
    spelling = ", ".join(f"`{item}`" for item in [name, *extra["aliases"]])
    cells = [spelling, _type(info.annotation), info.description, _default(info), extra["local"]]
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _default(info: Any) -> str:
    if info.default is PydanticUndefined:
        return "required"
    if info.default in (None, "", [], {}) or isinstance(info.default, Model):
        return ""
    return f"`{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


_TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def _type(kind: Any) -> str:
    import types

    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(item) for item in get_args(kind) if item is not type(None))
    if origin is Annotated:
        return _type(get_args(kind)[0])
    if origin is Literal:
        return " or ".join(f"`{item}`" for item in get_args(kind))
    if origin is list:
        return f"list of {_type(get_args(kind)[0])}"
    if origin is dict:
        return "mapping of text to text"
    if isinstance(kind, type) and issubclass(kind, Model):
        return "mapping"
    return _TYPES[kind]


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
