"""Freezing: what was composed becomes final, and is named by its digests."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from pedigree.config.composed import Composed
from pedigree.config.frozen.digests import copied_and_digested
from pedigree.config.frozen.environment import Environment, Gathering, Reference, digests, is_secret_name, tainted
from pedigree.config.frozen.fitting import fitted
from pedigree.config.frozen.pointers import leaves, path, pointer, shown
from pedigree.config.frozen.record import Frozen, digests_of, name_of, recorded
from pedigree.config.origins import Origin, Origins, Value, at
from pedigree.errors import InvalidConfig


class _Final(NamedTuple):
    """Values as they are before redaction, and where what was composed has gone."""

    values: Value
    origins: Origins
    places: Mapping[tuple[Any, ...], tuple[str, ...]]  #: by the path of a value of the environment, its pointers now
    version: int | None = None
    steps: tuple[str, ...] = ()
    moved: Mapping[str, str] = {}


def freeze(composed: Composed, model: type[Any] | None = None, *, code: Any = None) -> Frozen:
    """The final configuration: migrated to the version of the model, validated by it, redacted, digested.

    Without a model the values are those composed. `code` is what the caller knows of the program that is to run, kept
    as it is. Raises InvalidConfig where a value does not fit, is no plain value, stands for a secret (`**********`),
    or depends on the environment in a way that could not be read again.
    """
    if model is None:
        where = {one: (pointer(one, composed.values),) for one in tainted(composed.interpolations)}
        final = _Final(composed.values, composed.origins, where)
    else:
        final = _validated(composed, model)
    values, lines = copied_and_digested(final.values)
    environment = Environment()
    if final.places:
        environment = _environment(composed, final, lines)
        recorded(values, lines, environment)
    digest, intent = digests_of(lines, None if model is None else final.origins)
    return Frozen(
        values,
        final.origins,
        digest,
        intent,
        composed.name,
        None if model is None else name_of(model),
        final.version,
        composed.overrides,
        composed.choices,
        composed.digests,
        tools(),
        composed.hydra,
        composed.warnings,
        final.steps,
        code,
        environment,
        composed.interpolations,
        final.moved,
    )


@cache
def tools() -> Mapping[str, str]:
    """What composed the configuration, by name and version."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for distribution in ("pedigree-ml", "pydantic", "PyYAML"):
        try:
            found[distribution] = version(distribution)
        except PackageNotFoundError:  # run from a source tree that is not installed
            continue
    return found


def _environment(composed: Composed, final: _Final, lines: Mapping[str, str]) -> Environment:
    references: dict[str, Reference] = {}
    gathering = Gathering(composed.raw, composed.values, composed.interpolations)
    for where, places in final.places.items():
        one = composed.interpolations[where]
        source = pointer(where, composed.values)
        variables = tuple(sorted(one.variables))
        secret = any(map(is_secret_name, variables))
        for place in places:
            found: dict[str, str] = {}
            read: dict[str, str] = {}
            if not secret:
                found = _below(place, lines)
                read = digests(_follow(composed.values, where))
            references[place] = Reference(one.text, source, variables, found, {} if read == found else read)
        gathering.add(where)
    if gathering.varies and composed.now is None:
        raise InvalidConfig(
            "A value depends on the environment and on the moment of composing, which was not kept.",
            remedy="Compose with now=datetime.now(), or take the moment out of the value.",
        )
    moment = composed.now.isoformat() if gathering.varies and composed.now is not None else None
    return Environment(references, gathering.tree(), moment)


def _below(place: str, lines: Mapping[str, str]) -> dict[str, str]:
    if place in lines:
        return {"": lines[place]}
    start = place + "/"
    return {line[len(place) :]: digest for line, digest in lines.items() if line.startswith(start)}


def _follow(values: Value, where: tuple[Any, ...]) -> Value:
    for step in where:
        values = values[step]
    return values


# With a model


def _validated(composed: Composed, model: type[Any]) -> _Final:
    found = fitted(model, composed.values, composed.origins)
    values = found.values
    version = values.get("version") if isinstance(values, dict) else None
    return _Final(
        values,
        found.origins,
        _gone(composed, found.migrated, values, found.origins),
        version if version.__class__ is int else None,
        tuple(map(str, found.steps)),
        _moved(composed, values, found.origins) if found.steps else {},
    )


def _moved(composed: Composed, values: Value, origins: Origins) -> dict[str, str]:
    """By the pointer of a final leaf, the pointer where it stood when it was composed, where that is another."""
    first: dict[Origin, str] = {}
    for place in leaves(composed.values):
        first.setdefault(at(composed.origins, path(place)), place)
    found = {}
    for place, chain in _chains(values, origins).items():
        before = next((first[origin] for origin in chain if origin in first), place)
        if before != place:
            found[place] = before
    return found


def _chains(values: Value, origins: Origins) -> dict[str, tuple[Origin, ...]]:
    """The origin of each leaf, and those of what it took the place of."""
    found = {}
    for place in leaves(values):
        origin = at(origins, path(place))
        found[place] = (origin, *origin.losers())
    return found


def _gone(
    composed: Composed, migrated: Value, values: Value, origins: Origins
) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Where values of the environment are now. Raises InvalidConfig where one was made into something else."""
    found: dict[tuple[Any, ...], tuple[str, ...]] = {}
    chains: dict[str, tuple[Origin, ...]] | None = None
    for where in tainted(composed.interpolations):
        straight = pointer(where, composed.values)
        was = digests(_follow(composed.values, where))
        if _digests_at(values, straight) == was:
            found[where] = (straight,)
            continue
        chains = _chains(values, origins) if chains is None else chains
        origin = at(composed.origins, where)
        made = [place for place, chain in chains.items() if origin in chain]
        same = [place for place in made if _digests_at(values, place) == was]
        under = [place for place in made if place == straight or place.startswith(straight + "/")]
        if same:
            found[where] = tuple(same)
        elif under and _digests_at(migrated, straight) == was:
            found[where] = (straight,)  # the model has normalised it, and will again
        elif made:
            raise InvalidConfig(
                f"{origin.text}: {shown(made[0])} depends on the environment variable {', '.join(sorted(composed.interpolations[where].variables))}, "
                "and was changed by a migration, which a rerun from the frozen configuration could not do again.",
                remedy="Write the file in the present version of the model.",
                pointer=made[0],
            )
    return found


def _digests_at(values: Value, place: str) -> dict[str, str] | None:
    for step in path(place):
        if isinstance(values, dict):
            if step not in values:
                return None
        elif not isinstance(values, list) or not isinstance(step, int) or not 0 <= step < len(values):
            return None
        values = values[step]
    return digests(values)
