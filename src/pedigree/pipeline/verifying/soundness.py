"""Whether the store's own bytes are what they were: only then does a difference say something about the step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.datums import Datum
    from pedigree.store import Store


class Soundness:
    """Objects that were hashed and found whole; each is hashed once. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._objects = store.objects
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def check(self, digest: str) -> None:
        """Raises Damaged when the object is not whole."""
        with self._lock:
            if digest in self._known:
                return
        self._objects.verify(digest)
        with self._lock:
            self._known.add(digest)

    def check_step(self, datum: Datum, code_tree: str) -> None:
        """Every byte that the datum's step could read from the store.

        Large inputs are linked into its view unread, so damage in one reaches the step; small ones are hashed on their way.
        """
        for item in datum.inputs:
            for _, entry in trees.scan(item.tree, self._objects.read, prefix=item.path):
                self.check(entry.digest)
        if code_tree:
            for _, entry in trees.scan(code_tree, self._objects.read):
                self.check(entry.digest)
