"""The store: one project's repositories and their whole history, in one folder.

    store = pedigree.open()
    with store.commit("images@master", message="first cats") as change:
        change.write("cats/a.jpg", data)
    store.view("images@master").read_bytes("cats/a.jpg")

Methods take references as people write them (`images@master^`, references.py says all). Those that change
something are each one transaction, durable when they return; inside `with store.transaction()` they
happen together when the block is left. Threads may share a store; a forked child opens its own.

Order of locks: the shared lock (a batch takes it), then a database transaction, never the other way round.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pedigree.errors import InUse, PathNotFound
from pedigree.store import branches, commits, folder, repositories, schema
from pedigree.store.branches import DEFAULT, Branch
from pedigree.store.commits import Commit
from pedigree.store.database import Database
from pedigree.store.objects import Objects
from pedigree.store.records import Records
from pedigree.store.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from pedigree.store.batch import Batch
    from pedigree.store.changes import Change
    from pedigree.store.checkout import CheckedOut
    from pedigree.store.history import Difference, Touch
    from pedigree.store.landing import Signature
    from pedigree.store.put import PutResult
    from pedigree.store.references import Reference
    from pedigree.store.runs import Run
    from pedigree.store.tags import Tag
    from pedigree.store.transactions import Queued, Session
    from pedigree.store.triggers import Trigger
    from pedigree.store.views import View

    #: A path on disk, or a URL.
    PathText = str | os.PathLike[str]


@contextmanager
def _ended(change: Change) -> Iterator[None]:
    try:
        yield
    finally:
        change.end()


class Store:
    """One open store.

    `folder` is its `.pedigree`, `project` the folder that holds it. Close it, or use it in `with`.
    """

    def __init__(self, place: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the store in the folder `place`. `clock` gives seconds since the epoch, UTC."""
        self.place = str(place)  #: `folder` as text: pathlib costs 4 ms of a short command
        self.database = Database(f"{place}/{folder.DATABASE}")
        self.objects = Objects(place, self.database)
        self.lock = self.objects.lock
        self.records = Records(self.database)
        self.now = clock
        self._thread = threading.local()

    @property
    def folder(self) -> Path:
        """The store's own folder, `.pedigree`."""
        from pathlib import Path

        return Path(self.place)

    @property
    def project(self) -> Path:
        """The folder that holds it: the user's project."""
        return self.folder.parent

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.place!r})"

    # ----------------------------------------------------------------------------------------- repositories

    def create_repository(self, name: str, *, description: str = "", kind: str = "input") -> Repository:
        """Make a repository. Raises InvalidName, AlreadyExists."""
        made: Repository = self._do("create_repository", name=name, description=description, kind=kind)
        return made

    def repository(self, name: str) -> Repository:
        """The repository of that name. Raises RepositoryNotFound."""
        return repositories.get(self.database, name)

    def repositories(self) -> list[Repository]:
        """All repositories by name."""
        return repositories.every(self.database)

    def delete_repository(self, name: str, *, force: bool = False) -> None:
        """Remove a repository with its whole history.

        Raises InUse while other commits were made from it, unless `force`.
        """
        self._do("delete_repository", name=name, force=force)

    # ---------------------------------------------------------------------------------------------- reading

    def resolve(self, reference: str) -> Reference:
        """The commit, and the path in it, that `REPO@REF[:/PATH]` names.

        Raises InvalidReference, NotFound.
        """
        from pedigree.store import references

        return references.resolve(self.database, reference)

    def head(self, repo: str, branch: str = DEFAULT) -> Commit | None:
        """The branch's last finished commit; None where it has none or is not there."""
        found = branches.head(self.database, repo, branch)
        return None if found is None else commits.get(self.database, found)

    def commit_by_id(self, identity: str) -> Commit:
        """The finished commit of that full id, whatever its repository. Raises CommitNotFound."""
        return commits.get(self.database, identity)

    def view(self, reference: str | Reference | Commit) -> View:
        """The files of a commit, to list and read."""
        from pedigree.store.references import Reference
        from pedigree.store.views import View

        if isinstance(reference, str):
            reference = self.resolve(reference)
        return View(self, reference.commit if isinstance(reference, Reference) else reference)

    def commits(self, repo: str | None = None, *, run: str | None = None, limit: int | None = None) -> list[Commit]:
        """Finished commits of a repository, a run, or all; newest first."""
        if repo is not None:
            repositories.get(self.database, repo)
        return commits.listed(self.database, repo=repo, run=run, limit=limit)

    def open_commits(self) -> list[Commit]:
        """Commits that were started and not finished."""
        from pedigree.store import drafts

        return [draft.commit() for draft in drafts.every(self.database)]

    def log(self, reference: str, limit: int | None = None) -> Iterator[Commit]:
        """The commit and its ancestors, newest first; with a path, only those that changed it."""
        from itertools import islice

        from pedigree.store import history

        found = self.resolve(reference)
        if found.path:
            return islice((touch.commit for touch in self.find(reference)), limit)
        return islice(history.line(self.database, found.commit), limit)

    def find(self, reference: str, path: str | None = None) -> Iterator[Touch]:
        """The commits back from the reference that changed its path, or `path`, newest first."""
        from pedigree.store import history
        from pedigree.store.paths import store_path

        found = self.resolve(reference)
        place = found.path if path is None else store_path(path)
        return history.touching(self.database, found.commit, place, self.objects.read)

    def diff(self, new: str, old: str | None = None) -> Iterator[Difference]:
        """What differs at the reference's path from `old`, or from the commit before; in path order."""
        from pedigree.store import history

        after = self.resolve(new)
        before = history.before(self.database, after) if old is None else self.resolve(old)
        return history.between(before, after, self.objects.read)

    def outputs(self, identity: str) -> list[Commit]:
        """The commits made directly from this one: its provenance read downstream."""
        return [commits.get(self.database, one) for one in commits.outputs(self.database, identity)]

    # ---------------------------------------------------------------------------------------------- writing

    @contextmanager
    def commit(
        self,
        target: str,
        message: str = "",
        *,
        author: str | None = None,
        create: bool = False,
        output: bool = False,
    ) -> Iterator[Change]:
        """A change of the branch `REPO[@BRANCH]`, which becomes one commit when the block is left without
        an error.

        The branch is made when it is new, and with `create` the repository. `output` allows a pipeline's
        own repository, which only the pipeline's code may write. Into a branch with an open commit, the
        change goes there. `change.commit` is the commit afterwards, None when nothing was different.
        """
        from pedigree.store import landing

        repo, branch = self._writable(target, create=create, output=output)
        session = self._session
        if session is not None and session.batch is not None:
            with session.change(repo, branch, create=create) as change, _ended(change):
                yield change
            return
        if session is not None and create and not session.knows(repo):
            session.ask("create_repository", {"name": repo, "description": "", "kind": "input"})
        known = repositories.exists(self.database, repo)
        signature = self.signature(message, author, run=None if session is None else session.run)
        queue = "" if session is None else session.queue
        with self.objects.batch() as batch:
            change = landing.begin(self, repo, branch, batch, queue)
            with _ended(change):
                yield change
            landed = landing.land(
                self,
                {(repo, branch): change.edits},
                batch,
                signature._replace(finished=self.now()),
                create=[repo] if create and not queue else [],
                queue=queue,
            )
        change.commit = landed[repo, branch]
        change.created_repository = not known and change.commit is not None

    def put(self, target: str, sources: PathText | Sequence[PathText], **options: Any) -> PutResult:
        """Put files, folders, archives or URLs into the branch `REPO[@BRANCH][:/PATH]`, as one commit.

        `options` are those of `pedigree.store.put.put`: `message`, `append`, `untar`, `delete_missing` and more.
        """
        from pedigree.store.put import put

        return put(self, target, [sources] if isinstance(sources, (str, os.PathLike)) else sources, **options)

    def get(
        self,
        reference: str | Reference,
        target: PathText,
        *,
        overwrite: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> CheckedOut:
        """Write a commit's files to disk: the one at the reference's path to `target`, or a folder's into it.

        `progress` is told from time to time how many files and bytes are written. Raises PathNotFound, Conflict
        for what is there already unless `overwrite`, StorageFailure; then nothing stays behind.
        """
        from pedigree.store import missing
        from pedigree.store.checkout import checkout

        found = self.resolve(reference) if isinstance(reference, str) else reference
        try:
            return checkout(
                self.objects, found.commit.tree, target, prefix=found.path, overwrite=overwrite, progress=progress
            )
        except PathNotFound:
            raise missing.path(self.objects.read, found) from None

    def start_commit(self, target: str, message: str = "", *, author: str | None = None) -> Commit:
        """Open a commit on `REPO[@BRANCH]`: what is written to the branch gathers in it until it is finished.

        Readers of the branch see its last finished commit meanwhile. Raises InUse when one is open already.
        """
        repo, branch = self._writable(target)
        opened: Commit = self._do(
            "start_commit", repo=repo, branch=branch, message=message, author=author or self.author()
        )
        return opened

    def finish_commit(self, target: str, message: str | None = None) -> Commit:
        """Finish the branch's open commit, even one that changed nothing.

        Raises CommitNotFound when none is open.
        """
        from pedigree.store import references

        repo, branch = references.writable(self.database, target)
        made: Commit = self._do("finish_commit", repo=repo, branch=branch, message=message)
        return made

    def discard_commit(self, target: str) -> None:
        """Forget the branch's open commit and what was put into it.

        Raises CommitNotFound when none is open.
        """
        from pedigree.store import references

        repo, branch = references.writable(self.database, target)
        self._do("discard_commit", repo=repo, branch=branch)

    def commit_output(
        self,
        repo: str,
        branch: str,
        tree: str,
        *,
        provenance: Iterable[Mapping[str, str]],
        made_by: Mapping[str, Any],
        run: str,
        batch: Batch | None = None,
        pins: Mapping[str, Iterable[str]] | None = None,
        started: float | None = None,
        message: str = "",
        author: str | None = None,
        error: str | None = None,
    ) -> Commit:
        """Commit a finished tree with what it was made from, as the pipeline engine does.

        Joins the caller's `database.transaction()`, so that records and pins written there stand or fall
        with it. `batch` is published and recorded first unless the caller did so; publish before
        beginning a transaction, for two flushes of the disk under the write lock make every other writer
        wait. `pins` maps an owner to trees. The head itself is the answer when it is this very tree made
        from the same by the same.
        """
        from pedigree.store import landing

        if batch is not None:
            batch.publish()
        signature = self.signature(message, author, run=run, started=started)
        with self.database.transaction():
            if batch is not None:
                batch.record()
            for owner, kept in (pins or {}).items():
                self.pin(owner, trees=kept)
            return landing.output(self, (repo, branch), tree, signature, provenance, made_by, error)

    def squash_commit(self, target: str) -> list[Commit]:
        """Take a commit (`REPO@REF`) or all commits of a run out; their changes stay in the commits after
        them.

        Returns those taken out. Raises InUse when one has no child or something else was made from one.
        """
        gone: list[Commit] = self._do("squash_commit", target=target)
        return gone

    def delete_commit(self, target: str) -> list[Commit]:
        """Discard a commit (`REPO@REF`) or all commits of a run, open ones included, with their changes.

        Returns those discarded. Raises InUse when one has a commit after it or something else was made
        from one.
        """
        gone: list[Commit] = self._do("delete_commit", target=target)
        return gone

    # --------------------------------------------------------------------------------------------- branches

    def branches(self, repo: str | None = None) -> list[Branch]:
        """The repository's branches by name, or all."""
        return branches.every(self.database, repo)

    def branch(self, repo: str, name: str = DEFAULT) -> Branch:
        """The branch. Raises BranchNotFound."""
        return branches.get(self.database, repo, name)

    def create_branch(
        self,
        repo: str,
        name: str,
        *,
        head: str | None = None,
        trigger: Mapping[str, Any] | object | None = None,
    ) -> Branch:
        """Make a branch: empty, at the commit that the reference `head` names, or moved by a trigger."""
        made: Branch = self._do(
            "create_branch", repo=repo, name=name, head=head, trigger=self._spec(repo, name, trigger)
        )
        return made

    def move_branch(self, repo: str, name: str, head: str) -> Branch:
        """Point a branch at another commit of its repository. Triggers that watch it may fire."""
        moved: Branch = self._do("move_branch", repo=repo, name=name, head=head)
        return moved

    def delete_branch(self, repo: str, name: str) -> None:
        """Remove a branch; its commits stay.

        Raises InUse while a commit is open on it or a trigger watches it.
        """
        self._do("delete_branch", repo=repo, name=name)

    # ------------------------------------------------------------------------------------------------- tags

    def tags(self, repo: str | None = None) -> list[Tag]:
        """The repository's tags by name, or all."""
        from pedigree.store import tags

        return tags.every(self.database, repo)

    def tags_of(self, identity: str) -> list[str]:
        """The names of the tags that the commit of that full id has, sorted."""
        from pedigree.store import tags

        return tags.of(self.database, identity)

    def tag(self, repo: str, name: str) -> Tag:
        """The tag of that name. Raises TagNotFound."""
        from pedigree.store import tags

        return tags.get(self.database, repo, name)

    def create_tag(self, reference: str, name: str) -> Tag:
        """Give the finished commit that `REPO@REF` names a name that never moves; the same again changes nothing.

        Raises InvalidName, and AlreadyExists where another commit, or a branch, has the name.
        """
        made: Tag = self._do("create_tag", reference=reference, name=name)
        return made

    def delete_tag(self, repo: str, name: str) -> Tag:
        """Take a tag off; its commit stays. Raises TagNotFound."""
        gone: Tag = self._do("delete_tag", repo=repo, name=name)
        return gone

    # --------------------------------------------------------------------------------------------- triggers

    def triggers(self, repo: str | None = None) -> list[Trigger]:
        """All triggers, or one repository's."""
        from pedigree.store import triggers

        return triggers.every(self.database, repo)

    def create_trigger(self, repo: str, branch: str, spec: Mapping[str, Any] | object) -> Trigger:
        """Let a branch move by itself: `branch` watched, and `size`, `commits`, `rate`, `cron`, `all`
        (triggers.py).
        """
        made: Trigger = self._do("create_trigger", repo=repo, branch=branch, spec=self._spec(repo, branch, spec))
        return made

    def delete_trigger(self, repo: str, branch: str) -> None:
        """Take a branch's trigger off."""
        self._do("delete_trigger", repo=repo, branch=branch)

    def tick(self, now: float | None = None) -> list[Trigger]:
        """Move the branches whose `cron` trigger has ticked; those that moved."""
        from pedigree.store import triggers

        return triggers.tick(self, self.now() if now is None else now)

    # -------------------------------------------------------------------------------- runs and transactions

    def runs(self, limit: int | None = None) -> list[Run]:
        """Runs with their commits, newest first."""
        from pedigree.store import runs

        return runs.every(self.database, limit)

    def run(self, identity: str) -> Run:
        """The run of that id, or of its first digits. Raises RunNotFound."""
        from pedigree.store import runs

        return runs.get(self.database, identity)

    def start_run(self, message: str = "", *, identity: str | None = None) -> str:
        """Begin a run whose commits are made later; its id."""
        from pedigree.store import runs

        identity = identity or runs.new_id()
        with self.database.transaction() as database:
            runs.put(database, identity, started=self.now(), finished=None, state=runs.RUNNING, message=message)
        return identity

    def finish_run(self, identity: str, state: str) -> None:
        """Say how a run ended."""
        from pedigree.store import runs

        runs.finish(self.database, identity, state, self.now())

    @contextmanager
    def transaction(self, message: str = "", *, author: str | None = None) -> Iterator[str]:
        """Everything that this thread changes in the block happens together when it is left, under one run.

        Gives the run's id. What is read in the block is the store as it was. A block in a block joins the
        outer one.
        """
        from pedigree.store import runs, transactions

        if self._session is not None:
            yield self._session.run
            return
        signature = self.signature(message, author, run=runs.new_id())
        with self.objects.batch() as batch:
            session = transactions.Session(self, signature.run, message, batch)
            self._thread.session = session
            try:
                yield session.run
            finally:
                self._thread.session = None
            transactions.land(session, signature._replace(finished=self.now()))

    @contextmanager
    def joined(self) -> Iterator[str | None]:
        """Let what this thread does in the block join the transaction between commands, if there is one."""
        from pedigree.store import transactions

        queued = transactions.active(self.database) if self._session is None else None
        if queued is None:
            yield None
            return
        self._thread.session = transactions.Session(self, queued.id, queued.message, None)
        try:
            yield queued.id
        finally:
            self._thread.session = None

    def active_transaction(self) -> Queued | None:
        """The transaction between commands, or None."""
        from pedigree.store import transactions

        return transactions.active(self.database)

    def start_transaction(self, message: str = "") -> Queued:
        """Begin a transaction between commands; `joined` blocks queue into it. Raises AlreadyExists."""
        from pedigree.store import transactions

        return transactions.start(self.database, message, self.now())

    def finish_transaction(self, identity: str) -> Run:
        """Do everything that was queued, at once.

        Raises what the first impossible request raises; all stays queued.
        """
        from pedigree.store import runs, transactions

        transactions.finish(self, identity, self.now())
        return runs.get(self.database, identity)

    def stop_transaction(self, identity: str) -> None:
        """Forget a transaction between commands."""
        from pedigree.store import transactions

        transactions.stop(self.database, identity)

    # ---------------------------------------------------------------------------------------------- pinning

    def pin(self, owner: str, trees: Iterable[str] = (), objects: Iterable[str] = ()) -> None:
        """Keep trees and objects from gc, beside what the owner pins already.

        Joins the caller's transaction.
        """
        rows = [(owner, "tree", tree) for tree in trees] + [(owner, "object", digest) for digest in objects]
        with self.database.transaction() as database:
            schema.write(database, "pins", *rows)

    def unpin(self, owner: str) -> None:
        """Let gc have everything that the owner pinned and nothing else needs."""
        with self.database.transaction() as database:
            database.execute("DELETE FROM pins WHERE owner = ?", (owner,))

    # ----------------------------------------------------------------------------------------------- inside

    def author(self) -> str:
        """Who commits when nobody says: PEDIGREE_AUTHOR, else the user's name on this machine."""
        for name in ("PEDIGREE_AUTHOR", "USER", "LOGNAME"):
            if os.environ.get(name):
                return os.environ[name]
        return f"uid {os.getuid()}"

    def signature(
        self, message: str, author: str | None = None, *, run: str | None = None, started: float | None = None
    ) -> Signature:
        """What is said of a commit beside its id, as of now; a new run unless one is given."""
        from pedigree.store import landing, runs

        now = self.now()
        return landing.Signature(
            run or runs.new_id(), message, author or self.author(), now if started is None else started, now
        )

    @property
    def _session(self) -> Session | None:
        return getattr(self._thread, "session", None)

    def _do(self, operation: str, **arguments: Any) -> Any:
        session = self._session
        if session is not None:
            return session.ask(operation, arguments)
        from pedigree.store import runs, transactions

        # The shared lock is for what an operation may have to write, and comes before the transaction.
        with self.lock.shared(), self.database.transaction():
            return transactions.operate(self, operation, {**arguments, "run": runs.new_id()})

    def _spec(self, repo: str, branch: str, spec: Mapping[str, Any] | object | None) -> dict[str, Any] | None:
        if spec is None:
            return None
        from pedigree.store import triggers

        return triggers.spec_of(triggers.make(repo, branch, spec))

    def _writable(self, target: str, *, create: bool = False, output: bool = False) -> tuple[str, str]:
        from pedigree.store import references

        repo, branch = references.writable(self.database, target)
        session = self._session
        if not repositories.exists(self.database, repo):
            if create:
                from pedigree.store import paths

                paths.check_name("repository", repo)
            elif session is None or not session.knows(repo):
                repositories.get(self.database, repo)
        elif not output and (kind := repositories.get(self.database, repo).kind) == "output":
            raise InUse(
                f"The {kind} repository {repo!r} is written by the pipeline {repo!r} alone.",
                remedy="Put your files into another repository, and make it an input of the pipeline.",
                repo=repo,
            )
        if not branches.exists(self.database, repo, branch):
            from pedigree.store import tags

            branches.check_name(branch)
            tags.check_free(self.database, repo, branch)
        return repo, branch
