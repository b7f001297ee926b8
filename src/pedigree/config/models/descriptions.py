"""Descriptions of fields: the texts that stand below them in the source of their class."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any


def describe(model: type[Any], properties: dict[str, dict[str, Any]]) -> None:
    """Gives each property of a JSON Schema that has no description the text below its field, where there is one.

    A field that a class takes over keeps the text of the class that has it. Changes nothing where the source is not to
    be had, as of a class that was typed at a prompt.
    """
    texts: dict[str, str] = {}
    for one in reversed(model.__mro__):
        texts.update(_texts(one))
    fields = model.model_fields
    for name, text in texts.items():
        if name not in fields:
            continue
        for key in {name, fields[name].alias, fields[name].validation_alias}:
            if isinstance(key, str) and key in properties:
                properties[key].setdefault("description", text)


def _texts(one: type[Any]) -> dict[str, str]:
    if one.__module__.startswith("pydantic."):
        return {}
    try:
        body = _body(textwrap.dedent(inspect.getsource(one)))
    except (OSError, TypeError, SyntaxError):
        return {}
    return {
        before.target.id: inspect.cleandoc(after.value.value)
        for before, after in pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _body(source: str) -> list[ast.stmt]:
    found = ast.parse(source).body[0]
    return found.body if isinstance(found, ast.ClassDef) else []
