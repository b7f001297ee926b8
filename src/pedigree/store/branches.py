"""Branches: movable names for commits."""

from __future__ import annotations

from typing import Any, NamedTuple

from pedigree.errors import AlreadyExists, BranchNotFound, InUse, InvalidName, meant
from pedigree.store import repositories, schema
from pedigree.store.database import Database

#: The branch that a reference without one means.
DEFAULT = "master"

_HEX = frozenset("0123456789abcdef")


class Branch(NamedTuple):
    """`head` is a commit id, or None before the first commit; `trigger` the condition that moves it, if it
    has one.
    """

    repo: str
    name: str
    head: str | None
    trigger: dict[str, Any] | None


def check_name(name: str) -> None:
    """Raise InvalidName for what is no branch name, full ids of commits and runs included: they would hide
    those.
    """
    from pedigree.store import paths

    paths.check_name("branch", name)
    if len(name) in {32, 64} and _HEX.issuperset(name):
        raise InvalidName(
            f"{name!r} cannot name a branch: it reads as the id of a commit or a run.",
            remedy="Choose a name that is not 32 or 64 hexadecimal digits.",
            name=name,
        )


def head(database: Database, repo: str, name: str) -> str | None:
    """The id of the branch's head; None where the branch is empty or does not exist."""
    found = schema.read(database, "branches", "WHERE repo = ? AND name = ?", (repo, name))
    return found[0][2] if found else None


def exists(database: Database, repo: str, name: str) -> bool:
    return database.row("SELECT 1 FROM branches WHERE repo = ? AND name = ?", (repo, name)) is not None


def get(database: Database, repo: str, name: str) -> Branch:
    """The branch of that name. Raises RepositoryNotFound or BranchNotFound."""
    found = schema.read(database, "branches", "WHERE repo = ? AND name = ?", (repo, name))
    if not found:
        repositories.get(database, repo)
        raise not_found(database, repo, name)
    return _branch(database, found[0])


def not_found(database: Database, repo: str, name: str) -> BranchNotFound:
    """The error that names the branches there are."""
    from pedigree.store import tags

    names = [row[0] for row in database.rows("SELECT name FROM branches WHERE repo = ? ORDER BY name", (repo,))]
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    tagged = [tag.name for tag in tags.every(database, repo)]
    if tagged:
        listed += f" and the tags {', '.join(tagged[-8:])}" + (", …" if len(tagged) > 8 else "")
    return BranchNotFound(
        f"The repository {repo!r} has no branch {name!r}"
        + (f"; it has {listed}." if names else ": nothing was committed to it yet."),
        remedy=f"{meant(name, [*names, *tagged])}`pedigree branch list {repo}` shows all; `pedigree put {repo}@{name}:/ …` makes it.",
        repo=repo,
        branch=name,
    )


def every(database: Database, repo: str | None = None) -> list[Branch]:
    """The branches of one repository by name, or of all by repository and name."""
    if repo is None:
        rows = schema.read(database, "branches", "ORDER BY repo, name")
    else:
        repositories.get(database, repo)
        rows = schema.read(database, "branches", "WHERE repo = ? ORDER BY name", (repo,))
    return [_branch(database, row) for row in rows]


def create(database: Database, repo: str, name: str, head: str | None, now: float) -> None:
    """Make a branch, empty or at a commit. Raises AlreadyExists."""
    from pedigree.store import tags

    check_name(name)
    with database.transaction():
        repositories.get(database, repo)
        tags.check_free(database, repo, name)
        if exists(database, repo, name):
            raise AlreadyExists(
                f"The repository {repo!r} has a branch {name!r} already.",
                remedy=f"Move it with `pedigree branch move {repo}@{name} REF`.",
                repo=repo,
                branch=name,
            )
        point(database, repo, name, head, now)


def point(database: Database, repo: str, name: str, head: str | None, now: float) -> None:
    """Set the head inside the caller's transaction, making the branch when it is new."""
    schema.write(database, "branches", (repo, name, head, schema.microseconds(now)))


def delete(database: Database, repo: str, name: str) -> None:
    """Remove the name; its commits stay until they are deleted. A trigger on it goes too.

    Raises InUse while a commit is open on it or another branch's trigger watches it.
    """
    with database.transaction():
        get(database, repo, name)
        check_closed(database, repo, name)
        watcher = database.row("SELECT branch FROM triggers WHERE repo = ? AND watched = ?", (repo, name))
        if watcher:
            raise InUse(
                f"The branch {repo}@{name} cannot go: the trigger on {repo}@{watcher[0]} watches it.",
                remedy=f"Delete that first: `pedigree trigger delete {repo}@{watcher[0]}`.",
                repo=repo,
                branch=name,
            )
        database.execute("DELETE FROM triggers WHERE repo = ? AND branch = ?", (repo, name))
        database.execute("DELETE FROM branches WHERE repo = ? AND name = ?", (repo, name))


def check_closed(database: Database, repo: str, name: str) -> None:
    """Raise InUse while a commit is open on the branch: its changes are meant for the present head."""
    found = database.row("SELECT id FROM open_commits WHERE repo = ? AND branch = ?", (repo, name))
    if found:
        raise InUse(
            f"The branch {repo}@{name} has the open commit {found[0]}.",
            remedy=f"`pedigree commit finish {repo}@{name}` (or `delete`) ends it.",
            repo=repo,
            branch=name,
        )


def _branch(database: Database, row: tuple[Any, ...]) -> Branch:
    repo, name, head, _ = row
    trigger = schema.read(database, "triggers", "WHERE repo = ? AND branch = ?", (repo, name))
    return Branch(
        repo, name, head, {"branch": trigger[0][2], **schema.unpack_value(trigger[0][3])} if trigger else None
    )
