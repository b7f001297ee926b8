"""The store's operations that a transaction may queue: each does one inside the open database transaction.

Beside its own arguments each is given `run`, the id of what it is part of. Arguments are canonical
values, because a transaction between commands keeps them in the database. References in them are resolved
when they run, on top of the operations before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pedigree.errors import InUse, InvalidReference
from pedigree.store import (
    branches,
    commits,
    drafts,
    landing,
    references,
    removal,
    repositories,
    runs,
    tags,
    triggers,
)
from pedigree.store.branches import Branch
from pedigree.store.commits import Commit
from pedigree.store.repositories import Repository
from pedigree.store.tags import Tag
from pedigree.store.transactions import Operation
from pedigree.store.triggers import Trigger

if TYPE_CHECKING:
    from pedigree.store.store import Store

Arguments = Mapping[str, Any]


def create_repository(store: Store, given: Arguments) -> Repository:
    return repositories.create(
        store.database, given["name"], description=given["description"], kind=given["kind"], now=store.now()
    )


def delete_repository(store: Store, given: Arguments) -> None:
    repositories.delete(store.database, given["name"], force=given["force"])


def create_branch(store: Store, given: Arguments) -> Branch:
    repo, name, now = given["repo"], given["name"], store.now()
    database = store.database
    head = None if given["head"] is None else _commit_in(store, repo, given["head"]).id
    # A trigger may be put on a branch that people made before.
    if given["trigger"] is None or not branches.exists(database, repo, name):
        branches.create(database, repo, name, head, now)
    if given["trigger"] is not None:
        triggers.create(database, triggers.make(repo, name, given["trigger"]), now)
    if head is not None:
        triggers.fire(store, repo, name, now)
    return branches.get(database, repo, name)


def move_branch(store: Store, given: Arguments) -> Branch:
    repo, name = given["repo"], given["name"]
    branches.get(store.database, repo, name)
    branches.check_closed(store.database, repo, name)
    branches.point(store.database, repo, name, _commit_in(store, repo, given["head"]).id, store.now())
    triggers.fire(store, repo, name, store.now())
    return branches.get(store.database, repo, name)


def delete_branch(store: Store, given: Arguments) -> None:
    branches.delete(store.database, given["repo"], given["name"])


def create_tag(store: Store, given: Arguments) -> Tag:
    found = references.resolve(store.database, given["reference"])
    if found.path or found.commit.state == "open":
        what = f"/{found.path} in a commit" if found.path else "an open commit"
        raise InvalidReference(
            f"{given['reference']!r} is {what}; a tag names a whole finished commit.",
            remedy=f"`pedigree log {found.repo}` lists them.",
        )
    return tags.create(store.database, found.commit, given["name"], store.now())


def delete_tag(store: Store, given: Arguments) -> Tag:
    return tags.delete(store.database, given["repo"], given["name"])


def create_trigger(store: Store, given: Arguments) -> Trigger:
    trigger = triggers.make(given["repo"], given["branch"], given["spec"])
    triggers.create(store.database, trigger, store.now())
    return trigger


def delete_trigger(store: Store, given: Arguments) -> None:
    triggers.delete(store.database, given["repo"], given["branch"])


def start_commit(store: Store, given: Arguments) -> Commit:
    repo, branch = given["repo"], given["branch"]
    repositories.get(store.database, repo)
    found = landing.target(store.database, repo, branch)
    if found.draft is not None:
        raise InUse(
            f"The branch {repo}@{branch} has the open commit {found.draft.id} already.",
            remedy=f"Go on with it, or finish it: `pedigree commit finish {repo}@{branch}`.",
            commit=found.draft.id,
        )
    if not branches.exists(store.database, repo, branch):
        branches.create(store.database, repo, branch, None, store.now())
    signature = store.signature(given["message"], given["author"], run=given["run"])
    return landing.open_draft(store.database, (repo, branch), found.head, signature, "").commit()


def finish_commit(store: Store, given: Arguments) -> Commit:
    draft = drafts.on(store.database, given["repo"], given["branch"])
    if draft is None:
        raise drafts.not_open(given["repo"], given["branch"])
    with store.objects.batch() as batch:
        return landing.finish_draft(store, draft, batch, store.now(), given["message"])


def discard_commit(store: Store, given: Arguments) -> None:
    draft = drafts.on(store.database, given["repo"], given["branch"])
    if draft is None:
        raise drafts.not_open(given["repo"], given["branch"])
    drafts.remove(store.database, draft)


def squash_commit(store: Store, given: Arguments) -> list[Commit]:
    gone = _named(store, given["target"])
    if any(commit.state == "open" for commit in gone):
        raise InUse("An open commit cannot be squashed.", remedy="Finish it first with `pedigree commit finish`.")
    removal.squash(store.database, gone, store.now())
    return gone


def delete_commit(store: Store, given: Arguments) -> list[Commit]:
    gone = _named(store, given["target"])
    for commit in gone:
        if commit.state == "open":
            discard_commit(store, {"repo": commit.repo, "branch": commit.branch})
    removal.delete(store.database, [commit for commit in gone if commit.state != "open"], store.now())
    return gone


def _named(store: Store, target: str) -> list[Commit]:
    """The commit of a reference, or the commits of a run."""
    if "@" in target:
        return [references.resolve(store.database, target).commit]
    run = runs.get(store.database, target)
    found = list(run.commits)
    if not found:
        raise InvalidReference(
            f"The run {run.id} has no commits left.", remedy="Name one commit as REPO@COMMIT.", run=run.id
        )
    return found


def _commit_in(store: Store, repo: str, reference: str) -> Commit:
    """The finished commit that a branch of the repository may point at.

    A bare `REF` means one of that repository.
    """
    text = reference if "@" in reference or repositories.exists(store.database, reference) else f"{repo}@{reference}"
    commit = references.resolve(store.database, text).commit
    if commit.repo != repo or commit.state == "open":
        what = "open" if commit.state == "open" else f"a commit of {commit.repo!r}"
        raise InvalidReference(
            f"{reference!r} is {what}; a branch of {repo!r} points at a finished commit of {repo!r}.",
            remedy=f"`pedigree log {repo}` lists them.",
        )
    return commits.get(store.database, commit.id)


OPERATIONS: dict[str, Operation] = {
    function.__name__: function
    for function in (
        create_repository, delete_repository, create_branch, move_branch, delete_branch, create_tag,
        delete_tag, create_trigger, delete_trigger, start_commit, finish_commit, discard_commit, squash_commit, delete_commit,
    )
}  # fmt: skip
