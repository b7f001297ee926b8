"""Tags: fixed names for commits.

A branch moves with every commit; a tag never moves, and keeps its commit from being deleted or squashed. Both
share one space of names in a repository, so that REPO@NAME means one thing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pedigree.errors import AlreadyExists, InUse, InvalidName, TagNotFound, meant
from pedigree.store import branches, repositories, schema
from pedigree.store.commits import Commit
from pedigree.store.database import Database

#: As many hexadecimal digits are read as the beginning of a commit's id (references.py).
_SHORTEST_ID = 4

_HEX = frozenset("0123456789abcdef")


class Tag(NamedTuple):
    """`commit` is the full id; `made` the time of tagging in seconds since the epoch, UTC."""

    repo: str
    name: str
    commit: str
    made: float


def check_name(name: str) -> None:
    """Raise InvalidName for what is no branch name either, and for what reads as the id of a commit."""
    from pedigree.store import paths

    paths.check_name("tag", name)
    if len(name) >= _SHORTEST_ID and _HEX.issuperset(name):
        raise InvalidName(
            f"{name!r} cannot name a tag: it reads as the id of a commit, or as its beginning.",
            remedy=f"Add a letter or sign that is no hexadecimal digit: {f'v-{name}'[:64]!r}.",
            name=name,
        )


def find(database: Database, repo: str, name: str) -> Tag | None:
    """The tag of that name, or None."""
    found = _read(database, "WHERE repo = ? AND name = ?", (repo, name))
    return found[0] if found else None


def get(database: Database, repo: str, name: str) -> Tag:
    """The tag of that name. Raises RepositoryNotFound or TagNotFound."""
    found = find(database, repo, name)
    if found is None:
        repositories.get(database, repo)
        names = [tag.name for tag in every(database, repo)]
        listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise TagNotFound(
            f"The repository {repo!r} has no tag {name!r}" + (f"; it has {listed}." if names else "; it has none."),
            remedy=f"{meant(name, names)}`pedigree tag create {repo}@REF {name}` makes it.",
            repo=repo,
            tag=name,
        )
    return found


def every(database: Database, repo: str | None = None) -> list[Tag]:
    """The tags of one repository by name, or of all by repository and name."""
    if repo is None:
        return _read(database, "ORDER BY repo, name")
    repositories.get(database, repo)
    return _read(database, "WHERE repo = ? ORDER BY name", (repo,))


def of(database: Database, commit: str) -> list[str]:
    """The names that the commit of that id has, sorted."""
    return [tag.name for tag in _read(database, "WHERE target = ? ORDER BY name", (commit,))]


def create(database: Database, commit: Commit, name: str, now: float) -> Tag:
    """Give a finished commit a name for good; the same again changes nothing.

    Raises InvalidName, and AlreadyExists where another commit has the name, which it keeps, or a branch.
    """
    check_name(name)
    repo = commit.repo
    with database.transaction():
        present = find(database, repo, name)
        if present is not None:
            if present.commit == commit.id:
                return present
            raise AlreadyExists(
                f"The tag {repo}@{name} is that of commit {present.commit[:12]}; a tag never moves, so commit "
                f"{commit.id[:12]} did not get it.",
                remedy=f"Choose another name; or delete that tag first: `pedigree tag delete {repo}@{name}`.",
                repo=repo,
                tag=name,
                commit=present.commit,
            )
        if branches.exists(database, repo, name):
            raise AlreadyExists(
                f"{repo}@{name} is a branch, and a tag of that name would mean another commit.",
                remedy="Choose another name for the tag.",
                repo=repo,
                branch=name,
            )
        schema.upgrade(database)
        made = schema.microseconds(now)
        schema.write(database, "tags", (repo, name, commit.id, made))
    return Tag(repo, name, commit.id, schema.seconds(made))


def delete(database: Database, repo: str, name: str) -> Tag:
    """Take the name off; the commit stays, and may be deleted then. Returns what it named."""
    with database.transaction():
        found = get(database, repo, name)
        database.execute("DELETE FROM tags WHERE repo = ? AND name = ?", (repo, name))
    return found


def check_free(database: Database, repo: str, branch: str) -> None:
    """Raise AlreadyExists where a tag has the name that a new branch would get."""
    found = find(database, repo, branch)
    if found is not None:
        raise AlreadyExists(
            f"{repo}@{branch} is a tag, the fixed name of commit {found.commit[:12]}; it cannot be a branch too.",
            remedy="Write to a branch, or choose another name for the new one.",
            repo=repo,
            tag=branch,
        )


def check_untagged(database: Database, commit: Commit) -> None:
    """Raise InUse where a tag keeps the commit."""
    names = of(database, commit.id)
    if names:
        raise InUse(
            f"Commit {commit.id[:12]} of {commit.repo!r} has the tag {names[0]!r}, which keeps it.",
            remedy=f"Delete that first, if nobody needs it: `pedigree tag delete {commit.repo}@{names[0]}`.",
            commit=commit.id,
            tags=names,
        )


def _read(database: Database, condition: str, values: tuple[Any, ...] = ()) -> list[Tag]:
    if not schema.present(database, "tags"):
        return []
    rows = schema.read(database, "tags", condition, values)
    return [Tag(repo, name, target, schema.seconds(made)) for repo, name, target, made in rows]
