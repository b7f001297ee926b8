"""Composing a configuration, from its name and overrides to resolved values with their origins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from pedigree.config.composed import Composed
from pedigree.config.composing import expansion
from pedigree.config.composing.changes import HasKey, changed
from pedigree.config.composing.merging import merged, wrapped
from pedigree.config.composing.sources import Folder, Source, Sources, source
from pedigree.config.documents import Document, read_value
from pedigree.config.origins import OWN, Origin, Origins, Value, at, own, spread
from pedigree.config.overrides import ListEdit, Operation, Override, parse
from pedigree.errors import InvalidConfig, InvalidInput, meant

if TYPE_CHECKING:
    from pedigree.config.interpolation import Resolved, Resolvers

Dialect: TypeAlias = Literal["hydra-1.3", "hydra-1.4"]

_ADDS = (Operation.ADD, Operation.FORCE_ADD)
_SUFFIXES = {"hydra-1.3": (".yaml",), "hydra-1.4": (".yaml",)}


def compose(
    directory: str | os.PathLike[str] | None = None,
    name: str = "config",
    overrides: Iterable[str | Override] = (),
    *,
    search: Iterable[str | Source] = (),
    sources: Sources | None = None,
    dialect: Dialect = "hydra-1.3",
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
    resolvers: Resolvers | None = None,
    hydra: Mapping[str, Any] | None = None,
    missing: Literal["refuse", "keep"] = "refuse",
    resolved: bool = True,
    engine: Literal["pedigree", "hydra"] = "pedigree",
    has_key: HasKey | None = None,
) -> Composed:
    """The configuration `name` of a folder, with overrides, composed as Hydra does and resolved.

    `search` are further folders, `pkg://…` and `file://…`, asked after the folder; `sources` takes the place of both
    and keeps what it has read, so that all points of a sweep see the same files. `environment` and `now` are what
    `${oc.env:…}` and `${now:…}` read, those of the process where they are None; `hydra` is what `${hydra:…}` reads
    beside the file's own `hydra:` block. With `missing="keep"`, values and options that are still `???` stay;
    with `resolved=False`, interpolations do, and `values` is `raw`. `engine="hydra"` lets Hydra itself compose, which
    is an extra, knows nothing of our additions and takes no argument but the first three. `has_key` is
    `models.has_key` of the model that is to validate: an override sets what is in no file and has a default there.
    Nothing global is read or changed, and threads may compose at once. Raises InvalidConfig, or InvalidInput for a
    mistake in the text of an override, with the place and what to do.
    """
    if engine == "hydra":
        return _by_hydra(directory, name, overrides, (*search, sources, environment, now, resolvers, hydra))
    if dialect not in _SUFFIXES:
        raise InvalidInput(
            f"There is no dialect {dialect!r}.",
            remedy=f"{meant(dialect, _SUFFIXES)}Use one of: {', '.join(_SUFFIXES)}.",
        )
    asked = [one if isinstance(one, Override) else parse(one) for one in overrides]
    for one in asked:
        if one.is_sweep:
            _refuse(
                one,
                "it asks for several values, and one configuration is composed here",
                "Sweep over it, or give one value.",
            )
    place = None if directory is None else os.fspath(directory)
    if sources is None:
        sources = search_path(place, search, dialect)
    name = name.lstrip("/")
    if name.endswith(sources.suffixes):
        name = name.rpartition(".")[0]
    sources = _extended(sources, name, asked)
    given = os.environ if environment is None else environment
    moment = now or datetime.now()  # noqa: DTZ005  (what `${now:…}` has always been)
    facts = {"environment": given, "now": moment, "resolvers": resolvers}
    work = _Composer(sources, dialect, missing, facts, has_key)
    work.take(asked)
    work.build(name)
    return work.composed(name, place, asked, _hydras(work, hydra, name, asked), facts if resolved else None)


def _by_hydra(
    directory: str | os.PathLike[str] | None, name: str, overrides: Iterable[str | Override], others: tuple[Any, ...]
) -> Composed:
    from pedigree.config import hydra_bridge

    if directory is None or any(one is not None for one in others):
        raise InvalidInput(
            "engine='hydra' takes a folder, a name and overrides, and nothing else.",
            remedy="Leave the rest out, or compose with our own engine.",
        )
    texts = [one.text if isinstance(one, Override) else one for one in overrides]
    return hydra_bridge.compose(directory, name, texts)


def search_path(directory: str | None, search: Iterable[str | Source], dialect: str) -> Sources:
    """A folder and what is to be asked after it. Raises InvalidConfig where the folder is not there."""
    found: list[Source] = []
    if directory is not None:
        given = source(directory)
        if isinstance(given, Folder) and not os.path.isdir(given.path):
            _refuse_folder(given.path)
        found.append(given)
    found += [source(one) if isinstance(one, str) else one for one in search]
    return Sources(found, _SUFFIXES[dialect])


def _extended(sources: Sources, name: str, asked: Sequence[Override]) -> Sources:
    """The search path with what the primary configuration, or an override, says of `hydra.searchpath`."""
    found: object = None
    where = ""
    document = sources.load(name)
    if document is not None and isinstance(document.values, dict):
        block = document.values.get("hydra")
        if isinstance(block, dict) and "searchpath" in block:
            found, where = block["searchpath"], at(document.origins, ("hydra", "searchpath")).text
    for one in asked:
        if one.key == "hydra.searchpath" and one.operation is not Operation.DELETE:
            found, where = one.value, f"the override {one.text}"
    if found is None:
        return sources
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise InvalidConfig(
            f"{where}: hydra.searchpath is a list of folders, file://… and pkg://…, and here it is {found!r}.",
            remedy="Write a list of texts.",
        )
    return sources.extended(tuple(found))


class _Composer:
    def __init__(
        self, sources: Sources, dialect: str, missing: str, facts: dict[str, Any], has_key: HasKey | None = None
    ) -> None:
        self.facts = facts
        self.has_key = has_key
        self.sources = sources
        self.dialect = dialect
        self.missing = missing
        self.changes: list[expansion.Demand] = []
        self.additions: list[expansion.Demand] = []
        self.deletions: list[expansion.Demand] = []
        self.assigned: list[tuple[Override, Origin]] = []
        self.values: Any = {}
        self.origins: Origins = {OWN: Origin("code", "compose")}
        self.hydra: dict[Any, Value] = {}
        self.steps: list[expansion.Step] = []
        self.choices: dict[str, Any] = {}

    def take(self, asked: Sequence[Override]) -> None:
        """Sorts overrides into those of options and those of values."""
        for one in asked:
            origin = Origin("override", one.text)
            if not self.of_option(one):
                self.assigned.append((one, origin))
                continue
            if not _is_option(one.value, one.operation is Operation.DELETE):
                _refuse(
                    one,
                    "an option is the name of a file, a list of names or null",
                    f"Put quotes around a name that reads as something else: {one.target}=\"'NAME'\".",
                )
            demand = expansion.Demand(one.key, one.package, None if one.bare else one.value, origin)
            if one.operation is Operation.CHANGE:
                self.changes.append(demand)
            elif one.operation is Operation.ADD:
                self.additions.append(demand)
            elif one.operation is Operation.DELETE:
                self.deletions.append(demand)
            else:
                _refuse(
                    one, "`++` sets values, and this names a group", f"Write +{one.key}=OPTION or {one.key}=OPTION."
                )

    def of_option(self, one: Override) -> bool:
        """Whether an override asks for an option of a group, and not for a value."""
        if not one.key or one.key == "hydra" or type(one.value) is ListEdit:
            return False
        if not self.sources.is_group(one.key.strip("/")):
            if one.names_group and one.key.partition("/")[0] == "hydra":
                return True
            # A key of the tree may hold a slash; `change` looks whether it is there.
            if one.names_group and (one.package is not None or one.operation in _ADDS):
                self.refuse_group(one)
            return False
        # `db={port: 1}` changes what the option brought.
        return not isinstance(one.value, dict)

    def refuse_group(self, one: Override) -> NoReturn:
        group = one.key.strip("/")
        known = [
            inner for top in self.sources.groups() for inner in (top, *(f"{top}/{x}" for x in self.sources.groups(top)))
        ]
        _refuse(one, f"there is no group {group!r} in {self.sources.shown}", f"{meant(group, known)}Correct the name.")

    def build(self, name: str) -> None:
        """Lays all files over one another, then applies the overrides of values."""
        expanded = expansion.expand(
            self.sources,
            name,
            changes=self.changes,
            additions=self.additions,
            deletions=self.deletions,
            newer=self.dialect == "hydra-1.4",
            unspecified=self.missing == "keep",
        )
        self.steps, self.choices = expanded
        for step in expanded.steps:
            self.lay(step)
        for override, origin in self.assigned:
            self.change(override, origin)
        if "hydra" in self.values:
            block = self.values["hydra"]
            self.hydra = block if isinstance(block, dict) else {}
            self.values = {key: value for key, value in self.values.items() if key != "hydra"}
            self.origins = {key: origin for key, origin in self.origins.items() if key != "hydra"}
        if self.missing == "refuse":
            self.refuse_missing()

    def composed(
        self,
        name: str,
        directory: str | None,
        asked: Sequence[Override],
        hydra: Mapping[str, Any],
        facts: dict[str, Any] | None,
    ) -> Composed:
        """What was built, resolved with the facts unless they are None."""
        resolved = None if facts is None else self.resolved(hydra, facts)
        files = tuple(step.document.name for step in self.steps)
        return Composed(
            self.values if resolved is None else resolved.tree,
            self.values,
            self.origins,
            name,
            directory,
            tuple(one.text for one in asked),
            self.choices,
            files,
            {file: self.sources.digests[file] for file in files},
            {} if resolved is None else resolved.origins,
            self.hydra,
            tuple(_warning(path, text) for path, text in (() if resolved is None else resolved.warnings)),
            None if facts is None else facts["now"],
        )

    def resolved(self, hydra: Mapping[str, Any], facts: dict[str, Any]) -> Resolved:
        from pedigree.config.interpolation import resolve  # completion resolves nothing

        return resolve(
            self.values,
            hydra=hydra,
            load_yaml=lambda text: read_value(text, "oc.create")[0],
            places=lambda path: at(self.origins, path).text,
            **facts,
        )

    def lay(self, step: expansion.Step) -> None:
        """Lays one file over what is there."""
        values, origins = _own(step.document)
        if isinstance(values, list) and not step.package:
            raise InvalidConfig(
                f"{own(origins).text}: the file holds a list, and the top of a configuration is a mapping.",
                remedy="Give the list a key, or the file a package.",
                place=own(origins).text,
            )
        values, origins = wrapped(values, origins, step.package, own(origins))
        if not self.values:
            self.values, self.origins = values, origins
        else:
            self.values, self.origins = merged(self.values, self.origins, values, origins, self.follow)

    def follow(self, tree: Value, path: tuple[Any, ...]) -> tuple[Value, Origins] | None:
        """What an interpolation stands for as the tree is now, so that a mapping can be laid over it."""
        found = self.stands_for(tree, path)
        return None if found is None else (found, spread(found, at(self.origins, path)))

    def change(self, override: Override, origin: Origin) -> None:
        if override.key == "hydra" or override.key.startswith("hydra."):
            # Hydra's own settings need not be there: who runs without Hydra still passes them.
            if override.operation is Operation.DELETE:
                return
            override = override._replace(operation=Operation.FORCE_ADD)
        if override.names_group and override.key not in self.values:
            self.refuse_group(override)
        self.values, self.origins = changed(
            self.values,
            self.origins,
            override,
            origin,
            self.found,
            strict=self.dialect == "hydra-1.4",
            has_key=self.has_key,
        )

    def found(self, path: tuple[Any, ...]) -> Value | None:
        return self.stands_for(self.values, path)

    def stands_for(self, tree: Value, path: tuple[Any, ...]) -> Value | None:
        """What the interpolation at `path` of a tree stands for; None where it does not resolve."""
        from pedigree.config.interpolation import resolve_at

        try:
            return resolve_at(tree, path, **self.facts).tree
        except InvalidInput:
            return None

    def refuse_missing(self) -> None:
        found = list(_missing(self.values, ()))
        if not found:
            return
        lines = [f"{at(self.origins, path).text}: {'.'.join(map(str, path))} is still ???" for path in found]
        example = ".".join(map(str, found[0]))
        raise InvalidConfig(
            "\n".join(f"{line}." if index == len(lines) - 1 else line for index, line in enumerate(lines)),
            remedy=f"Give a value: {example}=VALUE, or in a file that comes later in the defaults list.",
            paths=found,
        )


def _is_option(value: object, deletes: bool) -> bool:
    if isinstance(value, list) and not deletes:
        return all(isinstance(item, str) for item in value)
    return value is None or isinstance(value, str)


def _own(document: Document) -> tuple[Value, Origins]:
    """A document without its defaults list."""
    if not isinstance(document.values, dict) or "defaults" not in document.values:
        return document.values, document.origins
    return (
        {key: value for key, value in document.values.items() if key != "defaults"},
        {key: origin for key, origin in document.origins.items() if key != "defaults"},
    )


def _warning(path: tuple[Any, ...], text: str) -> str:
    return f"{'.'.join(map(str, path))}: {text}"


def _missing(value: Value, path: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    for key, item in value.items() if value.__class__ is dict else enumerate(value):
        kind = item.__class__
        if kind is str:
            if item == "???":
                yield (*path, key)
        elif kind is dict or kind is list:
            yield from _missing(item, (*path, key))


def _hydras(work: _Composer, given: Mapping[str, Any] | None, name: str, asked: Sequence[Override]) -> dict[str, Any]:
    """What `${hydra:…}` reads: the files' own block over what is known of the run."""
    known: dict[str, Any] = {
        "job": {"config_name": name},
        "runtime": {"choices": dict(work.choices)},
        "overrides": {"task": [one.text for one in asked if not one.key.startswith("hydra")]},
    }
    for layer in (given or {}, work.hydra):
        known, _ = merged(known, spread(known, _NOWHERE), dict(layer), spread(dict(layer), _NOWHERE))
    return known


_NOWHERE = Origin("code", "hydra")


def _refuse(one: Override, problem: str, remedy: str) -> NoReturn:
    raise InvalidConfig(f"The override {one.text}: {problem}.", remedy=remedy, override=one.text)


def _refuse_folder(path: str) -> NoReturn:
    parent = os.path.dirname(path.rstrip("/")) or "."
    try:
        there = [entry.name for entry in os.scandir(parent) if entry.is_dir()]
    except OSError:
        there = []
    raise InvalidConfig(
        f"There is no folder {path} to compose from." if not os.path.exists(path) else f"{path} is no folder.",
        remedy=f"{meant(os.path.basename(path.rstrip('/')), there)}Name the folder that holds the configuration files.",
        directory=path,
    )
