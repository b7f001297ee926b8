"""Migration: from the version that a file was written for to that of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pedigree.config.origins import Origin, Origins, Value, at, spread
from pedigree.config.versions.drafts import Draft, Edit, Path, first_name, shown, stepped
from pedigree.config.versions.families import Family, family_of
from pedigree.config.versions.mistakes import refuse_old
from pedigree.config.versions.numbering import KEY, number, number_of
from pedigree.config.versions.operations import path_of
from pedigree.config.versions.shapes import defaults, has_versions, holds_versions, same, versioned
from pedigree.errors import InvalidConfig


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to one model of the configuration: `at` is where it lies, `changes` the operations declared."""

    family: str
    at: Path
    before: int
    after: int
    changes: tuple[str, ...]

    @property
    def text(self) -> str:
        where = f" at {shown(self.at)!r}" if self.at else ""
        return f"{self.family} {self.before} -> {self.after}{where}" + "".join(f"\n  {one}" for one in self.changes)


@dataclass(frozen=True, slots=True)
class Migrated:
    """`values` and `origins` in the terms of the model; they are those given where nothing has a version, and share
    nothing with them otherwise.

    `old_names` maps the path of each value that was renamed, and of what is in it, to its path in the file; `since` to
    the version that renamed it. `kept` has the paths of old defaults that files left out and the new version would
    change. `edits` is every change in order, as paths of the whole.
    """

    values: Value
    origins: Origins
    steps: tuple[Step, ...] = ()
    old_names: dict[Path, Path] = field(default_factory=dict)
    since: dict[Path, int] = field(default_factory=dict)
    kept: tuple[Path, ...] = ()
    edits: tuple[Edit, ...] = ()

    def first_name(self, path: Path) -> Path:
        """The path that the file has for `path`, also where nothing is at `path`."""
        return first_name(self.old_names, path)

    def place(self, path: Path) -> str:
        return at(self.origins, path).text


def migrate(values: Value, origins: Origins | None, model: Any, *, partial: bool = False) -> Migrated:
    """The configuration in the terms of `model`, and of every versioned model inside it.

    Each mapping is first validated against the model of the version that it states, where that still exists, so that
    a mistake in an old file is reported in its own words. What it leaves out keeps the defaults of that version,
    unless a `Default(adopt=True)` says otherwise. With `partial`, the rest is somewhere else: what is left out is
    neither missed nor given a default. Nothing happens for models without versions; a model with a version and no
    family takes only files of its own version.
    Raises InvalidConfig for a version that is none, is missing, or is newer than the code, for a missing step, a
    failing function, a new key that an old file has already, and an old file that its own version refuses.
    """
    if origins is not None and not holds_versions(model):
        return Migrated(values, origins)
    draft = Draft(values, origins)
    steps: list[Step] = []
    _walk(draft, model, (), steps, partial)
    names = dict(draft.names)
    since = dict(draft.since)
    for path, first in draft.names.items():
        if draft.has(path):
            for inner in _inside(draft.get(path), path):
                if inner not in names:
                    names[inner] = first + inner[len(path) :]
                    since[inner] = draft.since[path]
    return Migrated(
        draft.values,
        draft.origins,
        tuple(steps),
        names,
        since,
        tuple(sorted(draft.kept | draft.implicit, key=repr)),
        tuple(draft.edits),
    )


def _inside(value: Value, path: Path) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _inside(item, (*path, key))


def _walk(draft: Draft, model: Any, base: Path, steps: list[Step], partial: bool) -> None:
    value = draft.get(base)
    if not isinstance(value, dict):
        return
    if has_versions(model):
        _to(draft, model, base, steps, partial)
    for path, inner in list(versioned(draft.get(base), model, base)):
        _walk(draft, inner, path, steps, partial)


def _to(draft: Draft, model: Any, base: Path, steps: list[Step], partial: bool) -> None:
    family = family_of(model) or Family(model.__name__)
    target = number_of(model)
    assert target is not None
    stated = (*base, KEY)
    value = draft.get(base)
    if KEY in value:
        start = number(value[KEY], draft.place(stated))
    elif family.unversioned is not None:
        start = family.unversioned
    elif family_of(model) is None:
        return  # nobody said what an unversioned file is; the model decides whether it may be
    else:
        raise _unversioned(draft, family, base, target)
    if start > target:
        raise _newer(draft, family, base, start, target)
    if start < target and not family_of(model):
        raise _no_step(draft, family, base, start, target)
    draft.floor = len(base)
    if start < target and start in family.models:
        refuse_old(draft, family.models[start], base, family.name, start, partial)
    for to in range(start + 1, target + 1):
        if not partial:
            _fill(draft, family, base, to - 1)
        operations = family.operations(to)
        draft.to = to
        for operation in operations:
            operation.apply(draft, base, f"{family.name} v{to - 1} -> v{to}")
        if not partial and to in family.models:
            # Here and not only at the end, so that two migrations in a row give what one over both gives.
            _prune(draft, family.models[to], base)
        steps.append(Step(family.name, base, to - 1, to, tuple(str(operation) for operation in operations)))
    _restate(draft, stated, target, f"{family.name} v{start} -> v{target}" if start < target else "")


def _restate(draft: Draft, stated: Path, target: int, step: str) -> None:
    if not draft.has(stated):
        origin = Origin("migration", step or "the version of files that state none", shadowed=None)
        draft.insert(stated, target, origin)
    elif not same(draft.get(stated), target):
        origin = draft.origin(stated)
        draft.replace(stated, target, stepped(origin, step) if step else origin)


def _fill(draft: Draft, family: Family, base: Path, number: int) -> None:
    """What is left out stands from now on with the default of the version that the values have."""
    model = family.models.get(number)
    step = f"kept by {family.name} v{number} -> v{number + 1}"
    if model is not None:
        missing = list(defaults(draft.get(base), model))
    else:
        named = family.defaults.get(number, {})
        missing = [(path_of(path), value, f"{family.name} v{number}: {path}") for path, value in named.items()]
    for path, value, where in missing:
        whole = (*base, *path)
        if not draft.has(whole) and all(
            isinstance(draft.get(whole[:end]), dict) for end in range(len(base), len(whole)) if draft.has(whole[:end])
        ):
            origin = stepped(Origin("default", where), step)
            draft.insert(whole, value, spread(value, origin))
            draft.implicit.add(whole)


def _prune(draft: Draft, model: Any, base: Path) -> None:
    """Takes out the old defaults that are those of the new version too; the others are kept for good.

    They are compared with what the model would put in their place, given all the rest.
    """
    mine = sorted((path for path in draft.implicit if path[: len(base)] == base), key=repr)
    going = set(mine)
    while True:
        trial = Draft(draft.get(base), None)
        for path in going:
            trial.delete(path[len(base) :])
        found = {(*base, *path): value for path, value, _ in defaults(trial.values, model)}
        stay = {path for path in going if path not in found or not same(found[path], draft.get(path))}
        if not stay:
            break
        going -= stay
    for path in going:
        draft.delete(path, tidy=False)
        while len(path := path[:-1]) > len(base) and draft.get(path) == {} and _made(draft.origin(path)):
            draft.delete(path, tidy=False)
    draft.implicit.difference_update(mine)
    draft.kept.update(path for path in mine if path not in going)


def _made(origin: Origin) -> bool:
    """Whether a mapping is there only for the old defaults in it."""
    return (origin, *origin.losers())[-1].kind == "default"


def _unversioned(draft: Draft, family: Family, base: Path, target: int) -> InvalidConfig:
    where = shown(base) or "the configuration"
    return InvalidConfig(
        f"{where} states no version of {family.name!r}, and nobody said which one such files are "
        f"(set at {draft.place(base)}).",
        remedy=f"Write `{KEY}: {target}` there, or the version that it was written for; "
        f"Family({family.name!r}, unversioned=…) decides it for all files that state none.",
        path=(*base, KEY),
    )


def _newer(draft: Draft, family: Family, base: Path, start: int, target: int) -> InvalidConfig:
    stated = (*base, KEY)
    newest = max([target, *family.models])
    if start <= newest:
        what, remedy = (
            f"and version {target} is asked for; nothing leads back",
            f"Ask for version {start} or newer.",
        )
    else:
        what, remedy = (
            f"and this code knows {family.name!r} up to version {newest}: this file is newer than this code",
            "Upgrade the code, or use the file that belongs to it.",
        )
    place = draft.place(stated if KEY in draft.get(base) else base)
    return InvalidConfig(
        f"{shown(stated)} is {start}, {what} (set at {place}).", remedy=remedy, path=stated, version=start
    )


def _no_step(draft: Draft, family: Family, base: Path, start: int, target: int) -> InvalidConfig:
    stated = (*base, KEY)
    return InvalidConfig(
        f"{shown(stated)} is {start}, the model {family.name} is version {target}, and no migration leads there "
        f"(set at {draft.place(stated)}).",
        remedy=f"Write the file for version {target}, or declare the steps with a Family.",
        path=stated,
    )
