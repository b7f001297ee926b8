"""The functions of the grammar: what each takes, checked, and what a call of it yields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.overrides import casts
from pedigree.config.overrides.edits import EDITS, ListEdit
from pedigree.config.overrides.mistakes import near
from pedigree.config.overrides.misuse import Misuse
from pedigree.config.overrides.values import SWEEPS, Choice, Glob, Interval, Quoted, Range, plain

if TYPE_CHECKING:
    from random import Random  # 6 ms, and only a shuffle needs it

__all__ = ["FUNCTIONS", "Function", "Misuse", "call"]


class Function(NamedTuple):
    """A signature: named parameters in order, those of them that must be given, and whether any number may be.

    With `many`, positional arguments never fill `parameters`: those are given by name.
    """

    parameters: tuple[str, ...] = ()
    required: int = 0
    many: bool = False
    usage: str = ""


FUNCTIONS: dict[str, Function] = {
    "choice": Function(many=True, usage="choice(a, b, …)"),
    "range": Function(("start", "stop", "step"), 1, usage="range(stop) or range(start, stop, step=1)"),
    "interval": Function(("start", "end"), 2, usage="interval(start, end)"),
    "glob": Function(("include", "exclude"), 1, usage="glob(pattern or [patterns], exclude=…)"),
    "sort": Function(("sweep", "list", "reverse"), many=True, usage="sort(a, b, …, reverse=false)"),
    "shuffle": Function(("sweep", "list"), many=True, usage="shuffle(a, b, …)"),
    "tag": Function(("sweep",), many=True, usage="tag(name, …, sweep)"),
    **{name: Function(("value",), many=True, usage=f"{name}(value)") for name in casts.CASTS},
    **{name: Function(edit.parameters, len(edit.parameters), usage=edit.usage) for name, edit in EDITS.items()},
}


def call(name: str, positional: list[Any], named: dict[str, Any], order: Callable[[], Random]) -> Any:
    """What the call yields: a plain value, a sweep, or a list edit. Raises Misuse."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise Misuse(
            f"there is no function {name[:60]!r}{near(name, list(FUNCTIONS))}",
            f"Functions: {', '.join(sorted(FUNCTIONS))}. Put a text with `(` in quotes.",
        )
    if name in EDITS:
        arguments = [plain(item) for item in _bound(name, function, positional, named, keep_quotes=True)]
        for key, item in zip(function.parameters, arguments, strict=True):
            wanted = {"index": int, "items": list}.get(key)
            if wanted is not None and type(item) is not wanted:
                what = "a whole number" if wanted is int else "a list"
                place = key if key in named else function.parameters.index(key)
                raise Misuse(f"{name}() needs {what} for `{key}`, got {_kind(item)}", _usage(name), place)
        return ListEdit(name, tuple(arguments))
    # As with Hydra, quotes around a whole argument are gone once it is passed; those inside a list stay.
    positional = [item.text if type(item) is Quoted else item for item in positional]
    named = {key: item.text if type(item) is Quoted else item for key, item in named.items()}
    if not function.many:
        return _FIXED[name](*_bound(name, function, positional, named))
    for key in named:
        if key not in function.parameters:
            raise _unknown(name, function, key)
    if name in casts.CASTS:
        return _cast(name, positional, named)
    return _MANY[name](positional, named, order)


def _bound(
    name: str, function: Function, positional: list[Any], named: dict[str, Any], *, keep_quotes: bool = False
) -> list[Any]:
    """One argument per parameter, None for those left out."""
    parameters = function.parameters
    if len(positional) > len(parameters):
        raise Misuse(
            f"{name}() takes at most {len(parameters)} arguments, got {len(positional)}"
            if parameters
            else f"{name}() takes no arguments",
            f"Usage: {function.usage}.",
            len(parameters),
        )
    values: dict[str, Any] = dict(zip(parameters, positional, strict=False))
    for key, item in named.items():
        if key not in parameters:
            raise _unknown(name, function, key)
        if key in values:
            raise Misuse(f"{name}() got `{key}` twice", f"Usage: {function.usage}.", key)
        values[key] = item
    for key in parameters[: function.required]:
        if key not in values:
            raise Misuse(f"{name}() needs `{key}`", f"Usage: {function.usage}.")
    if keep_quotes:
        for place, item in enumerate(values.values()):
            if type(item) in SWEEPS or type(item) is ListEdit:
                raise Misuse(f"{name}() takes values, not sweeps", f"Usage: {function.usage}.", place)
        return [values[key] for key in parameters]
    return [values.get(key, _LEFT_OUT.get((name, key))) for key in parameters]


_LEFT_OUT: dict[tuple[str, str], Any] = {("range", "step"): 1}


def _unknown(name: str, function: Function, key: str) -> Misuse:
    return Misuse(
        f"{name}() has no argument {key[:60]!r}{near(key, list(function.parameters))}", f"Usage: {function.usage}.", key
    )


def _number(name: str, parameter: str, value: Any, place: int) -> None:
    if not isinstance(value, (int, float)):
        raise Misuse(
            f"{name}() needs a number for `{parameter}`, got {_kind(value)}",
            f"Usage: {FUNCTIONS[name].usage}.",
            place,
        )


def _range(start: Any, stop: Any, step: Any) -> Range:
    _number("range", "start", start, 0)
    if stop is not None:
        _number("range", "stop", stop, 1)
    _number("range", "step", step, 2)
    return Range(0, start, step) if stop is None else Range(start, stop, step)


def _interval(start: Any, end: Any) -> Interval:
    _number("interval", "start", start, 0)
    _number("interval", "end", end, 1)
    try:
        return Interval(float(start), float(end))
    except OverflowError:
        raise Misuse("interval() needs numbers that a float can hold", "Use smaller numbers.") from None


def _glob(include: Any, exclude: Any) -> Glob:
    patterns: list[tuple[str, ...]] = []
    for place, (name, value) in enumerate((("include", include), ("exclude", [] if exclude is None else exclude))):
        items = [value] if type(value) is str else plain(value)
        if type(items) is not list or not all(type(item) is str for item in items):
            raise Misuse(
                f"glob() needs a pattern or a list of patterns for `{name}`, got {_kind(value)}",
                f"Usage: {FUNCTIONS['glob'].usage}.",
                place,
            )
        patterns.append(tuple(items))
    return Glob(*patterns)


def _choice(positional: list[Any], _named: dict[str, Any], _order: Callable[[], Random]) -> Choice:
    if not positional:
        raise Misuse("choice() needs at least one value", f"Usage: {FUNCTIONS['choice'].usage}.")
    for place, item in enumerate(positional):
        if item is None or not _is_plain(item):
            raise Misuse(
                f"choice() takes values, not {_kind(item)}",
                "List the values themselves; write `a,null` without choice() to sweep over null.",
                place,
            )
    return Choice(tuple(positional))


def _tag(positional: list[Any], named: dict[str, Any], _order: Callable[[], Random]) -> Any:
    sweep, names = named.get("sweep"), list(positional)
    if sweep is None and names:
        sweep = names.pop()
    for place, item in enumerate(names):
        if type(item) is not str:
            raise Misuse(f"tag() needs names before the sweep, got {_kind(item)}", "Usage: tag(name, …, sweep).", place)
    if not positional or not isinstance(sweep, (Choice, Range, Interval)):
        raise Misuse(
            "tag() needs a choice(), range() or interval() as its last argument", "Usage: tag(name, …, sweep)."
        )
    return sweep._replace(tags=frozenset(names))


def _sort(positional: list[Any], named: dict[str, Any], _order: Callable[[], Random]) -> Any:
    reverse = named.get("reverse", False)
    if type(reverse) is not bool:
        raise Misuse(f"sort() needs true or false for `reverse`, got {_kind(reverse)}", _usage("sort"), "reverse")
    value = _ordered("sort", positional, named)
    if type(value) is list:
        return _in_order(value, reverse)
    if type(value) is Choice:
        return value._replace(options=tuple(_in_order(list(value.options), reverse)))
    if type(value) is Range:
        start, stop, step = value.start, value.stop, value.step
        if not (start < stop if reverse else start > stop):
            return value
        # From the other end, the other way, by Hydra's arithmetic: where the step does not divide the distance, the
        # numbers differ from those of the range, as they do in Hydra.
        shift = -abs(step) if reverse else abs(step)
        return value._replace(start=stop + shift, stop=start + shift, step=-step)
    if value is None:
        if not positional:
            raise Misuse("sort() needs something to sort", _usage("sort"))
        if len(positional) == 1:
            return positional[0]
        return Choice(tuple(_in_order(_scalars("sort", positional), reverse)), simple=True)
    raise AssertionError(value)


def _shuffle(positional: list[Any], named: dict[str, Any], order: Callable[[], Random]) -> Any:
    value = _ordered("shuffle", positional, named)
    if value is None and len(positional) == 1:
        value = list(positional)
    if type(value) is list:
        return order().sample(value, len(value))
    if value is not None:
        return value._replace(shuffled=True)
    for place, item in enumerate(positional):
        if not _is_plain(item):
            raise Misuse(
                f"shuffle() takes one sweep, or values; here is {_kind(item)} among others", _usage("shuffle"), place
            )
    return Choice(tuple(positional), simple=True, shuffled=True)


def _ordered(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    """The one list, choice or range that sort() or shuffle() is to order; None when it was given values."""
    for place, item in enumerate(positional):
        if item is None or type(item) in {Interval, Glob, ListEdit}:
            raise Misuse(f"{name}() cannot order {_kind(item)}", _usage(name), place)
    listed, sweep = named.get("list"), named.get("sweep")
    if listed is not None and type(listed) is not list:
        raise Misuse(f"{name}() needs a list for `list`, got {_kind(listed)}", _usage(name), "list")
    if sweep is not None and type(sweep) not in {Choice, Range}:
        raise Misuse(f"{name}() needs a choice() or range() for `sweep`, got {_kind(sweep)}", _usage(name), "sweep")
    if listed is not None:
        return listed
    if sweep is not None:
        return sweep
    if len(positional) == 1 and type(positional[0]) in {list, Choice, Range}:
        return positional[0]
    return None


def _scalars(name: str, items: list[Any]) -> list[Any]:
    for place, item in enumerate(items):
        if not isinstance(item, (str, int, float)):
            raise Misuse(
                f"{name}() takes one list or sweep, or scalars; here is {_kind(item)} among others", _usage(name), place
            )
    return items


def _in_order(items: list[Any], reverse: bool) -> list[Any]:
    if len(items) > 1 and any(type(item) is Quoted for item in items):
        raise Misuse("sort() cannot compare strings in quotes inside a list", "Leave out the quotes.")
    try:
        return sorted(items, reverse=reverse)
    except TypeError as error:
        raise Misuse(f"sort() cannot compare these values ({error})", "Sort values of one type.") from None


def _cast(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    value = named.get("value")
    if positional and value is not None:
        raise Misuse(f"{name}() takes positional arguments or `value`, not both", _usage(name), "value")
    if not positional:
        if value is None:
            raise Misuse(f"{name}() needs a value", _usage(name))
        return _at("value", casts.cast, name, value)
    if len(positional) == 1:
        return _at(0, casts.cast, name, positional[0])
    return Choice(tuple(_at(place, casts.cast_value, name, item) for place, item in enumerate(positional)), simple=True)


def _at(place: int | str, cast: Callable[[str, Any], Any], name: str, value: Any) -> Any:
    """The cast; a refusal names the argument."""
    try:
        return cast(name, value)
    except Misuse as misuse:
        misuse.argument = place
        raise


def _usage(name: str) -> str:
    return f"Usage: {FUNCTIONS[name].usage}."


def _is_plain(value: Any) -> bool:
    return type(value) not in SWEEPS and type(value) is not ListEdit


def _kind(value: Any) -> str:
    """What a value is, for a message."""
    kind = type(value)
    if kind in SWEEPS:
        return f"{kind.__name__.lower()}()"
    if kind is ListEdit:
        return f"{value.name}()"
    if kind in {list, dict}:
        return f"a {kind.__name__}"
    return "null" if value is None else repr(value)[:60]


_FIXED: dict[str, Callable[..., Any]] = {"range": _range, "interval": _interval, "glob": _glob}
_MANY: dict[str, Callable[[list[Any], dict[str, Any], Callable[[], Random]], Any]] = {
    "choice": _choice,
    "tag": _tag,
    "sort": _sort,
    "shuffle": _shuffle,
}
