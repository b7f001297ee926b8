"""The files of a directory looked at one by one: broken YAML, names that nobody reads, constructs of one dialect."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pedigree.config.checking.findings import Finding, at, of_error
from pedigree.config.composing import Dialect, Sources
from pedigree.config.composing.defaults import Entry, entries
from pedigree.config.documents import Document
from pedigree.config.origins import own
from pedigree.errors import InvalidConfig


def names(sources: Sources, group: str = "") -> Iterator[str]:
    """Every configuration of the search path, as defaults lists name them from the top."""
    for option in sources.options(group):
        yield f"{group}/{option}" if group else option
    for inner in sources.groups(group):
        yield from names(sources, f"{group}/{inner}" if group else inner)


def unread(directory: str, suffixes: tuple[str, ...]) -> Iterator[Finding]:
    """YAML files that no configuration can be composed of, because of their suffix."""
    for folder, inside, files in os.walk(directory):
        inside[:] = sorted(name for name in inside if not name.startswith(".") and name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".yaml", ".yml")) and not name.endswith(suffixes):
                message = f"Hydra reads files that end in {' or '.join(suffixes)}, and never this one"
                remedy = f"Rename it to {name.rpartition('.')[0]}{suffixes[0]}."
                yield Finding("warning", "unused", os.path.join(folder, name), 0, 0, message, remedy)


def looked_at(document: Document, dialect: Dialect, *, primary: bool) -> Iterator[Finding]:
    """What a file has in its headers and its defaults list that is wrong, or means another thing in another Hydra."""
    for header in document.headers:
        if header.name == "package" and {"_group_", "_name_"} & set(header.value.split(".")):
            yield Finding(
                "warning",
                "dialect",
                document.name,
                header.line,
                1,
                f"{header.value!r} is a key of this name: since Hydra 1.1 `_group_` and `_name_` mean nothing in a header",
                "Take the line out, or write the place where the values go.",
            )
    try:
        found = entries(document)
    except InvalidConfig as error:
        yield of_error(error, "defaults", document.name, ())
        return
    for entry in found:
        yield from _entry(entry, document, dialect)
    if (
        primary
        and isinstance(document.values, dict)
        and "defaults" in document.values
        and len(document.values) > 1
        and dialect == "hydra-1.3"
    ):
        listed = document.values["defaults"]
        if listed and "_self_" not in listed and set(document.values) - {"defaults", "hydra"}:
            file, line, column = at(own(document.origins["defaults"]), document.name)
            message = "this defaults list does not say where the file's own values come in; they come last"
            yield Finding("note", "dialect", file, line, column, message, "Add `- _self_` where they belong.")


def _entry(entry: Entry, document: Document, dialect: Dialect) -> Iterator[Finding]:
    options = entry.option if isinstance(entry.option, list) else [entry.option]
    upward = [text for text in (entry.group, *options) if text and ".." in text.split("/")]
    file, line, column = at(entry.origin, document.name)
    if upward:
        yield Finding(
            "warning" if dialect == "hydra-1.3" else "error",
            "dialect",
            file,
            line,
            column,
            # In the words of composing, so that a file which is composed too has it once.
            f"{upward[0]!r} leads up with `..`, which Hydra 1.4 allows no more",
            "Begin it with a slash.",
        )
    elif entry.group is not None and any(text and "/" in text and "${" not in text for text in options):
        group = entry.group
        option = next(text for text in options if text and "/" in text)
        folder, _, last = option.strip("/").rpartition("/")
        yield Finding(
            "warning",
            "dialect",
            file,
            line,
            column,
            f"the values of `{group}: {option}` go to {_dotted(group)!r} in Hydra 1.3 and to {_dotted(f'{group}/{folder}')!r} in 1.4",
            f"Write `{group}/{folder}@{_dotted(group)}: {last}` for the first, or `{group}/{folder}: {last}` for the second.",
        )


def _dotted(group: str) -> str:
    return group.strip("/").replace("/", ".")
