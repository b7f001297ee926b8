"""Schemas: one JSON Schema for files of every version, told apart by their version."""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter

from pedigree.config.versions.families import Family
from pedigree.config.versions.numbering import KEY


def schema_of_all_versions(family: Family) -> dict[str, Any]:
    """JSON Schema 2020-12 that accepts what one of the family's models accepts, by its `version`.

    `version` is required in each, also where the model has a default for it: a file without one would be valid under several.
    Only the version that the family takes unversioned files for leaves it optional. Raises InvalidConfig for a family
    without models.
    """
    assert family.newest is not None
    models = [family.models[number] for number in sorted(family.models)]
    union: Any = models[0]
    if len(models) > 1:
        union = Annotated[Union[tuple(models)], Field(discriminator=KEY)]  # noqa: UP007  (of a list made at run time)
    schema = TypeAdapter(union).json_schema(ref_template="#/$defs/{model}")
    parts = schema.get("$defs", {})
    for number, model in family.models.items():
        part = parts.get(model.__name__, schema if len(models) == 1 else None)
        if part is not None and number != family.unversioned:
            required = part.setdefault("required", [])
            if KEY not in required:
                required.insert(0, KEY)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": family.name,
        "description": f"Versions {', '.join(map(str, sorted(family.models)))} of {family.name}.",
        **schema,
    }
