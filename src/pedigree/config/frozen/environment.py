"""What a frozen configuration keeps of the environment: the text that reads a variable in place of the value, enough
of the configuration around it to read it again, and the digest of the value, so that a rerun is the run that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.frozen.digests import leaf_digest, text_of
from pedigree.config.frozen.pointers import built, leaves, path, pointer, shown
from pedigree.config.origins import Value
from pedigree.errors import InvalidConfig

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated
    from pedigree.config.interpolation import Resolvers

#: Words in the name of a variable that say that its value is nobody's business. Of such a value not even a digest is
#: kept: a guess at it could be confirmed.
_SECRET = frozenset(
    [
        "TOKEN",
        "TOKENS",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWORDS",
        "PASSWD",
        "PASSPHRASE",
        "PASS",
        "CREDENTIAL",
        "CREDENTIALS",
        "KEY",
        "KEYS",
        "APIKEY",
        "AUTH",
        "COOKIE",
    ]
)
_BEFORE = r"(\\*)\$\{"


class Reference(NamedTuple):
    """`text` is what stands in the configuration and `source` where it stood when it was composed. `digests` has the
    digest of each leaf under its pointer from there, and `read` the same before a model normalised the value; both are
    empty where the value is a secret, and `read` where it is no different."""

    text: str
    source: str
    variables: tuple[str, ...]
    digests: Mapping[str, str]
    read: Mapping[str, str] = {}

    def is_of(self, value: Value) -> bool:
        """Whether the value is the one that was read then; True for secrets, of which nothing is known."""
        known = self.read or self.digests
        return not known or known == digests(value)


class Environment(NamedTuple):
    """`references` by pointer; `tree` holds, as composed, all that they read; `now` is the moment that they saw."""

    references: Mapping[str, Reference] = {}
    tree: Value = {}  # noqa: RUF012  (nobody changes it)
    now: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that a rerun needs, set or unset, as they were."""
        return tuple(sorted({name for one in self.references.values() for name in one.variables}))

    def values(
        self, environment: Mapping[str, str], *, resolvers: Resolvers | None = None, changed: str = "refuse"
    ) -> dict[str, Value]:
        """The value of each reference in this environment, by pointer.

        Raises InvalidConfig where one is not what it was when the configuration was frozen; with `changed="accept"`
        only where it cannot be had at all.
        """
        if not self.references:
            return {}
        from pedigree.config.interpolation import resolve

        found = resolve(
            self.tree,
            environment=environment,
            now=datetime.fromisoformat(self.now) if self.now else None,
            resolvers=resolvers,
            load_yaml=_yaml,
        ).tree
        values = {place: _at(found, one.source) for place, one in self.references.items()}
        if changed != "accept":
            wrong = [place for place, one in self.references.items() if not one.is_of(values[place])]
            if wrong:
                raise self._changed(wrong, environment)
        return values

    def _changed(self, wrong: list[str], environment: Mapping[str, str]) -> InvalidConfig:
        lines = []
        for place in wrong:
            one = self.references[place]
            names = " and ".join(
                f"{name} ({'set' if name in environment else 'not set'} now)" for name in one.variables
            )
            lines.append(f"  {shown(place)}: {one.text} was another value; it depends on {names}")
        return InvalidConfig(
            "The environment is not the one that this configuration was frozen in:\n" + "\n".join(lines),
            remedy="Set the variables as they were, or accept what they are now, which is another run.",
            pointers=tuple(wrong),
        )


def _yaml(text: str) -> Value:
    from pedigree.config.documents import read_value

    return read_value(text, "oc.create")[0]


def digests(value: Value) -> dict[str, str]:
    """The digest of each leaf of a value under its pointer."""
    return {place: leaf_digest(text_of(one)) for place, one in leaves(value).items()}


def is_secret_name(variable: str) -> bool:
    """Whether the name says that the value is a secret: `HF_TOKEN`, `API_KEY`, `DB_PASSWORD`."""
    return not _SECRET.isdisjoint(variable.upper().split("_"))


def literal(value: Value) -> Value:
    """A text that resolves to this text, and so for all that is in a value."""
    if isinstance(value, str):
        return re.sub(_BEFORE, r"\1\1\\${", value) if "${" in value else value
    if isinstance(value, dict):
        return {key: literal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [literal(one) for one in value]
    return value


def _at(values: Value, place: str) -> Value:
    for step in path(place):
        values = values[step]
    return values


class Gathering:
    """What must be kept to read some paths again: their texts, and whatever these read, as far as it goes."""

    def __init__(self, raw: Value, values: Value, interpolations: Mapping[tuple[Any, ...], Interpolated]) -> None:
        self.raw = raw
        self.values = values
        self.interpolations = interpolations
        self.kept: dict[str, Value] = {}
        self.varies = False
        #: Literal values that were kept, and where they stand.
        self.literals: list[tuple[Any, ...]] = []

    def add(self, where: tuple[Any, ...]) -> None:
        raw = self.raw
        at: tuple[Any, ...] = ()
        for step in where:
            if isinstance(raw, str):
                break  # the rest of the path came along with an interpolation
            if isinstance(raw, list) and not (isinstance(step, int) and 0 <= step < len(raw)):
                return
            if isinstance(raw, dict) and step not in raw:
                return
            if not isinstance(raw, (dict, list)):
                return
            raw, at = raw[step], (*at, step)
        place = pointer(at, self.raw)
        if place in self.kept:
            return
        if isinstance(raw, (dict, list)) and raw:
            for key in list(raw) if isinstance(raw, dict) else range(len(raw)):
                self.add((*at, key))
            return
        source = self.interpolations.get(at) if isinstance(raw, str) else None
        if source is None:
            self.kept[place] = raw
            self.literals.append(at)
            return
        value = _follow(self.values, at)
        if not source.variables and not isinstance(value, (dict, list)):
            # What a moment gave is kept as the value that it gave.
            self.kept[place] = literal(value)
            self.literals.append(at)
            return
        self.kept[place] = raw
        self.varies |= not source.deterministic
        for read in source.reads:
            self.add(read)

    def tree(self) -> Value:
        return built(self.kept)


def _follow(values: Value, where: tuple[Any, ...]) -> Value:
    for step in where:
        values = values[step]
    return values


def tainted(interpolations: Mapping[tuple[Any, ...], Interpolated]) -> Iterator[tuple[Any, ...]]:
    """The paths whose values depend on the environment, none inside another."""
    found = {where for where, one in interpolations.items() if one.variables}
    for where in interpolations:
        if where in found and not any(where[:length] in found for length in range(len(where))):
            yield where
