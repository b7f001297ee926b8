"""Which commits stand side by side: two of one repository, or the results of two runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pedigree.errors import InvalidInput, InvalidReference, NotFound, PedigreeError
from pedigree.pipeline.contrasting import measures, pictures
from pedigree.pipeline.contrasting.contrast import Contrast, Side
from pedigree.pipeline.contrasting.walking import Walk
from pedigree.store import missing, trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit
    from pedigree.store.runs import Run


def contrasts(store: Store, new: str, old: str | None = None) -> list[Contrast]:
    """One contrast of REPO@REF[:/PATH] with another commit of the repository, by default the one before it.

    Where both are ids of runs, one for each last result that both made: a pipeline's commit from which neither made another.
    Raises NotFound for what is not there, InvalidInput for two repositories and for commits that no pipeline made.
    """
    runs = _run(store, new), None if old is None else _run(store, old)
    if runs[0] is not None and runs[1] is not None:
        pairs = list(_results(runs[0], runs[1]))
        if not pairs:
            raise InvalidInput(
                f"The runs {runs[0].id[:12]} and {runs[1].id[:12]} have no result of one pipeline in common.",
                remedy="`pedigree runs inspect RUN` shows what a run made; name two commits of one pipeline instead.",
            )
        return [contrast(store, one, other) for one, other in pairs]
    if runs[0] is not None or runs[1] is not None:
        raise InvalidInput(
            f"{new if runs[0] else old!r} is a run, and a run is held against another run.",
            remedy="Give two ids of runs, or two commits of one pipeline.",
        )
    found = store.resolve(new)
    commit = found.commit
    if old is None:
        if commit.parent is None:
            raise InvalidInput(
                f"{commit.repo}@{commit.id[:12]} is the first commit of its line: there is none before it.",
                remedy="Name the older commit, too: pedigree diff --why NEW OLD.",
            )
        other, path = store.commit_by_id(commit.parent), found.path
    else:
        before = store.resolve(old)
        other, path = before.commit, found.path
        if before.path and before.path != path:
            raise InvalidInput(
                f"{new} and {old} are two places in a commit.", remedy="Give the same path on both sides, or on one."
            )
    if path and not any(_has(store, side, path) for side in (commit, other)):
        raise missing.path(store.objects.read, found)
    return [contrast(store, commit, other, path)]


def contrast(store: Store, new: Commit, old: Commit, path: str = "") -> Contrast:
    """Two commits of one pipeline. Raises InvalidInput for others."""
    if new.repo != old.repo:
        raise InvalidInput(
            f"{new.repo}@{new.id[:12]} and {old.repo}@{old.id[:12]} are commits of two repositories.",
            remedy="Causes are found between two commits of one pipeline.",
        )
    by_hand = [side for side in (new, old) if not side.made_by.get("manifest")]
    if by_hand:
        raise InvalidInput(
            f"{by_hand[0].repo}@{by_hand[0].id[:12]} was not made by a pipeline from inputs: it has no cause here.",
            remedy="`pedigree diff` without --why shows the files that changed.",
        )
    found = Walk(store).walk(old, new, path)
    entries = list(found.root)
    pairs = [(old, new), *((one.old, one.new) for one in found.pairs[1:])]
    numbers, same, curves = measures.between(store, pairs, path)
    plots, logs = pictures.between(store, pairs, path)
    return Contrast(
        repo=new.repo,
        path=path,
        old=Side(old.id, old.run, old.finished),
        new=Side(new.id, new.run, new.finished),
        changed=sum(was is not None and now is not None for _, was, now in entries),
        added=sum(was is None for _, was, now in entries),
        removed=sum(now is None for _, was, now in entries),
        causes=tuple(found.causes()),
        beside=tuple(found.beside()),
        steps=tuple(found.steps()),
        numbers=tuple(numbers),
        same_numbers=same,
        curves=tuple(curves),
        plots=tuple(plots),
        logs=tuple(logs),
        notes=tuple(found.notes),
    )


def _has(store: Store, commit: Commit, path: str) -> bool:
    return next(trees.scan(commit.tree, store.objects.read, path), None) is not None


def _run(store: Store, text: str) -> Run | None:
    """The run of that id, if the text is one and names no repository."""
    if "@" in text or ":" in text or any(one.name == text for one in store.repositories()):
        return None
    try:
        return store.run(text)
    except NotFound:
        return None
    except InvalidReference:
        raise
    except PedigreeError:
        return None


def _results(new: Run, old: Run) -> Iterator[tuple[Commit, Commit]]:
    ends = []
    for run in (new, old):
        made = [commit for commit in run.commits if commit.made_by.get("manifest")]
        read = {item["commit"] for commit in made for item in commit.provenance}
        ends.append({commit.repo: commit for commit in made if commit.id not in read})
    yield from ((commit, ends[1][repo]) for repo, commit in ends[0].items() if repo in ends[1])
