"""Packages: the place in the tree, as dotted keys, where the values of a file go; "" is the top."""

from __future__ import annotations


def joined(parent: str, package: str) -> str:
    """A package inside another; one that begins with `_global_` leaves it."""
    if package == "_global_":
        return ""
    if package.startswith("_global_."):
        return package[len("_global_.") :]
    if not parent:
        return package
    return f"{parent}.{package}" if package else parent


def given(package: str, parent: str, group: str, *, newer: bool = False) -> str:
    """The package that `@package` in a defaults list means; `group` is the whole name of the entry's group.

    With `newer` (Hydra 1.4), `_group_` means something only where a package begins with it.
    """
    if package == "_here_":
        return parent
    if package == "_group_" or package.startswith("_group_.") or ("_group_" in package and not newer):
        whole = dotted(group)
        filled = ".".join(whole if part == "_group_" else part for part in package.split("."))
        return filled if package.startswith("_group_") else joined(parent, filled)
    return joined(parent, package)


def dotted(group: str) -> str:
    """The package of a group's own name: `db/engine` is `db.engine`."""
    return group.strip("/").replace("/", ".")


def override_key(group: str, package: str) -> str:
    """The name of one choice: the group, and where it goes if that is not the group's own place."""
    return group if package == dotted(group) else f"{group}@{package or '_global_'}"
