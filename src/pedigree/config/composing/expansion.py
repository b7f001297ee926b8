"""Expanding: the defaults lists of a configuration and of all that they name become one list of files, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, NoReturn

from pedigree.config.composing import packages
from pedigree.config.composing.defaults import Entry, entries
from pedigree.config.composing.sources import Sources
from pedigree.config.documents import Document
from pedigree.config.origins import Origin
from pedigree.errors import InvalidConfig, meant

_REFERENCE = r"\$\{\s*([^{}]*?)\s*\}"

#: Defaults lists inside one another; a circle is found long before.
MAX_DEPTH = 64


class Step(NamedTuple):
    """One file to lay over those before it."""

    name: str
    package: str
    document: Document


class Demand(NamedTuple):
    """What the command line asks of the defaults list: `db=mysql`, `+db=mysql`, `~db`."""

    group: str
    package: str | None
    option: Any  #: a name, a list of names; for a deletion the option that must be there, or None for any
    origin: Origin


class _Choice:
    """An override of one group's option, from the command line or from a file."""

    __slots__ = ("external", "key", "option", "origin", "position", "used")

    def __init__(
        self, option: Any, origin: Origin, key: str, *, external: bool, position: tuple[int, ...] = ()
    ) -> None:
        self.option = option
        self.origin = origin
        self.key = key
        self.external = external
        self.position = position  #: where it was read, in the order of reading
        self.used = False


class Expansion(NamedTuple):
    steps: list[Step]
    #: For each group, with `@package` where it is not its own, the option taken.
    choices: dict[str, Any]


def expand(
    sources: Sources,
    name: str,
    *,
    changes: Sequence[Demand] = (),
    additions: Sequence[Demand] = (),
    deletions: Sequence[Demand] = (),
    newer: bool = False,
    unspecified: bool = False,
) -> Expansion:
    """The files that the configuration `name` is composed of, in order, each with its package.

    Entries of a list are expanded from the last to the first, so that of two overrides in sibling files the last
    wins, and one in an outer file wins over both; with `newer` (Hydra 1.4) the last in reading order does.
    `unspecified` leaves `group: ???` out instead of refusing it. Raises InvalidConfig with the place.
    """
    work = _Expander(sources, changes, deletions, newer, unspecified)
    return work.whole(name, additions)


class _Expander:
    def __init__(
        self,
        sources: Sources,
        changes: Sequence[Demand],
        deletions: Sequence[Demand],
        newer: bool,
        unspecified: bool,
    ) -> None:
        self.sources = sources
        self.newer = newer
        self.unspecified = unspecified
        self.overrides: dict[str, _Choice] = {}
        for change in changes:
            key = _key(change)
            self.overrides[key] = _Choice(change.option, change.origin, key, external=True)
        self.deletions = {_key(deletion): deletion for deletion in deletions}
        self.deleted: set[str] = set()
        self.choices: dict[str, Any] = {}
        self.seen: dict[str, Origin] = {}
        #: The place, in the order of reading, of the entry that is being expanded.
        self.path: tuple[int, ...] = ()
        #: Configurations being expanded, outermost first.
        self.open: list[tuple[str, str]] = []

    def whole(self, name: str, additions: Sequence[Demand]) -> Expansion:
        document = self.sources.load(name)
        if document is None:
            self.refuse_missing(name, None, None)
        folder = _folder(name)
        header = _headed(document)
        package = packages.dotted(folder) if header is None else packages.joined("", header)
        steps = self.node(name, folder, package, document, None, additions)
        for choice in self.overrides.values():
            if not choice.used and not _hydras(choice.key):
                self.refuse_unused(choice)
        for key, deletion in self.deletions.items():
            if key not in self.deleted and not _hydras(key):
                raise InvalidConfig(
                    f"{deletion.origin.text}: no defaults list chooses an option of {key!r}.",
                    remedy=f"{meant(key, self.choices)}Delete a group that is chosen: {self.known()}.",
                    override=deletion.origin.name,
                )
        return Expansion(steps, dict(reversed(self.choices.items())))  # they were made from the last to the first

    def node(
        self,
        name: str,
        base: str,
        package: str,
        document: Document,
        asked: Entry | None,
        additions: Sequence[Demand] = (),
    ) -> list[Step]:
        """The steps of one file: of what its defaults list names, and its own."""
        if (name, package) in self.open or len(self.open) >= MAX_DEPTH:
            self.refuse_circle(name, asked)
        self.open.append((name, package))
        listed = entries(document)
        if additions:
            listed += [self.addition(one, base) for one in additions]
        if self.newer:
            listed = [_split(entry) for entry in listed]
        outer = self.path
        self.register(listed, base, package)
        slots: list[list[Step]] = [[] for _ in listed]
        postponed = []
        for index in range(len(listed) - 1, -1, -1):
            entry = listed[index]
            self.path = (*outer, index)
            if entry.is_self:
                slots[index] = [Step(name, package, document)]
            elif not entry.override:
                option = self.option(entry, base, package)
                entry = listed[index] = self.asked(entry, base, package)
                if isinstance(option, str) and "${" in option:
                    postponed.append((index, option))
                else:
                    slots[index] = self.children(entry, option, base, package)
        for index, option in postponed:
            entry = listed[index]
            self.path = (*outer, index)
            slots[index] = self.children(entry, self.resolved(option, entry), base, package)
        self.path = outer
        self.open.pop()
        return [step for steps in slots for step in steps]

    def addition(self, one: Demand, base: str) -> Entry:
        """A demand as an entry: of a group beside the primary configuration, or else of one at the top."""
        group = one.group.strip("/")
        absolute = one.group.startswith("/") or not self.sources.is_group(_joined(base, group))
        return Entry(one.origin, group, one.option, one.package, absolute=absolute, external=True)

    def register(self, listed: Iterable[Entry], base: str, package: str) -> None:
        """Notes the overrides of a list. The first to be noted wins, and outer files come before inner ones; in the
        newer dialect the last in reading order does."""
        for index, entry in enumerate(listed):
            if not entry.override:
                continue
            assert entry.group is not None
            key = self.key(entry, base, package)
            present = self.overrides.get(key)
            position = (*self.path, index)
            if present is not None and (present.external or not self.newer or present.position > position):
                continue
            self.overrides[key] = _Choice(entry.option, entry.origin, key, external=False, position=position)

    def key(self, entry: Entry, base: str, package: str) -> str:
        assert entry.group is not None
        group = _group(entry, base)
        place = _place(entry, base, package, None, newer=self.newer)
        return packages.override_key(group, place)

    def option(self, entry: Entry, base: str, package: str) -> Any:
        """The option of an entry after overrides; for a configuration its name."""
        if entry.group is None:
            return entry.option
        if "${" in entry.group:
            _refuse(entry.origin, f"the group {entry.group!r} would have to be known first", "Write the group's name.")
        key = self.key(entry, base, package)
        deletion = self.deletions.get(key)
        choice = self.overrides.get(key)
        if choice is not None and self.newer and not choice.external and choice.position < self.path:
            choice = None  # it stands before what it would override
        option = entry.option
        if choice is not None:
            choice.used = True
            option = choice.option
        if deletion is not None:
            if deletion.option is None or deletion.option == option:
                self.deleted.add(key)
                return None
            _refuse(deletion.origin, f"the option of {key!r} is {option!r}, and another was to be deleted")
        if key in self.seen and not isinstance(option, list) and not self.again(key, option, entry, base):
            _refuse(
                entry.origin,
                f"the group {key!r} is chosen a second time; the first is at {self.seen[key].text}",
                f"Keep one of them, use `override {entry.group}`, or give one a package of its own: {entry.group}@name.",
            )
        if not isinstance(option, list):  # the files of a list may be asked for again
            self.seen[key] = entry.origin
        self.choices[key] = option
        if option == "???" and not self.unspecified:
            options = self.sources.options(_group(entry, base))
            _refuse(
                entry.origin,
                f"no option of {key!r} is chosen",
                f"Give {key}=OPTION, one of: {', '.join(options) or 'none are there'}.",
            )
        return None if option == "???" else option

    def asked(self, entry: Entry, base: str, package: str) -> Entry:
        """The entry with the place that its option comes from, which is that of an override where one was used."""
        choice = None if entry.group is None else self.overrides.get(self.key(entry, base, package))
        return entry if choice is None or not choice.used else entry._replace(origin=choice.origin)

    def again(self, key: str, option: Any, entry: Entry, base: str) -> bool:
        """Whether a group may be chosen once more: with the same option, which is null, not there, or has a defaults
        list of its own. Only these does Hydra take."""
        if option != self.choices.get(key):
            return False
        if not isinstance(option, str):
            return True
        document = self.sources.load(_joined(_group(entry, base), option.strip("/")))
        if document is None:
            return entry.optional
        written = document.values.get("defaults") if isinstance(document.values, dict) else None
        # Overrides alone are no list to Hydra here.
        return isinstance(written, list) and (
            "_self_" in written or sum(not one.override for one in entries(document)) > 1
        )

    def children(self, entry: Entry, option: Any, base: str, package: str) -> list[Step]:
        if option is None:
            return []
        found: list[Step] = []
        for name in reversed(option) if isinstance(option, list) else (option,):
            found[:0] = self.child(entry, name, base, package)
        return found

    def child(self, entry: Entry, option: str, base: str, package: str) -> list[Step]:
        group = _group(entry, base)
        name = _joined(group, option.strip("/")) if entry.group is not None else _config(entry, option, base)
        document = self.sources.load(name)
        if document is None:
            if entry.optional or (entry.group is not None and _hydras(group)):
                return []
            self.refuse_missing(name, entry, group if entry.group is not None else None)
        place = _place(entry, base, package, _headed(document), newer=self.newer)
        return self.node(name, group if entry.group is not None else _folder(name), place, document, entry)

    def resolved(self, text: str, entry: Entry) -> str | None:
        """An option that reads the choices of other groups: `${db}`, `${db}_${server}`, `${db@pkg}`."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("."):
                _refuse(entry.origin, f"{text!r} is relative, and options of groups are read from the top")
            if name not in self.choices:
                name = name.replace(".", "/") if name.replace(".", "/") in self.choices else name
            if name not in self.choices:
                _refuse(
                    entry.origin,
                    f"{text!r} reads the choice of {name!r}, and no such choice is made before it",
                    f"{meant(name, self.choices)}Known here: {self.known()}.",
                )
            return str(self.choices[name])

        option = re.sub(_REFERENCE, value, text)
        if entry.group is not None:
            for key, known in self.choices.items():
                if known == text:
                    self.choices[key] = option
        return option

    # What goes wrong

    def known(self) -> str:
        return ", ".join(sorted(self.choices)) or "none"

    def refuse_circle(self, name: str, asked: Entry | None) -> NoReturn:
        chain = [step for step, _ in self.open]
        chain = chain[chain.index(name) :] if name in chain else chain[-5:]
        place = f"{asked.origin.text}: " if asked is not None else ""
        raise InvalidConfig(
            f"{place}the defaults lists lead back to where they began: {' -> '.join([*chain, name])}.",
            remedy="Take one of these entries out.",
            place=asked.origin.text if asked is not None else None,
        )

    def refuse_missing(self, name: str, entry: Entry | None, group: str | None) -> NoReturn:
        folder, _, last = name.rpartition("/")
        options = self.sources.options(folder)
        place = f"{entry.origin.text}: " if entry is not None else ""
        if group is not None and not self.sources.is_group(group):
            raise InvalidConfig(
                f"{place}there is no group {group!r} in {self.sources.shown}.",
                remedy=f"{meant(group, self.groups())}Make the folder, or correct the name.",
                place=entry.origin.text if entry is not None else None,
            )
        other = self.sources.other_suffix(name)
        if other is not None:
            raise InvalidConfig(
                f"{place}there is {other}, and a configuration file ends in {' or '.join(self.sources.suffixes)}.",
                remedy="Rename the file.",
                place=entry.origin.text if entry is not None else None,
            )
        what = f"no option {last!r} of the group {folder!r}" if group is not None else f"no configuration {name!r}"
        there = f"There are: {', '.join(options)}." if options else f"The folder has none{_of(folder)}."
        raise InvalidConfig(
            f"{place}there is {what} in {self.sources.shown}.",
            remedy=f"{meant(last, options)}{there}",
            place=entry.origin.text if entry is not None else None,
            options=options,
        )

    def groups(self) -> list[str]:
        """Every group, down to three levels, to guess what was meant."""
        found = []
        level = [""]
        for _ in range(3):
            level = [_joined(group, inner) for group in level for inner in self.sources.groups(group)][:1000]
            found += level
        return found

    def refuse_unused(self, choice: _Choice) -> NoReturn:
        key = choice.key
        group = key.partition("@")[0]
        elsewhere = [known for known in self.seen if known.partition("@")[0] == group]
        hint = f"It is chosen as {' and '.join(map(repr, elsewhere))}. " if elsewhere else meant(key, self.seen)
        raise InvalidConfig(
            f"{choice.origin.text}: no defaults list chooses an option of {key!r}, so none can be overridden.",
            remedy=f"{hint}Override one of: {', '.join(sorted(self.seen)) or 'none'}.",
            place=choice.origin.text,
        )


def _key(demand: Demand) -> str:
    group = demand.group.strip("/")
    if demand.package is None:
        return group
    return packages.override_key(group, packages.joined("", demand.package))


def _hydras(key: str) -> bool:
    return key == "hydra" or key.startswith(("hydra/", "hydra@"))


def _headed(document: Document) -> str | None:
    """The package that a comment `# @package …` at the head of a file names."""
    found = None
    for header in document.headers:
        if header.name == "package":
            if not header.value or " " in header.value:
                place = f"{document.name}:{header.line}:1"
                raise InvalidConfig(
                    f"{place}: `# @package` names one package, and here it names {header.value or 'nothing'!r}.",
                    remedy="Write `# @package _global_`, or the dotted place where the values go.",
                    place=place,
                )
            found = header.value
    return found


def _group(entry: Entry, base: str) -> str:
    if entry.group is None:
        return ""
    return entry.group if entry.absolute else _joined(base, entry.group)


def _config(entry: Entry, option: str, base: str) -> str:
    return option if entry.absolute else _joined(base, option)


def _place(entry: Entry, base: str, package: str, header: str | None, *, newer: bool) -> str:
    """The package of what an entry names, once that stands in the package `package`.

    `@package` in the list beats a header, and a header, unlike a group's own name, is counted from the top.
    """
    if entry.group is None:
        assert isinstance(entry.option, str)
        group = entry.option.rpartition("/")[0]
        whole = _config(entry, group, base)
    else:
        group = entry.group
        whole = _group(entry, base)
    if entry.package is not None:
        return packages.given(entry.package, package, whole, newer=newer)
    return packages.joined(package, packages.dotted(group)) if header is None else packages.joined("", header)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _joined(base: str, name: str) -> str:
    name = name.strip("/")
    whole = f"{base}/{name}" if base else name
    if ".." in whole.split("/"):
        import posixpath

        whole = posixpath.normpath(whole)
    return whole


def _split(entry: Entry) -> Entry:
    """An entry as Hydra 1.4 reads it: `db: sql/big` is `db/sql: big`, and no path leads up."""
    for name in (entry.group, entry.option):
        if isinstance(name, str) and ".." in name.split("/"):
            _refuse(
                entry.origin, f"{name!r} leads up with `..`, which Hydra 1.4 allows no more", "Begin it with a slash."
            )
    if entry.group is None or entry.external or not isinstance(entry.option, str) or "${" in entry.option:
        return entry
    folder, _, option = entry.option.strip("/").rpartition("/")
    return entry._replace(group=f"{entry.group}/{folder}", option=option) if folder else entry


def _of(folder: str) -> str:
    return f" ({folder})" if folder else ""


def _refuse(origin: Origin, problem: str, remedy: str = "Correct the entry.") -> NoReturn:
    raise InvalidConfig(f"{origin.text}: {problem}.", remedy=remedy, place=origin.text)
