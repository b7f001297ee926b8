"""Repositories: named histories of files."""

from __future__ import annotations

from typing import NamedTuple

from pedigree.errors import AlreadyExists, InUse, InvalidInput, RepositoryNotFound, meant
from pedigree.store import schema
from pedigree.store.database import Database

#: `input`: people write it. `output`: one pipeline writes it. `cron`: the ticks of a pipeline's clock.
KINDS = ("input", "output", "cron")


class Repository(NamedTuple):
    name: str
    kind: str
    description: str
    created: float


def create(database: Database, name: str, *, description: str, kind: str, now: float) -> Repository:
    """Make a repository. Raises AlreadyExists when the name is taken, InvalidName when it is no name."""
    from pedigree.store.paths import check_name

    check_name("repository", name)
    if kind not in KINDS:
        raise InvalidInput(
            f"Repository {name!r} was given the kind {kind!r}; expected one of {', '.join(KINDS)}.",
            remedy="Leave the kind out for a repository that you write yourself.",
        )
    created = schema.microseconds(now)
    with database.transaction():
        if exists(database, name):
            raise AlreadyExists(
                f"The repository {name!r} exists already.",
                remedy=f"Write into it as it is, or remove it first with `pedigree repo delete {name}`.",
                name=name,
            )
        schema.write(database, "repositories", (name, kind, description, created))
    return Repository(name, kind, description, schema.seconds(created))


def exists(database: Database, name: str) -> bool:
    return database.row("SELECT 1 FROM repositories WHERE name = ?", (name,)) is not None


def get(database: Database, name: str) -> Repository:
    """The repository of that name. Raises RepositoryNotFound, naming the nearest that exists."""
    found = schema.read(database, "repositories", "WHERE name = ?", (name,))
    if not found:
        names = [row[0] for row in database.rows("SELECT name FROM repositories ORDER BY name")]
        raise RepositoryNotFound(
            f"There is no repository {name!r} in {database.path.parent}.",
            remedy=f"{meant(name, names)}`pedigree repo list` shows all.",
            name=name,
        )
    return _repository(found[0])


def every(database: Database) -> list[Repository]:
    """All repositories by name."""
    return [_repository(row) for row in schema.read(database, "repositories", "ORDER BY name")]


def delete(database: Database, name: str, *, force: bool) -> None:
    """Remove a repository with its branches, triggers and commits; its data goes with the next gc.

    Raises InUse while commits of other repositories were made from its commits or one has a tag; `force` removes it all
    the same and leaves those with a provenance that names what is gone.
    """
    from pedigree.store import tags

    with database.transaction():
        get(database, name)
        used = database.row(
            "SELECT o.repo, o.id FROM provenance p"
            " JOIN commits i ON i.id = p.input JOIN commits o ON o.id = p.output "
            "WHERE i.repo = ? AND o.repo != ? LIMIT 1",
            (name, name),
        )
        if used and not force:
            raise InUse(
                f"The repository {name!r} cannot go: commit {used[1][:12]} of {used[0]!r} was made from it.",
                remedy=f"Delete {used[0]!r} first, or give --force to lose that part of the lineage.",
                name=name,
                commit=used[1],
            )
        tagged = [tag.name for tag in tags.every(database, name)]
        if tagged and not force:
            raise InUse(
                f"The repository {name!r} cannot go: it has the tag {tagged[0]!r}"
                + (f" and {len(tagged) - 1} more." if len(tagged) > 1 else "."),
                remedy=f"`pedigree tag list {name}` shows what they name; give --force to lose it.",
                name=name,
                tags=tagged,
            )
        if tagged:
            database.execute("DELETE FROM tags WHERE repo = ?", (name,))
        database.execute("DELETE FROM provenance WHERE output IN (SELECT id FROM commits WHERE repo = ?)", (name,))
        for table in ("commits", "squashed", "branches", "open_commits", "triggers"):
            database.execute(f"DELETE FROM {table} WHERE repo = ?", (name,))
        database.execute("DELETE FROM repositories WHERE name = ?", (name,))


def _repository(row: tuple[str, str, str, int]) -> Repository:
    name, kind, description, created = row
    return Repository(name, kind, description, schema.seconds(created))
