"""What each of Pydantic's errors says was expected, in words that need no knowledge of Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pedigree.errors import nearest

#: Nothing but the type of the value was wrong; the members of a union can be told in one sentence of these.
_FIXED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "number_expected": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "bytes_type": "a text",
    "none_required": "null",
    "path_type": "a path",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
    "url_type": "a URL",
    "finite_number": "a finite number",
    "datetime_parsing": "a date and time, such as 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "a date and time, such as 2026-01-31T12:00:00Z",
    "date_from_datetime_parsing": "a date, such as 2026-01-31",
    "date_from_datetime_inexact": "a date, such as 2026-01-31",
    "time_parsing": "a time of day, such as '12:30:45'",
    "time_delta_parsing": "a duration, such as '90s' or '1h30m', or seconds",
    "time_delta_type": "a duration, such as '90s' or '1h30m', or seconds",
}
_MADE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda c: f"more than {c['gt']}",
    "greater_than_equal": lambda c: f"{c['ge']} or more",
    "less_than": lambda c: f"less than {c['lt']}",
    "less_than_equal": lambda c: f"{c['le']} or less",
    "multiple_of": lambda c: f"a multiple of {c['multiple_of']}",
    "string_pattern_mismatch": lambda c: f"a text that matches {c['pattern']}",
    "string_too_short": lambda c: f"a text of {c['min_length']} characters or more",
    "string_too_long": lambda c: f"a text of {c['max_length']} characters or fewer",
    "too_short": lambda c: f"{c['min_length']} items or more",
    "too_long": lambda c: f"{c['max_length']} items or fewer",
    "literal_error": lambda c: str(c["expected"]),
    "enum": lambda c: str(c["expected"]),
    "exact_field": lambda c: str(c["expected"]),
    "union_tag_invalid": lambda c: " or ".join(str(c["expected_tags"]).rsplit(", ", 1)),
}
_SHOULD = re.compile(r"(?:Input|Value|URL|\w+ input|\w+) should (?:be |have )", re.ASCII)
_CHOICE = re.compile(r"'((?:[^'\\]|\\.)*)'")


def expected(error: Mapping[str, Any]) -> str | None:
    """`a whole number`, to stand after "expected"; None where the error is not about one value's form."""
    kind = error["type"]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _MADE:
        return _MADE[kind](error["ctx"])
    found = _SHOULD.match(error["msg"])
    return error["msg"][found.end() :] if found else None


def hint(error: Mapping[str, Any], value: Any, expectation: str) -> str:
    """What the author may have meant; empty where nothing is likely."""
    kind = error["type"]
    if kind in ("literal_error", "enum", "union_tag_invalid") and isinstance(value, str):
        near = nearest(value, _CHOICE.findall(expectation))
        return f"did you mean {near!r}?" if near is not None else ""
    if kind == "dtype_expected":
        near_hint: str = error["ctx"]["hint"]
        return near_hint[:1].lower() + near_hint[1:]
    if isinstance(value, str) and kind in ("int_type", "float_type", "bool_type"):
        from pedigree.config.scalars import plain

        try:
            meant = plain(value)
        except ValueError:
            return ""
        fits = {"int_type": (int,), "float_type": (int, float), "bool_type": (bool,)}[kind]
        return "write it without quotes" if type(meant) in fits else ""
    if kind == "int_type" and type(value) is float and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return "put it in quotes if it is meant as text"
    return ""


def received(value: Any) -> str:
    """`the text 'deep'`, `a list`, `3.5`: short, and of a container only the kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        shown = value if len(value) <= 60 else value[:57] + "..."
        return f"the text {shown!r}"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, (int, float)):
        return (
            repr(value)
            if not isinstance(value, int) or abs(value) < 10**30
            else f"a number of {len(f'{value:x}')} hexadecimal digits"
        )
    return f"a {type(value).__name__}"
