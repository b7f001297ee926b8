"""Whether a commit holds exactly what its datums wrote, which is what making them again says something about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree import canonical
from pedigree.errors import PathClash
from pedigree.pipeline import merging
from pedigree.pipeline.verifying.verdict import DIFFERENT, FILES, FileDifference, Finding
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.verifying.selection import Selected
    from pedigree.store import Store


def check(store: Store, one: Selected) -> Finding | None:
    """None when the files of the commit (of the paths in question) are those of the datums; else what is not."""
    made: dict[str, bytes] = {}
    read = store.objects.read

    def write(data: bytes) -> str:
        digest = canonical.digest(data)
        made[digest] = data
        return digest

    if "" not in one.paths:
        return _paths(store, one)
    try:
        tree = merging.merge([work.record for work in one.recorded.works], read, write)
    except PathClash as clash:
        return Finding("", "", DIFFERENT, clash.message)
    if tree == one.commit.tree:
        return None
    differ = list(trees.diff(one.commit.tree, tree, lambda digest: made.get(digest) or read(digest)))
    return _finding(differ)


def _paths(store: Store, one: Selected) -> Finding | None:
    differ: list[trees.Difference] = []
    for path in sorted(one.paths):
        held = dict(trees.scan(one.commit.tree, store.objects.read, prefix=path))
        wrote = {
            name: entry
            for work in one.works
            if work.record.tree
            for name, entry in trees.scan(work.record.tree, store.objects.read, prefix=path)
        }
        names = sorted({*held, *wrote})
        differ += [(name, held.get(name), wrote.get(name)) for name in names if held.get(name) != wrote.get(name)]
    return _finding(differ) if differ else None


def _finding(differ: list[trees.Difference]) -> Finding:
    files = tuple(
        FileDifference(
            path,
            "missing" if wrote is None else "extra" if held is None else "content",
            None if held is None else held.size,
            None if wrote is None else wrote.size,
        )
        for path, held, wrote in differ[:FILES]
    )
    return Finding("", "", DIFFERENT, "the commit does not hold what its datums wrote", len(differ), files)
