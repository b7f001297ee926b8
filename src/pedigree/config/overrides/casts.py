"""The casts of the grammar: int(), float(), str(), bool() as Hydra has them, and json_str()."""

from __future__ import annotations

from typing import Any

from pedigree.config.overrides.misuse import Misuse
from pedigree.config.overrides.spelling import spell
from pedigree.config.overrides.values import SWEEPS, Choice, Interval, Quoted, Range, plain

CASTS = ("int", "float", "str", "bool", "json_str")


def cast(name: str, value: Any) -> Any:
    """The value or sweep with every number, string and truth value in it cast. Raises Misuse.

    A choice and a range lose their tags and their shuffling, an interval keeps its tags: as in Hydra.
    """
    kind = type(value)
    if kind is Choice:
        return Choice(tuple(cast_value(name, option) for option in value.options), simple=value.simple)
    if kind in {Range, Interval}:
        if name not in {"int", "float"}:
            raise Misuse(f"{kind.__name__.lower()}() can be cast to int or float only, not {name}", "Cast a choice().")
        ends = [_scalar(name, number) for number in value[: 3 if kind is Range else 2]]
        return Range(*ends) if kind is Range else value._replace(start=ends[0], end=ends[1])
    return cast_value(name, value)


def cast_value(name: str, value: Any) -> Any:
    """`cast` for a plain value: sweeps are refused."""
    kind = type(value)
    if kind in SWEEPS or (isinstance(value, tuple) and kind is not Quoted):
        raise Misuse(f"{name}() takes one sweep, or values; here is a sweep among others", f"Usage: {name}(value).")
    if name == "json_str":
        import json

        return json.dumps(plain(value), ensure_ascii=False)
    if kind is list:
        return [cast_value(name, item) for item in value]
    if kind is dict:
        return {key: cast_value(name, item) for key, item in value.items()}
    return _scalar(name, value.text if kind is Quoted else value)


def _scalar(name: str, value: Any) -> Any:
    try:
        if name == "bool":
            return _truth(value)
        if name == "int" and value is not None:
            return int(value)
        if name == "float" and value is not None:
            return float(value)
    except (ValueError, OverflowError):
        raise _uncastable(name, value) from None
    if value is None:
        raise _uncastable(name, value)
    if type(value) is bool:
        return "true" if value else "false"
    return value if type(value) is str else spell(value)


def _uncastable(name: str, value: Any) -> Misuse:
    return Misuse(f"{_shown(value)} cannot be cast to {name}", f"Usage: {name}(value).")


def _truth(value: Any) -> bool:
    if type(value) is not str:
        return bool(value)
    if value.lower() not in {"true", "false"}:
        raise ValueError(value)
    return value.lower() == "true"


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    text = repr(value) if type(value) is str else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
