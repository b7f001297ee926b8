"""Whether what a bundle brings is whole: every tree well formed, every object that one names in the bundle or here.

A tree that is built again from its own entries has the same digest only if it was built by the rules: sorted, cut where
trees are cut, without a path that is a file and a folder, with right sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pedigree import canonical
from pedigree.errors import InvalidInput, PathClash, PedigreeError
from pedigree.store import paths, trees
from pedigree.store.archives import MAX_TARGET_BYTES
from pedigree.store.nodes import EMPTY

if TYPE_CHECKING:
    from pedigree.pipeline.bundling.reading import Bundle
    from pedigree.store import Store
    from pedigree.store.batch import Batch
    from pedigree.store.trees import Entry

_CHUNK = 10_000


class Wholeness:
    """Checks trees and objects; each tree once."""

    def __init__(self, bundle: Bundle, store: Store, batch: Batch) -> None:
        self._bundle = bundle
        self._store = store
        self.read = batch.reader()
        self._trees: set[tuple[str, bool]] = set()

    def tree(self, tree: str, what: str, *, files: bool = True) -> None:
        """Raises InvalidBundle unless the tree is well formed and its nodes, with `files` also its files, are there."""
        if tree == EMPTY or (tree, files) in self._trees:
            return
        self._trees.add((tree, files))
        try:
            built = trees.build(self._entries(tree, what, files), canonical.digest)
        except (PathClash, InvalidInput, ValueError, KeyError, IndexError) as error:
            if isinstance(error, InvalidInput) and error.objects.get("bundle"):
                raise
            detail = f": {error.message.rstrip('.')}" if isinstance(error, PedigreeError) else ""
            raise self._bundle.wrong(f"the tree of {what} is not what a tree may be{detail}") from error
        except PedigreeError as error:  # a node that is no node, or not there
            raise self._bundle.wrong(f"the tree of {what} is not whole: {error.message.rstrip('.')}") from error
        if built != tree:
            raise self._bundle.wrong(f"the tree of {what} is not built as trees are")

    def object(self, digest: str, what: str) -> None:
        """Raises InvalidBundle unless the object is there."""
        self._sizes([digest], what)

    def code(self, digest: str, tree: str) -> None:
        """Raises InvalidBundle unless the tree is the code of that digest."""
        found = trees.scan(tree, self.read) if tree else ()
        if canonical.digest_of("code", [[path, entry.kind, entry.digest] for path, entry in found]) != digest:
            raise self._bundle.wrong(f"the code {digest[:12]} in it is other code")

    def nodes(self, tree: str) -> Iterator[str]:
        """The nodes of a tree that was checked."""
        return (node for node, _ in trees.nodes(tree, self.read, set()))

    def _entries(self, tree: str, what: str, files: bool) -> Iterator[tuple[str, Entry]]:
        part: list[tuple[str, Entry]] = []
        for item in trees.scan(tree, self.read):
            part.append(item)
            if len(part) == _CHUNK:
                self._check(part, what, files)
                yield from part
                part = []
        self._check(part, what, files)
        yield from part

    def _check(self, part: list[tuple[str, Entry]], what: str, files: bool) -> None:
        names = [path for path, _ in part]
        if paths.file_paths(names) != names:
            raise self._bundle.wrong(f"the tree of {what} has a path that no commit may hold")
        for path, entry in part:
            if entry.kind not in {"f", "x", "l"} or (entry.kind == "l" and not 0 < entry.size <= MAX_TARGET_BYTES):
                raise self._bundle.wrong(f"the tree of {what} has something strange at {paths.shown(path)}")
        if files:
            sizes = self._sizes([entry.digest for _, entry in part], what)
            for path, entry in part:
                if sizes[entry.digest] != entry.size:
                    raise self._bundle.wrong(f"{paths.shown(path)} of {what} has another size than its object")

    def _sizes(self, digests: list[str], what: str) -> dict[str, int]:
        found = {digest: self._bundle.sizes.get(bytes.fromhex(digest)) for digest in digests}
        absent = [digest for digest, size in found.items() if size is None]
        missing = self._store.objects.missing(absent) if absent else ()
        if missing:
            raise self._bundle.wrong(f"object {min(missing)[:12]}, which {what} needs, is not in it")
        here = self._store.objects.places(absent) if absent else {}
        return {digest: here[digest].size if size is None else size for digest, size in found.items()}
