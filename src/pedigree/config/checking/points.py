"""The configurations to look at: each primary one as it is, and with every option of every group, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pedigree.config.composing import Dialect, compose
from pedigree.config.overrides import Quoted, spell
from pedigree.config.scalars import plain
from pedigree.errors import InvalidInput

if TYPE_CHECKING:
    from pedigree.config.composed import Composed
    from pedigree.config.composing import Sources


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration, not yet resolved, or the error that composing it gave."""

    primary: str
    overrides: tuple[str, ...]
    composed: Composed | None
    error: InvalidInput | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        return (self.primary, *self.overrides)


class Points:
    """Their number is the sum of the options of the groups, not the product.

    A group that only some option brings along is varied under that option. Where a primary configuration leaves an option
    open, `group: ???`, the first one stands for it in what varies another group.
    """

    def __init__(self, directory: str, sources: Sources, dialect: Dialect) -> None:
        self.directory = directory
        self.sources = sources
        self.dialect = dialect
        #: Groups that some defaults list chose from, and files that some configuration was composed of.
        self.chosen: set[str] = set()
        self.used: set[str] = set()
        self._base: dict[str, tuple[str, ...]] = {}
        self._varied: dict[str, set[str]] = {}

    def of(self, primary: str) -> Iterator[Point]:
        base = self._compose(primary, ())
        self._varied[primary] = set()
        overrides: tuple[str, ...] = ()
        while base.composed is not None:
            open_key = next((key for key, option in base.composed.choices.items() if option == "???"), None)
            options = self.sources.options(_group(open_key)) if open_key is not None else []
            if open_key is None or not options:
                break
            overrides = (*overrides, _override(open_key, options[0]))
            base = self._compose(primary, overrides)
        if base.composed is not None:
            self._base[primary] = overrides
        yield base
        yield from self._around(base)

    def composes(self, primary: str) -> bool:
        """Whether a primary configuration that was looked at is composed without an error."""
        return primary in self._base

    def adding(self, primary: str, group: str, option: str) -> Iterator[Point]:
        """The configuration with an option of a group that no defaults list names, and what that brings along."""
        point = self._compose(primary, (*self._base[primary], "+" + _override(group, option)))
        self._varied[primary].add(group)
        yield point
        yield from self._around(point)

    def _around(self, first: Point) -> Iterator[Point]:
        varied = self._varied[first.primary]
        pending = [first]
        while pending:
            point = pending.pop(0)
            for key, now in point.composed.choices.items() if point.composed is not None else ():
                if key in varied or _hydras(key):
                    continue
                varied.add(key)
                group = _group(key)
                self.chosen.add(group)
                kept = tuple(one for one in point.overrides if one.lstrip("+").partition("=")[0] != key)
                for option in self.sources.options(group):
                    if option != now:
                        one = self._compose(first.primary, (*kept, _override(key, option)))
                        pending.append(one)
                        yield one

    def _compose(self, primary: str, overrides: tuple[str, ...]) -> Point:
        try:
            composed = compose(
                self.directory,
                primary,
                overrides,
                sources=self.sources,
                dialect=self.dialect,
                environment={},
                missing="keep",
                resolved=False,
            )
        except InvalidInput as error:
            return Point(primary, overrides, None, error)
        self.used.update(composed.files)
        return Point(primary, overrides, composed)


def _group(key: str) -> str:
    return key.partition("@")[0]


def _hydras(key: str) -> bool:
    return key == "hydra" or key.startswith(("hydra/", "hydra@"))


def _override(key: str, option: str) -> str:
    return f"{key}={spell(option) if isinstance(plain(option), str) else spell(Quoted(option, chr(39)))}"
