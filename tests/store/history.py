"""Helpers for tests of the store's history."""

from __future__ import annotations

from pedigree.store import Store, trees
from pedigree.store.commits import Commit


class Clock:
    """A clock that stands still until it is told to go on, in seconds."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def put(store: Store, target: str, message: str = "", **contents: bytes) -> Commit:
    """Commit files named by keyword."""
    with store.commit(target, message or f"put {', '.join(contents)}") as change:
        for path, data in contents.items():
            change.write(path, data)
    assert change.commit is not None
    return change.commit


def files(store: Store, reference: str) -> dict[str, bytes]:
    """Path and bytes of every file of a commit."""
    found = store.resolve(reference)
    read = store.objects.read
    return {path: read(entry.digest) for path, entry in trees.scan(found.commit.tree, read, found.path)}


def messages(store: Store, reference: str) -> list[str]:
    """Messages of the commit and its ancestors, newest first."""
    return [commit.message for commit in store.log(reference)]
