"""Decisions about labels as a new commit of the data set that they are about.

A table is written anew with the changed cells and rows alone changed; in a folder of classes files are moved, and the store keeps one
copy of their bytes. The decisions lie in the commit, in DECISIONS, and its message says who decided what and why: so the log and
the lineage of everything that is made from these labels say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import Conflict, InUse, InvalidInput, InvalidPath, InvalidReference, NotFound
from pedigree.labels.report import decisions as deciding
from pedigree.labels.report import editing, samples
from pedigree.labels.report.decisions import Decisions
from pedigree.labels.report.plan import Change as Relabelled
from pedigree.labels.report.plan import Plan, described, moved_on, plan
from pedigree.store import references, trees
from pedigree.store.paths import file_path, store_path
from pedigree.store.trees import Entry

if TYPE_CHECKING:
    from pedigree.labels.report.editing import Table
    from pedigree.store import Store
    from pedigree.store.commits import Commit
    from pedigree.store.views import View

#: The folder of a commit in which decisions that were applied lie, each under the digest of its file.
DECISIONS = ".decisions"


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, or would be: `moves` are files of a folder of classes, old path and new, None where one goes.

    `commit` is None where nothing was different, and in a dry run; `before` says that these decisions had been applied already.
    """

    plan: Plan
    message: str
    path: str
    moves: tuple[tuple[str, str | None], ...] = ()
    commit: Commit | None = None
    before: bool = False


def apply(
    store: Store, decisions: Decisions, target: str, *, author: str | None = None, dry_run: bool = False, **options: Any
) -> Applied:
    """Apply decisions to the labels at REPO@BRANCH[:/PATH], as one commit; `options` are those of `plan.plan`.

    Without a path the labels are looked for where the decisions say, and then by their digest. Applied twice, they make no second
    commit; applied to labels that hold them no longer, they are decisions about labels that have changed. A dry run raises what the
    other would. Raises what `plan.plan` raises, NotFound where the labels are not in the commit, InvalidReference for a place that
    is no branch's head, PathClash where a file would lie where a folder is.
    """
    parsed = references.parse(target)
    if parsed.back or parsed.nth is not None:
        raise InvalidReference(
            f"{target!r} goes back in history; a commit is made on a branch.",
            remedy=f"Leave the ancestry out: {parsed.repo}@{parsed.branch}.",
        )
    where = f"{parsed.repo}@{parsed.branch}"
    head = store.resolve(where).commit
    view = store.view(head)
    data = deciding.to_bytes(decisions)
    kept = f"{DECISIONS}/{canonical.digest(data)}.jsonl"
    folder = decisions.subject.layout == "folder"
    path = _folder(view, decisions, parsed.path) if folder else _table(view, decisions, parsed.path)
    current, digest, table = _current(view, decisions, path)
    found = None
    if digest != decisions.subject.digest and view.exists(kept):
        found = _again(view, decisions, current, digest, path, options)
        if found is None:
            return Applied(Plan(()), "", path, before=True)
    if found is None:
        found = plan(decisions, current, digest, **options)
    if decisions.items and len(found.unfit) == len(decisions.items):
        raise moved_on(decisions, found.unfit)
    found, moves = _moves(view, found, path, current) if folder else (found, ())
    message = described(found, decisions, f"the labels in /{path}", f"/{kept}")
    edits: dict[str, Entry | None] = dict(_moved(view, moves))
    text = None if table is None or not found.edits else table.rewritten(found.edits)
    if dry_run:
        _try(store, head.tree, {**edits, kept: Entry("f", len(data), canonical.digest(data))})
        return Applied(found, message, path, moves)
    with store.commit(where, message, author=author) as change:
        if change.tree != head.tree:
            raise InUse(
                f"{where} has changes that are not in a finished commit, or somebody else's commit came first.",
                remedy="Finish the open commit or transaction, then apply the decisions again.",
            )
        if text is not None:
            change.write(path, text, executable=view.stat(path).kind == "x")
        change.edits.update(edits)
        change.write(kept, data)
    return Applied(found, message, path, moves, change.commit, before=change.commit is None)


def _try(store: Store, tree: str, edits: Mapping[str, Entry | None]) -> None:
    """Raise what landing the edits would raise. The nodes that they make are kept in memory and forgotten."""
    made: dict[str, bytes] = {}

    def write(data: bytes) -> str:
        digest = canonical.digest(data)
        made[digest] = data
        return digest

    trees.edit(tree, edits, lambda digest: made[digest] if digest in made else store.objects.read(digest), write)


def _again(
    view: View, decisions: Decisions, current: Mapping[str, str], digest: str, path: str, options: Mapping[str, Any]
) -> Plan | None:
    """What decisions that lie in the commit still change in labels of another digest; None where that is nothing.

    Raises Conflict where it is something and nobody asked for it by `onto`.
    """
    try:
        found = plan(decisions, current, digest, **{**options, "onto": True})
    except Conflict:  # samples without ids, of which some went: their numbers tell nothing any more
        return None
    left, _ = _moves(view, found, path, current) if decisions.subject.layout == "folder" else (found, ())
    if not left.changes:
        return None
    if not options.get("onto"):
        raise moved_on(decisions, found.unfit)
    return found


def _table(view: View, decisions: Decisions, given: str | None) -> str:
    """The path of the table in the commit: as given, else where the decisions say, else the file with their digest."""
    if given is not None:
        path = store_path(given)
        view.stat(path)
        return path
    said = _said(decisions)
    if said and view.is_file(said):
        return said
    found = [name for name, entry in view.walk() if entry.digest == decisions.subject.digest]
    if len(found) != 1:
        raise NotFound(
            f"{'No file' if not found else 'More than one file'} of {view.commit.repo} is the table that was decided about.",
            remedy="Name it: REPO@BRANCH:/PATH.",
        )
    return found[0]


def _folder(view: View, decisions: Decisions, given: str | None) -> str:
    """The path of the folder of classes: as given, else where the decisions say, else the folder with their digest."""
    if given is not None:
        path = store_path(given)
        view.ls(path)
        return path
    said = _said(decisions)
    if said is not None and view.is_dir(said):
        return said
    inside: dict[str, list[str]] = {}
    for name, _ in view.walk():
        parts = name.split("/")
        for depth in range(len(parts) - 1):  # a sample lies in a folder of its class, so at least two below
            inside.setdefault("/".join(parts[:depth]), []).append("/".join(parts[depth:]))
    found = [path for path, names in inside.items() if _folder_digest(names) == decisions.subject.digest]
    if len(found) != 1:
        raise NotFound(
            f"{'No folder' if not found else 'More than one folder'} of {view.commit.repo} is the one that was decided about.",
            remedy="Name it: REPO@BRANCH:/PATH.",
        )
    return found[0]


def _folder_digest(names: Iterable[str]) -> str:
    try:
        return samples.of_folder(names).digest
    except InvalidInput:  # no samples
        return ""


def _said(decisions: Decisions) -> str | None:
    """The path that the decisions name as the place of the labels; None where they were in no commit."""
    where, colon, path = decisions.subject.place.partition(":")
    if not colon or "@" not in where or "/" in where:
        return None
    try:
        return store_path(path)
    except InvalidPath:
        return None


def _current(view: View, decisions: Decisions, path: str) -> tuple[dict[str, str], str, Table | None]:
    """The labels by id as the commit has them, the digest of their file or folder, and the table."""
    subject = decisions.subject
    if subject.layout == "folder":
        inside = f"{path}/" if path else ""
        now = samples.of_folder(name[len(inside) :] for name, _ in view.walk(path))
        assert now.ids is not None  # a folder's samples are their paths
        return dict(zip(now.ids.tolist(), now.given.tolist(), strict=True)), now.digest, None
    table = editing.opened(view.read_bytes(path), path, subject.label_column, subject.id_column)
    return table.labels(), view.stat(path).digest, table


def _moves(
    view: View, found: Plan, folder: str, current: Mapping[str, str]
) -> tuple[Plan, tuple[tuple[str, str | None], ...]]:
    """The plan and the old and new path of each file that moves. Where the new one is taken, the name tells the old class, and a number.

    A sample with two labels lies in both folders; where it does so already, its decision changes nothing.
    """
    inside = f"{folder}/" if folder else ""
    taken = set(current)
    moves: list[tuple[str, str | None]] = []
    changes: list[Relabelled] = []
    unchanged = list(found.unchanged)
    for change in found.changes:
        old = change.decision.id
        labels = [] if change.after is None else [_class(label) for label in change.labels]
        if change.decision.given in labels and all(_lies(view, inside, old, label) for label in labels):
            unchanged.append(change.decision)
            continue
        changes.append(change)
        if not labels:
            moves.append((inside + old, None))
        for label in labels:
            new = _free(old, label, taken)
            taken.add(new)
            moves.append((inside + old, inside + file_path(new)))
    return replace(found, changes=tuple(changes), unchanged=tuple(unchanged)), tuple(moves)


def _class(label: str) -> str:
    if "/" in label or label.startswith("."):
        raise InvalidInput(f"The class {label!r} can be no folder.", remedy="Choose a name without `/`.")
    return label


def _lies(view: View, inside: str, old: str, label: str) -> bool:
    """Whether a file of these bytes lies in the folder of that class under the names that it would get."""
    rest = old.partition("/")[2]
    own = view.stat(inside + old).digest
    names = {f"{label}/{rest}", _free(old, label, {f"{label}/{rest}"})}
    return any(view.is_file(inside + name) and view.stat(inside + name).digest == own for name in names)


def _free(old: str, label: str, taken: set[str]) -> str:
    before, _, rest = old.partition("/")
    new = f"{label}/{rest}"
    stem, _, ending = rest.rpartition(".")
    number = 1
    while new in taken and new != old:
        more = f"-from-{before}{'' if number == 1 else f'-{number}'}"
        new = f"{label}/{stem}{more}.{ending}" if stem and "/" not in ending else f"{label}/{rest}{more}"
        number += 1
    return new


def _moved(view: View, moves: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, Entry | None]]:
    """The edits that move the files: all old paths go first, so that a file can take the place of another."""
    entries = {old: view.entry(old) for old, _ in moves}
    yield from dict.fromkeys(entries).items()
    for old, new in moves:
        if new is not None:
            yield new, entries[old]
