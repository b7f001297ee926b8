"""The tables of a store, and the only way in and out of the sealed ones.

docs/formats/store.md describes every table for a reader without this code. Times are whole microseconds
since the Unix epoch: integers have one spelling, so a seal over them is exact.

A sealed row ends in `seal`, the digest of its other columns in the order of SEALED. `write` makes it,
`read` checks it, and nobody else inserts into those tables. `objects`, `packs` and `provenance` are
indexes that can be rebuilt from the packs and from `commits`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pedigree.store.database import FORMAT, Database, check_seal, seal

_FIRST = """
CREATE TABLE packs(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE objects(
    digest BLOB PRIMARY KEY,
    pack INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE repositories(
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE branches(
    repo TEXT NOT NULL,
    name TEXT NOT NULL,
    head TEXT,
    moved INTEGER NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (repo, name)
) WITHOUT ROWID;
CREATE TABLE commits(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    repo TEXT NOT NULL,
    branch TEXT NOT NULL,
    parent TEXT,
    previous TEXT,
    tree TEXT NOT NULL,
    run TEXT NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    provenance TEXT NOT NULL,
    made_by TEXT NOT NULL,
    error TEXT,
    seal BLOB NOT NULL
);
CREATE INDEX commits_by_repo ON commits(repo, number);
CREATE INDEX commits_by_run ON commits(run);
CREATE INDEX commits_by_previous ON commits(previous);
CREATE TABLE squashed(
    id TEXT PRIMARY KEY,
    repo TEXT NOT NULL,
    parent TEXT,
    tree TEXT NOT NULL,
    provenance TEXT NOT NULL,
    made_by TEXT NOT NULL,
    error TEXT,
    removed INTEGER NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE provenance(
    input TEXT NOT NULL,
    output TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (input, output, name)
) WITHOUT ROWID;
CREATE TABLE open_commits(
    repo TEXT NOT NULL,
    branch TEXT NOT NULL,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    base TEXT,
    tree TEXT NOT NULL,
    started INTEGER NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (repo, branch, queue)
) WITHOUT ROWID;
CREATE TABLE runs(
    id TEXT PRIMARY KEY,
    started INTEGER NOT NULL,
    finished INTEGER,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs(started);
CREATE TABLE triggers(
    repo TEXT NOT NULL,
    branch TEXT NOT NULL,
    watched TEXT NOT NULL,
    spec TEXT NOT NULL,
    since INTEGER NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (repo, branch)
) WITHOUT ROWID;
CREATE TABLE transactions(
    id TEXT PRIMARY KEY,
    started INTEGER NOT NULL,
    message TEXT NOT NULL,
    requests TEXT NOT NULL,
    seal BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE pins(
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (owner, kind, digest)
) WITHOUT ROWID;
CREATE TABLE records(
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""

#: What each format after the first added to the one before. A new store has all of it; an older one gets it
#: when the first row that needs it is written (`upgrade`), so that it stays readable for an older Pedigree until then.
ADDED = {
    2: """
CREATE TABLE tags(
    repo TEXT NOT NULL,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    made INTEGER NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (repo, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_target ON tags(target)
""",
}


def ddl(form: int = FORMAT) -> str:
    """The definitions that a store of that format has."""
    return ";".join([_FIRST, *(text for number, text in ADDED.items() if number <= form)])


#: What a new store has.
DDL = ddl()

#: Columns under each row's seal, in the order that the seal takes them.
SEALED: dict[str, tuple[str, ...]] = {
    "repositories": ("name", "kind", "description", "created"),
    "branches": ("repo", "name", "head", "moved"),
    "tags": ("repo", "name", "target", "made"),
    "commits": (
        "id", "repo", "branch", "parent", "previous", "tree", "run", "started", "finished", "message",
        "author", "provenance", "made_by", "error",
    ),
    "squashed": ("id", "repo", "parent", "tree", "provenance", "made_by", "error", "removed"),
    "open_commits": ("repo", "branch", "queue", "id", "base", "tree", "started", "message", "author"),
    "runs": ("id", "started", "finished", "state", "message"),
    "triggers": ("repo", "branch", "watched", "spec", "since"),
    "transactions": ("id", "started", "message", "requests"),
    "pins": ("owner", "kind", "digest"),
    "records": ("kind", "key", "value"),
}  # fmt: skip

#: The format that brought a table, where it was not the first.
SINCE = {"tags": 2}

_SELECT = {table: f"SELECT {', '.join(columns)}, seal FROM {table} " for table, columns in SEALED.items()}
_PLACES = {table: ", ".join("?" * (len(columns) + 1)) for table, columns in SEALED.items()}
# REPLACE would renumber a commit, and its number is its place in history.
_INSERT = {
    table: f"INSERT {'' if table == 'commits' else 'OR REPLACE '}INTO {table}({', '.join(columns)}, seal) "
    f"VALUES ({_PLACES[table]})"
    for table, columns in SEALED.items()
}


def upgrade(database: Database) -> None:
    """Bring the store to the newest format inside the caller's transaction; nothing where it has it.

    An older Pedigree refuses the store from then on, because it would remove what it does not know of.
    """
    form = database.format()
    for number, text in ADDED.items():
        if number > form:
            database.extend_schema(text, number)


def present(database: Database, table: str) -> bool:
    """Whether the store's format has the table; without it there are no rows of it."""
    return database.format() >= SINCE.get(table, 1)


def read(database: Database, table: str, condition: str = "", values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of a sealed table without their seals, in the order of SEALED's columns. `condition` is SQL
    from WHERE on.

    Raises Damaged for a row that is not what was written.
    """
    found = []
    for *row, stored in database.rows(_SELECT[table] + condition, values):
        check_seal(table, str(row[0]), stored, *row)
        found.append(tuple(row))
    return found


def write(database: Database, table: str, *rows: tuple[Any, ...]) -> None:
    """Insert rows with their seals; a row of the same key is replaced, except in `commits`."""
    database.many(_INSERT[table], [(*row, seal(table, *row)) for row in rows])


def microseconds(seconds: float) -> int:
    """A time as the tables hold it."""
    return round(seconds * 1_000_000)


def seconds(value: int) -> float:
    """A table's time as callers see it."""
    return value / 1_000_000


def pack_value(value: Any) -> str:
    """Canonical JSON text of a value, as the text columns hold it."""
    if not value and value in ([], (), {}):
        return "{}" if value == {} else "[]"
    from pedigree import canonical

    return canonical.encode(value).decode("utf-8")


def unpack_value(text: str) -> Any:
    """The value of a text column.

    The two empty ones do not load the JSON decoder (13 ms of CPU at start-up).
    """
    if text == "[]":
        return []
    if text == "{}":
        return {}
    from pedigree import canonical

    return canonical.decode(text.encode("utf-8"))
