"""`Config`, the base of a project's own configuration classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from pedigree.config.models.strictness import near_strict


class Config(BaseModel):
    """Refuses unknown keys, never changes, and reads no value as another type (`strictness` says what fits what).

    A field cannot be set again, and neither can a field of a Config inside. What a list or a dict holds can still be
    changed in place: write `tuple[X, ...]` and `frozenset[X]` where nobody may. Values, origins and digests are taken
    when the configuration is validated, and do not see such a change. Defaults are checked as if they were given.
    Keys may be the names of the fields or their aliases; they are written with the names. NaN and infinities are written
    as the texts "NaN", "Infinity" and "-Infinity". A text below a field describes it in the JSON Schema.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,  # `rate: float = 1` is 1.0, as the file that says `rate: 1` gives
        hide_input_in_errors=True,  # Pydantic prints the whole mapping, secrets and all, when a key of it is missing
        ser_json_inf_nan="strings",
        validate_by_name=True,
        validate_by_alias=True,
        polymorphic_serialization=True,  # a default of a subclass is written whole, not cut down to its field's class
        protected_namespaces=(),  # `model_...` is what half of the fields here are called
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        strict: CoreSchema = near_strict(handler(source), handler.resolve_ref_schema)
        return strict

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # Not `use_attribute_docstrings`, which looks for the source of every class as it is made: 10 ms for the first.
        from pedigree.config.models.descriptions import describe

        made = handler(schema)
        describe(cls, handler.resolve_ref_schema(made).get("properties", {}))
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with `update`, one that is validated anew. Pydantic's own takes any value under any key."""
        if update is None:
            return super().model_copy(deep=deep)
        copied = super().model_copy(deep=True) if deep else self
        given = {name: value for name, value in copied.__dict__.items() if name in self.model_fields_set}
        return self.model_validate({**given, **update})
