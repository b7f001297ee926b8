"""The differences of two frozen configurations, each with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.config.frozen.digests import text_of
from pedigree.config.frozen.pointers import built, leaves, path, shown
from pedigree.config.frozen.record import Frozen
from pedigree.config.origins import Origin, Value, at

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated

#: Causes, in the order in which they are told, and the heading of each.
CAUSES = {
    "choice": "another option was chosen",
    "override": "an override",
    "environment": "the environment",
    "file": "a file changed",
    "default": "a default of the model changed",
    "migration": "a migration",
    "expression": "an expression read a changed value",
    "moment": "another moment, or settings of the run",
    "code": "set in code",
}


class _Nothing:
    """Where a side has no value."""

    def __repr__(self) -> str:
        return "(not there)"


NOTHING: Any = _Nothing()


@dataclass(frozen=True, slots=True)
class Side:
    """`value` is as recorded, so that a value of the environment is the text that reads it; NOTHING where there is
    none, nor an origin."""

    value: Value
    origin: Origin | None

    @property
    def place(self) -> str:
        return "" if self.origin is None else self.origin.text


_ABSENT = Side(NOTHING, None)


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf, or one empty container, that is not the same on both sides. `reads` are the paths of changed values
    that an expression read."""

    pointer: str
    cause: str  #: one of CAUSES
    before: Side
    after: Side
    reads: tuple[tuple[Any, ...], ...] = ()

    @property
    def path(self) -> tuple[Any, ...]:
        return path(self.pointer)

    def reversed(self) -> Change:
        return Change(self.pointer, self.cause, self.after, self.before, self.reads)


@dataclass(frozen=True, slots=True)
class Differences:
    """Empty, and false, exactly when the two have the same digest. `diff(b, a) == diff(a, b).reversed()`."""

    changes: tuple[Change, ...]
    choices: tuple[tuple[str, Any, Any], ...] = ()  #: group, option before, option after

    def __bool__(self) -> bool:
        return bool(self.changes)

    def by_cause(self) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """The changes of each cause that has some."""
        for cause in CAUSES:
            found = tuple(one for one in self.changes if one.cause == cause)
            if found:
                yield cause, found

    def reversed(self) -> Differences:
        return Differences(
            tuple(one.reversed() for one in self.changes), tuple((group, b, a) for group, a, b in self.choices)
        )

    def applied(self, values: Value) -> Value:
        """The values of `a` with the changes made: those of `b`, but for the order of keys."""
        found = leaves(values)
        for one in self.changes:
            found.pop(one.pointer, None)
        for one in self.changes:
            if one.after.value is not NOTHING:
                found[one.pointer] = one.after.value
        return built(found)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data; a side without a value has no `value`."""
        return {
            "choices": [{"group": group, "before": a, "after": b} for group, a, b in self.choices],
            "changes": [
                {
                    "path": shown(one.pointer),
                    "pointer": one.pointer,
                    "cause": one.cause,
                    "before": _side(one.before),
                    "after": _side(one.after),
                    **({"reads": [".".join(map(str, read)) for read in one.reads]} if one.reads else {}),
                }
                for one in self.changes
            ],
        }

    def lines(self) -> list[str]:
        """For a terminal, without colour: each cause, below it each value before and after, with their places."""
        found = []
        for group, a, b in self.choices:
            found.append(f"{group}: {_option(a)} -> {_option(b)}")
        for cause, changes in self.by_cause():
            found.append(f"{CAUSES[cause]}:")
            for one in changes:
                found += [f"  {shown(one.pointer)}", f"    - {_told(one.before)}", f"    + {_told(one.after)}"]
                if one.reads:
                    found.append(f"      reads {', '.join('.'.join(map(str, read)) for read in one.reads)}")
        return found


def diff(a: Frozen, b: Frozen) -> Differences:
    """What is not the same in `b` as in `a`, sorted by pointer."""
    before, after = a.lines(), b.lines()
    changed = sorted(place for place in before.keys() | after.keys() if before.get(place) != after.get(place))
    choices = tuple(
        (group, a.choices.get(group), b.choices.get(group))
        for group in sorted({*a.choices, *b.choices}, key=str)
        if a.choices.get(group) != b.choices.get(group)
    )
    if not changed:
        return Differences((), choices)
    halves = _Half(a), _Half(b)
    causes = _Causes(halves, choices, changed)
    changes = []
    for place in sorted(halves[0].units(changed, b) | halves[1].units(changed, a)):
        sides = halves[0].side(place), halves[1].side(place)
        if sides[0].value is not NOTHING or sides[1].value is not NOTHING:
            changes.append(Change(place, *causes.of(place, sides)))
    return Differences(tuple(changes), choices)


class _Half:
    """One of the two, asked by pointer."""

    def __init__(self, frozen: Frozen) -> None:
        self.frozen = frozen
        self.leaves = leaves(frozen.values)
        self.references = frozen.environment.references

    def units(self, changed: Iterable[str], other: Frozen) -> set[str]:
        """The leaves as recorded that changed digests belong to: a text that reads the environment may give many."""
        found = set()
        for place in changed:
            holder = next((one for one in _at_and_above(place) if one in self.references), None)
            if holder is None:
                # Where the other side has one text for a whole container, the whole container is taken.
                theirs = next((one for one in _at_and_above(place) if one in other.environment.references), None)
                if theirs is not None:
                    found |= {one for one in self.leaves if one == theirs or one.startswith(theirs + "/")}
                holder = place
            found.add(holder)
        return found

    def side(self, place: str) -> Side:
        if place not in self.leaves:
            return _ABSENT
        return Side(self.leaves[place], at(self.frozen.origins, path(place)))

    def composed(self, place: str) -> tuple[Any, ...]:
        """Where the value stood when it was composed."""
        return path(self.frozen.moved.get(place, place))

    def interpolation(self, place: str) -> Interpolated | None:
        """That which the value, or the nearest container around it, was made by."""
        where = self.composed(place)
        for length in range(len(where), 0, -1):
            found = self.frozen.interpolations.get(where[:length])
            if found is not None:
                return found
        return None


class _Causes:
    def __init__(
        self, halves: tuple[_Half, _Half], choices: Iterable[tuple[str, Any, Any]], changed: Iterable[str]
    ) -> None:
        self.halves = halves
        self.options = tuple(
            f"{group.partition('@')[0]}/{option}".strip("/")
            for group, *both in choices
            for one in both
            for option in (one if isinstance(one, (list, tuple)) else (one,))
            if isinstance(option, str)
        )
        self.changed = {half.composed(place) for half in halves for place in changed}

    def of(self, place: str, sides: tuple[Side, Side]) -> tuple[str, Side, Side, tuple[tuple[Any, ...], ...]]:
        """What a `Change` has beside the pointer."""
        made = self.halves[0].interpolation(place), self.halves[1].interpolation(place)
        there = [one for one, side in zip(made, sides, strict=True) if side.value is not NOTHING]
        first = there[0]
        if first is not None and all(one is not None and one.text == first.text for one in there):
            reads = {read for one in there if one is not None for read in one.reads if self.is_changed(read)}
            if reads:
                return "expression", *sides, tuple(sorted(reads, key=lambda read: tuple(map(str, read))))
            if any(one is not None and one.variables for one in there):
                return "environment", *sides, ()
            if any(one is not None and not one.deterministic for one in there):
                return "moment", *sides, ()
        return self.by_origin([side.origin for side in sides if side.origin is not None]), *sides, ()

    def is_changed(self, read: tuple[Any, ...]) -> bool:
        return any(one[: len(read)] == read or read[: len(one)] == one for one in self.changed)

    def by_origin(self, origins: list[Origin]) -> str:
        while len(origins) == 2:
            inner = [one.shadowed for one in origins if one.kind == "migration" and one.shadowed is not None]
            if len(inner) < 2:
                break
            origins = inner  # both were migrated alike: what they were before tells them apart
        kinds = {one.kind for one in origins}
        for kind in ("override", "env", "migration"):
            if kind in kinds:
                return "environment" if kind == "env" else kind
        if "file" in kinds:
            chosen = any(one.kind == "file" and self.is_of_choice(one.name) for one in origins)
            return "choice" if chosen else "file"
        return "default" if "default" in kinds else "code"

    def is_of_choice(self, file: str) -> bool:
        stem = file.rpartition(".")[0] or file
        return any(stem == option or stem.endswith("/" + option) for option in self.options)


def _at_and_above(place: str) -> Iterator[str]:
    while place:
        yield place
        place = place.rpartition("/")[0]


def _side(side: Side) -> dict[str, Any]:
    if side.origin is None:
        return {}
    one = side.origin
    found: dict[str, Any] = {"value": for_json(side.value), "place": side.place, "kind": one.kind, "name": one.name}
    if one.line:
        found |= {"line": one.line, "column": one.column}
    return found


def for_json(value: Value) -> Any:
    """A leaf as JSON can hold it: `NaN` and its like as text."""
    return text_of(value) if isinstance(value, float) and value - value != 0 else value


def _told(side: Side) -> str:
    return repr(NOTHING) if side.origin is None else f"{text_of(side.value)}  ({side.place})"


def _option(option: Any) -> str:
    return "(none)" if option is None else ", ".join(map(str, option)) if isinstance(option, list) else str(option)
