"""Transactions: several changes, also of several repositories, that become visible at once and share one run.

In one process, `with store.transaction()`: everything done in the block by the same thread happens when
it is left, in one database transaction, or not at all. Across commands, `start`, `finish` and `stop`:
requests queue in the database and puts gather in open commits of their own, durable each; nobody else
sees any of it before `finish`.

Either way a request is tried, on top of those before it, when it is made, and undone; so a mistake is
reported where it was made. Requests happen first and in order, then the changes land, one commit per
branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.errors import AlreadyExists, TransactionNotFound
from pedigree.store import drafts, landing, repositories, runs, schema
from pedigree.store.changes import Change, Edit
from pedigree.store.database import Database
from pedigree.store.landing import Place, Signature

if TYPE_CHECKING:
    from pedigree.store.batch import Batch
    from pedigree.store.store import Store

#: A request as it is queued: the operation's name and its arguments, all of them canonical values.
Request = tuple[str, dict[str, Any]]

#: Does one request in the open database transaction and returns what its method returns.
Operation = Callable[["Store", Mapping[str, Any]], Any]


class Queued(NamedTuple):
    """A transaction between commands. Its id is the run's."""

    id: str
    started: float
    message: str
    requests: list[Request]


class Session:
    """The transaction that a thread is in: in memory with a batch, or a queued one without."""

    def __init__(self, store: Store, run: str, message: str, batch: Batch | None) -> None:
        self.store = store
        self.run = run
        self.message = message
        self.batch = batch
        self.requests: list[Request] = []
        self.edits: dict[Place, dict[str, Edit]] = {}
        self.changes: list[Change] = []
        self.create: set[str] = set()

    @property
    def queue(self) -> str:
        """Which open commits are this transaction's; `""` for one in memory, which has none."""
        return self.run if self.batch is None else ""

    @contextmanager
    def change(self, repo: str, branch: str, *, create: bool) -> Iterator[Change]:
        """A change that lands with an in-memory transaction, on top of those before it; lost on an error."""
        change = landing.begin(self.store, repo, branch, self._batch())
        change.below = self.edits.get((repo, branch), {})
        yield change
        self.edits.setdefault((repo, branch), {}).update(change.edits)
        self.changes.append(change)
        if create:
            self.create.add(repo)

    def _batch(self) -> Batch:
        if self.batch is None:
            raise RuntimeError("a queued transaction keeps its changes in open commits")
        return self.batch

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Try a request, undo it, and keep it. Returns what it returned."""
        request = (operation, arguments)
        if self.batch is None:
            with self.store.lock.shared(), self.store.database.transaction():
                row = queued(self.store.database, self.run)
                result = self._try([*row.requests, request])
                _put(self.store.database, row._replace(requests=[*row.requests, request]))
            return result
        with self.store.lock.shared(), self.store.database.transaction():
            result = self._try([*self.requests, request])
        self.requests.append(request)
        return result

    def knows(self, repo: str) -> bool:
        """Whether the repository exists, or will when the requests so far are done."""
        if repo in self.create or repositories.exists(self.store.database, repo):
            return True
        requests = self.requests if self.batch is not None else queued(self.store.database, self.run).requests
        return any(name == "create_repository" and given["name"] == repo for name, given in requests)

    def perform(self, requests: list[Request]) -> Any:
        """Do requests in order inside the open database transaction; what the last returned."""
        result = None
        for operation, arguments in requests:
            result = operate(self.store, operation, {**arguments, "run": self.run})
        return result

    def _try(self, requests: list[Request]) -> Any:
        database = self.store.database
        database.execute("SAVEPOINT attempt")
        try:
            return self.perform(requests)
        finally:
            database.execute("ROLLBACK TO attempt")
            database.execute("RELEASE attempt")


def operate(store: Store, operation: str, arguments: Mapping[str, Any]) -> Any:
    """Do one operation inside the open database transaction."""
    from pedigree.store.operations import OPERATIONS

    return OPERATIONS[operation](store, arguments)


def land(session: Session, signature: Signature) -> None:
    """Do what an in-memory transaction gathered, in one database transaction."""
    if session.batch is None or not (session.requests or session.edits):
        return
    first = (lambda: session.perform(session.requests)) if session.requests else None
    landed = landing.land(session.store, session.edits, session.batch, signature, create=session.create, first=first)
    for change in session.changes:
        change.commit = landed[change.repo, change.branch]


def start(database: Database, message: str, now: float) -> Queued:
    """Begin a transaction between commands. Raises AlreadyExists while there is one."""
    with database.transaction():
        present = active(database)
        if present is not None:
            raise AlreadyExists(
                f"The transaction {present.id} is open already.",
                remedy="End it with `pedigree transaction finish` or `pedigree transaction stop`.",
                transaction=present.id,
            )
        transaction = Queued(runs.new_id(), now, message, [])
        _put(database, transaction)
    return transaction


def active(database: Database) -> Queued | None:
    """The transaction between commands, or None."""
    found = schema.read(database, "transactions", "ORDER BY started LIMIT 1")
    return _queued(found[0]) if found else None


def queued(database: Database, identity: str) -> Queued:
    """The transaction of that id. Raises TransactionNotFound."""
    found = schema.read(database, "transactions", "WHERE id = ?", (identity,))
    if not found:
        raise TransactionNotFound(
            f"There is no open transaction {identity}.", remedy="`pedigree transaction start` begins one."
        )
    return _queued(found[0])


def finish(store: Store, identity: str, now: float) -> None:
    """Do everything that was queued, at once; its commits are finished under the transaction's id."""
    database = store.database
    with store.objects.batch() as batch, database.transaction():
        transaction = queued(database, identity)
        # First, or the first commit would make the run, without the message.
        runs.ensure(database, transaction.id, transaction.started, transaction.message)
        session = Session(store, transaction.id, transaction.message, None)
        # What was put waits in open commits; the repositories that these need are made by the requests.
        session.perform(transaction.requests)
        for draft in drafts.every(database, identity):
            landing.finish_draft(store, draft, batch, now)
        database.execute("DELETE FROM transactions WHERE id = ?", (identity,))


def stop(database: Database, identity: str) -> None:
    """Forget a transaction and everything put in it."""
    with database.transaction():
        queued(database, identity)
        database.execute("DELETE FROM open_commits WHERE queue = ?", (identity,))
        database.execute("DELETE FROM transactions WHERE id = ?", (identity,))


def _put(database: Database, transaction: Queued) -> None:
    requests = schema.pack_value([list(request) for request in transaction.requests])
    row = (transaction.id, schema.microseconds(transaction.started), transaction.message, requests)
    schema.write(database, "transactions", row)


def _queued(row: tuple[str, int, str, str]) -> Queued:
    identity, started, message, requests = row
    return Queued(
        identity,
        schema.seconds(started),
        message,
        [(name, given) for name, given in schema.unpack_value(requests)],
    )
