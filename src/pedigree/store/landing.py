"""Landing: how changes become commits.

The order that keeps the promises, under the shared lock that a batch holds: the new trees are made on the
heads as they are, objects and trees are published (two barriers), and one database transaction names
them, adds the commits and moves the branches. Inside it no head can move; one that moved before is
noticed, the edits are applied to where it is now, and what that adds is published before the transaction
ends. So every writer lands at its first try, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.errors import Busy
from pedigree.store import branches, changes, commits, drafts, repositories, runs, schema, tags, trees, triggers
from pedigree.store.changes import Change, Edit
from pedigree.store.commits import Commit
from pedigree.store.database import Database
from pedigree.store.drafts import Draft

if TYPE_CHECKING:
    from pedigree.store.batch import Batch
    from pedigree.store.store import Store

#: A repository and a branch of it.
Place = tuple[str, str]


class Target(NamedTuple):
    """What edits of a branch apply to: its open commit if it has one, else its head, else nothing."""

    head: Commit | None
    draft: Draft | None

    @property
    def tree(self) -> str:
        if self.draft is not None:
            return self.draft.tree
        return trees.EMPTY if self.head is None else self.head.tree


class Signature(NamedTuple):
    """Who, why and when: what is said of a commit beside its id. `run` is the id that its commits share."""

    run: str
    message: str
    author: str
    started: float
    finished: float


def target(database: Database, repo: str, branch: str, queue: str = "") -> Target:
    """Where edits of the branch go at this moment. A queued transaction has its own open commits."""
    head = branches.head(database, repo, branch)
    commit = None if head is None else commits.get(database, head)
    return Target(commit, drafts.on(database, repo, branch, queue))


def begin(store: Store, repo: str, branch: str, batch: Batch, queue: str = "") -> Change:
    """A change of what the branch holds now."""
    found = target(store.database, repo, branch, queue)
    return Change(store, repo, branch, batch, found.head, found.tree)


def land(
    store: Store,
    edits: Mapping[Place, Mapping[str, Edit]],
    batch: Batch,
    signature: Signature,
    *,
    create: Iterable[str] = (),
    queue: str = "",
    first: Callable[[], None] | None = None,
) -> dict[Place, Commit | None]:
    """Apply the edits and say which commit each branch got; None where nothing was different.

    All or nothing. Repositories in `create` are made when they are missing; `first` runs in the same
    transaction, before the edits. Raises RepositoryNotFound, PathClash, DiskFull, StorageFailure.
    """
    database = store.database
    with database.snapshot():
        targets = {place: target(database, *place, queue) for place in edits}
    made = {place: changes.apply(found.tree, edits[place], batch) for place, found in targets.items()}
    if first is None and all(made[place] == found.tree for place, found in targets.items()):
        _keep(database, batch)
        return dict.fromkeys(edits)
    batch.publish()
    landed: dict[Place, Commit | None] = {}
    with database.transaction():
        if first is not None:
            first()
        batch.record()
        for place in edits:
            now = target(database, *place, queue)
            if now != targets[place]:
                targets[place] = now
                made[place] = changes.apply(now.tree, edits[place], batch)
        batch.publish()
        batch.record()
        for repo in sorted(set(create)):
            if not repositories.exists(database, repo):
                repositories.create(database, repo, description="", kind="input", now=signature.started)
        for place, found in targets.items():
            if made[place] == found.tree:
                landed[place] = None
            else:
                landed[place] = _put(store, place, found, made[place], signature, queue)
    return landed


def _keep(database: Database, batch: Batch) -> None:
    """Store what is new without a commit: objects of the unchanged tree that had been lost."""
    if batch.holds_new():
        batch.publish()
        with database.transaction():
            batch.record()


def _put(store: Store, place: Place, found: Target, tree: str, signature: Signature, queue: str) -> Commit:
    if found.draft is not None:
        draft = found.draft._replace(tree=tree, message=signature.message or found.draft.message)
        drafts.put(store.database, draft)
        return draft.commit()
    if queue:
        draft = open_draft(store.database, place, found.head, signature, queue)._replace(tree=tree)
        drafts.put(store.database, draft)
        return draft.commit()
    return advance(store, place, found.head, tree, signature)


def open_draft(database: Database, place: Place, head: Commit | None, signature: Signature, queue: str) -> Draft:
    """Open a commit on the branch inside the caller's transaction."""
    draft = Draft(
        place[0], place[1], queue, signature.run, None if head is None else head.id,
        trees.EMPTY if head is None else head.tree, schema.microseconds(signature.started),
        signature.message, signature.author,
    )  # fmt: skip
    drafts.put(database, draft)
    return draft


def advance(
    store: Store,
    place: Place,
    head: Commit | None,
    tree: str,
    signature: Signature,
    *,
    provenance: Iterable[Mapping[str, str]] = (),
    made_by: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> Commit:
    """Add a commit on the head, move the branch there and fire its triggers, inside the caller's
    transaction.
    """
    database = store.database
    repo, branch = place
    repositories.get(database, repo)
    if head is None and not branches.exists(database, repo, branch):
        branches.check_name(branch)
        tags.check_free(database, repo, branch)
    commit = commits.add(
        database, repo, branch, None if head is None else head.id, tree,
        run=signature.run, started=schema.microseconds(signature.started),
        finished=schema.microseconds(signature.finished), message=signature.message, author=signature.author,
        provenance=provenance, made_by=made_by, error=error,
    )  # fmt: skip
    runs.ensure(database, signature.run, signature.started, signature.message)
    branches.point(database, repo, branch, commit.id, signature.finished)
    triggers.fire(store, repo, branch, signature.finished)
    return commit


def output(
    store: Store,
    place: Place,
    tree: str,
    signature: Signature,
    provenance: Iterable[Mapping[str, str]],
    made_by: Mapping[str, Any],
    error: str | None,
) -> Commit:
    """Add a pipeline's commit inside the caller's transaction; the head itself when it is the same in all."""
    branches.check_closed(store.database, *place)
    inputs = commits.check_provenance(provenance)
    head = store.head(*place)
    if (
        head is not None
        and (head.tree, head.error) == (tree, error)
        and head.provenance_text == schema.pack_value(inputs)
        and head.made_by_text == schema.pack_value(dict(made_by))
    ):
        return head
    return advance(store, place, head, tree, signature, provenance=inputs, made_by=made_by, error=error)


def finish_draft(store: Store, draft: Draft, batch: Batch, now: float, message: str | None = None) -> Commit:
    """Turn an open commit into a finished one inside the caller's transaction, even when it changed nothing.

    Where the branch moved since, what the open commit changed is applied to its present head.
    """
    database = store.database
    drafts.remove(database, draft)
    found = target(database, draft.repo, draft.branch)
    if found.draft is not None:  # a queued transaction ends while the branch has an open commit of its own
        raise Busy(
            f"{draft.repo}@{draft.branch} has the open commit {found.draft.id}.",
            remedy=f"`pedigree commit finish {draft.repo}@{draft.branch}` first, then the transaction.",
        )
    tree = draft.tree
    if (found.head.id if found.head else None) != draft.base:
        base = trees.EMPTY if draft.base is None else commits.get(database, draft.base).tree
        edits = {path: new for path, _, new in trees.diff(base, draft.tree, batch.reader())}
        tree = changes.apply(found.tree, edits, batch)
        batch.publish()
        batch.record()
    signature = Signature(
        draft.id,
        draft.message if message is None else message,
        draft.author,
        schema.seconds(draft.started),
        now,
    )
    return advance(store, (draft.repo, draft.branch), found.head, tree, signature)
