"""From the trees that datums wrote to the one tree of the output commit.

Two datums that write one path fail the job, and the error names both. The check is over the final tree, so a datum
that runs again may take a path that another has just given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pedigree.errors import PathClash
from pedigree.pipeline.jobs import DatumRecord
from pedigree.store import trees
from pedigree.store.trees import Entry


def merge(records: Sequence[DatumRecord], read: trees.Read, write: trees.Write) -> str:
    """The tree that holds every file of every processed datum. Equal datums give an equal tree, whatever their order.

    Raises PathClash for a path that two datums wrote, and for one that is a file of one and a folder of another.
    """
    owners: dict[str, tuple[Entry, DatumRecord]] = {}
    for record in records:
        if not record.tree:
            continue
        for path, entry in trees.scan(record.tree, read):
            other = owners.get(path)
            if other is not None:
                raise _clash(path, other[1], record)
            owners[path] = (entry, record)
    _check_folders(owners)
    return trees.build(((path, owners[path][0]) for path in sorted(owners)), write)


def update(
    tree: str,
    before: Sequence[DatumRecord],
    after: Sequence[DatumRecord],
    read: trees.Read,
    write: trees.Write,
) -> str | None:
    """`merge(after)`, made from the tree that `merge(before)` gave by touching only what differs.

    None when that would not be cheaper, or when a clash is likely: then `merge` decides and names the datums.
    """
    gone, new = _differing(before, after), _differing(after, before)
    if (len(gone) + len(new)) * 4 > len(after):
        return None
    changes: dict[str, Entry | None] = {}
    for record in gone:
        changes.update((path, None) for path, _ in trees.scan(record.tree, read))
    added: set[str] = set()
    for record in new:
        for path, entry in trees.scan(record.tree, read):
            if path in added or (path not in changes and _taken(tree, path, read)):
                return None
            added.add(path)
            changes[path] = entry
    try:
        return trees.edit(tree, changes, read, write)
    except PathClash:
        return None


def _differing(these: Iterable[DatumRecord], others: Iterable[DatumRecord]) -> list[DatumRecord]:
    known = {(record.datum, record.tree) for record in others}
    return [record for record in these if record.tree and (record.datum, record.tree) not in known]


def _taken(tree: str, path: str, read: Callable[[str], bytes]) -> bool:
    return trees.get(tree, path, read) is not None


def _check_folders(owners: dict[str, tuple[Entry, DatumRecord]]) -> None:
    checked: set[str] = set()
    for path, (_, record) in owners.items():
        folder = path.rpartition("/")[0]
        while folder and folder not in checked:
            if folder in owners:
                raise _clash(folder, owners[folder][1], record, "as a file, the other as a folder")
            checked.add(folder)
            folder = folder.rpartition("/")[0]


def _clash(path: str, one: DatumRecord, other: DatumRecord, how: str = "") -> PathClash:
    if one.datum == other.datum:
        return PathClash(
            f"The datum {one.datum[:12]} ({one.label}) wrote /{path} as a file and as a folder.",
            remedy="Give one of them another name.",
            path=path,
            datums=(one.datum,),
        )
    how = f", one {how}" if how else ""
    return PathClash(
        f"Two datums wrote /{path}{how}: {one.datum[:12]} ({one.label}) and {other.datum[:12]} ({other.label}).",
        remedy="Put something of the input's name into the path that the step writes, or give both inputs to one datum.",
        path=path,
        datums=(one.datum, other.datum),
    )
