"""The schemas of a directory: one for each group and one for the primary configurations."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pedigree.config.composing.sources import Folder, Source, Sources, source
from pedigree.config.schemas.defaults import defaults_list
from pedigree.config.schemas.generation import Schema, generated
from pedigree.config.schemas.layout import Group, Layout, laid_out
from pedigree.config.schemas.places import Places
from pedigree.config.schemas.templates import DRAFT, Templates
from pedigree.errors import InvalidConfig, NotFound


@dataclass(frozen=True, slots=True)
class GroupSchema:
    """One schema. `files` are globs, or names where files of one group go to different places, of what it is for,
    relative to the directory; `packages` the places in the model that it was made from."""

    name: str  #: of its own file
    group: str  #: "" for the primary configurations
    packages: tuple[str, ...]
    files: tuple[str, ...]
    schema: Schema


@dataclass(frozen=True, slots=True)
class Schemas:
    directory: str
    schemas: tuple[GroupSchema, ...]
    notes: tuple[str, ...]  #: what could not be done: groups without a place in the model, files that cannot be read

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Writes each schema into a folder, which is made, as a file of its name. Files that are the same already are
        left as they are; others in the folder are none of its business."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        paths = []
        for one in self.schemas:
            path = place / one.name
            text = json.dumps(one.schema, indent=1, ensure_ascii=False) + "\n"
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths


def build(
    model: Any,
    directory: str | os.PathLike[str],
    *,
    search: Iterable[str | Source] = (),
    suffixes: tuple[str, ...] = (".yaml",),
) -> Schemas:
    """The schemas for the files of a directory, from a Config, any pydantic model, or a dataclass.

    `search` are further places whose groups and options may be named, and so are those that a primary configuration
    gives as `hydra.searchpath`. A group's part of the model is at its package:
    what its files' `# @package` say, else its own path with dots, and what defaults lists give it with `@`. A group
    with no place in the model gets no schema, and a note. Raises NotFound where there is no such directory.
    """
    place = os.fspath(directory)
    if not os.path.isdir(place):
        raise NotFound(f"There is no folder {place}.", remedy="Name the folder that holds the configuration files.")
    sources = Sources([Folder(place), *(source(one) if isinstance(one, str) else one for one in search)], suffixes)
    sources, unfound = _extended(sources)
    layout = laid_out(sources)
    own = {name: frozenset(options) for name, options in _own(place, suffixes).items()}
    whole = generated(model)
    made: list[GroupSchema] = []
    notes = [*layout.broken, *unfound]
    for group in layout.groups.values():
        if group.name.partition("/")[0] == "hydra":
            continue  # Hydra's own settings, which the model knows nothing of
        for package, options in group.headers.items():
            here = [option for option in options if option in own.get(group.name, ())]
            if not here:
                continue
            packages = tuple(dict.fromkeys([package, *group.used]))
            found = _schema(whole, layout, group, packages)
            if found is None:
                notes.append(
                    f"{_named(group)}: the model has no mapping at {' or '.join(map(repr, packages))}; no schema."
                )
                continue
            alone = len(group.headers) == 1
            stem = group.name.replace("/", ".") or "_primary_"
            made.append(
                GroupSchema(
                    f"{stem}.json" if alone else f"{stem}@{package or '_global_'}.json",
                    group.name,
                    packages,
                    tuple(_files(group.name, ["*"] if alone else here, suffixes)),
                    found,
                )
            )
    return Schemas(place, tuple(made), tuple(notes))


def _extended(sources: Sources) -> tuple[Sources, list[str]]:
    """With what the primary configurations say of `hydra.searchpath`, and what of that cannot be found."""
    notes: list[str] = []
    for name in sources.options(""):
        try:
            document = sources.load(name)
        except InvalidConfig:
            continue  # told when the layout is read
        block = document.values.get("hydra") if document is not None and isinstance(document.values, dict) else None
        entries = block.get("searchpath") if isinstance(block, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            try:
                more = source(entry) if isinstance(entry, str) else None
                if more is not None and more.entries("") is None:
                    notes.append(f"{name}: there is no {more.shown}, which hydra.searchpath names.")
                elif more is not None:
                    sources = sources.adding([more])
            except (InvalidConfig, NotFound) as error:
                notes.append(f"{name}: {error.message}")
    return sources, notes


def _schema(whole: Schema, layout: Layout, group: Group, packages: tuple[str, ...]) -> Schema | None:
    places = Places(whole)
    templates = Templates(whole)
    listed, options = defaults_list(layout, group.name)
    alternatives: list[Schema] = []
    for package in packages:
        for mapping in places.at(package):
            one = {"type": "object", **templates.core(mapping)}
            extra: Schema = {"defaults": listed}
            if not package:
                extra["hydra"] = {"type": "object", "description": "Settings of Hydra's own."}
            one["properties"] = {**extra, **one.get("properties", {}), "defaults": listed}
            if one not in alternatives:
                alternatives.append(one)
    if not alternatives:
        return None
    shown = " or ".join(f"`{package}`" if package else "the top" for package in packages)
    head: Schema = {
        "$schema": DRAFT,
        "title": _named(group),
        "description": f"Values of these files go to {shown}. A `# @package` line is a comment, which no schema sees.",
    }
    if len(alternatives) == 1:
        only = alternatives[0]
        described = only.pop("description", None)
        only.pop("title", None)
        if described:
            head["description"] = f"{described}\n\n{head['description']}"
        body = only
    else:
        body = {"anyOf": alternatives}
    return {**head, **body, "definitions": {**templates.definitions, **options}}


def _named(group: Group) -> str:
    return f"Files of the group {group.name}" if group.name else "Primary configurations"


def _files(group: str, options: Iterable[str], suffixes: tuple[str, ...]) -> Iterable[str]:
    for option in options:
        for suffix in suffixes:
            yield f"{group}/{option}{suffix}" if group else f"{option}{suffix}"


def _own(directory: str, suffixes: tuple[str, ...]) -> dict[str, list[str]]:
    """Options by group of the directory itself, without those of the search path."""
    sources = Sources([Folder(directory)], suffixes)
    pending, found = [""], {}
    while pending:
        group = pending.pop()
        found[group] = sources.options(group)
        pending += [f"{group}/{name}" if group else name for name in sources.groups(group)]
    return found
