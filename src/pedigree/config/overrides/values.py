"""What an override says, as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*+\$\{")


class Operation(StrEnum):
    """What an override does; the value is its prefix in the text."""

    CHANGE = ""
    ADD = "+"
    FORCE_ADD = "++"
    DELETE = "~"


class Quoted(NamedTuple):
    """A string that stood in quotes: never a number, a keyword, or an element to split."""

    text: str
    mark: str


class Choice(NamedTuple):
    """One of several values: `a,b` (simple) or `choice(a,b)`. `options` may hold Quoted at any depth."""

    options: tuple[Any, ...]
    simple: bool = False
    shuffled: bool = False
    tags: frozenset[str] = frozenset()

    @property
    def values(self) -> list[Any]:
        """The options with the quotes gone, in the order written or sorted; shuffling happens when expanded."""
        return [plain(option) for option in self.options]


class Range(NamedTuple):
    """`range(start, stop, step)`, with `stop` left out as in Python. Whole numbers stay whole."""

    start: int | float
    stop: int | float
    step: int | float = 1
    shuffled: bool = False
    tags: frozenset[str] = frozenset()


class Interval(NamedTuple):
    """`interval(start, end)`: a continuous space for an optimiser to draw from; a plain sweep cannot list it."""

    start: int | float
    end: int | float
    tags: frozenset[str] = frozenset()


class Glob(NamedTuple):
    """`glob(include, exclude)`: those names of a group that some pattern includes and none excludes."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def select(self, names: Iterable[str]) -> list[str]:
        """The names chosen, in the order given."""
        from fnmatch import fnmatchcase

        return [
            name
            for name in names
            if any(fnmatchcase(name, pattern) for pattern in self.include)
            and not any(fnmatchcase(name, pattern) for pattern in self.exclude)
        ]


Sweep = Choice | Range | Interval | Glob
SWEEPS = frozenset({Choice, Range, Interval, Glob})


class Override(NamedTuple):
    """One override.

    `key` and `package` are as written, slashes and dots kept; `package` is None without `@` and "" for a bare
    `@`. `value` is a plain value (dict, list, str, int, float, bool, None), a Sweep or a ListEdit; `written`
    is the same with every quoted string as Quoted. `bare` is True for `~key`, which gives no value.
    """

    text: str
    operation: Operation
    key: str
    package: str | None
    value: Any
    written: Any
    bare: bool = False

    @property
    def parts(self) -> list[str]:
        """The dotted key, taken apart; the empty key has no parts."""
        return self.key.split(".") if self.key else []

    @property
    def names_group(self) -> bool | None:
        """True when only a group can be meant (a slash or a package); None when the text cannot tell."""
        return True if self.package is not None or "/" in self.key else None

    @property
    def is_sweep(self) -> bool:
        return type(self.value) in SWEEPS

    @property
    def is_interpolation(self) -> bool:
        """Whether the value is one string that refers to other values: `${a.b}`, `x_${a}`, quoted or not."""
        return type(self.value) is str and _REFERENCE.search(self.value) is not None

    @property
    def target(self) -> str:
        """Prefix, key and package: the text before `=`."""
        place = self.key if self.package is None else f"{self.key}@{self.package}"
        return f"{self.operation.value}{place}"


def plain(value: Any) -> Any:
    """The value with every Quoted in it replaced by its text."""
    kind = type(value)
    if kind is Quoted:
        return value.text
    if kind is list:
        return [plain(item) for item in value]
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    return value
