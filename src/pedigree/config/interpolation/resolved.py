"""Resolving a configuration: a plain tree in, a new plain tree out, with what every interpolation was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pedigree.config.interpolation.absent import Absent, explain
from pedigree.config.interpolation.mistakes import Mistake, Path, Places
from pedigree.config.interpolation.resolution import STANDARD_BOUNDS, Bounds, Circumstances, Resolution, split
from pedigree.config.interpolation.resolvers import Resolvers
from pedigree.config.interpolation.tree import Frame, Leaf
from pedigree.errors import InvalidInput


class Origin(NamedTuple):
    """What a value was made from.

    `text`: what stands in the configuration; below a reference to a container, a reference to the value itself.
    `reads`: the paths it read, itself; each that is an interpolation has its own origin. `variables`: the environment
    variables that it or anything behind it asked for, set or not: where there is one, keep `text`, not the value.
    `deterministic`: False where it or anything behind it may differ the next time, as `now` does.
    """

    text: str
    reads: tuple[Path, ...]
    variables: frozenset[str]
    deterministic: bool


class Resolved(NamedTuple):
    """A configuration without interpolations.

    `tree` shares nothing with what was given. `origins` has the path of every value that was an interpolation, and of
    values that a reference to a container brought along where they depend on the environment or on the moment.
    `warnings` are those of `oc.deprecated`: path and message.
    """

    tree: Any
    origins: Mapping[Path, Origin] = {}
    warnings: tuple[tuple[Path, str], ...] = ()

    @property
    def variables(self) -> frozenset[str]:
        """Every environment variable that was asked for."""
        return frozenset().union(*(origin.variables for origin in self.origins.values()))

    def origin(self, path: Path) -> Origin | None:
        """The origin of the value at the path, or of the nearest container around it that has one."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                return found
        return None


def resolve(
    tree: Any,
    *,
    resolvers: Resolvers | None = None,
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
    hydra: Mapping[str, Any] | None = None,
    load_yaml: Callable[[str], Any] | None = None,
    places: Places | None = None,
    bounds: Bounds = STANDARD_BOUNDS,
) -> Resolved:
    """The tree with every interpolation replaced by its value, each computed once.

    The tree holds dicts, lists, text, numbers, truth values and None, and is not changed. `resolvers` are
    `Resolvers.standard()` unless others are given. `environment`, `now`, `hydra` and `load_yaml` are what `oc.env`,
    `now`, `hydra` and `oc.create` of a text use; without them those are mistakes. `places` tells messages
    where the value of a path was written. Raises InvalidInput, with the path, the place and the text.
    """
    return _resolve(tree, None, resolvers, Circumstances(environment, now, hydra, load_yaml), places, bounds)


def resolve_at(
    tree: Any,
    path: Path | str,
    *,
    resolvers: Resolvers | None = None,
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
    hydra: Mapping[str, Any] | None = None,
    load_yaml: Callable[[str], Any] | None = None,
    places: Places | None = None,
    bounds: Bounds = STANDARD_BOUNDS,
) -> Resolved:
    """As `resolve`, but only the value at the path, `a.b[0]` or its keys, and what it needs; `tree` is that value.

    Mistakes elsewhere in the tree are not noticed. Paths in `origins` begin at the top of the whole tree.
    """
    keys = split(path)[1] if isinstance(path, str) else path
    return _resolve(tree, keys, resolvers, Circumstances(environment, now, hydra, load_yaml), places, bounds)


def _resolve(
    tree: Any,
    path: Path | None,
    resolvers: Resolvers | None,
    circumstances: Circumstances,
    places: Places | None,
    bounds: Bounds,
) -> Resolved:
    if not isinstance(tree, (dict, list)):
        raise InvalidInput(
            f"A configuration is a dict or a list, not a {type(tree).__name__}.", remedy="Give it the composed tree."
        )
    table = Resolvers.standard() if resolvers is None else resolvers
    resolution = Resolution(tree, table, circumstances, places, bounds)
    try:
        value = resolution.build(resolution.root) if not path else _value_at(resolution, path)
    except Mistake as mistake:
        cause = mistake.cause
        error = mistake.error(places)
    except RecursionError:
        cause = None
        error = InvalidInput(
            "The configuration refers to itself or is nested too deep for the stack that is left.",
            remedy="Flatten it, or resolve it from a shallower call.",
        )
    else:
        return Resolved(value, _origins(resolution.origins), tuple(resolution.warnings))
    # Outside of the handlers, so that a cause which is withheld does not come along as the context.
    raise error from cause


def _origins(leaves: dict[Path, Leaf]) -> dict[Path, Origin]:
    return {
        path: Origin(leaf.text, tuple(leaf.reads), leaf.variables, leaf.deterministic) for path, leaf in leaves.items()
    }


def _value_at(resolution: Resolution, path: Path) -> Any:
    found = resolution.walk(resolution.root, tuple(map(str, path[:-1])))
    last = str(path[-1])
    if isinstance(found, Frame):
        absent = resolution.walk(found, (last,)) if last not in found.raw else None
        if isinstance(absent, Absent) and absent.reason != "???":
            found = absent
    if isinstance(found, Absent):
        raise explain(found, resolution.root)
    if not isinstance(found, Frame):
        return resolution.plain(resolution.walk(found, (last,)))
    key: Any = int(last) if isinstance(found.raw, list) else last
    raw = found.raw[key]
    if isinstance(raw, str) and "${" in raw:
        return resolution._placed(found, key, raw)[0]
    return resolution.build(found.child(key, raw)) if isinstance(raw, (dict, list)) else raw
