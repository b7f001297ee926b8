"""Decisions about labels as a new commit of the data set that they are about.

A table is written anew with the changed cells and rows alone changed; in a folder of classes files are moved, and the store keeps one
copy of their bytes. The decisions lie in the commit, in DECISIONS, and its message says who decided what and why: so the log and
the lineage of everything that is made from these labels say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import InUse, InvalidInput, InvalidPath, NotFound
from pedigree.labels.report import decisions as deciding
from pedigree.labels.report import editing, samples
from pedigree.labels.report.decisions import Decisions
from pedigree.labels.report.plan import Plan, described, plan
from pedigree.store import references
from pedigree.store.paths import file_path, store_path

if TYPE_CHECKING:
    from pedigree.labels.report.editing import Table
    from pedigree.store import Store
    from pedigree.store.changes import Change
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
    commit. Raises what `plan.plan` raises, and NotFound where the labels are not in the commit.
    """
    parsed = references.parse(target)
    where = f"{parsed.repo}@{parsed.branch}"
    head = store.resolve(where).commit
    view = store.view(head)
    data = deciding.to_bytes(decisions)
    kept = f"{DECISIONS}/{canonical.digest(data)}.jsonl"
    folder = decisions.subject.layout == "folder"
    path = _folder(view, decisions, parsed.path) if folder else _table(view, decisions, parsed.path)
    current, digest, table = _current(view, decisions, path)
    if digest != decisions.subject.digest and view.exists(kept):
        return Applied(Plan(()), "", path, before=True)
    found = plan(decisions, current, digest, **options)
    moves = tuple(_moves(found, path, current)) if folder else ()
    message = described(found, decisions, f"the labels in /{path}", f"/{kept}")
    if dry_run:
        return Applied(found, message, path, moves)
    with store.commit(where, message, author=author) as change:
        if change.tree != head.tree:
            raise InUse(
                f"{where} has changes that are not in a finished commit, or somebody else's commit came first.",
                remedy="Finish the open commit or transaction, then apply the decisions again.",
            )
        if table is not None and found.edits:
            old = view.stat(path)
            change.write(path, table.rewritten(found.edits), executable=old.kind == "x")
        _move(change, moves)
        change.write(kept, data)
    return Applied(found, message, path, moves, change.commit, before=change.commit is None)


def _table(view: View, decisions: Decisions, given: str | None) -> str:
    """The path of the table in the commit: as given, else where the decisions say, else the file with their digest."""
    if given is not None:
        path = store_path(given)
        view.stat(path)
        return path
    path = _said(decisions)
    if path and view.is_file(path):
        return path
    found = [name for name, entry in view.walk() if entry.digest == decisions.subject.digest]
    if len(found) != 1:
        raise NotFound(
            f"{'No file' if not found else 'More than one file'} of {view.commit.repo} is the table that was decided about.",
            remedy="Name it: REPO@BRANCH:/PATH.",
        )
    return found[0]


def _folder(view: View, decisions: Decisions, given: str | None) -> str:
    path = store_path(given if given is not None else _said(decisions) or "")
    view.ls(path)
    return path


def _said(decisions: Decisions) -> str:
    """The path that the decisions name as the place of the labels, empty where it is none in a commit."""
    _, colon, path = decisions.subject.place.partition(":")
    try:
        return store_path(path) if colon else ""
    except InvalidPath:
        return ""


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


def _moves(found: Plan, folder: str, current: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Old and new path of each file that moves. Where the new one is taken, the name tells the old class, and a number."""
    inside = f"{folder}/" if folder else ""
    taken = set(current)
    for change in found.changes:
        old = change.decision.id
        # A sample with two labels lies in both folders.
        for label in change.labels or (None,) if change.after is not None else (None,):
            if label is None:
                yield inside + old, None
                continue
            if "/" in label or label.startswith("."):
                raise InvalidInput(f"The class {label!r} can be no folder.", remedy="Choose a name without `/`.")
            new = _free(old, label, taken)
            taken.add(new)
            yield inside + old, inside + file_path(new)


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


def _move(change: Change, moves: Iterable[tuple[str, str | None]]) -> None:
    entries = {old: change.entry(old) for old, _ in moves}
    for old in entries:
        change.edits[old] = None
    for old, new in moves:
        if new is not None:
            change.edits[new] = entries[old]
