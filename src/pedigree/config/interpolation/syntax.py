"""What a text with interpolations consists of, once parsed. Frozen by convention: trees are shared between threads."""

from __future__ import annotations

from typing import Any


class Literal:
    """A value that stands in the text itself."""

    __slots__ = ("value",)

    def __init__(self, value: str | int | float | bool | None) -> None:
        self.value = value


class Reference:
    """`${a.b}`: the value at a path, from the top or, with `ups` leading dots, from a container around it.

    `keys` is None where a part of the path is itself an interpolation; `parts`, joined, are then the path's text.
    """

    __slots__ = ("at", "keys", "parts", "ups")

    def __init__(self, at: int, ups: int, keys: tuple[str, ...] | None, parts: tuple[str | Node, ...]) -> None:
        self.at = at
        self.ups = ups
        self.keys = keys
        self.parts = parts


class Call:
    """`${name:arguments}`. `name` is None where a part of it is an interpolation; `parts` are then its pieces.

    `texts` are the arguments as written.
    """

    __slots__ = ("arguments", "at", "name", "parts", "texts")

    def __init__(
        self,
        at: int,
        name: str | None,
        parts: tuple[str | Node, ...],
        arguments: tuple[Node, ...],
        texts: tuple[str, ...],
    ) -> None:
        self.at = at
        self.name = name
        self.parts = parts
        self.arguments = arguments
        self.texts = texts


class Joined:
    """Text and interpolations in a row; the value is always text."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str | Node, ...]) -> None:
        self.parts = parts


class Sequence:
    """`[a, b]` in an argument."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Node, ...]) -> None:
        self.items = items


class Mapping:
    """`{a: 1, b: 2}` in an argument. Of equal keys the last one counts."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: tuple[tuple[Any, Node], ...]) -> None:
        self.pairs = pairs


Node = Literal | Reference | Call | Joined | Sequence | Mapping
