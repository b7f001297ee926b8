"""Shapes of models: which keys a model has, which of its values have versions of their own, and its defaults."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pedigree.config.origins import Value
from pedigree.config.versions.families import family_of
from pedigree.config.versions.numbering import KEY, number_of

if TYPE_CHECKING:
    from pedigree.config.versions.drafts import Path

ABSENT: Any = PydanticUndefined


class Field(NamedTuple):
    """`key` is the name that files use; `default` is plain, and ABSENT where the key must be given."""

    key: str
    annotation: Any
    default: Value
    where: str  #: "ResNetV2.context"


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation))


@cache
def fields(model: Any) -> tuple[Field, ...]:
    """The fields of a BaseModel or dataclass, in their order."""
    return tuple(_fields(model))


def _fields(model: Any) -> Iterator[Field]:
    if issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            alias = info.validation_alias or info.alias
            key = alias if isinstance(alias, str) else name
            annotation = info.annotation
            yield Field(key, annotation, _default(info, annotation), f"{model.__name__}.{name}")
        return
    hints = get_type_hints(model)
    for field in dataclasses.fields(model):
        if field.init:
            info = field.default if isinstance(field.default, FieldInfo) else None
            if info is None:
                value = field.default if field.default is not dataclasses.MISSING else PydanticUndefined
                made = field.default_factory if field.default_factory is not dataclasses.MISSING else None
                info = FieldInfo(default_factory=made) if made else FieldInfo(default=value)
            annotation = hints[field.name]
            yield Field(field.name, annotation, _default(info, annotation), f"{model.__name__}.{field.name}")


def _default(info: FieldInfo, annotation: Any) -> Value:
    """Plain; ABSENT also for what cannot be written down: secrets, and what a factory makes anew each time."""
    if info.default_factory is None:
        value = info.default
        return ABSENT if value is PydanticUndefined else _plain(value, annotation)
    if info.default_factory_takes_validated_data:
        return ABSENT
    factory: Callable[[], Any] = info.default_factory  # type: ignore[assignment]
    one, other = _plain(factory(), annotation), _plain(factory(), annotation)
    return one if same(one, other) else ABSENT


def _plain(value: Any, annotation: Any) -> Value:
    if value is None or type(value) in (bool, int, float, str):
        return value
    from pydantic import TypeAdapter

    kind = type(value) if is_model(type(value)) else annotation
    try:
        plain = TypeAdapter(kind).dump_python(value, mode="json", by_alias=True, warnings=False)
    except Exception:  # a type that pydantic cannot write
        return ABSENT
    return ABSENT if _masked(plain) else plain


def _masked(value: Value) -> bool:
    if isinstance(value, dict):
        return any(_masked(item) for item in value.values())
    if isinstance(value, list):
        return any(_masked(item) for item in value)
    return isinstance(value, str) and value.startswith("*****")


def same(one: Value, other: Value) -> bool:
    """Equal in value and type, all the way down: 1, 1.0 and true differ; nan is nan; the order of keys is nothing."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        # True == 1 as keys too.
        return {(type(key), key) for key in one} == {(type(key), key) for key in other} and all(
            same(item, other[key]) for key, item in one.items()
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)


def members(annotation: Any) -> list[Any]:
    """The models in an annotation, through Annotated, Optional and Union, but not into containers."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [one for part in get_args(annotation) for one in members(part)]
    if hasattr(annotation, "__value__"):  # `type Model = A | B`
        return members(annotation.__value__)
    return [annotation] if is_model(annotation) else []


def chosen(annotation: Any, value: Value) -> Any:
    """The model that a mapping is meant for, as far as its literal fields tell; None where they do not.

    Of several versions of one family it is the newest.
    """
    found = members(annotation)
    if not isinstance(value, dict):
        return None
    if len(found) > 1:
        found = [one for one in found if _literals_agree(one, value)] or found
    families = {id(family_of(one)) for one in found}
    if len(found) > 1 and len(families) == 1 and family_of(found[0]) is not None:
        return max(found, key=lambda one: number_of(one) or 0)
    return found[0] if len(found) == 1 else None


def _literals_agree(model: Any, value: dict[Any, Value]) -> bool:
    return all(
        field.key == KEY or field.key not in value or value[field.key] in get_args(field.annotation)
        for field in fields(model)
        if get_origin(field.annotation) is Literal
    )


def versioned(value: Value, model: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each mapping inside `value`, itself left out, whose model has versions; not what is inside those."""
    if not isinstance(value, dict):
        return
    for field in fields(model):
        if field.key in value:
            yield from _versioned(value[field.key], field.annotation, (*path, field.key))


def _versioned(value: Value, annotation: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and members(annotation):
        model = chosen(annotation, value)
        if model is None:
            return
        if has_versions(model):
            yield path, model
        else:
            yield from versioned(value, model, path)
        return
    for part in _items(annotation):
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in pairs:
            yield from _versioned(item, part, (*path, key))


def _items(annotation: Any) -> list[Any]:
    """What the items of a container are annotated with."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return [item for part in args for item in _items(part)]
    if origin is Annotated:
        return _items(args[0])
    if not isinstance(origin, type):
        return []
    return [args[-1]] if issubclass(origin, Mapping) else [one for one in args if one is not Ellipsis][:1]


def holds_versions(model: Any) -> bool:
    """Whether the model, or anything that it may hold, has versions: most have none, and a sweep asks at each point."""
    return _any_versions(model)


@cache
def _any_versions(model: Any) -> bool:
    return _holds(model, set())


def _holds(annotation: Any, seen: set[int]) -> bool:
    if id(annotation) in seen:
        return False
    seen.add(id(annotation))
    if is_model(annotation):
        return has_versions(annotation) or any(_holds(one, seen) for one in _annotations(annotation))
    if isinstance(annotation, (str, ForwardRef)):
        return True  # not known yet
    inside = (*get_args(annotation), *([annotation.__value__] if hasattr(annotation, "__value__") else ()))
    return any(_holds(one, seen) for one in inside if not isinstance(one, str) or get_origin(annotation) is not Literal)


def _annotations(model: Any) -> list[Any]:
    # Not `fields`, which writes every default down.
    if issubclass(model, BaseModel):
        return [info.annotation for info in model.model_fields.values()]
    hints = get_type_hints(model)
    return [hints[field.name] for field in dataclasses.fields(model) if field.init]


def has_versions(model: Any) -> bool:
    return family_of(model) is not None or number_of(model) is not None


def defaults(value: dict[Any, Value], model: Any, path: Path = ()) -> Iterator[tuple[Path, Value, str]]:
    """Path, default and field of everything that `value` leaves out, leaf by leaf; not inside what has own versions.

    A version's own number is left out as well.
    """
    for field in fields(model):
        here = (*path, field.key)
        if field.key not in value:
            if field.default is not ABSENT and not (field.key == KEY and has_versions(model)):
                yield from ((leaf, item, field.where) for leaf, item in _leaves(field.default, here))
            continue
        inner = chosen(field.annotation, value[field.key])
        if inner is not None and not has_versions(inner):
            yield from defaults(value[field.key], inner, here)


def _leaves(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value
