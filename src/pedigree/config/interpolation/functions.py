"""The functions that an expression may call. Each checks the kinds of its arguments and the size of its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from pedigree.config.interpolation.mistakes import Mistake

#: Bounds of what an expression may make on the way.
MAX_TEXT = 100_000
MAX_ITEMS = 10_000
MAX_BITS = 4_096

_SMALLER = "Compute it outside of the configuration and write down the result."


class Function(NamedTuple):
    least: int
    most: int
    call: Callable[..., Any]


def fail(what: str, remedy: str = _SMALLER) -> Mistake:
    return Mistake(what, remedy, quotes=True)


def number(value: Any, what: str = "a number") -> int | float:
    if isinstance(value, (int, float)):
        return value
    raise fail(f"{_kind(value)} stands where {what} is needed", "Convert it by int(...) or float(...).")


def text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise fail(f"{_kind(value)} stands where text is needed", "Convert it by str(...).")


def items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value)
    raise fail(f"{_kind(value)} stands where a list is needed", "Write a list, as in [a, b].")


def numbers(values: Any) -> list[int | float]:
    given = items(values)
    if not _NUMBERS.issuperset(map(type, given)):
        for item in given:
            number(item)
    return given


_NUMBERS = frozenset({int, float, bool})


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    return {bool: "a truth value", int: "a number", float: "a number", str: "text", dict: "a mapping", list: "a list"}[
        type(value)
    ]


def small(value: Any) -> Any:
    """The number or text itself; Mistake where it is too large to go on with."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise fail(f"a whole number of more than {MAX_BITS} bits comes up")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise fail(f"a text of more than {MAX_TEXT} characters comes up")
    if isinstance(value, complex):
        raise fail("a complex number comes up", "No configuration holds one.")
    return value


def _length(value: Any) -> int:
    if isinstance(value, (str, list, dict)):
        return len(value)
    raise fail(f"{_kind(value)} has no length", "Name a list, a mapping or a text.")


def _best(choose: Callable[[Any], Any]) -> Callable[..., Any]:
    def best(*values: Any) -> Any:
        given = items(values[0]) if len(values) == 1 else list(values)
        if not given:
            raise fail("the largest or smallest of nothing is asked for", "Give at least one value.")
        if not all(isinstance(value, str) for value in given):
            for value in given:
                number(value)
        return choose(given)

    return best


def _sum(values: Any) -> Any:
    # Of numbers with bounded bits a bounded count: the sum needs checking only at the end.
    return small(sum(numbers(values)))


def _prod(values: Any) -> Any:
    product: int | float = 1
    for value in numbers(values):
        product = small(product * value)
    return product


def _round(value: Any, digits: Any = None) -> Any:
    if digits is None:
        return small(round(number(value)))
    if not isinstance(digits, int) or not -400 <= digits <= 400:
        raise fail("round takes from -400 to 400 digits")
    return round(number(value), digits)


def _int(value: Any) -> int:
    if isinstance(value, str) and len(value) > 400:
        raise fail("a number of more than 400 digits stands in a text")
    if not isinstance(value, (int, float, str)):
        raise fail(f"{_kind(value)} is no number", "Name a number, or a text that is one.")
    return int(value)


def _float(value: Any) -> float:
    if not isinstance(value, (int, float, str)):
        raise fail(f"{_kind(value)} is no number", "Name a number, or a text that is one.")
    return float(value)


def _str(value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise fail(f"{_kind(value)} does not become text", "Use join(', ', ...) for a list of texts.")
    return str(value)


def _sorted(values: Any) -> list[Any]:
    given = items(values)
    if not all(isinstance(value, str) for value in given):
        numbers(given)
    return sorted(given)


def _range(*bounds: Any) -> list[int]:
    for bound in bounds:
        if not isinstance(bound, int):
            raise fail(f"{_kind(bound)} stands where range needs a whole number")
    numbers_in = range(*bounds)
    if (bounds and max(abs(bound) for bound in bounds) >= 2**62) or len(numbers_in) > MAX_ITEMS:
        raise fail(f"a range of more than {MAX_ITEMS} numbers comes up")
    return list(numbers_in)


def _real(function: Callable[[float], float]) -> Callable[..., Any]:
    return lambda value: function(number(value))


def _join(separator: Any, values: Any) -> str:
    given = [text(value) for value in items(values)]
    if sum(map(len, given)) + len(text(separator)) * len(given) > MAX_TEXT:
        raise fail(f"a text of more than {MAX_TEXT} characters comes up")
    return separator.join(given)  # type: ignore[no-any-return]


def _split(value: Any, separator: Any) -> list[str]:
    if not text(separator):
        raise fail("split needs a separator", "Write split(text, ',').")
    found = text(value).split(separator, MAX_ITEMS)
    if len(found) > MAX_ITEMS:
        raise fail(f"a list of more than {MAX_ITEMS} items comes up")
    return found


def _replace(value: Any, old: Any, new: Any) -> str:
    times = text(value).count(text(old))
    if len(value) + times * len(text(new)) > MAX_TEXT:
        raise fail(f"a text of more than {MAX_TEXT} characters comes up")
    return value.replace(old, new)  # type: ignore[no-any-return]


def _dirname(value: Any) -> str:
    head = text(value).rpartition("/")
    return head[0] or head[1]


def _basename(value: Any) -> str:
    return text(value).rpartition("/")[2]


def _stem(value: Any) -> str:
    name = _basename(value)
    dot = name.rfind(".")
    return name[:dot] if dot > 0 else name


def _mapping(value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise fail(f"{_kind(value)} stands where a mapping is needed", "Name a mapping of the configuration.")


FUNCTIONS: dict[str, Function] = {
    "len": Function(1, 1, _length),
    "min": Function(1, 100, _best(min)),
    "max": Function(1, 100, _best(max)),
    "sum": Function(1, 1, _sum),
    "prod": Function(1, 1, _prod),
    "abs": Function(1, 1, lambda value: abs(number(value))),
    "round": Function(1, 2, _round),
    "int": Function(1, 1, _int),
    "float": Function(1, 1, _float),
    "str": Function(1, 1, _str),
    "bool": Function(1, 1, bool),
    "sorted": Function(1, 1, _sorted),
    "reversed": Function(1, 1, lambda values: items(values)[::-1]),
    "any": Function(1, 1, lambda values: any(items(values))),
    "all": Function(1, 1, lambda values: all(items(values))),
    "range": Function(1, 3, _range),
    "floor": Function(1, 1, _real(math.floor)),
    "ceil": Function(1, 1, _real(math.ceil)),
    "sqrt": Function(1, 1, _real(math.sqrt)),
    "log": Function(1, 2, lambda value, *base: math.log(number(value), *map(number, base))),
    "log2": Function(1, 1, _real(math.log2)),
    "log10": Function(1, 1, _real(math.log10)),
    "exp": Function(1, 1, _real(math.exp)),
    "lower": Function(1, 1, lambda value: text(value).lower()),
    "upper": Function(1, 1, lambda value: text(value).upper()),
    "strip": Function(1, 1, lambda value: text(value).strip()),
    "startswith": Function(2, 2, lambda value, start: text(value).startswith(text(start))),
    "endswith": Function(2, 2, lambda value, end: text(value).endswith(text(end))),
    "replace": Function(3, 3, _replace),
    "join": Function(2, 2, _join),
    "split": Function(2, 2, _split),
    "basename": Function(1, 1, _basename),
    "dirname": Function(1, 1, _dirname),
    "stem": Function(1, 1, _stem),
    "keys": Function(1, 1, lambda value: list(_mapping(value))),
    "values": Function(1, 1, lambda value: list(_mapping(value).values())),
}
