"""From the schema of a finished configuration to that of a template: a file that holds a part of one.

A template may leave out every key, since other files and overrides fill it in; what it gives may be `???` or an
interpolation, be it a leaf or a container; and it may have no key that the model lacks. Draft 7 of JSON Schema, because
that is what editors know: VS Code's YAML extension reads later drafts only since version 1.20 of its language server.
"""

from __future__ import annotations

from pedigree.config.schemas.generation import Schema

DRAFT = "http://json-schema.org/draft-07/schema#"

#: What says something to a reader and refuses nothing.
_NOTES = ("title", "description", "default", "examples", "deprecated", "markdownDescription")
_WHOLE = r"\?\?\?|\$\{[\s\S]*\}"
#: Words that OmegaConf reads as YAML 1.1 does, and an editor, which reads 1.2, as text.
_BOOLEANS = "[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF"
#: Numbers of which that holds; those that both read so are left out, lest a number in quotes pass for one.
_INTEGERS = r"(?=.*(?:[_:]|0b))[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*)"
_FLOATS = r"(?=.*[_:])[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"


def _words(pattern: str, description: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$", "description": description}


#: What may stand for a value of some kind, beside the value itself.
STAND_INS: dict[str, Schema] = {
    "any": _words(_WHOLE, "`???`, to be filled in elsewhere, or an interpolation, `${...}`."),
    "text": {
        "type": "string",
        "pattern": r"^\?\?\?$|\$\{",
        "description": "`???`, to be filled in elsewhere, or text with an interpolation, `${...}`, in it.",
    },
    "boolean": _words(
        f"{_WHOLE}|{_BOOLEANS}",
        "`???`, an interpolation, or a word that is read as a boolean though YAML 1.2 has it as text.",
    ),
    "integer": _words(
        f"{_WHOLE}|{_INTEGERS}", "`???`, an interpolation, or a number as YAML 1.1 writes it: 1_000, 0b11, 1:30."
    ),
    "number": _words(
        f"{_WHOLE}|{_INTEGERS}|{_FLOATS}", "`???`, an interpolation, or a number as YAML 1.1 writes it: 1_000.5, 1:30."
    ),
    "secret": {
        **_words(_WHOLE, "A secret: a reference such as `${oc.env:NAME}`, or `???`; never the value itself."),
        "patternErrorMessage": "A secret is no literal: write a reference such as ${oc.env:NAME}.",
    },
}


class Templates:
    """Turns parts of one model's schema into those of templates, and gathers the definitions that they refer to."""

    def __init__(self, generated: Schema) -> None:
        self.source: Schema = generated.get("$defs", {})
        self.definitions: Schema = {}

    def value(self, schema: Schema, *, whole: bool = False) -> Schema:
        """For the place of a value: what `schema` allows, or a stand-in.

        `whole` where no other file can fill in what is missing: within the items of a list, which is replaced, never merged.
        """
        notes = {name: schema[name] for name in _NOTES if name in schema}
        bare = {name: item for name, item in schema.items() if name not in notes}
        if _is_secret(bare, self.source):
            notes.pop("default", None)
            notes.pop("examples", None)
            # A plain text would be the secret itself; what is left are null and the ways to say where it is.
            ways = [one for one in self._alternatives(bare, whole) if not _is_plain_text(one)]
            return {**notes, "anyOf": [*ways, self._stand_in("secret")]}
        kinds = dict.fromkeys(self._kinds(bare, ()))
        if "anything" in kinds:
            return {**notes, **self.core(bare, whole=whole)}
        alternatives = self._alternatives(bare, whole)
        stand_ins = [kind for kind in kinds if kind != "any"] or ["any"]
        return {**notes, "anyOf": [*alternatives, *(self._stand_in(kind) for kind in stand_ins)]}

    def core(self, schema: Schema, *, whole: bool = False) -> Schema:
        """What `schema` allows, with stand-ins inside it but none for itself."""
        made: Schema = {}
        for name, item in schema.items():
            if name == "$ref":
                made["$ref"] = self._defined(item, whole)
            elif name in ("oneOf", "anyOf"):
                # More than one may fit what is left out of a file.
                made["anyOf"] = [self.core(one, whole=whole) for one in item]
            elif name == "allOf":
                made["allOf"] = [self.core(one, whole=whole) for one in item]
            elif name in ("properties", "patternProperties"):
                made[name] = {key: self.value(one, whole=whole) for key, one in item.items()}
            elif name == "additionalProperties":
                made[name] = self.value(item, whole=whole) if isinstance(item, dict) else item
            elif name == "required":
                if whole:
                    made[name] = item
            elif name == "format":
                if item not in ("date-time", "time"):  # those of editors are stricter than what is accepted
                    made[name] = item
            elif name not in ("discriminator", "$defs", "items", "prefixItems"):
                made[name] = item
        made.update(self._items(schema))
        if "properties" in made and "additionalProperties" not in made:
            made["additionalProperties"] = False
        return made

    def _alternatives(self, bare: Schema, whole: bool) -> list[Schema]:
        made = {name: item for name, item in self.core(bare, whole=whole).items() if name != "writeOnly"}
        return list(made["anyOf"]) if set(made) == {"anyOf"} else [made]

    def _items(self, schema: Schema) -> Schema:
        """Of a list: draft 7 has the items of a tuple under `items`, and `additionalItems` for what comes after them."""
        rest = schema.get("items")
        items = self.value(rest, whole=True) if isinstance(rest, dict) else rest
        if "prefixItems" not in schema:
            return {} if items is None else {"items": items}
        first = schema["prefixItems"]
        if items is None:
            items = schema.get("maxItems") != len(first)
        return {"items": [self.value(one, whole=True) for one in first], "additionalItems": items}

    def _defined(self, reference: str, whole: bool) -> str:
        name = reference.removeprefix("#/$defs/")
        key = f"{name}.whole" if whole else name
        if key not in self.definitions:
            self.definitions[key] = {}  # taken, should it refer to itself
            self.definitions[key] = self.core(self.source.get(name, {}), whole=whole)
        return f"#/definitions/{key}"

    def _stand_in(self, kind: str) -> Schema:
        self.definitions[f"stand-in.{kind}"] = STAND_INS[kind]
        return {"$ref": f"#/definitions/stand-in.{kind}"}

    def _kinds(self, schema: Schema, seen: tuple[str, ...]) -> list[str]:
        """The stand-ins that a value of this schema needs; "anything" where it takes every text as it is."""
        if "$ref" in schema:
            name = schema["$ref"]
            return (
                [] if name in seen else self._kinds(self.source.get(name.removeprefix("#/$defs/"), {}), (*seen, name))
            )
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return [kind for one in schema[several] for kind in self._kinds(one, seen)]
        if "const" in schema or "enum" in schema:
            return [_STANDS_FOR.get(type(value), "any") for value in schema.get("enum", [schema.get("const")])]
        types = schema.get("type", "anything")
        kinds = [types] if isinstance(types, str) else types
        narrow = (
            "pattern" in schema or "minLength" in schema or "maxLength" in schema or schema.get("format") in _CHECKED
        )
        text = "text" if narrow else "anything"
        return [
            text if kind == "string" else kind if kind in STAND_INS or kind == "anything" else "any" for kind in kinds
        ]


_STANDS_FOR = {str: "text", bool: "boolean"}
#: Formats that editors hold a text to.
_CHECKED = frozenset({"date", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "color-hex"})


def _is_secret(schema: Schema, definitions: Schema) -> bool:
    if schema.get("writeOnly") is True:
        return True
    if "$ref" in schema:
        return definitions.get(schema["$ref"].removeprefix("#/$defs/"), {}).get("writeOnly") is True
    alternatives = schema.get("anyOf", ())
    return any(_is_secret(one, definitions) for one in alternatives) and all(
        one.get("type") == "null" or _is_secret(one, definitions) for one in alternatives
    )


def _is_plain_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and "pattern" not in schema
