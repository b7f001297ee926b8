"""Checking a directory of configurations before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from pedigree.config.checking import files
from pedigree.config.checking.findings import Finding, Findings, Report, of_error
from pedigree.config.checking.points import Point, Points
from pedigree.config.checking.resolving import Surroundings, known
from pedigree.config.composing import Dialect, Sources
from pedigree.config.composing.composition import search_path
from pedigree.config.composing.defaults import entries
from pedigree.config.documents import Document
from pedigree.errors import InvalidConfig, InvalidInput, NotFound, meant

if TYPE_CHECKING:
    from pedigree.config.checking.fitting import Fitting
    from pedigree.config.composing.sources import Source
    from pedigree.config.interpolation import Resolvers


def check(
    directory: str | os.PathLike[str],
    *,
    primaries: Iterable[str] | None = None,
    model: Any = None,
    dialect: Dialect = "hydra-1.3",
    search: Iterable[str | Source] = (),
    environment: Mapping[str, str] | None = None,
    now: datetime | None = None,
    resolvers: Resolvers | None = None,
) -> Report:
    """What is wrong with the configurations of a directory: each primary one, and it with every option of every group.

    Options are taken one at a time, so the work grows with their sum and not with their product. Each configuration is
    composed, resolved, migrated and validated against `model`: a Config, any pydantic model, a dataclass. Where
    `primaries` are not given they are the files at the top that no other file's defaults list names. A group that no
    defaults list names is added, as `+group=option` does, to each primary configuration until one takes it.
    Values that are still `???`, variables that are not set here and what depends on them are no errors. Nothing is
    run, and the environment, the process's own unless another is given, is only read.
    Raises InvalidConfig where there is no such directory, InvalidInput for another dialect, NotFound for a primary configuration that is not there.
    """
    if dialect not in get_args(Dialect):
        raise InvalidInput(
            f"There is no dialect {dialect!r}.",
            remedy=f"{meant(dialect, get_args(Dialect))}Use one of: {', '.join(get_args(Dialect))}.",
        )
    place = os.fspath(directory)
    sources = search_path(place, search, dialect)
    work = _Check(place, sources, dialect, model, os.environ if environment is None else environment, now, resolvers)
    return work.report(primaries)


class _Check:
    def __init__(
        self,
        directory: str,
        sources: Sources,
        dialect: Dialect,
        model: Any,
        environment: Mapping[str, str],
        now: datetime | None,
        resolvers: Resolvers | None,
    ) -> None:
        self.directory = directory
        self.sources = sources
        self.dialect = dialect
        self.surroundings = Surroundings(environment, now or datetime.now(), resolvers)  # noqa: DTZ005  (as `${now:…}` has it)
        self.fitting: Fitting | None = None
        if model is not None:
            from pedigree.config.checking.fitting import Fitting

            self.fitting = Fitting(model)
        self.findings = Findings()
        self.documents: dict[str, Document | None] = {}
        self.composed = 0

    def report(self, asked: Iterable[str] | None) -> Report:
        self.read()
        primaries = self.primaries(asked)
        for name, document in self.documents.items():
            if document is not None:
                self.findings.add(files.looked_at(document, self.dialect, primary=name in primaries))
        self.findings.add(files.unread(self.directory, self.sources.suffixes))
        points = Points(self.directory, self.sources, self.dialect)
        for primary in primaries:
            for point in points.of(primary):
                self.findings.add(self.about(point))
        self.rest(points, primaries)
        return Report(
            self.directory, tuple(primaries), tuple(self.findings.sorted()), len(self.documents), self.composed
        )

    def read(self) -> None:
        """Parses every file, used or not."""
        for name in files.names(self.sources):
            try:
                self.documents[name] = self.sources.load(name)
            except InvalidConfig as error:
                self.documents[name] = None
                self.findings.add([of_error(error, "yaml", name, ())])

    def primaries(self, asked: Iterable[str] | None) -> list[str]:
        there = self.sources.options("")
        if asked is not None:
            found = [name.removesuffix(".yaml") for name in asked]
            for name in found:
                if self.documents.get(name) is None and name not in self.documents:
                    raise NotFound(
                        f"There is no configuration {name!r} in {self.directory}.",
                        remedy=f"{meant(name, there)}There are: {', '.join(there) or 'none'}.",
                    )
            return [name for name in found if self.documents[name] is not None]
        included = {
            name for document in self.documents.values() if document is not None for name in _included(document)
        }
        return [name for name in there if name not in included and self.documents[name] is not None]

    def rest(self, points: Points, primaries: list[str]) -> None:
        """The groups that no configuration chose from, each file in that primary configuration which takes it best.

        Those that another file names come second: adding that file may have chosen from them by then.
        """
        whole = [primary for primary in primaries if points.composes(primary)]
        if not whole:
            return  # what is wrong there comes first
        named = {name for file, document in self.documents.items() for name in _groups(file, document)}
        left = [name for name, document in self.documents.items() if document is not None and "/" in name]
        for name in sorted(left, key=lambda name: name.rpartition("/")[0] in named):
            group, _, option = name.rpartition("/")
            document = self.documents[name]
            assert document is not None
            if group.partition("/")[0] == "hydra" or group in points.chosen or document.name in points.used:
                continue
            if group in named and len(whole) < len(primaries):
                continue  # perhaps by one that does not compose
            if not document.name.startswith(os.path.join(self.directory, "")):
                continue  # of the search path, whose files are there for others too
            told: list[Finding] | None = None
            for primary in whole:
                fresh = self.findings.unknown(
                    finding for point in points.adding(primary, group, option) for finding in self.about(point)
                )
                if told is None or len(fresh) < len(told):
                    told = fresh
                if not fresh:
                    break
            self.findings.add(told or [])
            self.findings.add([self.unnamed(group, document)])

    def unnamed(self, group: str, document: Document) -> Finding:
        overall = any(header == ("package", "_global_", header.line) for header in document.headers)
        return Finding(
            "note" if overall else "warning",
            "unused",
            document.name,
            0,
            0,
            f"no defaults list names the group {group!r}; this file counts only where somebody adds it",
            ""
            if overall
            else f"Name the group in a defaults list, as `- {group}: OPTION` or `- optional {group}: null`, or take the file out.",
        )

    def about(self, point: Point) -> list[Finding]:
        fallback = self.file(point.primary)
        if point.composed is None:
            assert point.error is not None
            return [of_error(point.error, "defaults", fallback, point.asked)]
        self.composed += 1
        found = known(point, point.composed, self.surroundings, fallback)
        if self.fitting is not None:
            found.findings += self.fitting.findings(point, point.composed, found, fallback)
        return found.findings

    def file(self, name: str) -> str:
        document = self.documents.get(name)
        return name if document is None else document.name


def _included(document: Document) -> Iterable[str]:
    """Configurations at the top that a defaults list names."""
    try:
        listed = entries(document)
    except InvalidConfig:
        return
    for entry in listed:
        if entry.group is None and isinstance(entry.option, str):
            yield entry.option


def _groups(file: str, document: Document | None) -> Iterable[str]:
    """The groups that the defaults list of a file names, from the top."""
    folder = file.rpartition("/")[0]
    try:
        listed = entries(document) if document is not None else []
    except InvalidConfig:
        return
    for entry in listed:
        if entry.group is not None and not entry.override:
            yield entry.group if entry.absolute or not folder else f"{folder}/{entry.group}"
