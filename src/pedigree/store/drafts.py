"""Open commits: changes that gather over several commands before they become one commit.

What is put into an open commit is durable at once, in its pending tree; readers of the branch go on
seeing the last finished commit. A branch has at most one open commit of its own, into which everything
written to the branch goes. A queued transaction (transactions.py) has its own beside it, told apart by
`queue`; `""` is the branch's own.

An open commit has its run's id for an id. Finished, the commit is still found under it, as that run's commit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pedigree.errors import CommitNotFound
from pedigree.store import schema
from pedigree.store.commits import Commit
from pedigree.store.database import Database


class Draft(NamedTuple):
    """One open commit: `tree` is the head `base` with everything put so far."""

    repo: str
    branch: str
    queue: str
    id: str
    base: str | None
    tree: str
    started: int
    message: str
    author: str

    def commit(self) -> Commit:
        """The commit as callers see it while it is open."""
        return Commit(
            id=self.id, repo=self.repo, branch=self.branch, parent=self.base, tree=self.tree, run=self.id,
            started=schema.seconds(self.started), finished=None, message=self.message, author=self.author,
            state="open", error=None, provenance_text="[]", made_by_text="{}",
        )  # fmt: skip


def on(database: Database, repo: str, branch: str, queue: str = "") -> Draft | None:
    """The branch's open commit, or None."""
    return _one(database, "WHERE repo = ? AND branch = ? AND queue = ?", (repo, branch, queue))


def by_id(database: Database, repo: str, digits: str) -> Commit | None:
    """The repository's open commit whose id begins with the digits, or None."""
    found = _one(
        database,
        "WHERE repo = ? AND id >= ? AND id < ? ORDER BY branch LIMIT 1",
        (repo, digits, digits + "g"),
    )
    return found.commit() if found else None


def every(database: Database, queue: str | None = None) -> list[Draft]:
    """All open commits, or those of one queue."""
    condition, values = ("", ()) if queue is None else ("WHERE queue = ?", (queue,))
    return [Draft(*row) for row in schema.read(database, "open_commits", condition, values)]


def put(database: Database, draft: Draft) -> None:
    """Write an open commit over the one of its branch and queue, inside the caller's transaction."""
    schema.write(database, "open_commits", tuple(draft))


def remove(database: Database, draft: Draft) -> None:
    """Take an open commit out, finished or discarded, inside the caller's transaction."""
    database.execute(
        "DELETE FROM open_commits WHERE repo = ? AND branch = ? AND queue = ?",
        (draft.repo, draft.branch, draft.queue),
    )


def not_open(repo: str, branch: str) -> CommitNotFound:
    return CommitNotFound(
        f"No commit is open on {repo}@{branch}.",
        remedy=f"`pedigree commit start {repo}@{branch}` opens one.",
        repo=repo,
        branch=branch,
    )


def _one(database: Database, condition: str, values: tuple[Any, ...]) -> Draft | None:
    found = schema.read(database, "open_commits", condition, values)
    return Draft(*found[0]) if found else None
