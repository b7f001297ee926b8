"""Shapes: how commits, branches and files look, as JSON for scripts and as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pedigree.cli.output import count, fields, first_line, short, size, when

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.branches import Branch
    from pedigree.store.commits import Commit
    from pedigree.store.repositories import Repository
    from pedigree.store.runs import Run
    from pedigree.store.tags import Tag
    from pedigree.store.trees import Entry

KINDS = {"f": "file", "x": "file", "l": "link"}


def commit(value: Commit) -> dict[str, Any]:
    """The commit as JSON: everything but its files. Times are seconds since the epoch."""
    return {
        "id": value.id,
        "repo": value.repo,
        "branch": value.branch,
        "parent": value.parent,
        "tree": value.tree,
        "run": value.run,
        "state": value.state,
        "started": value.started,
        "finished": value.finished,
        "author": value.author,
        "message": value.message,
        "error": value.error,
        "provenance": value.provenance,
        "made_by": value.made_by,
    }


def entry(path: str, value: Entry) -> dict[str, Any]:
    """A file as JSON."""
    return {
        "path": "/" + path,
        "kind": KINDS[value.kind],
        "executable": value.kind == "x",
        "size": value.size,
        "digest": value.digest,
    }


def folder(path: str, files: int, number: int) -> dict[str, Any]:
    """A folder as JSON; `size` is of all files below it."""
    return {"path": f"/{path}/" if path else "/", "kind": "folder", "files": files, "size": number}


def branch(value: Branch) -> dict[str, Any]:
    return {"repo": value.repo, "branch": value.name, "head": value.head, "trigger": value.trigger}


def tag(value: Tag) -> dict[str, Any]:
    return {"repo": value.repo, "tag": value.name, "commit": value.commit, "made": value.made}


def repository(store: Store, value: Repository) -> dict[str, Any]:
    """A repository as JSON, with the branches' names and the size of what its default branch holds."""
    from pedigree.store import trees

    names = [item.name for item in store.branches(value.name)]
    heads = {item.name: item.head for item in store.branches(value.name) if item.head}
    head = heads.get("master") or next(iter(heads.values()), None)
    files, number = trees.totals(store.commit_by_id(head).tree, store.objects.read) if head else (0, 0)
    return {
        "name": value.name,
        "kind": value.kind,
        "description": value.description,
        "created": value.created,
        "branches": names,
        "files": files,
        "size": number,
    }


def run(value: Run) -> dict[str, Any]:
    return {
        "id": value.id,
        "state": value.state,
        "started": value.started,
        "finished": value.finished,
        "message": value.message,
        "commits": [{"repo": item.repo, "branch": item.branch, "id": item.id} for item in value.commits],
    }


def place(value: Commit) -> str:
    """`repo@branch=id` as people see a commit."""
    return f"{value.repo}@{value.branch}={short(value.id)}"


def verified(store: Store, value: Commit) -> dict[str, Any]:
    """The commit as JSON, with its tags, and the verdicts on it, oldest first."""
    from pedigree.pipeline.verifying import verdicts

    return {**commit(value), "tags": store.tags_of(value.id), "verdicts": verdicts.of(store, value.id)}


def show_commit(store: Store, value: Commit) -> None:
    """Print a commit in full."""
    from pedigree.pipeline.verifying import verdicts
    from pedigree.store import trees

    files, number = trees.totals(value.tree, store.objects.read)
    fields(
        [
            ("commit", value.id),
            ("repository", value.repo),
            ("branch", value.branch),
            ("tags", ", ".join(store.tags_of(value.id))),
            ("state", value.state),
            ("error", value.error),
            ("parent", value.parent),
            ("run", value.run),
            ("tree", value.tree),
            ("holds", f"{count(files, 'file')}, {size(number)}"),
            ("started", when(value.started)),
            ("finished", when(value.finished)),
            ("author", value.author),
            ("message", value.message),
            ("made from", "\n".join(f"{p['name']}: {p['repo']}@{p['commit']}" for p in value.provenance)),
            ("made by", made_by(value.made_by)),
            ("verdicts", "\n".join(verdicts.summary(item) for item in verdicts.of(store, value.id))),
        ]
    )


def made_by(value: Mapping[str, Any]) -> str:
    """What made a commit, one `name: value` a line."""
    return "\n".join(f"{name}: {item}" for name, item in value.items())


def summary(value: Commit) -> str:
    """One line that tells what a commit is: its error, its message or what made it."""
    if value.error:
        return f"failed: {first_line(value.error)}"
    if value.message:
        return first_line(value.message)
    return f"made by {value.made_by['pipeline']}" if value.made_by.get("pipeline") else ""
