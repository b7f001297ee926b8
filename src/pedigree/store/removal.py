"""Removal: taking commits out of history, by squashing them into the next or by deleting the last.

A squashed commit leaves its row in `squashed`, without which the ids of those after it could not be
checked. Its files stay wherever a later commit still has them; what no commit has goes with the next gc.
"""

from __future__ import annotations

from pedigree.errors import InUse
from pedigree.store import branches, commits, schema, tags
from pedigree.store.commits import Commit
from pedigree.store.database import Database


def squash(database: Database, gone: list[Commit], now: float) -> None:
    """Take commits out; each has a child, whose history then goes on with what came before.

    Raises InUse when one has no child, or when something else was made from one.
    """
    ids = {commit.id for commit in gone}
    with database.transaction():
        for commit in gone:
            if not commits.children(database, commit.id):
                raise InUse(
                    f"Commit {commit.id[:12]} of {commit.repo!r} has no commit after it to be squashed into.",
                    remedy=f"`pedigree commit delete {commit.repo}@{commit.id[:12]}` discards its changes.",
                    commit=commit.id,
                )
        _check_unused(database, gone, ids)
        for commit in gone:
            row = schema.read(database, "commits", "WHERE id = ?", (commit.id,))[0]
            identity, repo, _, parent, previous, tree, *_ = row
            provenance, made_by, error = row[11:]
            schema.write(
                database, "squashed",
                (identity, repo, parent, tree, provenance, made_by, error, schema.microseconds(now)),
            )  # fmt: skip
            for child in schema.read(database, "commits", "WHERE previous = ?", (identity,)):
                _set_previous(database, child[0], previous)
            _remove(database, commit, previous, now)


def delete(database: Database, gone: list[Commit], now: float) -> None:
    """Take commits out with their changes; branches that stood on one move to its parent.

    Raises InUse when one has a child that stays, or when something else was made from one.
    """
    ids = {commit.id for commit in gone}
    with database.transaction():
        for commit in gone:
            for child in commits.children(database, commit.id):
                if child not in ids:
                    raise InUse(
                        f"Commit {commit.id[:12]} of {commit.repo!r} has the commit {child[:12]} after it.",
                        remedy="Delete that first, or squash this one into it with `pedigree commit squash`.",
                        commit=commit.id,
                    )
        _check_unused(database, gone, ids)
        # Children before parents, so that a branch moves back past all of them.
        for identity in _newest_first(database, ids):
            commit = commits.get(database, identity)
            _remove(database, commit, commit.parent, now)


def _check_unused(database: Database, gone: list[Commit], ids: set[str]) -> None:
    for commit in gone:
        tags.check_untagged(database, commit)
        for output in commits.outputs(database, commit.id):
            if output not in ids:
                made = commits.get(database, output)
                raise InUse(
                    f"Commit {output[:12]} of {made.repo!r} was made from commit {commit.id[:12]} of {commit.repo!r}.",
                    remedy="Remove that one first: its lineage names this one.",
                    commit=commit.id,
                    output=output,
                )
        opened = database.row("SELECT repo, branch, id FROM open_commits WHERE base = ?", (commit.id,))
        if opened:
            raise InUse(
                f"The open commit {opened[2]} on {opened[0]}@{opened[1]} began at commit {commit.id[:12]}.",
                remedy=f"`pedigree commit finish {opened[0]}@{opened[1]}` first.",
                commit=commit.id,
            )


def _newest_first(database: Database, ids: set[str]) -> list[str]:
    rows = database.rows(
        f"SELECT id FROM commits WHERE id IN ({','.join('?' * len(ids))}) ORDER BY number DESC", sorted(ids)
    )
    return [row[0] for row in rows]


def _remove(database: Database, commit: Commit, previous: str | None, now: float) -> None:
    for repo, name, *_ in schema.read(database, "branches", "WHERE repo = ? AND head = ?", (commit.repo, commit.id)):
        branches.point(database, repo, name, previous, now)
    database.execute("DELETE FROM provenance WHERE output = ?", (commit.id,))
    database.execute("DELETE FROM commits WHERE id = ?", (commit.id,))


def _set_previous(database: Database, identity: str, previous: str | None) -> None:
    from pedigree.store.database import seal

    row = list(schema.read(database, "commits", "WHERE id = ?", (identity,))[0])
    row[4] = previous
    database.execute(
        "UPDATE commits SET previous = ?, seal = ? WHERE id = ?", (previous, seal("commits", *row), identity)
    )
