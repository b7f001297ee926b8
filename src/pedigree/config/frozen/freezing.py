"""Freezing: what was composed becomes final, and is named by its digests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from pedigree.config.composed import Composed
from pedigree.config.frozen.digests import copied_and_digested, is_assumed
from pedigree.config.frozen.environment import Environment, Gathering, Reference, digests, is_secret_name, tainted
from pedigree.config.frozen.fitting import Fitted, fitted, redacted
from pedigree.config.frozen.pointers import leaves, path, pointer, shown
from pedigree.config.frozen.record import Frozen, digests_of, name_of, recorded
from pedigree.config.origins import OWN, Origin, Origins, Value, at
from pedigree.config.variables import RUN
from pedigree.errors import InvalidConfig


class _Final(NamedTuple):
    """Values as they are before redaction, and where what was composed has gone."""

    values: Value
    origins: Origins
    places: Mapping[tuple[Any, ...], tuple[str, ...]]  #: by the path of a value of the environment, its pointers now
    version: int | None = None
    steps: tuple[str, ...] = ()
    moved: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def freeze(composed: Composed, model: type[Any] | None = None, *, code: Any = None) -> Frozen:
    """The final configuration: migrated to the version of the model, validated by it, redacted, digested.

    Without a model the values are those composed. `code` is what the caller knows of the program that is to run, kept
    as it is. Raises InvalidConfig where a value does not fit, is no plain value, stands for a secret (`**********`),
    or depends on the environment in a way that could not be read again.
    """
    if model is None:
        where = {one: (pointer(one, composed.values),) for one in tainted(composed.interpolations)}
        final = _Final(composed.values, composed.origins, where, overrides=composed.overrides)
    else:
        final = _fitted(composed, model)
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
        final.overrides,
        composed.choices,
        composed.digests,
        tools(model),
        composed.hydra,
        composed.warnings,
        final.steps,
        code,
        environment,
        composed.interpolations,
        final.moved,
        final.secrets,
    )


def tools(model: type[Any] | None) -> Mapping[str, str]:
    """What composed the configuration, and validated it, by name of the distribution and version."""
    import yaml

    from pedigree import __version__

    # As the packages say it themselves: the metadata of distributions take longer to read than a configuration.
    found = {"python": sys.version.partition(" ")[0], "pedigree-ml": __version__, "PyYAML": yaml.__version__}
    if model is not None:
        from pydantic import VERSION

        found["pydantic"] = VERSION
    return found


def _environment(composed: Composed, final: _Final, lines: Mapping[str, str]) -> Environment:
    references: dict[str, Reference] = {}
    gathering = Gathering(composed.raw, composed.values, composed.interpolations)
    hidden = _hidden(composed, final)
    for where, places in final.places.items():
        one = composed.interpolations[where]
        source = pointer(where, composed.values)
        variables = tuple(sorted(one.variables))
        # Where a run writes is no part of what it is: its folder may be another in a rerun, as a secret may.
        secret = any(name == RUN or name in hidden or is_secret_name(name) for name in variables)
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


def _hidden(composed: Composed, final: _Final) -> set[str]:
    """The variables that secrets of the model are read from, whatever they are called."""
    found: set[str] = set()
    for place in final.secrets:
        made = composed.interpolations.get(path(final.moved.get(place, place)))
        if made is not None:
            found |= made.variables
    return found


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


def _fitted(composed: Composed, model: type[Any]) -> _Final:
    found = fitted(model, composed.values, composed.origins, composed.interpolations)
    values = found.values
    version = values.get("version") if isinstance(values, dict) else None
    chains: dict[str, tuple[Origin, ...]] = {}
    moved = _moved(composed, found, chains)
    before = tuple(path(moved[place]) for place in (pointer(one, values) for one in found.secrets) if place in moved)
    return _Final(
        values,
        found.origins,
        _gone(composed, found, chains),
        version if version.__class__ is int else None,
        found.steps,
        moved,
        tuple(pointer(one, values) for one in found.secrets),
        redacted(composed.overrides, (*found.secrets, *before)),
    )


def _moved(composed: Composed, found: Fitted, chains: dict[str, tuple[Origin, ...]]) -> dict[str, str]:
    """By the pointer of a final leaf, the pointer where it stood when it was composed, where that is another."""
    strangers: list[tuple[Any, ...]] = []
    _strange(found.origins, composed.values, (), strangers)
    if not strangers and not found.old_names:
        return {}
    before = leaves(composed.values)
    names = {pointer(new, found.migrated): pointer(old, composed.values) for new, old in found.old_names.items()}
    moved = {new: old for new, old in names.items() if old in before}
    first: dict[Origin, str] = {}
    for place in (pointer(one, found.values) for one in strangers):
        if place in moved:
            continue
        if not first:  # an alias, or a value taken apart: where it was set tells
            _chain_all(found, chains)
            for one in before:
                first.setdefault(at(composed.origins, path(one)), one)
        was = next((first[origin] for origin in chains.get(place, ()) if origin in first), None)
        if was is not None:
            moved[place] = was
    return moved


def _strange(origins: Origins, before: Value, at_path: tuple[Any, ...], found: list[tuple[Any, ...]]) -> None:
    """The paths of what somebody set and what was not there when it was composed."""
    if isinstance(origins, dict):
        there = before if isinstance(before, dict) else {}
        for key, inside in origins.items():
            if key is OWN:
                continue
            if inside.__class__ is not Origin:
                _strange(inside, there.get(key), (*at_path, key), found)
            elif key not in there and not is_assumed(inside):
                found.append((*at_path, key))
    elif isinstance(origins, list):
        items = before if isinstance(before, list) else []
        for index, inside in enumerate(origins[1:]):
            if inside.__class__ is not Origin:
                _strange(inside, items[index] if index < len(items) else None, (*at_path, index), found)
            elif index >= len(items) and not is_assumed(inside):
                found.append((*at_path, index))


def _chain_all(found: Fitted, chains: dict[str, tuple[Origin, ...]]) -> None:
    """Fills in, once, the origin of each leaf with those of what it took the place of."""
    if not chains:
        for place in leaves(found.values):
            origin = at(found.origins, path(place))
            chains[place] = (origin, *origin.losers())


def _gone(
    composed: Composed, found: Fitted, chains: dict[str, tuple[Origin, ...]]
) -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Where values of the environment are now. Raises InvalidConfig where one was made into something else."""
    secrets = {pointer(one, found.values) for one in found.secrets}
    places: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for where in tainted(composed.interpolations):
        straight = pointer(where, composed.values)
        if straight in secrets:
            continue
        was = digests(_follow(composed.values, where))
        if _digests_at(found.values, straight) == was:
            places[where] = (straight,)
            continue
        _chain_all(found, chains)
        origin = at(composed.origins, where)
        made = [place for place, chain in chains.items() if origin in chain and place not in secrets]
        same = [place for place in made if _digests_at(found.values, place) == was]
        under = [place for place in made if place == straight or place.startswith(straight + "/")]
        if same:
            places[where] = tuple(same)
        elif under and _digests_at(found.migrated, straight) == was:
            places[where] = (straight,)  # the model has normalised it, and will again
        elif made:
            names = ", ".join(sorted(composed.interpolations[where].variables))
            raise InvalidConfig(
                f"{origin.text}: {shown(made[0])} depends on the environment ({names}) and was changed by a migration, "
                "which a rerun of the frozen configuration could not do again.",
                remedy="Write the file in the present version of the model.",
                pointer=made[0],
            )
    return places


def _digests_at(values: Value, place: str) -> dict[str, str] | None:
    for step in path(place):
        if isinstance(values, dict):
            if step not in values:
                return None
        elif not isinstance(values, list) or not isinstance(step, int) or not 0 <= step < len(values):
            return None
        values = values[step]
    return digests(values)
