"""`Secret[T]`: a value that a configuration names and never holds.

A file says where the secret is, as a text or as a mapping of one key:

    token: env:HF_TOKEN                         token: {env: HF_TOKEN}
    token: file:/run/secrets/hf                 token: {file: /run/secrets/hf}
    token: command:pass show 'hugging face'     token: {command: [pass, show, hugging face]}

`${oc.env:HF_TOKEN}` is read as the first. The secret itself, written out, is refused: what stands in a file or on a
command line is in the history of both. It is fetched when the program asks for it, each time anew, and kept nowhere.
A command runs without a shell, and only then: reading, validating or storing a configuration runs nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, PydanticSerializationUnexpectedValue, core_schema

from pedigree.config.models.changes import changed_at
from pedigree.config.models.fetching import fetched, typed
from pedigree.config.models.readings import MARK, MASK
from pedigree.errors import InvalidConfig

T = TypeVar("T")

_REFERENCE = re.compile(r"(env|file|command):\s*(\S.*)", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FROM_ENVIRONMENT = re.compile(r"\$\{\s*oc\.env\s*:\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:,\s*null\s*)?\}")
_KINDS = ("env", "file", "command")
_ACCEPTED = "env:NAME, file:PATH or command:..."


class Secret(Generic[T]):
    """Where a secret is. Prints, compares, hashes, copies and pickles as its reference; `get_secret_value` fetches it.

    `Secret.given(value)` holds a value, for tests and notebooks: it prints and is written as a mask, which nothing
    reads back, and it is not pickled.
    """

    __slots__ = ("_kind", "_source", "_type")
    _kind: str
    _source: Any
    _type: Any

    def __init__(self, reference: str) -> None:
        kind, source = _parsed(reference)
        self._set(kind, source, str)

    @classmethod
    def given(cls, value: T) -> Secret[T]:
        made = cls.__new__(cls)
        made._set("given", value, type(value))
        return made

    def _set(self, kind: str, source: Any, of: Any) -> None:
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_source", source)
        object.__setattr__(self, "_type", of)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a Secret does not change: {name}")

    @property
    def reference(self) -> str:
        """`env:HF_TOKEN`, or the mask where the value was given in code."""
        return MASK if self._kind == "given" else f"{self._kind}:{self._source}"

    def get_secret_value(self, *, environment: Mapping[str, str] | None = None, timeout_s: float = 60) -> T:
        """The secret, fetched now. One line break at the end of a file or of what a command prints is no part of it.

        `environment` is the process's own unless one is given. Raises InvalidConfig, which never holds the value, where
        the variable is not set, the file cannot be read, the command fails, or the value is no T.
        """
        if self._kind == "given":
            held: T = self._source
            return held
        known = os.environ if environment is None else environment
        value: T = typed(fetched(self._kind, self._source, known, timeout_s), self._type, self.reference)
        return value

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __str__(self) -> str:
        return self.reference

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._kind == other._kind and bool(self._source == other._source)

    def __hash__(self) -> int:
        return hash((Secret, self._kind, None if self._kind == "given" else self._source))

    def __copy__(self) -> Secret[T]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret[T]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._kind == "given":
            raise TypeError("a secret that was given in code is not pickled; use Secret('env:NAME') to pass it on")
        return (_rebuilt, (self._kind, self._source, self._type))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        of = (get_args(source) or (str,))[0]
        return core_schema.no_info_plain_validator_function(
            partial(_read, of=of),
            serialization=core_schema.plain_serializer_function_ser_schema(_written, when_used="json"),
            metadata={MARK: "reference"},
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        one = {"additionalProperties": False, "minProperties": 1, "maxProperties": 1, "type": "object"}
        words = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        text = {"type": "string"}
        return {
            "anyOf": [
                {"type": "string", "pattern": r"^((env|file|command):|\$\{)"},
                {**one, "properties": {"env": text, "file": text, "command": {"anyOf": [text, words]}}},
            ],
            "description": f"A secret: {_ACCEPTED}, never the value itself.",
        }


class FromEnvironment(str):
    """A text that an interpolation brought from the environment: a text like any other, except to a secret field.

    `reference` is the `env:NAME` that it comes to; None where it comes to none, as with text around the variable.
    """

    __slots__ = ("reference",)
    reference: str | None


def mark_environment(values: Any, interpolations: Mapping[tuple[Any, ...], Any]) -> Any:
    """The values with each text that came from the environment replaced by a `FromEnvironment`; shares the rest.

    `interpolations` are those of `Composed`. Costs nothing where no variable was read.
    """
    changes: dict[tuple[Any, ...], FromEnvironment] = {}
    for path, origin in interpolations.items():
        if not origin.variables:
            continue
        value = values
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if type(value) is str:
                text = FromEnvironment(value)
                text.reference = _environment_reference(path, interpolations)
                changes[path] = text
    return changed_at(values, changes)


def _environment_reference(path: tuple[Any, ...], interpolations: Mapping[tuple[Any, ...], Any]) -> str | None:
    for _ in range(len(interpolations)):
        origin = interpolations.get(path)
        if origin is None:
            return None
        found = _FROM_ENVIRONMENT.fullmatch(origin.text)
        if found is not None:
            return f"env:{found[1]}"
        text = origin.text
        whole = text.startswith("${") and text.endswith("}") and text.count("${") == 1 and ":" not in text
        if not whole or len(origin.reads) != 1:
            return None
        path = origin.reads[0]
    return None


def _parsed(reference: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(reference.strip())
    if found is not None:
        kind, source = found[1], found[2].strip()
        if kind == "env" and not _VARIABLE.fullmatch(source):
            found = None
        if kind == "command":
            import shlex

            try:
                source = shlex.join(shlex.split(source))
            except ValueError:
                found = None
    if found is None:
        raise InvalidConfig("This text does not say where a secret is.", remedy=f"Expected {_ACCEPTED}.")
    return kind, source


def _read(value: Any, *, of: Any) -> Secret[Any]:
    if isinstance(value, Secret):
        return _rebuilt(value._kind, value._source, value._type if value._kind == "given" else of)
    if isinstance(value, FromEnvironment):
        if value.reference is None:
            raise PydanticCustomError(
                "secret_text", "a secret is one environment variable, whole and without a default: ${oc.env:NAME}"
            )
        value = value.reference
    if isinstance(value, dict) and len(value) == 1:
        ((kind, source),) = value.items()
        if kind == "command" and isinstance(source, list) and source and all(isinstance(word, str) for word in source):
            import shlex

            source = shlex.join(source)
        if kind in _KINDS and isinstance(source, str):
            value = f"{kind}:{source}"
    if isinstance(value, str):
        if value.strip() == MASK:
            raise PydanticCustomError(
                "secret_mask", "this is the mask of a secret that was never written down, not a secret"
            )
        variable = _FROM_ENVIRONMENT.fullmatch(value.strip())
        try:
            kind, source = _parsed(f"env:{variable[1]}" if variable else value)
        except InvalidConfig:
            pass
        else:
            return _rebuilt(kind, source, of)
    raise PydanticCustomError("secret_literal", "a secret is not written down; say where it is")


def _rebuilt(kind: str, source: Any, of: Any) -> Secret[Any]:
    made: Secret[Any] = Secret.__new__(Secret)
    made._set(kind, source, of)
    return made


def _written(secret: Any) -> str:
    if isinstance(secret, Secret):
        return secret.reference
    if isinstance(secret, (str, bytes)):
        return MASK  # put there without validation, so it may be what the field is for
    raise PydanticSerializationUnexpectedValue("not a secret")  # of a union, another member
