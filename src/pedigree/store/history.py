"""History: what changed between commits, and which commits changed a path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pedigree.store import commits, trees
from pedigree.store.commits import Commit
from pedigree.store.database import Database
from pedigree.store.references import Reference
from pedigree.store.trees import EMPTY, Entry, Read


class Difference(NamedTuple):
    """One path that differs: `old` is None where it was added, `new` where it was removed."""

    path: str
    old: Entry | None
    new: Entry | None


class Touch(NamedTuple):
    """A commit that changed a path or something below it: `added`, `changed` or `deleted` it."""

    commit: Commit
    change: str


def between(old: Reference | None, new: Reference, read: Read) -> Iterator[Difference]:
    """What differs at the references' paths, in path order; None for nothing. Paths are those of `new`.

    Subtrees that are equal are not read when both sides have the same path.
    """
    old_tree = EMPTY if old is None else old.commit.tree
    old_path = new.path if old is None else old.path
    if old_path == new.path:
        for path, before, after in trees.diff(old_tree, new.commit.tree, read):
            if within(path, new.path):
                yield Difference(path, before, after)
        return
    left, right = _below(old_tree, old_path, read), _below(new.commit.tree, new.path, read)
    for rest in sorted(left.keys() | right.keys()):
        if left.get(rest) != right.get(rest):
            path = "/".join(part for part in (new.path, rest) if part)
            yield Difference(path, left.get(rest), right.get(rest))


def touching(database: Database, head: Commit, path: str, read: Read) -> Iterator[Touch]:
    """The commits from `head` back that changed `path` or anything below it, newest first."""
    commits_back = line(database, head)
    newer = next(commits_back)
    for older in commits_back:
        change = _change(older.tree, newer.tree, path, read)
        if change is not None:
            yield Touch(newer, change)
        newer = older
    change = _change(EMPTY, newer.tree, path, read)
    if change is not None:
        yield Touch(newer, change)


def within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return not folder or path == folder or path.startswith(folder + "/")


def line(database: Database, head: Commit) -> Iterator[Commit]:
    """The commit, which may be open, and its ancestors, newest first."""
    yield head
    yield from commits.ancestors(database, head.parent)


def before(database: Database, reference: Reference) -> Reference | None:
    """The same path in the commit before; None for the first."""
    parent = reference.commit.parent
    return None if parent is None else reference._replace(commit=commits.get(database, parent))


def _change(old: str, new: str, path: str, read: Read) -> str | None:
    if old == new:
        return None
    if not any(within(changed, path) for changed, _, _ in trees.diff(old, new, read)):
        return None
    before, after = _exists(old, path, read), _exists(new, path, read)
    return "changed" if before and after else "added" if after else "deleted"


def _exists(tree: str, path: str, read: Read) -> bool:
    return next(iter(trees.scan(tree, read, path)), None) is not None


def _below(tree: str, path: str, read: Read) -> dict[str, Entry]:
    return {name[len(path) :].lstrip("/"): entry for name, entry in trees.scan(tree, read, path)}
