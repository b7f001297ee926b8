"""Manifests as lineage reads them: which datums of a commit wrote a path, which read one.

A folder of N files has N such questions and the manifest N datums, so asking each datum each time takes minutes where N is
some thousands. Here an index of paths is made when the questions become many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pedigree.pipeline import jobs
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.jobs import DatumRecord
    from pedigree.store import Store

#: So many questions are answered by looking into each datum's tree: for one file of a commit of a million, an index of all
#: files would cost more than the answer.
DIRECT = 4


class PathIndex:
    """Numbers under store paths; `overlapping` finds those of a path, of the folders above it, and of what is below it."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        self._numbers: dict[str, list[int]] = {}
        for path, number in pairs:
            self._numbers.setdefault(path, []).append(number)
        self._sorted = sorted(self._numbers)

    def overlapping(self, path: str) -> list[int]:
        """In ascending order, each once. `""` is the root, which overlaps everything. O(answer + depth + log paths)."""
        found = set(self._numbers.get(path, ()))
        above = path
        while above:
            above = above.rpartition("/")[0]
            found.update(self._numbers.get(above, ()))
        start = path + "/" if path else ""
        for at in range(bisect_left(self._sorted, start), len(self._sorted)):
            if not self._sorted[at].startswith(start):
                break
            found.update(self._numbers[self._sorted[at]])
        return sorted(found)


class Manifest:
    """The datums of one commit, by what they wrote and by what they read; none for the digest `""`, of what people put in."""

    def __init__(self, store: Store, digest: str) -> None:
        self._store = store
        self._records = list(jobs.read_manifest(store, digest)) if digest else []
        self._asked = 0
        self._written: PathIndex | None = None
        self._read: dict[str, PathIndex] = {}

    def writers(self, path: str) -> Iterator[DatumRecord]:
        """The datums that wrote the file, or a file in the folder, in planning order. `""` is the whole commit."""
        self._asked += 1
        if self._written is None and self._asked <= DIRECT:
            yield from (record for record in self._records if record.tree and self._holds(record.tree, path))
            return
        if self._written is None:
            self._written = PathIndex(
                (written, number)
                for number, record in enumerate(self._records)
                if record.tree
                for written in self.wrote(record)
            )
        yield from (self._records[number] for number in self._written.overlapping(path))

    def readers(self, commit: str, path: str) -> Iterator[tuple[str, DatumRecord]]:
        """The datums that read the path, a folder above it or something in it, each with the input's name, in planning order."""
        if commit not in self._read:
            self._read[commit] = PathIndex(
                (item["path"], number)
                for number, record in enumerate(self._records)
                for item in record.inputs
                if item["commit"] == commit
            )
        for number in self._read[commit].overlapping(path):
            record = self._records[number]
            name = next(
                item["name"] for item in record.inputs if item["commit"] == commit and _overlap(item["path"], path)
            )
            yield name, record

    def wrote(self, record: DatumRecord) -> Iterator[str]:
        """The paths that the datum wrote."""
        return (path for path, _ in trees.scan(record.tree, self._store.objects.read)) if record.tree else iter(())

    def _holds(self, tree: str, path: str) -> bool:
        return not path or next(trees.scan(tree, self._store.objects.read, prefix=path), None) is not None


def _overlap(one: str, other: str) -> bool:
    """Whether one path is the other, or a folder above it."""
    return one == other or not one or not other or one.startswith(other + "/") or other.startswith(one + "/")
