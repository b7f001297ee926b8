"""The JSON Schema of a model as pydantic writes it: what templates' schemas are made from."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from pedigree.config.versions import family_of
from pedigree.errors import InvalidInput

Schema: TypeAlias = dict[str, Any]


#: Marks, until `generated` is done, what other versions of its family a model has.
_OTHERS = "pedigree_versions"
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
        return _marked(made, schema["cls"])

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _marked(super().dataclass_schema(schema), schema["cls"])

    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:  # noqa: ARG002  (pydantic names them)
        return {}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Nothing: a default that JSON cannot spell is left out of what the editor shows, and no more."""

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> JsonSchemaValue:
        """pydantic reads "3 days, 04:05" and seconds as well as ISO 8601."""
        return {"type": ["string", "number"]} if not schema.get("strict") else super().timedelta_schema(schema)


def _marked(made: JsonSchemaValue, model: Any) -> JsonSchemaValue:
    """With the older versions of the newest one: files written for them are migrated."""
    family = family_of(model)
    if family is None or family.models[family.newest] is not model or len(family.models) == 1:
        return made
    return {**made, _OTHERS: [family.models[number] for number in sorted(family.models, reverse=True)[1:]]}


def generated(model: Any) -> Schema:
    """The schema of a Config, any pydantic model, or a dataclass, with its parts under `$defs`.

    Where a model is the newest version of a family, the older ones may stand in its place. Raises InvalidInput for
    what is no such thing.
    """
    made = _plain(model)
    definitions: Schema = made.setdefault("$defs", {})
    pending: list[Any] = [made]
    while pending:
        one = pending.pop()
        if not isinstance(one, dict):
            pending += one if isinstance(one, list) else ()
            continue
        others = one.pop(_OTHERS, ())
        if others:
            names = [_taken(other, definitions, pending) for other in others]
            newest = {name: item for name, item in one.items() if name != "$defs"}
            for name in newest:
                del one[name]
            one["anyOf"] = [newest, *({"$ref": f"#/$defs/{name}"} for name in names)]
        pending += one.values()
    return made


def _taken(model: Any, definitions: Schema, pending: list[Any]) -> str:
    """The name of another model's schema among the definitions, where it is put with its own parts."""
    name = f"{model.__module__}.{model.__qualname__}".replace("<locals>.", "")
    if name not in definitions:
        made = _plain(model)
        parts = made.pop("$defs", {})
        for part, schema in {**parts, "": made}.items():
            key = f"{name}.{part}" if part else name
            definitions[key] = _prefixed(schema, name)
            pending.append(definitions[key])
    return name


def _prefixed(schema: Any, prefix: str) -> Any:
    if isinstance(schema, dict):
        return {
            key: item.replace("#/$defs/", f"#/$defs/{prefix}.")
            if key == "$ref" and isinstance(item, str)
            else _prefixed(item, prefix)
            for key, item in schema.items()
        }
    return [_prefixed(item, prefix) for item in schema] if isinstance(schema, list) else schema


def _plain(model: Any) -> Schema:
    try:
        found: Schema = TypeAdapter(model).json_schema(schema_generator=_Generator)
    except PydanticUserError as error:
        raise InvalidInput(
            f"{getattr(model, '__name__', model)!s} has no JSON Schema: {error.message.partition('. ')[0]}.",
            remedy="Give a pydantic model or a dataclass whose annotations all can be imported.",
        ) from error
    return found
