"""The error for a path that a commit does not have: it names the nearest path that is there."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pedigree.errors import PathNotFound, nearest
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store.nodes import Read
    from pedigree.store.references import Reference

#: Names of one folder that a mistyped name is compared with: comparing takes about 10 us a name, and 0.1 s may pass.
COMPARED = 10_000


def path(read: Read, found: Reference, *, why: str = "", then: str = "") -> PathNotFound:
    """The error about the path of `found`; `why` is what else is known, `then` ends the remedy."""
    where = f"{found.repo}@{found.branch or found.commit.id[:12]}"
    return PathNotFound(
        f"There is no /{found.path} in {where}{f': {why}' if why else ''}.",
        remedy=f"{'' if why else hint(read, found.commit.tree, found.path)}`pedigree ls {where}` shows what is, "
        f"`pedigree find {where}:/{found.path}` what was.{f' {then}' if then else ''}",
        path=found.path,
    )


def hint(read: Read, tree: str, missing: str) -> str:
    """`Did you mean '/cats/tom.jpg'? `, for the path nearest to the missing one; empty where none is near.

    Compared is the first part of the path that is not there, with the names in its folder; what follows it is kept where it
    exists below the name that was found.
    """
    folder = ""
    parts = missing.split("/")
    for at, part in enumerate(parts):
        here = f"{folder}/{part}" if folder else part
        if at < len(parts) - 1 and trees.is_folder(tree, here, read):
            folder = here
            continue
        names = [name for name, _ in islice(trees.children(tree, folder, read), COMPARED)]
        near = nearest(part, names)
        if near is None:
            return ""
        found = f"{folder}/{near}" if folder else near
        whole = "/".join([found, *parts[at + 1 :]])
        if next(trees.scan(tree, read, whole), None) is not None:
            found = whole
        return f"Did you mean {f'/{found}'!r}? "
    return ""
