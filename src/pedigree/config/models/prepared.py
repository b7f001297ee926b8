"""What a model needs to validate and to write, compiled once for each."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaSerializer, SchemaValidator

from pedigree.config.models.base import Config
from pedigree.config.models.shapes import Schema, Shape
from pedigree.config.models.strictness import near_strict


class Prepared:
    """`validator` is a SchemaValidator, or a plugin's that stands for one."""

    def __init__(self, name: str, schema: Schema, validator: Any, serializer: SchemaSerializer) -> None:
        self.name = name
        self.schema = schema
        self.validator = validator
        self.serializer = serializer

    @cached_property
    def shape(self) -> Shape:
        return Shape(self.schema)


def prepare(model: Any) -> Prepared:
    """`model` is a class or any other type that Pydantic takes: `list[Layer]`, a discriminated union, a TypedDict."""
    try:
        return _remembered(model)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return _prepared(model)


def _prepared(model: Any) -> Prepared:
    name = getattr(model, "__name__", None) or str(model)
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        from pydantic import TypeAdapter

        schema: Schema = TypeAdapter(model).core_schema
    else:
        if not model.__pydantic_complete__:
            model.model_rebuild()
        schema = model.__pydantic_core_schema__
    strict = near_strict(schema)
    if strict is schema and isinstance(model, type) and issubclass(model, Config):
        return Prepared(name, schema, model.__pydantic_validator__, model.__pydantic_serializer__)
    # Without its own validator of a class inside, which Pydantic would take in place of the schema that stands here.
    validator = SchemaValidator(strict, None, _use_prebuilt=False)
    serializer = SchemaSerializer(strict, {"ser_json_inf_nan": "strings"}, _use_prebuilt=False)
    return Prepared(name, strict, validator, serializer)


#: Holds on to as many models; those of a program are few, and live as long as it does.
_remembered = lru_cache(maxsize=256)(_prepared)
