"""The store's SQLite database: one connection, its settings, its transactions.

The settings are part of the durability promise and were measured (shared RELIABILITY, section 2): rollback journal
with synchronous=EXTRA lost nothing in 415 simulated power cuts, FULL lost two acknowledged commits. They are read
back after being set, because SQLite ignores what it cannot do.

SQLite pages carry no checksum, so rows that nothing else would check carry a `seal`: a digest of the row's values.
`seal` and `check_seal` below are the only makers and judges of seals.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from pedigree.errors import Busy, Damaged, NewerFormat, StorageFailure

if TYPE_CHECKING:
    from pathlib import Path

#: Raised only when an older Pedigree could misread the files. docs/formats/store.md describes each number.
FORMAT = 2

#: How long one writer waits for another before it gives up, in seconds. A write transaction holds the lock for
#: milliseconds, so only a stopped process can make a writer wait this long.
BUSY_TIMEOUT_S = 60.0

#: What a call into sqlite3 raises. UnicodeDecodeError comes when a damaged database's text, or SQLite's message that
#: quotes it, is not UTF-8.
FAILURES = (sqlite3.Error, UnicodeDecodeError)

#: Statements here are constants and have run before: when SQLite does not know a table or column any more, or a text is
#: no text, the file has changed.
_SIGNS_OF_DAMAGE = (
    "no such table",
    "no such column",
    "Could not decode to UTF-8",
    "malformed",
    "unsupported file format",
)

#: Room that the transaction of one small commit needs: its journal took 54 KB (measured), new pages come on top.
TRANSACTION_BYTES = 64 << 10


class Database:
    """One process's connection to `meta.sqlite`. Threads may share it: every statement runs under one lock.

    A transaction belongs to the thread that began it. A connection must not cross `fork`; using it in a child raises.
    """

    def __init__(self, path: str | Path, *, create: bool = False, read_only: bool = False) -> None:
        import threading

        self._path = str(path)
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._depth = 0
        mode = "ro" if read_only else ("rwc" if create else "rw")
        try:
            self._connection = sqlite3.connect(
                f"file:{_quote(self._path)}?mode={mode}",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            if not read_only:
                self._settle()
            if not create:
                self._check_format()
        except FAILURES as error:
            raise translate(error, self._path) from error

    def _settle(self) -> None:
        (journal,) = self._connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        self._connection.execute("PRAGMA synchronous=EXTRA")
        (synchronous,) = self._connection.execute("PRAGMA synchronous").fetchone()
        self._connection.execute("PRAGMA foreign_keys=ON")
        if journal != "delete" or synchronous != 3:
            raise StorageFailure(
                f"SQLite {sqlite3.sqlite_version} kept journal_mode={journal}, synchronous={synchronous} for {self.path}; "
                "a commit needs delete and 3 (EXTRA) to survive a power cut.",
                remedy="Use a Python whose SQLite is 3.12 or newer, and a file system that allows deleting files.",
            )

    def _check_format(self) -> None:
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if found > FORMAT:
            raise NewerFormat(
                f"The store {self.path.parent} has format {found}; this Pedigree reads formats up to {FORMAT}.",
                remedy="Install a newer Pedigree: pip install --upgrade pedigree-ml. Nothing was changed.",
            )
        if found == 0:
            raise Damaged(
                f"{self.path} is not a Pedigree database (its format number is 0).",
                remedy="Restore it from a backup, and let `pedigree fsck` check it; the objects themselves are not affected.",
            )

    def create_schema(self, statements: str) -> None:
        """Make the tables of a new store and stamp its format, in one transaction."""
        with self.transaction():
            for statement in statements.split(";"):
                if statement.strip():
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version={FORMAT}")

    def format(self) -> int:
        """The store's format now; another process may have raised it since the store was opened."""
        ((found,),) = self.rows("PRAGMA user_version")
        return int(found)

    def extend_schema(self, statements: str, form: int) -> None:
        """Add tables inside the caller's transaction, with the number of the format that has them."""
        for statement in statements.split(";"):
            if statement.strip():
                self.execute(statement)
        self.execute(f"PRAGMA user_version={form}")

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """All or nothing, durable when the block is left. Takes the write lock at once, so no upgrade can deadlock.

        A block inside a block joins the outer transaction.
        """
        self._check_process()
        with self._lock:
            if self._depth:
                self._depth += 1
                try:
                    yield self
                finally:
                    self._depth -= 1
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except FAILURES as error:
                raise translate(error, self.path) from error
            self._depth = 1
            try:
                yield self
                self._connection.execute("COMMIT")
            except FAILURES as error:
                self._roll_back()
                raise translate(error, self.path) from error
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._depth = 0

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        """Several reads that see one state of the database, whatever other processes commit meanwhile."""
        self._check_process()
        with self._lock:
            if self._connection.in_transaction:
                yield self
                return
            try:
                self._connection.execute("BEGIN")
                yield self
            except FAILURES as error:
                raise translate(error, self.path) from error
            finally:
                self._roll_back()

    @property
    def path(self) -> Path:
        """Where the database lies."""
        from pathlib import Path  # 7 ms of CPU at start-up, for messages alone

        return Path(self._path)

    @property
    def in_transaction(self) -> bool:
        """Whether the calling thread is inside a `transaction` block; waits for another thread's to end."""
        with self._lock:
            return self._depth > 0

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        self._check_process()
        with self._lock:
            try:
                return self._connection.execute(statement, tuple(values))
            except FAILURES as error:
                raise translate(error, self.path) from error

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        self._check_process()
        with self._lock:
            try:
                return self._connection.execute(statement, tuple(values)).fetchall()
            except FAILURES as error:
                raise translate(error, self.path) from error

    def row(self, statement: str, values: Iterable[Any] = ()) -> tuple[Any, ...] | None:
        found = self.rows(statement, values)
        return found[0] if found else None

    def many(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        self._check_process()
        with self._lock:
            try:
                self._connection.executemany(statement, values)
            except FAILURES as error:
                raise translate(error, self.path) from error

    def close(self) -> None:
        self._connection.close()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StorageFailure(
                f"The store {self.path.parent} was opened in process {self._pid} and used in its forked child {os.getpid()}.",
                remedy="Open the store in the child, or start workers by `spawn`.",
            )


def seal(*values: Any) -> bytes:
    """16 bytes that change when any value does; None, integers, strings and bytes are told apart.

    A row's seal covers the name of its table before its values, so that a page of one table is no page of
    another.
    """
    parts = []
    for value in values:
        if value is None:
            parts.append(b"n;")
        elif isinstance(value, int):
            parts.append(b"i%d;" % value)
        elif isinstance(value, bytes):
            parts.append(b"b%d:%b;" % (len(value), value))
        else:
            data = value.encode("utf-8")
            parts.append(b"s%d:%b;" % (len(data), data))
    return blake3(b"".join(parts)).digest(16)


def check_seal(table: str, name: str, stored: object, *values: Any) -> None:
    """Raise Damaged when the row `name` of `table` is not what was written."""
    if stored != seal(table, *values):
        raise Damaged(
            f"The row {name!r} of table {table} in the store's database is not what was written: its seal does not match.",
            remedy="`pedigree fsck` lists everything affected and the repair.",
        )


def translate(error: Exception, path: str | Path) -> Exception:
    """The PedigreeError that says what SQLite's error means for the store at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, UnicodeDecodeError) or str(error).startswith(_SIGNS_OF_DAMAGE):
        code = sqlite3.SQLITE_CORRUPT
    primary = None if code is None else code & 0xFF
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Busy(
            f"Another process held the write lock of {path} for {BUSY_TIMEOUT_S:.0f} seconds.",
            remedy="See what it is with `fuser -v` on that file; wait for it or stop it, then try again.",
        )
    if primary == sqlite3.SQLITE_FULL:
        import errno

        from pedigree.store import durable

        return durable.failure(OSError(errno.ENOSPC, ""), path, TRANSACTION_BYTES)
    if code == sqlite3.SQLITE_IOERR_DIR_FSYNC:
        from pedigree.store import durable

        # SQLite deletes its journal, which is the moment of the commit, and then syncs the folder; this was the sync.
        return StorageFailure(
            f"The disk at {durable.disk_of(path)} failed while the folder of {path} was synced: the change may have been "
            "made, but a power cut could still take it back.",
            remedy="Check the disk and the kernel log (`dmesg`), then do it again: what was made is not made twice.",
        )
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Damaged(
            f"The store's database {path} is damaged: {error}.",
            remedy=f"Restore {os.path.basename(path)} from a backup, and let `pedigree fsck` check it; the objects "
            "themselves are not affected.",
        )
    if primary in {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }:
        from pedigree.store import durable

        return StorageFailure(
            f"The store's database {path} on the disk at {durable.disk_of(path)} could not be used: {error}.",
            remedy="Check that disk, its space and the permissions of the folder; the store is as it was before.",
        )
    return error


def _quote(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
