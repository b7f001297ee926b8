"""The shape of a model: which keys stand at a path, and which path one of Pydantic's locations means.

A location of Pydantic mixes keys with names of the members of unions. Only the schema tells them apart: `adam` may be the
tag of a union and a key in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pedigree.config.models.readings import MARK

Schema = Any
Path = tuple[Any, ...]

_INNER = ("schema", "lax_schema", "strict_schema", "python_schema", "json_schema")


class Step(NamedTuple):
    """One element of a location: a key of the values, or the name of a member of a union."""

    part: Any
    is_key: bool


class Field(NamedTuple):
    names: tuple[str, ...]  #: its own name, then its aliases
    schema: Schema


class Shape:
    """A view of a core schema; it reads and never changes it."""

    def __init__(self, schema: Schema) -> None:
        self.root = schema
        self._definitions: dict[str, Schema] = {}
        # By the identity of a schema, all of which live as long as the root does.
        self._known_fields: dict[int, list[Field]] = {}
        self._known_children: dict[int, dict[Any, Schema]] = {}
        self._known_opened: dict[int, list[Schema]] = {}
        self._known_secrets: dict[int, bool] = {}
        self._known_bearing: dict[int, tuple[Any, ...]] = {}
        self._define(schema)
        self.has_secrets = self.holds_secret(schema)

    def _define(self, schema: Schema) -> None:
        if schema["type"] == "definitions":
            for one in schema["definitions"]:
                self._definitions[one["ref"]] = one
        if schema.get("ref"):
            self._definitions.setdefault(schema["ref"], schema)
        for part in self._parts(schema):
            self._define(part)

    def steps(self, location: Path) -> list[Step] | None:
        """The location taken apart; None where the schema does not lead there."""
        for steps in self._steps(self.root, location, 0):
            return steps
        return None

    def _steps(self, schema: Schema, location: Path, waits: int) -> Iterator[list[Step]]:
        # `waits` counts what was opened without using up a part of the location: a definition may refer to itself.
        if not location:
            yield []
            return
        if waits > 50:
            return
        first, rest = location[0], location[1:]
        kind = schema["type"]
        if kind in ("union", "tagged-union"):
            for choice in self._choices(schema, first):
                for steps in self._steps(choice, rest, 0):
                    yield [Step(first, False), *steps]
            return
        if kind == "dict" and rest and rest[0] == "[key]":
            yield [Step(first, True)]
            return
        children, opened = self._children(schema, first)
        for child in children:
            for steps in self._steps(child, rest, 0):
                yield [Step(first, True), *steps]
        if self._has_keys(schema) and not children and not rest:
            yield [Step(first, True)]  # an unknown key
        for child in opened:
            yield from self._steps(child, location, waits + 1)

    def at(self, path: Path) -> list[Schema]:
        """Every schema that a value at the path may have to fit: more than one where unions lead there."""
        found = self._opened(self.root)
        for key in path:
            found = self._below(found, key)
        return found

    def fields(self, path: Path) -> dict[str, Field]:
        """The fields of the classes that the mapping at the path may be, by name."""
        return {field.names[0]: field for one in self.at(path) for field in self._fields(one)}

    def holds_secret(self, schema: Schema, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a value of this schema is a secret or has one in it."""
        known = self._known_secrets.get(id(schema))
        if known is not None:
            return known
        if schema.get("metadata", {}).get(MARK):
            found = True
        elif schema["type"] == "definition-ref":
            ref = schema["schema_ref"]
            found = ref not in seen and self.holds_secret(self._definitions[ref], seen | {ref})
        else:
            found = any(self.holds_secret(part, seen) for part in self._parts(schema))
        if found or not seen:  # inside a class that holds itself, a no is not the last word
            self._known_secrets[id(schema)] = found
        return found

    def secret_at(self, path: Path) -> bool:
        """Whether what stands at the path is or may hold a secret; of a path that leads nowhere, of the nearest above."""
        if not self.has_secrets:
            return False
        for length in range(len(path), -1, -1):
            found = self.at(path[:length])
            if found:
                return any(self.holds_secret(one) for one in found)
        return True

    def secrets(self, written: Any) -> tuple[Path, ...]:
        """The paths of the secrets in what an instance is written as."""
        found: list[Path] = []

        def visit(schemas: list[Schema], value: Any, path: Path) -> None:
            schemas = [one for one in schemas if self.holds_secret(one)]
            if not schemas:
                return
            if isinstance(value, str) and any(one.get("metadata", {}).get(MARK) for one in schemas):
                found.append(path)
            elif isinstance(value, dict):
                bearing = [self._bearing(one) for one in schemas]
                keys = (
                    value if None in bearing else {key: None for some in bearing for key in some or () if key in value}
                )
                for key in keys:
                    visit(self._below(schemas, key), value[key], (*path, key))
            elif isinstance(value, list):
                for number, item in enumerate(value):
                    visit(self._below(schemas, number), item, (*path, number))

        visit(self._opened(self.root), written, ())
        return tuple(found)

    def _below(self, schemas: list[Schema], key: Any) -> list[Schema]:
        return [inner for one in schemas for child in self._children(one, key)[0] for inner in self._opened(child)]

    def _bearing(self, schema: Schema) -> tuple[Any, ...] | None:
        """The keys of a class under which secrets are; None for what has no fixed keys."""
        if not self._has_keys(schema):
            return None
        known = self._known_bearing.get(id(schema))
        if known is None:
            known = tuple(field.names[0] for field in self._fields(schema) if self.holds_secret(field.schema))
            self._known_bearing[id(schema)] = known
        return known

    def class_at(self, path: Path) -> str:
        """The name of the class that the mapping at the path becomes."""
        for one in self.at(path):
            name = one.get("model_name") or one.get("dataclass_name") or getattr(one.get("cls"), "__name__", None)
            if name:
                return str(name)
        return dotted(path)

    def takes_reference(self, path: Path) -> bool:
        """Whether a reference to a secret may stand at the path."""
        return any(one.get("metadata", {}).get(MARK) == "reference" for one in self.at(path))

    def _opened(self, schema: Schema, waits: int = 0) -> list[Schema]:
        """The schema, without what only wraps it; each member of a union."""
        known = self._known_opened.get(id(schema))
        if known is None:
            known = self._unwrapped(schema, waits)
            if not waits:
                self._known_opened[id(schema)] = known
        return known

    def _unwrapped(self, schema: Schema, waits: int) -> list[Schema]:
        if waits > 50:
            return []
        kind = schema["type"]
        if schema.get("metadata", {}).get(MARK):
            return [schema]
        if kind == "definition-ref":
            return self._opened(self._definitions[schema["schema_ref"]], waits + 1)
        if kind in ("union", "tagged-union"):
            return [inner for choice in self._choices(schema) for inner in self._opened(choice, waits + 1)]
        if kind == "chain":
            return self._opened(schema["steps"][-1], waits + 1)
        inner = [schema[name] for name in _INNER if isinstance(schema.get(name), dict)]
        if not inner or kind == "typed-dict":
            return [schema]
        return [one for part in inner for one in self._opened(part, waits + 1)]

    def _children(self, schema: Schema, key: Any) -> tuple[list[Schema], list[Schema]]:
        """What stands under the key, and what to open first to find the key there."""
        kind = schema["type"]
        if kind == "definition-ref":
            return [], [self._definitions[schema["schema_ref"]]]
        if kind in ("union", "tagged-union"):
            return [], self._choices(schema)
        if kind == "chain":
            return [], list(schema["steps"])
        if kind in ("model-fields", "typed-dict", "dataclass-args"):
            children = self._known_children.get(id(schema))
            if children is None:
                children = {name: field.schema for field in self._fields(schema) for name in field.names}
                self._known_children[id(schema)] = children
            return ([children[key]] if key in children else []), []
        if kind == "dict":
            return [schema["values_schema"]] if "values_schema" in schema else [], []
        items = schema.get("items_schema")
        if items is not None:
            if isinstance(items, dict):
                return ([items] if isinstance(key, int) else []), []
            if not isinstance(key, int) or not items:
                return [], []
            variadic = schema.get("variadic_item_index")
            return [items[key if key < len(items) else variadic if variadic is not None else -1]], []
        return [], [schema[name] for name in _INNER if isinstance(schema.get(name), dict)]

    def _choices(self, schema: Schema, label: Any = None) -> list[Schema]:
        choices = schema["choices"]
        if isinstance(choices, dict):
            if label is not None and label in choices:
                choices = {label: choices[label]}
            return [choice for choice in choices.values() if isinstance(choice, dict)]
        return [choice[0] if isinstance(choice, tuple) else choice for choice in choices]

    def _parts(self, schema: Schema) -> list[Schema]:
        if schema["type"] in ("union", "tagged-union"):
            return self._choices(schema)
        parts = [field.schema for field in self._fields(schema)]
        for name in (*_INNER, "values_schema", "keys_schema", "extras_schema"):
            part = schema.get(name)
            if isinstance(part, dict) and "type" in part:
                parts.append(part)
        items = schema.get("items_schema")
        parts += items if isinstance(items, list) else [items] if isinstance(items, dict) else []
        for name in ("steps", "definitions"):
            parts += schema.get(name, [])
        return parts

    def _fields(self, schema: Schema) -> list[Field]:
        known = self._known_fields.get(id(schema))
        if known is None:
            known = self._known_fields[id(schema)] = _fields(schema)
        return known

    @staticmethod
    def _has_keys(schema: Schema) -> bool:
        return schema["type"] in ("model-fields", "typed-dict", "dataclass-args")


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def default_of(field: Field) -> tuple[bool, Any]:
    """Whether the field has a default that can be told without an instance, and the default."""
    schema = field.schema
    while schema["type"] not in ("default", "model", "dataclass") and isinstance(schema.get("schema"), dict):
        schema = schema["schema"]
    return ("default" in schema and schema["type"] == "default"), schema.get("default")


def _fields(schema: Schema) -> list[Field]:
    fields = schema.get("fields")
    kind = schema["type"]
    if not fields or kind not in ("model-fields", "typed-dict", "dataclass-args", "named-tuple"):
        return []
    pairs = fields.items() if isinstance(fields, Mapping) else [(field["name"], field) for field in fields]
    return [Field((name, *_aliases(field)), field["schema"]) for name, field in pairs]


def _aliases(field: Schema) -> tuple[str, ...]:
    alias = field.get("validation_alias")
    if isinstance(alias, str):
        return (alias,)
    if isinstance(alias, list):  # AliasChoices is a list of paths; only those of one key are keys
        return tuple(
            one[0] if isinstance(one, list) else one for one in alias if not isinstance(one, list) or len(one) == 1
        )
    return ()
