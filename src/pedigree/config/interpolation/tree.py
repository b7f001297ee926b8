"""A plain tree while it is being resolved: one frame per container, made when the container is first met."""

from __future__ import annotations

from typing import Any

from pedigree.config.interpolation.mistakes import Mistake, Path


class Leaf:
    """A text with an interpolation: its value once known, and what was read for it.

    `variables` and `deterministic` speak for everything that the value was made from, however far away.
    `hops` counts the interpolations that one behind another lead to the value.
    """

    __slots__ = ("deterministic", "done", "hops", "reads", "text", "value", "variables")

    def __init__(self, text: str) -> None:
        self.text = text
        self.value: Any = None
        self.done = False
        self.reads: list[Path] = []
        self.variables: frozenset[str] = frozenset()
        self.deterministic = True
        self.hops = 0

    def takes(self, other: Leaf) -> None:
        """Notes that this leaf's value was made from the other's."""
        if other.hops >= self.hops:
            self.hops = other.hops + 1
        if other.variables:
            self.variables |= other.variables
        if not other.deterministic:
            self.deterministic = False


class Frame:
    """A container of the tree and where it stands. The same object at two places has two frames."""

    __slots__ = (
        "building",
        "built",
        "depth",
        "frames",
        "height",
        "key",
        "leaves",
        "parent",
        "path",
        "raw",
        "size",
        "taints",
    )

    def __init__(self, raw: Any, parent: Frame | None, key: Any) -> None:
        self.raw = raw
        self.parent = parent
        self.key = key
        self.path: Path = () if parent is None else (*parent.path, key)
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.frames: dict[Any, Frame] = {}
        self.leaves: dict[Any, Leaf] = {}
        self.built: Any = None
        self.building = False
        #: Once built: values inside, levels inside, and the leaves inside that are not plain functions of the tree.
        self.size = 0
        self.height = 0
        self.taints: list[tuple[Path, Leaf]] = []

    def child(self, key: Any, raw: Any) -> Frame:
        frame = self.frames.get(key)
        if frame is None:
            frame = self.frames[key] = Frame(raw, self, key)
        return frame

    def holds(self, other: Frame) -> bool:
        """Whether the other container is this one or lies inside it."""
        at: Frame | None = other
        while at is not None:
            if at is self:
                return True
            at = at.parent
        return False


SCALARS = frozenset({str, int, float, bool, type(None)})


def shown(raw: Any, room: int) -> str:
    """The container as Python writes it, its interpolations as they stand; Mistake beyond `room` characters."""
    parts: list[str] = []
    left = room

    def put(part: str) -> None:
        nonlocal left
        left -= len(part)
        if left < 0:
            raise Mistake(f"a container written as text has more than {room} characters", "Name a value inside of it.")
        parts.append(part)

    def walk(value: Any, depth: int) -> None:
        if depth > 200:
            raise Mistake("a container written as text is nested more than 200 deep", "Name a value inside of it.")
        if isinstance(value, dict):
            put("{")
            for index, (key, item) in enumerate(value.items()):
                put(f", {key!r}: " if index else f"{key!r}: ")
                walk(item, depth + 1)
            put("}")
        elif isinstance(value, list):
            put("[")
            for index, item in enumerate(value):
                if index:
                    put(", ")
                walk(item, depth + 1)
            put("]")
        else:
            put(repr(value))

    walk(raw, 0)
    return "".join(parts)


def size_of(value: Any, most: int) -> int:
    """Values in a plain value, itself included; more than `most` as soon as there are more."""
    if not isinstance(value, (dict, list)):
        return 1
    items = value.values() if isinstance(value, dict) else value
    count = 1 + len(items)
    if count > most or SCALARS.issuperset(map(type, items)):
        return count
    for item in items:
        if item.__class__ not in SCALARS:
            count += size_of(item, most - count) - 1
        if count > most:
            break
    return count


def copy(value: Any) -> Any:
    """An independent copy of a plain value."""
    if value.__class__ is dict:
        return {key: item if item.__class__ in SCALARS else copy(item) for key, item in value.items()}
    if value.__class__ is list:
        return [item if item.__class__ in SCALARS else copy(item) for item in value]
    return value
