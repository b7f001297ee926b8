"""The JSON Schema of a model as pydantic writes it: what templates' schemas are made from."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pedigree.errors import InvalidInput

Schema: TypeAlias = dict[str, Any]


#: What `models.Secret` leaves in the metadata of its schema.
_MARK = "pedigree_secret"


class _Generator(GenerateJsonSchema):
    """As pydantic's, but for types that JSON does not know, which may be anything, titles, which repeat names, and
    fields with aliases, which may have their own names too where the model says so. Secrets are `writeOnly`."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        made = super().generate_inner(schema)
        if isinstance(schema, dict) and (schema.get("metadata") or {}).get(_MARK):
            return {**made, "writeOnly": True}
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        config = schema.get("config", {})
        by_name = config.get("validate_by_name") or config.get("populate_by_name")
        fields: Any = schema["schema"]
        while fields["type"] != "model-fields" and "schema" in fields:
            fields = fields["schema"]
        for name, one in fields.get("fields", {}).items():
            alias = one.get("validation_alias")
            spellings = [alias] if isinstance(alias, str) else [part[0] for part in alias or () if len(part) == 1]
            shown = next((spelling for spelling in spellings if spelling in made.get("properties", ())), None)
            if shown is None:
                continue
            for spelling in [*spellings, *([name] if by_name else [])]:
                if spelling != shown:
                    made["properties"].setdefault(spelling, made["properties"][shown])
                    made["required"] = [needed for needed in made.get("required", ()) if needed != shown]
        return made

    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:  # noqa: ARG002  (pydantic names them)
        return {}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Nothing: a default that JSON cannot spell is left out of what the editor shows, and no more."""

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """pydantic reads "3 days, 04:05" and seconds as well as ISO 8601."""
        return {"type": ["string", "number"]} if not schema.get("strict") else super().timedelta_schema(schema)


def generated(model: Any) -> Schema:
    """The schema of a Config, any pydantic model, or a dataclass, with its parts under `$defs`.

    Raises InvalidInput for what is no such thing.
    """
    try:
        found: Schema = TypeAdapter(model).json_schema(schema_generator=_Generator)
    except PydanticUserError as error:
        raise InvalidInput(
            f"{getattr(model, '__name__', model)!s} has no JSON Schema: {error.message.partition('. ')[0]}.",
            remedy="Give a pydantic model or a dataclass whose annotations all can be imported.",
        ) from error
    return found
