"""Transfer: commits that were made in another store come into this one under their own ids.

An id is a digest of what the commit is, so a commit from elsewhere is the same commit here, and one that is here already
is left alone. The order of writes is that of every commit: objects published (two barriers), then one transaction that
names them, adds the commits, their runs and records, and sets branches. Before it nothing of the delivery is seen, after
it all of it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.errors import CommitNotFound, Conflict
from pedigree.store import branches, commits, repositories, schema
from pedigree.store.database import seal

if TYPE_CHECKING:
    from pedigree.store.batch import Batch
    from pedigree.store.database import Database
    from pedigree.store.landing import Place
    from pedigree.store.store import Store


class Row(NamedTuple):
    """A commit as the tables hold it, times in microseconds. `parent` is what it was made on, whether that exists or not."""

    id: str
    repo: str
    branch: str
    parent: str | None
    tree: str
    run: str
    started: int
    finished: int
    message: str
    author: str
    provenance: str
    made_by: str
    error: str | None

    @property
    def inputs(self) -> list[dict[str, str]]:
        """Its provenance: `{"name", "repo", "commit"}` each."""
        found: list[dict[str, str]] = schema.unpack_value(self.provenance)
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What made it."""
        found: dict[str, Any] = schema.unpack_value(self.made_by)
        return found

    @property
    def named_rightly(self) -> bool:
        """Whether the id is the digest of what the row says."""
        right = commits.identify(self.repo, self.parent, self.tree, self.inputs, self.facts, self.error)
        return right == self.id

    def commit(self) -> commits.Commit:
        """The same as readers of a store see it, before it is in one: without a parent."""
        return commits.Commit(
            id=self.id, repo=self.repo, branch=self.branch, parent=None, tree=self.tree, run=self.run,
            started=schema.seconds(self.started), finished=schema.seconds(self.finished), message=self.message,
            author=self.author, state="finished", error=self.error, provenance_text=self.provenance,
            made_by_text=self.made_by,
        )  # fmt: skip


class RunRow(NamedTuple):
    """A run as the tables hold it, times in microseconds."""

    id: str
    started: int
    finished: int | None
    state: str
    message: str


@dataclass(frozen=True)
class Delivery:
    """What comes in together. Commits come inputs first; `heads` say where branches are to point.

    `repositories` maps a name to kind and description. `records` are (kind, key, value); one that is here already stays as
    it is. `pins` maps an owner to the trees and the objects that gc is to keep.
    """

    commits: Sequence[Row] = ()
    repositories: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    runs: Sequence[RunRow] = ()
    heads: Mapping[Place, str] = field(default_factory=dict)
    records: Iterable[tuple[str, str, Any]] = ()
    pins: Mapping[str, tuple[Iterable[str], Iterable[str]]] = field(default_factory=dict)


class Landed(NamedTuple):
    """How many commits were new here, how many were here already, and which branches moved."""

    new: int
    known: int
    moved: tuple[Place, ...]


def outgoing(database: Database, identity: str) -> Row:
    """The finished commit of that full id as it can be taken elsewhere. Raises CommitNotFound."""
    commits.get(database, identity)
    (row,) = schema.read(database, "commits", "WHERE id = ?", (identity,))
    return Row(*row[:4], *row[5:])


def outgoing_run(database: Database, identity: str) -> RunRow | None:
    """The run of that full id, None where the store does not know it."""
    found = schema.read(database, "runs", "WHERE id = ?", (identity,))
    return RunRow(*found[0]) if found else None


def land(store: Store, batch: Batch, delivery: Delivery) -> Landed:
    """Take everything in, or nothing. `batch` holds the objects that the commits and pins need and the store lacks.

    Whoever calls has checked the commits' ids and that their trees are whole. Raises Conflict where a repository of that
    name is of another kind, or a branch would lose commits; CommitNotFound for an input that is neither here nor delivered.
    """
    batch.publish()
    database = store.database
    with database.transaction():
        batch.record()
        for name, (kind, description) in sorted(delivery.repositories.items()):
            _repository(store, name, kind, description)
        new = [row for row in delivery.commits if _add(database, row)]
        _link(database, new)
        known = {row[0] for row in database.rows("SELECT id FROM runs")} if delivery.runs else set()
        schema.write(database, "runs", *(tuple(run) for run in delivery.runs if run.id not in known))
        for kind, key, value in delivery.records:
            if database.row("SELECT 1 FROM records WHERE kind = ? AND key = ?", (kind, key)) is None:
                store.records.put(kind, key, value)
        for owner, (trees, objects) in delivery.pins.items():
            store.pin(owner, trees, objects)
        moved = tuple(_heads(store, delivery.heads))
    return Landed(len(new), len(delivery.commits) - len(new), moved)


def _repository(store: Store, name: str, kind: str, description: str) -> None:
    database = store.database
    if not repositories.exists(database, name):
        repositories.create(database, name, description=description, kind=kind, now=store.now())
        return
    present = repositories.get(database, name).kind
    if present != kind:
        raise Conflict(
            f"The repository {name!r} is of kind {present} here and of kind {kind} where the commits come from.",
            remedy="Take them into another project, or into a new one.",
            name=name,
        )


def _add(database: Database, row: Row) -> bool:
    """Insert the commit, without a `previous` yet; False where it is here."""
    if commits.find(database, row.id) is not None:
        return False
    for item in row.inputs:
        if commits.find(database, item["commit"]) is None:
            raise CommitNotFound(
                f"The commit {row.id[:12]} of {row.repo} was made from {item['commit'][:12]} of {item['repo']}, "
                "which is not here.",
                remedy="It has to come with it.",
                commit=item["commit"],
            )
    schema.write(database, "commits", (*row[:4], None, *row[4:]))
    database.execute("DELETE FROM squashed WHERE id = ?", (row.id,))
    database.many(
        "INSERT OR IGNORE INTO provenance(input, output, name) VALUES (?, ?, ?)",
        [(item["commit"], row.id, item["name"]) for item in row.inputs],
    )
    return True


def _link(database: Database, new: Sequence[Row]) -> None:
    """Join the new commits to the line they were made in: to the nearest ancestor here, and those here to them."""
    for row in new:
        _set_previous(database, row.id, _nearest(database, row.parent))
    names = {row.id for row in new}
    loose = database.rows("SELECT id, parent FROM commits WHERE previous IS NULL AND parent IS NOT NULL")
    for identity, parent in loose:
        if parent in names:
            _set_previous(database, identity, parent)


def _nearest(database: Database, parent: str | None) -> str | None:
    while parent is not None and commits.find(database, parent) is None:
        gone = database.row("SELECT parent FROM squashed WHERE id = ?", (parent,))
        parent = None if gone is None else gone[0]
    return parent


def _set_previous(database: Database, identity: str, previous: str | None) -> None:
    if previous is None:
        return
    (row,) = schema.read(database, "commits", "WHERE id = ?", (identity,))
    columns = schema.SEALED["commits"]
    changed = tuple(previous if name == "previous" else value for name, value in zip(columns, row, strict=True))
    database.execute(
        "UPDATE commits SET previous = ?, seal = ? WHERE id = ?", (previous, seal("commits", *changed), identity)
    )


def _heads(store: Store, heads: Mapping[Place, str]) -> Iterator[Place]:
    """Point the branches; one that has commits goes only forwards."""
    database = store.database
    for (repo, branch), identity in sorted(heads.items()):
        head = branches.head(database, repo, branch)
        if head is not None and head in commits.chain(database, identity):
            if head == identity:
                continue
        elif head is not None:
            if identity in commits.chain(database, head):
                continue  # what comes in is an older commit of this very branch
            raise Conflict(
                f"The branch {repo}@{branch} is at {head[:12]} here, which is not in the history of {identity[:12]}.",
                remedy="Leave the branches as they are: the commits can be named by their ids.",
                repo=repo,
                branch=branch,
            )
        branches.check_closed(database, repo, branch)
        branches.check_name(branch)
        branches.point(database, repo, branch, identity, store.now())
        yield repo, branch
