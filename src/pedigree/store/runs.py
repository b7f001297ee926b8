"""Runs: the commits of one change, which share its id (Pachyderm: commit set)."""

from __future__ import annotations

import os
from typing import NamedTuple

from pedigree.errors import InvalidReference, RunNotFound
from pedigree.store import commits, schema
from pedigree.store.commits import Commit
from pedigree.store.database import Database

#: A run whose work has ended; `finished` is then its time.
DONE = "done"
RUNNING = "running"


class Run(NamedTuple):
    """`commits` are those it made, oldest first. Times are seconds since the epoch, UTC."""

    id: str
    started: float
    finished: float | None
    state: str
    message: str
    commits: tuple[Commit, ...]


def new_id() -> str:
    """32 hexadecimal digits, random: two runs never share one."""
    return os.urandom(16).hex()


def put(database: Database, identity: str, *, started: float, finished: float | None, state: str, message: str) -> None:
    """Write a run inside the caller's transaction, over the one of that id."""
    ended = None if finished is None else schema.microseconds(finished)
    schema.write(database, "runs", (identity, schema.microseconds(started), ended, state, message))


def ensure(database: Database, identity: str, now: float, message: str = "") -> None:
    """Write a run that is done unless one of that id is there, inside the caller's transaction."""
    if database.row("SELECT 1 FROM runs WHERE id = ?", (identity,)) is None:
        put(database, identity, started=now, finished=now, state=DONE, message=message)


def finish(database: Database, identity: str, state: str, now: float) -> None:
    """Say how a run ended. Raises RunNotFound."""
    with database.transaction():
        run = get(database, identity)
        put(database, run.id, started=run.started, finished=now, state=state, message=run.message)


def get(database: Database, identity: str) -> Run:
    """The run of that id or of that beginning of one, 4 digits or more.

    Raises RunNotFound, InvalidReference.
    """
    found = schema.read(database, "runs", "WHERE id = ?", (identity,))
    if not found and len(identity) >= 4:
        found = schema.read(database, "runs", "WHERE id >= ? AND id < ? LIMIT 2", (identity, identity + "g"))
    if not found:
        raise RunNotFound(
            f"There is no run {identity!r}.",
            remedy="`pedigree commit list` shows the run of each commit.",
            run=identity,
        )
    if len(found) > 1:
        raise InvalidReference(
            f"{identity!r} is the beginning of several runs: {', '.join(row[0] for row in found)}.",
            remedy="Give more digits.",
        )
    return _run(database, found[0])


def every(database: Database, limit: int | None = None) -> list[Run]:
    """Runs, newest first."""
    rows = schema.read(database, "runs", "ORDER BY started DESC, id LIMIT ?", (-1 if limit is None else limit,))
    return [_run(database, row) for row in rows]


def _run(database: Database, row: tuple[str, int, int | None, str, str]) -> Run:
    identity, started, finished, state, message = row
    made = tuple(reversed(commits.listed(database, run=identity)))
    ended = None if finished is None else schema.seconds(finished)
    return Run(identity, schema.seconds(started), ended, state, message, made)
