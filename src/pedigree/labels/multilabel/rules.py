"""What labels must obey, declared once: classes that imply others, that exclude each other, of which one must be there.

rules = Rules(parents={"car": "vehicle", "bus": "vehicle"}, exclusive=[["car", "bus"]])
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

from pedigree.errors import InvalidInput, meant

_FIELDS = ("parents", "exclusive", "required")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `implies`: classes[0] implies classes[1]. `exclusive`: at most one of the classes. `required`: at least one."""

    kind: str
    classes: tuple[Any, ...]

    def __str__(self) -> str:
        if self.kind == "implies":
            return f"{self.classes[0]!r} implies {self.classes[1]!r}"
        shown = ", ".join(repr(name) for name in self.classes)
        return f"{'at most' if self.kind == 'exclusive' else 'at least'} one of {shown}"


@dataclass(frozen=True, slots=True, init=False)
class Rules:
    """Rules about classes, by name (or by number, where classes have none).

    `parents`: for each child its parent or parents, all of which an example of the child has too; grandparents follow.
    `exclusive`: groups of which an example has at most one. `required`: groups of which it has at least one.

    Raises InvalidInput where they contradict each other: a class that is its own ancestor, one that implies two that exclude
    each other (or excludes its own parent), groups that no labels can meet at once.
    """

    parents: tuple[tuple[Any, tuple[Any, ...]], ...]
    exclusive: tuple[tuple[Any, ...], ...]
    required: tuple[tuple[Any, ...], ...]

    def __init__(
        self,
        parents: Mapping[Any, Any] | None = None,
        exclusive: Iterable[Iterable[Any]] = (),
        required: Iterable[Iterable[Any]] = (),
    ) -> None:
        family = tuple(
            (child, _several(above, f"the parents of {child!r}")) for child, above in (parents or {}).items()
        )
        object.__setattr__(self, "parents", family)
        object.__setattr__(self, "exclusive", _groups(exclusive, "exclusive"))
        object.__setattr__(self, "required", _groups(required, "required"))
        self._check()

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Rules:
        """The rules of a YAML or JSON file: a mapping with the keys parents, exclusive and required, each of which may lack."""
        import yaml

        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            found = json.loads(text) if fspath(path).endswith(".json") else yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise InvalidInput(f"{fspath(path)} is no YAML or JSON: {error}.", remedy="Correct the file.") from error
        found = {} if found is None else found
        if not isinstance(found, dict):
            raise InvalidInput(
                f"{fspath(path)} holds a {type(found).__name__}, which declares no rules.",
                remedy=f"Write a mapping with {', '.join(_FIELDS)}.",
            )
        for key in found:
            if key not in _FIELDS:
                raise InvalidInput(
                    f"{fspath(path)} has the key {key!r}, which declares no rules.",
                    remedy=f"{meant(str(key), _FIELDS)}The keys are {', '.join(_FIELDS)}.",
                )
        if not isinstance(found.get("parents") or {}, dict):
            raise InvalidInput(
                f"{fspath(path)}: parents is no mapping.", remedy="Write `child: parent` or `child: [parents]`."
            )
        return cls(found.get("parents"), found.get("exclusive") or (), found.get("required") or ())

    @property
    def classes(self) -> tuple[Any, ...]:
        """Every class that a rule names, in the order of the rules."""
        return tuple(dict.fromkeys(name for rule in self.each for name in rule.classes))

    @property
    def each(self) -> tuple[Rule, ...]:
        """The rules one by one: a line for each child and parent, and one for each group."""
        implied = tuple(Rule("implies", (child, parent)) for child, above in self.parents for parent in above)
        return (
            *implied,
            *(Rule("exclusive", group) for group in self.exclusive),
            *(Rule("required", group) for group in self.required),
        )

    def ancestors(self, name: Any) -> tuple[Any, ...]:
        """Parents, their parents, and so on, each once, the nearest first."""
        above = dict(self.parents)
        found = dict.fromkeys(above.get(name, ()))
        waiting = list(found)
        while waiting:
            for parent in above.get(waiting.pop(0), ()):
                if parent not in found:
                    found[parent] = None
                    waiting.append(parent)
        return tuple(found)

    def columns(self, names: tuple[Any, ...]) -> tuple[tuple[Rule, tuple[int, ...]], ...]:
        """Each rule with the columns of its classes; InvalidInput for a class that is none of the names."""
        place = {name: at for at, name in enumerate(names)}
        for name in self.classes:
            if name not in place:
                raise InvalidInput(
                    f"The rules name {name!r}, which is no class.",
                    remedy=f"{meant(str(name), map(str, names))}Name the classes as the labels do.",
                )
        return tuple((rule, tuple(place[name] for name in rule.classes)) for rule in self.each)

    def violations(self, labels: Any, classes: Any = None, *, void: Any = None) -> Any:
        """The violations in labels without probabilities, see `multilabel.violations.violations`.

        As few classes are taken out as will do, then as few added.

        `classes` names the columns of a matrix, or what lists of classes may hold; without it those of the rules, in order.
        """
        from pedigree.labels.inputs import plain
        from pedigree.labels.multilabel import inputs, violations

        names = self.classes if classes is None else tuple(plain(classes))
        return violations.violations(self, inputs.given_cells(labels, names, void=void), names)

    def _check(self) -> None:
        self._check_cycles()
        for name in self.classes:
            line = (name, *self.ancestors(name))
            for group in self.exclusive:
                held = [one for one in line if one in group]
                if len(held) > 1:
                    raise InvalidInput(
                        f"No example can have {name!r}: with it come {' and '.join(map(repr, held))}, which exclude each other."
                        if name not in held
                        else f"No example can have {name!r}: it implies {held[1]!r}, and the two exclude each other.",
                        remedy="Take one of the two rules out.",
                    )
        if self.required:
            from pedigree.labels.multilabel.repair import Repairs

            if Repairs(self.columns(self.classes)).cheapest([0] * len(self.classes), [1.0] * len(self.classes)) is None:
                raise InvalidInput(
                    "No labels can meet all required groups: what they ask for excludes each other.",
                    remedy="Take a required or an exclusive group out.",
                )

    def _check_cycles(self) -> None:
        for name, _ in self.parents:
            if name in self.ancestors(name):
                raise InvalidInput(
                    f"A class is its own ancestor: {' -> '.join(map(repr, self._cycle(name)))}.",
                    remedy="Take one of these parents out.",
                )

    def _cycle(self, name: Any) -> list[Any]:
        """The shortest way from a class back to it."""
        above = dict(self.parents)
        ways = [[name]]
        while True:
            way = ways.pop(0)
            for parent in above.get(way[-1], ()):
                if parent == name:
                    return [*way, name]
                ways.append([*way, parent])


def _groups(groups: Any, field: str) -> tuple[tuple[Any, ...], ...]:
    if isinstance(groups, (str, bytes, Mapping)) or not isinstance(groups, Iterable):
        raise InvalidInput(
            f"{field} is {groups!r}, which is no list of groups.", remedy="Give a list of lists of classes."
        )
    found = tuple(_several(group, f"a group of {field}") for group in groups)
    for group in found:
        if len(group) < (2 if field == "exclusive" else 1):
            raise InvalidInput(
                f"A group of {field} has {len(group)} classes: {list(group)!r}.",
                remedy="Name two classes at least." if field == "exclusive" else "Name one class at least.",
            )
    return found


def _several(values: Any, what: str) -> tuple[Any, ...]:
    """One class or several, each once."""
    if isinstance(values, Mapping):
        raise InvalidInput(f"{what[0].upper()}{what[1:]} are a mapping.", remedy="Give a list of classes.")
    found = (values,) if isinstance(values, (str, int)) else tuple(values)
    for at, name in enumerate(found):
        if not isinstance(name, (str, int)):
            raise InvalidInput(f"{name!r} in {what} is no class.", remedy="Name classes by text or number.")
        if name in found[:at]:
            raise InvalidInput(f"{name!r} stands twice in {what}.", remedy="Name each class once.")
    return found
