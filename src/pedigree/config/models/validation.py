"""Validating: plain values become an instance of a model, and what it is written as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json

from pedigree.config.models.changes import changed_at
from pedigree.config.models.filling import fill
from pedigree.config.models.prepared import Prepared, prepare
from pedigree.config.models.readings import SPECIAL
from pedigree.config.origins import Origin, Origins, spread
from pedigree.errors import InvalidConfig

if TYPE_CHECKING:
    from pedigree.config.models.problem import Circumstances, Problem

Path = tuple[Any, ...]
#: Gives what problems are told from, made once there is one.
About = Callable[[], "Circumstances"]

#: One finds what is wrong; each level of models that looks before its fields needs one more.
_ATTEMPTS = 20
#: What stands where a value is still to be given. To the type of a text or a path it is one like any other.
_MARKER = b'"???"'


class Validated(NamedTuple):
    """An instance and what it is written as. `origins` has the shape of `values`, and names no secret.

    `values` is plain: mappings with text for keys, lists, text, numbers, truth values, None; defaults filled in, each
    secret as its reference. `secrets` are the paths of those in it.
    """

    instance: Any
    values: Any
    origins: Origins
    secrets: tuple[Path, ...] = ()


def validate(
    model: Any,
    values: Any,
    origins: Origins = None,
    *,
    old_names: Mapping[Any, Any] | None = None,
    interpolations: Mapping[Path, Any] | None = None,
) -> Validated:
    """The values as an instance of `model`: a Config, any Pydantic model, a dataclass, a TypedDict, or a type made of
    these. A class that does not say otherwise refuses unknown keys and is near-strict, as Config is.

    `interpolations` are those of `Composed`: with them `${oc.env:NAME}` may stand in a secret field, and no message
    shows what a variable holds. `old_names` maps paths of the model to those that the author wrote, before a migration;
    a path is a tuple or a dotted text. Raises InvalidConfig with every problem, as text and as `problems`.
    """
    prepared = prepare(model)
    shape = prepared.shape
    given = values
    if interpolations and shape.has_secrets:
        from pedigree.config.models.secrets import mark_environment

        given = mark_environment(values, interpolations)

    @cache
    def about() -> Circumstances:
        from pedigree.config.models.problem import Circumstances

        return Circumstances(shape, given, origins, interpolations or {}, _paths(old_names))

    instance, found = _instance(prepared, given, about)
    if found:
        # Outside of any handler: an error of Pydantic shows the whole mapping, and would come along as the context.
        raise _invalid(prepared.name, found)
    text = _json(prepared, instance)
    if _MARKER in text:
        from pedigree.config.models.problems import missing

        found = tuple(missing(path, about()) for path in _markers(values, ()))
        if found:
            raise _invalid(prepared.name, found)
    written = from_json(text)
    known = spread(values, Origin("code", "code")) if origins is None else origins
    filled = fill(written, values, known, instance)
    secrets: tuple[Path, ...] = ()
    if shape.has_secrets:
        from pedigree.config.models.redaction import redact_origins

        secrets = shape.secrets(written)
        filled = redact_origins(filled, secrets)
    return Validated(instance, written, filled, secrets)


def dump(instance: Any, model: Any = None) -> Any:
    """What an instance is written as: `validate(model, dump(x)).instance == x`, but where NaN keeps that from being true
    of x itself, and where a union has two members that are written alike.

    Sets are in the order of what is written, Paths as they are, floats that JSON lacks as "NaN", "Infinity" and
    "-Infinity", durations in ISO 8601, keys as text, secrets as references. `model` is needed where the type of the
    instance does not say it: a TypedDict, a list. Raises InvalidConfig for what has no such form.
    """
    return from_json(_json(prepare(type(instance) if model is None else model), instance))


def _json(prepared: Prepared, instance: Any) -> bytes:
    try:
        return prepared.serializer.to_json(instance, by_alias=False, exclude_computed_fields=True, warnings="none")
    except (PydanticSerializationError, UnicodeError) as error:
        reason = str(error).removeprefix("Error serializing to JSON: ")
    raise InvalidConfig(
        f"A value of {prepared.name} cannot be written: {reason}.",
        remedy="Give the field a type that a file can spell, or a serializer.",
    )


def _markers(values: Any, path: Path) -> Iterator[Path]:
    if values == "???":
        yield path
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, item in pairs:
        yield from _markers(item, (*path, key))


def _instance(prepared: Prepared, given: Any, about: About) -> tuple[Any, tuple[Problem, ...]]:
    """The instance, or why there is none. What is right at the first attempt costs no Python.

    Further attempts are for "NaN" where a float was expected, and for what a model looks at before its fields (a 1 that is
    True): that is one problem, and must not hide the others.
    """
    found: list[Mapping[str, Any]] = []
    for _ in range(_ATTEMPTS):
        try:
            instance = prepared.validator.validate_python(given, by_alias=True, by_name=True)
        except ValidationError as error:
            errors: list[Mapping[str, Any]] = list(error.errors(include_url=False))
        else:
            return (None, _problems(found, about)) if found else (instance, ())
        early = [one for one in errors if one["type"] == "exact_field"]
        changes = {(*_keys(one, about), one["ctx"]["key"]): one["ctx"]["member"] for one in early}
        changes |= {
            _keys(one, about): SPECIAL[one["input"]]
            for one in errors
            if one["type"] in ("float_type", "decimal_type")
            and one["input"].__class__ is str
            and one["input"] in SPECIAL
        }
        if found:  # a validator that saw a value of ours says nothing about the author's
            errors = [one for one in errors if one["type"] not in ("value_error", "assertion_error")]
        changed = changed_at(given, changes)
        if changed is given:
            return None, _problems([*found, *errors], about)
        found += early
        given = changed
    return None, _problems([*found, *errors], about)


def _problems(errors: list[Mapping[str, Any]], about: About) -> tuple[Problem, ...]:
    from pedigree.config.models.problems import problems

    return problems(errors, about())


def _keys(error: Mapping[str, Any], about: About) -> Path:
    from pedigree.config.models.problems import locate

    return tuple(step.part for step in locate(error["loc"], about()) if step.is_key)


def _paths(old_names: Mapping[Any, Any] | None) -> dict[Path, Path]:
    return {_path(new): _path(old) for new, old in (old_names or {}).items()}


def _path(path: Any) -> Path:
    return tuple(path.split(".")) if isinstance(path, str) else tuple(path)


def _invalid(name: str, found: tuple[Problem, ...]) -> InvalidConfig:
    lines = "".join(f"\n  {problem}" for problem in found)
    first = found[0]
    if len(found) == 1:
        remedy = "Correct it where it is set." if first.place else "Correct it."
    else:
        remedy = f"Correct these {len(found)} values."
    return InvalidConfig(f"The configuration does not fit {name}:{lines}", remedy=remedy, problems=found, name=name)
