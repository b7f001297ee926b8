"""Overrides of values: `lr=0.1`, `+lr=0.1`, `++lr=0.1`, `~lr`, `tags=append(x)` applied to a composed tree.

Nothing that is given changes; what comes out shares with it all but the containers on the way to the change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from pedigree.config.composing.merging import merged, refuse, shadowing
from pedigree.config.origins import OWN, Origin, Origins, Value, own, spread
from pedigree.config.overrides import ListEdit, Operation, Override
from pedigree.config.overrides.edits import same
from pedigree.errors import InvalidConfig, InvalidInput, nearest

#: Gives the value that the interpolation at a path stands for, None where it does not resolve.
Found = Callable[[tuple[Any, ...]], "Value | None"]

#: Tells whether the model has a key at a path, so that an override may set what no file does.
HasKey = Callable[[Sequence[str]], bool]

_MISSING = object()


def changed(
    values: Value,
    origins: Origins,
    override: Override,
    origin: Origin,
    found: Found = lambda _: None,
    *,
    strict: bool = False,
    has_key: HasKey | None = None,
) -> tuple[Value, Origins]:
    """The tree with one override applied; `origin` is that of what it sets. With `strict` (Hydra 1.4), `~key=null`
    deletes nothing but a null. A key that is not there is set where `has_key` says of its path that the model has it.

    Raises InvalidConfig for a key that is not there (or, to be added, is there), an index outside a list, an item
    to delete that has another value.
    """
    change = _Change(override, origin, found, strict, has_key)
    if not override.parts:
        change.refuse("it names no key", "Write key=value.")
    return change.at(values, origins, override.parts, ())


class _Change:
    __slots__ = ("found", "has_key", "origin", "override", "strict")

    def __init__(
        self, override: Override, origin: Origin, found: Found, strict: bool, has_key: HasKey | None = None
    ) -> None:
        self.strict = strict
        self.override = override
        self.origin = origin
        self.found = found
        self.has_key = has_key

    def of_model(self) -> bool:
        """Whether the override sets a field of the model, which has no value in the files."""
        override = self.override
        if self.has_key is None or override.operation is not Operation.CHANGE or type(override.value) is ListEdit:
            return False
        return self.has_key(override.parts)

    def at(self, values: Value, origins: Origins, parts: list[str], path: tuple[Any, ...]) -> tuple[Value, Origins]:
        """The container with the change made at `parts` below it."""
        part, *rest = parts
        key, present = self.find(values, part, path)
        adds = self.override.operation in (Operation.ADD, Operation.FORCE_ADD)
        if not adds and (present is _MISSING or (rest and present in (None, "???"))):
            adds = self.of_model()
        if present is _MISSING and not adds:
            self.refuse_unknown(values, part, path)
        place = None if present is _MISSING else _inside(origins, key)
        if rest:
            if not isinstance(present, (dict, list)):
                if present not in (_MISSING, None, "???") and not adds:
                    self.refuse_leaf(present, (*path, key), rest[0], place)
                if not adds:
                    self.refuse_unknown({}, rest[0], (*path, key))
                if self.override.operation is Operation.ADD and isinstance(present, str) and "${" in present:
                    self.check_room(present, (*path, key), rest, place)
                # Hydra's `+` makes room for what it adds, even in the place of a number or a text.
                new = {OWN: self.origin}
                present, place = {}, new if present is _MISSING else shadowing(new, place)
            value, inner = self.at(present, place, rest, (*path, key))
            return _with(values, origins, key, value, inner)
        if self.override.operation is Operation.DELETE:
            return self.without(values, origins, key, present, (*path, key))
        if type(self.override.value) is ListEdit:
            return _with(values, origins, key, *self.edited(present, place, (*path, key)))
        return _with(values, origins, key, *self.set(present, place, (*path, key)))

    def find(self, values: Value, part: str, path: tuple[Any, ...]) -> tuple[Any, Any]:
        """The key that a part of the override names in a container, and what is there."""
        if isinstance(values, dict):
            if part in values:
                return part, values[part]
            for key in values:  # 1, 0.5, true: keys that are no text
                if not isinstance(key, str) and _word(key) == part:
                    return key, values[key]
            return part, _MISSING
        index = int(part) if part.lstrip("-").isdecimal() else None
        if index is None:
            self.refuse(
                f"{_dotted(path)} is a list, and {part!r} is no index",
                f"Write {_dotted(path)}.0, or edit the list: {_dotted(path)}=append(…).",
            )
        if not -len(values) <= index < len(values):
            self.refuse(
                f"{_dotted(path)} has {len(values)} items, and there is none at {index}",
                f"Count from 0, or write {_dotted(path)}=append(…).",
            )
        return index % len(values), values[index]

    def check_room(self, text: str, path: tuple[Any, ...], rest: list[str], place: Origins) -> None:
        """Refuses to add, in the place of an interpolation, what the value it stands for has already."""
        value = self.found(path)
        if value is None:
            self.refuse_leaf(text, path, rest[0], place)
        if isinstance(self.override.value, (dict, list)):
            return
        for part in rest:
            if not isinstance(value, (dict, list)):
                return
            _, value = self.find(value, part, path)
        if value not in (_MISSING, None, "???"):
            self.refuse_leaf(text, path, rest[0], place)

    def set(self, present: Any, place: Origins, path: tuple[Any, ...]) -> tuple[Value, Origins]:
        value, origin = self.override.value, self.origin
        new = spread(value, origin)
        if present is _MISSING:
            return value, new
        operation = self.override.operation
        if operation is Operation.ADD and present not in (None, "???") and not isinstance(value, (dict, list)):
            self.refuse(
                f"{_dotted(path)} is there already, with the value {_shown(present)} from {own(place).text}",
                f"Change it: {_dotted(path)}={self.override.text.partition('=')[2]}.",
            )
        if isinstance(value, dict) and isinstance(present, dict):
            if operation is Operation.CHANGE:
                self.check_known(present, value, path)
            return merged(present, place, value, new)
        if isinstance(value, (dict, list)) and isinstance(present, (dict, list)) and type(value) is not type(present):
            refuse(present, place, value, new, path)
        return value, shadowing(new, place)

    def check_known(self, present: dict[Any, Value], value: dict[Any, Value], path: tuple[Any, ...]) -> None:
        for key, item in value.items():
            if key not in present:
                self.refuse_unknown(present, str(key), path)
            if isinstance(item, dict) and isinstance(present[key], dict):
                self.check_known(present[key], item, (*path, key))

    def edited(self, present: Any, place: Origins, path: tuple[Any, ...]) -> tuple[Value, Origins]:
        edit = self.override.value
        try:
            items = edit.apply(None if present is _MISSING else present)
        except InvalidInput as error:
            raise InvalidConfig(
                f"{self.origin.text}: {_dotted(path)}: {error.message}",
                remedy=error.remedy,
                override=self.override.text,
            ) from None
        return items, [Origin(*self.origin[:4], own(place)), *self._places(present, place, items)]

    def _places(self, old: list[Value], places: Origins, new: list[Value]) -> list[Origins]:
        """Origins of the items: those that were there keep theirs."""
        left = list(zip(old, places[1:], strict=True))
        found = []
        for item in new:
            for at, (known, origin) in enumerate(left):
                if known is item or same(known, item):
                    found.append(origin)
                    del left[: at + 1]
                    break
            else:
                found.append(spread(item, self.origin))
        return found

    def without(
        self, values: Value, origins: Origins, key: Any, present: Any, path: tuple[Any, ...]
    ) -> tuple[Value, Origins]:
        expected = self.override.value
        # As in Hydra 1.3, `~key=null` asks for no value, and 1.0 is 1.
        whatever = self.override.bare or (expected is None and not self.strict)
        if not (whatever or same(present, expected) or _equal(present, expected)):
            self.refuse(
                f"{_dotted(path)} is {_shown(present)}, not {_shown(expected)}",
                f"Delete it whatever it is: ~{_dotted(path)}.",
            )
        if isinstance(values, list):
            return values[:key] + values[key + 1 :], origins[: key + 1] + origins[key + 2 :]
        return (
            {name: item for name, item in values.items() if name != key},
            {name: item for name, item in origins.items() if name != key},
        )

    def refuse_unknown(self, values: Value, part: str, path: tuple[Any, ...]) -> NoReturn:
        where = f"under {_dotted(path)!r}" if path else "at the top"
        known = [str(key) for key in values] if isinstance(values, dict) else []
        near = nearest(part, known)
        hint = f"Did you mean {_dotted((*path, near))!r}? " if near else ""
        there = (
            f"Keys {where}: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}." if known else "Correct the key."
        )
        self.refuse(f"there is no key {part!r} {where}", f"{hint}{there}")

    def refuse_leaf(self, present: Any, path: tuple[Any, ...], part: str, place: Origins) -> NoReturn:
        if isinstance(present, str) and "${" in present:
            self.refuse(
                f"{_dotted(path)} is {present} (set at {own(place).text}), and an interpolation has no keys of its own",
                "Override the value that it reads, or set it whole.",
            )
        self.refuse(
            f"{_dotted(path)} is {_shown(present)} (set at {own(place).text}), and has no key {part!r}",
            f"Set it whole: {_dotted(path)}=VALUE.",
        )

    def refuse(self, problem: str, remedy: str) -> NoReturn:
        raise InvalidConfig(
            f"{self.origin.text}: {problem}.", remedy=remedy, override=self.override.text, key=self.override.key
        )


def _inside(origins: Origins, key: Any) -> Origins:
    return origins[key + 1] if isinstance(origins, list) else origins[key]


def _with(values: Value, origins: Origins, key: Any, value: Value, origin: Origins) -> tuple[Value, Origins]:
    if isinstance(values, list):
        values, origins = list(values), list(origins)
        values[key] = value
        origins[key + 1] = origin
        return values, origins
    return {**values, key: value}, {**origins, key: origin}


def _equal(present: Value, expected: Value) -> bool:
    numbers = (int, float)
    return type(present) in numbers and type(expected) in numbers and bool(present == expected)


def _word(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
