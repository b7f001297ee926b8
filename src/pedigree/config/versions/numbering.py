"""Version numbers: how files write them, and which one a model is."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

from pedigree.errors import InvalidConfig

#: The key that holds the version, in files and in models.
KEY = "version"

_WORD = r"v?(0|[1-9][0-9]{0,8})"


def number(value: Any, where: str = "") -> int:
    """The version that a file means by `3`, `3.0`, `"3"` or `"v3"`.

    Raises InvalidConfig, which names the place `where`, for all else: `true` is not 1, `1.10` would be 1.1.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, float) and value.is_integer() and 0 <= value < 1e9:
        return int(value)
    if isinstance(value, str):
        found = re.fullmatch(_WORD, value)
        if found:
            return int(found[1])
    what = f"the boolean {str(value).lower()}" if isinstance(value, bool) else repr(value)
    place = f" (set at {where})" if where else ""
    raise InvalidConfig(
        f"A version is a whole number such as 3, and {what} is none{place}.",
        remedy=f"Write `{KEY}: 3`, with the number of the version that the file was written for.",
        value=value,
    )


def number_of(model: Any) -> int | None:
    """The N of `version: Literal[N]` in a model; None where it has no such field.

    Raises InvalidConfig for a field `version` whose type is another Literal: `Literal[1.0]` accepts true,
    `Literal[1, 2]` says nothing.
    """
    field = getattr(model, "model_fields", {}).get(KEY)
    annotation = field.annotation if field is not None else _hint(model)
    if get_origin(annotation) is not Literal:
        return None
    allowed = get_args(annotation)
    if len(allowed) == 1 and type(allowed[0]) is int and allowed[0] >= 0:
        return int(allowed[0])
    raise InvalidConfig(
        f"{model.__name__}.{KEY} is Literal{list(allowed)!r}, and a version is one whole number.",
        remedy=f"Write `{KEY}: Literal[3]`.",
        model=model,
    )


def _hint(model: Any) -> Any:
    from dataclasses import is_dataclass
    from typing import get_type_hints

    if not isinstance(model, type) or not is_dataclass(model):
        return None
    return get_type_hints(model).get(KEY)
