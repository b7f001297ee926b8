"""Near-strictness: the rules by which a value of a file fits a type, worked into the schema that Pydantic compiles.

Pydantic's lax rules read `true` as 1, `"5"` as 5 and 3.0 as 3; its strict ones refuse a text for a Path. Here a scalar
fits only its own type (a whole number also fits a float), and what YAML has no spelling for (Path, datetime, Enum, URL,
tuple, set) is read from text or from a list. The compiled validator stays in Rust: only types that are rare
in configurations get a Python function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic_core import core_schema

from pedigree.config.models import readings

Schema = Any  #: a core schema, or a part of one

_SCALARS = frozenset({"int", "float", "bool", "str"})
_READ: dict[str, Callable[[Any], Any]] = {
    "complex": readings.no_boolean,
    "date": readings.dated,
    "datetime": readings.dated,
    "time": readings.clock,
    "timedelta": readings.duration,
}
_OURS = frozenset(
    {
        *_READ.values(),
        readings.exact_member,
        readings.exact_fields,
        readings.restored,
        readings.number_of_text,
        readings.unmasked,
    }
)
_SINGLE = (
    "schema",
    "items_schema",
    "keys_schema",
    "values_schema",
    "extras_schema",
    "lax_schema",
    "strict_schema",
    "json_schema",
    "python_schema",
    "arguments_schema",
)
_MANY = ("steps", "items_schema", "definitions")
_CLASSES = frozenset({"model", "dataclass", "typed-dict"})


def near_strict(schema: Schema, resolve: Callable[[Schema], Schema] | None = None) -> Schema:
    """The schema with these rules in it; the same object where they are in it already. What was given is unchanged.

    A field or a class that says `strict` itself keeps its word, and a class that says `extra` keeps that; any other
    class refuses unknown keys. `resolve` gives what a reference stands for while Pydantic still holds the definitions.
    """
    if resolve is None:
        definitions = {one["ref"]: one for one in schema.get("definitions", ()) if "ref" in one}

        def resolve(reference: Schema) -> Schema:
            return definitions.get(reference["schema_ref"], reference)

    return _Rules(resolve).on(schema, own=False)


class _Rules:
    """`own` says that the class around says `strict` itself, so that its scalars are left."""

    def __init__(self, resolve: Callable[[Schema], Schema]) -> None:
        self.resolve = resolve

    def on(self, schema: Schema, own: bool) -> Schema:
        if _function(schema) in _OURS:
            return self._again(schema, own)
        kind = schema["type"]
        if kind in _CLASSES:
            own = "strict" in _configuration(schema["cls"])
            schema = _closed(schema)
        if kind in _SCALARS:
            return schema if own or "strict" in schema else {**schema, "strict": True}
        if kind in _READ and "strict" not in schema and not own:
            return core_schema.no_info_before_validator_function(_READ[kind], schema)
        exact = None if own else self.exact(schema)
        if exact is not None:
            return _guarded(schema, exact)
        if kind in ("lax-or-strict", "json-or-python") and _is_secret_of_pydantic(schema):
            guarded = core_schema.no_info_before_validator_function(readings.unmasked, schema)
            return {**guarded, "metadata": {readings.MARK: "value"}}
        if kind == "any":
            return core_schema.no_info_after_validator_function(readings.restored, schema)
        changed = self.parts(schema, own)
        if kind == "dict" and "keys_schema" in changed:
            return _replaced(changed, "keys_schema", self.key(changed["keys_schema"]))
        if kind in ("set", "frozenset") and "serialization" not in changed:
            order = core_schema.wrap_serializer_function_ser_schema(readings.in_order, when_used="json")
            return {**changed, "serialization": order}
        if kind in ("model-fields", "typed-dict", "dataclass-args") and not own:
            return self.exact_fields(changed)
        if kind == "union" and _holds(changed, "float") and _holds(changed, "str"):
            return core_schema.no_info_before_validator_function(readings.number_of_text, changed)
        return changed

    def _again(self, schema: Schema, own: bool) -> Schema:
        """What is ours already, looked into: a reference in it may have been resolved since."""
        after = self.on(schema["schema"], own)
        same = after.get("function") == schema["function"] and after["schema"] is schema["schema"]
        return schema if same else after

    def parts(self, schema: Schema, own: bool) -> Schema:
        def on(part: Schema) -> Schema:
            return self.on(part, own)

        kind = schema["type"]
        for name in _SINGLE:
            part = schema.get(name)
            if isinstance(part, dict) and "type" in part:
                schema = _replaced(schema, name, on(part))
        for name in _MANY:
            parts = schema.get(name)
            if isinstance(parts, list):
                schema = _replaced(schema, name, _each(parts, on))
        if kind in ("union", "tagged-union"):
            schema = _replaced(schema, "choices", _each_choice(schema["choices"], on))
        fields = schema.get("fields")
        if isinstance(fields, dict):
            new = {name: self.field(field, own) for name, field in fields.items()}
            if any(new[name] is not field for name, field in fields.items()):
                schema = {**schema, "fields": new}
        elif isinstance(fields, list) and kind != "dataclass":  # of a dataclass that is a list of names
            schema = _replaced(schema, "fields", _each(fields, lambda field: self.field(field, own)))
        return schema

    def field(self, field: Schema, own: bool) -> Schema:
        """A field whose type is Literal or Enum is left: it may tell the members of a union apart, and Pydantic cannot
        see through a function there. `exact_fields` guards it from above."""
        inner = _bare(field["schema"])
        if self.exact(inner) is not None:
            return field
        return _replaced(field, "schema", self.on(field["schema"], own))

    def exact(self, schema: Schema) -> frozenset[tuple[type, Any]] | None:
        """The numbers and truth values of a Literal or an Enum, each with its type; None where it has none.

        To Python 1, 1.0 and True are one key of a dict, and so they are to Pydantic.
        """
        if schema["type"] == "definition-ref":
            schema = self.resolve(schema)
        if schema["type"] not in ("literal", "enum"):
            return None
        members = schema["expected"] if schema["type"] == "literal" else [one.value for one in schema["members"]]
        exact = frozenset((type(member), member) for member in members if isinstance(member, (bool, int, float)))
        return exact or None

    def exact_fields(self, schema: Schema) -> Schema:
        fields = schema["fields"]
        pairs = fields.items() if isinstance(fields, dict) else [(field["name"], field) for field in fields]
        exact: dict[str, readings.Exact] = {}
        for name, field in pairs:
            found = self.exact(_bare(field["schema"]))
            if found is not None:
                alias = field.get("validation_alias")
                for key in {name, alias} if isinstance(alias, str) else {name}:
                    exact[key] = readings.Exact(found)
        if not exact:
            return schema
        made: Schema = core_schema.no_info_before_validator_function(readings.exact_fields, schema)
        made["function"]["function"] = readings.ExactFields(exact)
        return made

    def key(self, schema: Schema) -> Schema:
        """Keys of a JSON object are text, so a number, a truth value or a member with such a value may be spelt as
        one."""
        inner = schema
        while inner["type"].startswith("function-") and "schema" in inner:
            inner = inner["schema"]
        read = readings.KEYS.get(inner["type"])
        if read is None and self.exact(inner) is not None:
            read = readings.number_key
        if read is None or _function(schema) in readings.KEY_READERS:
            return schema
        return core_schema.no_info_before_validator_function(read, schema)


def _bare(schema: Schema) -> Schema:
    while schema["type"] in ("default", "nullable"):
        schema = schema["schema"]
    return schema


def _each_choice(choices: Any, on: Callable[[Schema], Schema]) -> Any:
    if isinstance(choices, dict):
        new = {tag: on(choice) if isinstance(choice, dict) else choice for tag, choice in choices.items()}
        return choices if all(new[tag] is choice for tag, choice in choices.items()) else new

    def one(choice: Any) -> Any:
        if not isinstance(choice, tuple):
            return on(choice)
        after = on(choice[0])
        return choice if after is choice[0] else (after, *choice[1:])

    return _each(choices, one)


def _guarded(schema: Schema, exact: frozenset[tuple[type, Any]]) -> Schema:
    made: Schema = core_schema.no_info_before_validator_function(readings.exact_member, schema)
    # Pydantic's functions take no arguments of ours; one object carries them, and tells that the node is ours.
    made["function"]["function"] = readings.Exact(exact)
    return made


def _is_secret_of_pydantic(schema: Schema) -> bool:
    """SecretStr, SecretBytes and Pydantic's own Secret are written as a mask, and read that back as if it were one.

    Nothing but the function that writes them tells all three.
    """
    written = schema.get("lax_schema", schema).get("serialization", {}).get("function")
    name = getattr(written, "__name__", "")
    return getattr(written, "__module__", "") == "pydantic.types" and name.startswith("_serialize_secret")


def _closed(schema: Schema) -> Schema:
    said = _configuration(schema["cls"])
    new = dict(schema.get("config") or {})
    if "ser_json_inf_nan" not in said:
        new["ser_json_inf_nan"] = "strings"
    if "extra" not in said:
        new["extra_fields_behavior"] = "forbid"
        if schema["type"] == "typed-dict" and schema.get("extra_behavior") != "forbid":
            schema = {**schema, "extra_behavior": "forbid"}
    return schema if new == schema.get("config") else {**schema, "config": new}


def _configuration(cls: type) -> Any:
    for name in ("model_config", "__pydantic_config__"):
        found = getattr(cls, name, None)
        if isinstance(found, dict):
            return found
    return {}


def _holds(union: Schema, kind: str) -> bool:
    for choice in union["choices"]:
        inner = choice[0] if isinstance(choice, tuple) else choice
        while "schema" in inner and inner["type"] not in _CLASSES:
            inner = inner["schema"]
        if inner["type"] == kind:
            return True
    return False


def _function(schema: Schema) -> Any:
    found = schema.get("function")
    function = found.get("function") if isinstance(found, dict) else None
    return function.read if isinstance(function, (readings.Exact, readings.ExactFields)) else function


def _replaced(schema: Schema, name: str, new: Any) -> Schema:
    return schema if schema[name] is new else {**schema, name: new}


def _each(parts: Iterable[Any], change: Callable[[Any], Any]) -> Any:
    before = list(parts)
    after = [change(part) for part in before]
    return parts if all(new is old for new, old in zip(after, before, strict=True)) else after
