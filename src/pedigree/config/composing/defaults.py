"""One defaults list: its entries as frozen values."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from pedigree.config.documents import Document
from pedigree.config.origins import OWN, Origin, own
from pedigree.errors import InvalidConfig

_SHAPES = (
    "An entry is `_self_`, a configuration's name, or `group: option`, with `optional` or `override` before the group."
)


class Entry(NamedTuple):
    """One entry. `group` is None for `_self_` and for the name of a configuration, which is then `option`."""

    origin: Origin
    group: str | None
    option: str | list[str] | None
    package: str | None = None
    optional: bool = False
    override: bool = False
    is_self: bool = False
    #: Whether the name began with a slash: from the top of the search path, not from the folder of its own file.
    absolute: bool = False
    external: bool = False  #: from the command line, not from a file


def entries(document: Document) -> list[Entry]:
    """The entries of a document's defaults list, `_self_` last where it says nothing of it.

    Raises InvalidConfig, with the place, for anything that is no entry, for `_self_` twice, and for an override that
    stands before an entry that is none.
    """
    if not isinstance(document.values, dict) or "defaults" not in document.values:
        return [Entry(own(document.origins), None, None, is_self=True)]
    written = document.values["defaults"]
    origins = document.origins["defaults"]
    if not isinstance(written, list):
        _refuse(own(origins), f"`defaults` is a list, and here it is {_shown(written)}")
    found = [_entry(item, origin) for item, origin in zip(written, origins[1:], strict=True)]
    selves = [entry for entry in found if entry.is_self]
    if len(selves) > 1:
        _refuse(selves[1].origin, "`_self_` stands twice in this defaults list", "Keep the one that belongs.")
    overriding: Entry | None = None
    for entry in found:
        if entry.override:
            overriding = entry
        elif overriding is not None and not entry.is_self:
            _refuse(
                overriding.origin,
                f"`override {overriding.group}` stands before {_named(entry)}, which is no override",
                "Move the overrides to the end of the defaults list.",
            )
    if not selves:
        at = len(found)
        found.insert(at, Entry(own(origins), None, None, is_self=True))
    return found


def _entry(item: Any, origins: Any) -> Entry:
    if isinstance(item, str):
        origin = own(origins)
        if item == "_self_":
            return Entry(origin, None, None, is_self=True)
        name, package = _packaged(item)
        if name == "_self_":
            _refuse(origin, f"`_self_` takes no package, and here it is {item!r}", "Write `_self_` alone.")
        if name.startswith("override "):
            _refuse(origin, f"{item!r} has no option", "Write `override group: option`.")
        return Entry(origin, None, _without_suffix(name.lstrip("/")), package, absolute=name.startswith("/"))
    if not isinstance(item, dict):
        _refuse(own(origins), f"{_shown(item)} is no entry of a defaults list")
    if len(item) != 1:
        what = "an empty mapping" if not item else f"a mapping with {len(item)} keys: {', '.join(map(str, item))}"
        _refuse(own(origins), f"an entry of a defaults list has one key, and this is {what}")
    ((key, option),) = item.items()
    origin = own(origins[key])
    place = origins[OWN]
    if not isinstance(key, str):
        _refuse(place, f"{key!r} is no name of a group")
    optional = override = False
    words = key.split()
    while len(words) > 1 and words[0] in ("optional", "override"):
        optional = optional or words[0] == "optional"
        override = override or words[0] == "override"
        words = words[1:]
    if len(words) != 1:
        _refuse(place, f"{key!r} is no name of a group")
    group, package = _packaged(words[0])
    if isinstance(option, list):
        for one, at in zip(option, origins[key][1:], strict=True):
            if not isinstance(one, str):
                _refuse(own(at), f"the options of {group!r} are names, and {_shown(one)} is none")
            if "${" in one:
                _refuse(own(at), f"the options of {group!r} are a list, and {one!r} would have to be known first")
        option = [_without_suffix(one) for one in option]
    elif isinstance(option, str):
        option = _without_suffix(option)
    elif option is not None:
        _refuse(
            origin,
            f"the option of {group!r} is a name, a list of names or null, and here it is {_shown(option)}",
            f"Put quotes around it if the file is called so: {group}: '{option}'.",
        )
    return Entry(origin, group.strip("/"), option, package, optional, override, absolute=group.startswith("/"))


def _packaged(text: str) -> tuple[str, str | None]:
    name, at, package = text.partition("@")
    return name, package if at else None


def _without_suffix(name: str) -> str:
    return name.removesuffix(".yaml")


def _named(entry: Entry) -> str:
    return f"{entry.group}: {entry.option}" if entry.group is not None else str(entry.option)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "null" if value is None else repr(value)


def _refuse(origin: Origin, problem: str, remedy: str = _SHAPES) -> NoReturn:
    raise InvalidConfig(f"{origin.text}: {problem}.", remedy=remedy, place=origin.text)
