"""The groups of a directory: their files, and the packages where the values of these go."""

from __future__ import annotations

from dataclasses import dataclass, field

from pedigree.config.composing.defaults import entries
from pedigree.config.composing.packages import dotted, given, joined
from pedigree.config.composing.sources import Sources
from pedigree.config.documents import Document
from pedigree.errors import InvalidConfig


@dataclass(slots=True)
class Group:
    """`name` is "" for the primary configurations. `headers` maps each package to the options whose files go there by
    their headers, or for want of one by their group; `used` are packages that defaults lists give to any option."""

    name: str
    options: list[str]
    headers: dict[str, list[str]] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Layout:
    groups: dict[str, Group]
    broken: list[str]  #: what is wrong with files that cannot be read; they count by their name alone

    def beneath(self, group: str) -> list[str]:
        """Every option of a group as a defaults list names it, those of groups inside it with a slash."""
        found = list(self.groups[group].options) if group in self.groups else []
        prefix = f"{group}/" if group else ""
        for name, one in self.groups.items():
            if name.startswith(prefix) and name != group:
                found += [f"{name[len(prefix) :]}/{option}" for option in one.options]
        return sorted(found)


def laid_out(sources: Sources) -> Layout:
    """Reads every file of the search path for the headers and defaults lists that say where values go."""
    names = list(_names(sources, ""))
    layout = Layout({name: Group(name, sources.options(name)) for name in names}, [])
    documents: dict[tuple[str, str], Document] = {}
    for group in layout.groups.values():
        for option in group.options:
            try:
                document = sources.load(f"{group.name}/{option}" if group.name else option)
            except InvalidConfig as error:
                layout.broken.append(error.message)
                document = None
            if document is not None:
                documents[group.name, option] = document
            package = header_package(document, group.name)
            group.headers.setdefault(package, []).append(option)
    _spread(layout, documents)
    return layout


def header_package(document: Document | None, group: str) -> str:
    """Where the values of a file go by its `# @package`, or by its group where it has none."""
    found = dotted(group)
    for header in document.headers if document is not None else ():
        if header.name == "package":
            found = joined("", header.value)
    return found


def _names(sources: Sources, group: str) -> list[str]:
    inside = [f"{group}/{name}" if group else name for name in sources.groups(group)]
    return [group, *(name for one in inside for name in _names(sources, one))]


def _spread(layout: Layout, documents: dict[tuple[str, str], Document]) -> None:
    """Adds the packages that defaults lists give to a group: `- db@source: mysql`."""
    for (parent, _), document in documents.items():
        try:
            found = entries(document)
        except InvalidConfig as error:
            layout.broken.append(error.message)
            continue
        place = header_package(document, parent)
        for entry in found:
            if entry.group is None or entry.package is None or entry.override or "$" in entry.package:
                continue
            name = entry.group if entry.absolute or not parent else f"{parent}/{entry.group}"
            package = given(entry.package, place, dotted(entry.group))
            # Any option may be chosen instead, by an override, so the package counts for all.
            if name in layout.groups and package not in layout.groups[name].used:
                layout.groups[name].used.append(package)
