"""The part of a model that is at a package: what the values of a group's files are checked against."""

from __future__ import annotations

from collections.abc import Iterable

from pedigree.config.schemas.generation import Schema


class Places:
    """Looks into the schema that pydantic made of a model."""

    def __init__(self, generated: Schema) -> None:
        self.generated = generated
        self.definitions: Schema = generated.get("$defs", {})

    def at(self, package: str) -> list[Schema]:
        """Each mapping that the model allows at a dotted package, "" being the whole; none where it has no such place.

        Several where a union stands on the way; `{}` where anything goes.
        """
        found = list(self._mappings([self.generated]))
        for key in package.split(".") if package else ():
            found = list(self._mappings(one for mapping in found for one in self._under(mapping, key)))
        return found

    def names(self, package: str = "") -> list[str]:
        """The fields at a package."""
        return sorted({name for mapping in self.at(package) for name in mapping.get("properties", ())})

    def _under(self, mapping: Schema, key: str) -> Iterable[Schema]:
        properties = mapping.get("properties", {})
        if key in properties:
            yield properties[key]
        elif mapping == {}:
            yield {}
        else:
            rest = mapping.get("additionalProperties")
            if isinstance(rest, dict):
                yield rest
            elif rest is True:
                yield {}

    def _mappings(self, schemas: Iterable[Schema]) -> Iterable[Schema]:
        pending = list(schemas)
        seen: list[Schema] = []
        while pending:
            one = pending.pop(0)
            if any(one is other for other in seen):
                continue
            seen.append(one)
            if "$ref" in one:
                pending.insert(0, self.definitions.get(one["$ref"].removeprefix("#/$defs/"), {}))
            elif "anyOf" in one or "oneOf" in one:
                pending[:0] = one.get("anyOf") or one.get("oneOf") or []
            elif one.get("type") == "object" or "properties" in one:
                yield one
            elif not set(one) - {"title", "description", "default", "examples"}:
                yield {}
