"""Commits: immutable trees with their parent and their provenance.

A commit's id is a digest of what it is: repository, parent, tree, provenance, what made it, and its error
if it has one. When it was made, by whom and with what message is kept beside the id and is no part of it,
so that the same change tried twice is the same commit.

`parent` is the commit it was made on and never changes. `previous` is the nearest ancestor that still
exists: the same, until that one is squashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pedigree.errors import CommitNotFound, InvalidInput
from pedigree.store import schema
from pedigree.store.database import Database


class Commit(NamedTuple):
    """One commit, finished or open.

    An open one has its run's id for an id, and for a tree what has been put into it so far. Times are
    seconds since the epoch, UTC. `parent` is the nearest ancestor that still exists.
    """

    id: str
    repo: str
    branch: str
    parent: str | None
    tree: str
    run: str
    started: float
    finished: float | None
    message: str
    author: str
    state: str
    error: str | None
    provenance_text: str
    made_by_text: str

    @property
    def provenance(self) -> list[dict[str, str]]:
        """`{"name", "repo", "commit"}` per input, sorted: what it was made from."""
        found: list[dict[str, str]] = schema.unpack_value(self.provenance_text)
        return found

    @property
    def made_by(self) -> dict[str, Any]:
        """What made it, as the pipeline engine wrote it; empty for a commit by hand."""
        found: dict[str, Any] = schema.unpack_value(self.made_by_text)
        return found


def identify(
    repo: str,
    parent: str | None,
    tree: str,
    provenance: Iterable[Mapping[str, str]],
    made_by: Mapping[str, Any],
    error: str | None,
) -> str:
    """The id of the commit that these make."""
    from pedigree import canonical

    value = {
        "repo": repo,
        "parent": parent,
        "tree": tree,
        "provenance": [dict(item) for item in provenance],
        "made_by": dict(made_by),
        "error": error,
    }
    return canonical.digest_of("commit", value)


def add(
    database: Database,
    repo: str,
    branch: str,
    parent: str | None,
    tree: str,
    *,
    run: str,
    started: int,
    finished: int,
    message: str,
    author: str,
    provenance: Iterable[Mapping[str, str]] = (),
    made_by: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> Commit:
    """Insert a commit and its provenance inside the caller's transaction; moves no branch. Times in
    microseconds.

    When the very same commit exists (made on another branch of the same history), that one is the answer.
    Raises CommitNotFound when an input of the provenance does not exist.
    """
    inputs = check_provenance(provenance)
    made = dict(made_by or {})
    identity = identify(repo, parent, tree, inputs, made, error)
    present = find(database, identity)
    if present is not None:
        return present
    for item in inputs:
        get(database, item["commit"])
    schema.write(
        database,
        "commits",
        (
            identity, repo, branch, parent, parent, tree, run, started, finished, message, author,
            schema.pack_value(inputs), schema.pack_value(made), error,
        ),
    )  # fmt: skip
    # What was squashed and is made again is a commit like any other.
    database.execute("DELETE FROM squashed WHERE id = ?", (identity,))
    database.many(
        "INSERT OR IGNORE INTO provenance(input, output, name) VALUES (?, ?, ?)",
        [(item["commit"], identity, item["name"]) for item in inputs],
    )
    return get(database, identity)


def check_provenance(provenance: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The provenance in its one order.

    Raises InvalidInput for an item without exactly name, repo and commit.
    """
    items = [dict(item) for item in provenance]
    for item in items:
        if set(item) != {"name", "repo", "commit"} or not all(isinstance(value, str) for value in item.values()):
            raise InvalidInput(f"A provenance item holds name, repo and commit as text; got {item!r}.")
    items.sort(key=lambda item: (item["name"], item["repo"], item["commit"]))
    return [item for at, item in enumerate(items) if at == 0 or item != items[at - 1]]


def find(database: Database, identity: str) -> Commit | None:
    """The finished commit of that full id, or None."""
    found = schema.read(database, "commits", "WHERE id = ?", (identity,))
    return _commit(found[0]) if found else None


def get(database: Database, identity: str) -> Commit:
    """The finished commit of that full id. Raises CommitNotFound."""
    commit = find(database, identity)
    if commit is None:
        gone = database.row("SELECT repo FROM squashed WHERE id = ?", (identity,))
        raise CommitNotFound(
            f"The commit {identity[:12]} was squashed: its changes live in the commit after it."
            if gone
            else f"There is no commit {identity[:12]} in {database.path.parent}.",
            remedy=f"`pedigree log {gone[0]}` shows its history." if gone else "`pedigree commit list` shows them all.",
            commit=identity,
        )
    return commit


def ancestors(database: Database, identity: str | None, limit: int | None = None) -> Iterator[Commit]:
    """The commit and what came before it, newest first."""
    left = -1 if limit is None else limit
    while identity is not None and left != 0:
        commit = get(database, identity)
        yield commit
        identity = commit.parent
        left -= 1


def chain(database: Database, identity: str, limit: int | None = None) -> list[str]:
    """Ids of the commit and its ancestors, newest first: one statement, however long the history."""
    rows = database.rows(
        "WITH RECURSIVE line(id, depth) AS (SELECT ?, 0 UNION ALL SELECT c.previous, depth + 1"
        " FROM line JOIN commits c ON c.id = line.id WHERE c.previous IS NOT NULL AND depth < ?)"
        " SELECT id FROM line ORDER BY depth",
        (identity, 2**62 if limit is None else limit - 1),
    )
    return [row[0] for row in rows]


def children(database: Database, identity: str) -> list[str]:
    """Ids of the commits made on this one."""
    return [row[0] for row in database.rows("SELECT id FROM commits WHERE previous = ? ORDER BY number", (identity,))]


def outputs(database: Database, identity: str) -> list[str]:
    """Ids of the commits that were made from this one, directly."""
    rows = database.rows(
        "SELECT DISTINCT output FROM provenance p JOIN commits c ON c.id = p.output WHERE input = ? ORDER BY c.number",
        (identity,),
    )
    return [row[0] for row in rows]


def listed(
    database: Database, *, repo: str | None = None, run: str | None = None, limit: int | None = None
) -> list[Commit]:
    """Finished commits of a repository, of a run, or of both; newest first."""
    conditions = [name for name, value in (("repo", repo), ("run", run)) if value is not None]
    where = "WHERE " + " AND ".join(f"{name} = ?" for name in conditions) if conditions else ""
    values = [value for value in (repo, run) if value is not None]
    rows = schema.read(
        database,
        "commits",
        f"{where} ORDER BY number DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [_commit(row) for row in rows]


def misnamed(database: Database) -> list[str]:
    """Ids in `commits` and `squashed` that are not the digest of their rows: fsck's check.

    Reads every row.
    """
    wrong = []
    for table in ("commits", "squashed"):
        columns = "id, repo, parent, tree, provenance, made_by, error"
        for identity, repo, parent, tree, provenance, made_by, error in database.rows(f"SELECT {columns} FROM {table}"):
            try:
                inputs, made = schema.unpack_value(provenance), schema.unpack_value(made_by)
                right = identify(repo, parent, tree, inputs, made, error) == identity
            except (ValueError, TypeError, AttributeError):
                right = False
            if not right:
                wrong.append(identity)
    return wrong


def _commit(row: tuple[Any, ...]) -> Commit:
    (
        identity, repo, branch, _parent, previous, tree, run, started, finished, message, author,
        provenance, made_by, error,
    ) = row  # fmt: skip
    return Commit(
        id=identity, repo=repo, branch=branch, parent=previous, tree=tree, run=run,
        started=schema.seconds(started), finished=schema.seconds(finished), message=message, author=author,
        state="finished", error=error, provenance_text=provenance, made_by_text=made_by,
    )  # fmt: skip
