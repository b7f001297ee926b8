"""The schema of a `defaults:` list: the groups and options that are there, to be completed and checked while typing."""

from __future__ import annotations

import re

from pedigree.config.scalars import Scalar, plain
from pedigree.config.schemas.generation import Schema
from pedigree.config.schemas.layout import Layout

#: What this schema does not look into: an interpolation, `???`, a suffix, a way up, and Hydra's own groups.
_OPEN = r"\$\{|^\?\?\?$|\.ya?ml$|\.\.|^/?hydra/"


def defaults_list(layout: Layout, group: str) -> tuple[Schema, Schema]:
    """The schema of the list in the files of a group, and the definitions that it refers to.

    Groups are named as they are from there: relative to the folder of the file, or from the top with a slash. With
    `optional` before it a group need not be there. Packages, `group@place`, are taken as they come.
    """
    properties: Schema = {}
    patterns: Schema = {}
    definitions: Schema = {}
    for name in layout.groups:
        options = layout.beneath(name)
        if not name or not options or _hydras(name):
            continue
        reference = f"option.{name.replace('/', '.')}"
        relative = name if not group else name[len(group) + 1 :] if name.startswith(f"{group}/") else ""
        spellings = [*([relative] if relative else []), f"/{name}"]
        definitions[reference] = _option(name, options)
        for spelling in spellings:
            properties[spelling] = {"$ref": f"#/definitions/{reference}"}
        either = "|".join(map(re.escape, spellings)).replace("/", "\\/")
        patterns[f"^(?:(?:optional|override) +)*(?:{either})(?:@.*)?$"] = {"$ref": f"#/definitions/{reference}"}
    patterns[r"^optional +"] = {}
    patterns[r"^(?:(?:optional|override) +)*\/?hydra(?:\/|@|$)"] = {}
    whole = [name for name in layout.beneath("") if not _hydras(name)]
    names = ["_self_", *layout.beneath(group), *(f"/{name}" for name in whole)] if group else ["_self_", *whole]
    listed: Schema = {
        "type": "array",
        "description": "What this file is composed with, in order; `_self_` is its own values.",
        # Not anyOf: editors then tell apart what is wrong with a mapping and with a name.
        "items": {
            "if": {"type": "object"},
            "then": {
                "description": "`group: option`, with `optional` or `override` before the group.",
                "minProperties": 1,
                "maxProperties": 1,
                "properties": properties,
                "patternProperties": patterns,
                "additionalProperties": False,
            },
            "else": {
                "anyOf": [{"enum": names}, {"type": "string", "pattern": f"{_OPEN}|^[^@]+@" + ("" if group else "|^/")}]
            },
        },
    }
    return listed, definitions


def _hydras(name: str) -> bool:
    return name.partition("/")[0] == "hydra"


def _option(group: str, options: list[str]) -> Schema:
    # A file 1.yaml is named 1 as well as '1', as YAML reads it.
    values: list[Scalar] = list(options)
    values += [value for value in map(plain, options) if not isinstance(value, str) and value is not None]
    one: Schema = {"anyOf": [{"enum": values}, {"type": "string", "pattern": _OPEN}]}
    return {
        "description": f"An option of `{group}`, several of them, or null for none.",
        "anyOf": [*one["anyOf"], {"type": "array", "items": one}, {"type": "null"}],
    }
