"""Spouts: steps without input that put files into their own repository for as long as they run.

The spout writes into /pfs/out and then creates the empty file /pfs/out/.commit: all other files become one commit on top of
the last, are removed, and then the marker is. What is left when the spout exits with 0 is committed as well.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from pedigree.pipeline import daemon, events, outputs, planning
from pedigree.pipeline.datums import Datum
from pedigree.pipeline.events import OnEvent
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import JobPlan, Surroundings
from pedigree.pipeline.process import Stop
from pedigree.store import runs, trees
from pedigree.store.commits import Commit

if TYPE_CHECKING:
    from pedigree.pipeline.view import View
    from pedigree.pipeline.workplace import Workplace

MARKER = ".commit"

#: How often the marker is looked for, in seconds: the price is one system call each time.
LOOK_S = 0.05


def run(surroundings: Surroundings, pipeline: Pipeline, *, stop: Stop, on_event: OnEvent) -> list[Commit]:
    """Run a spout until it exits or is stopped; the commits that it made. Raises StepFailed when it ends badly."""
    plan = planning.plan(surroundings, pipeline)
    made: list[Commit] = []

    def beside(place: Workplace, view: View, code_tree: str, ended: threading.Event) -> None:
        marker = os.path.join(place.out, MARKER)
        while not ended.wait(LOOK_S):
            if os.path.lexists(marker):
                _take(surroundings, plan, place, view, code_tree, made, on_event)
                os.unlink(marker)

    def after(place: Workplace, view: View, code_tree: str) -> None:
        _take(surroundings, plan, place, view, code_tree, made, on_event)

    nothing = Datum(id="", inputs=(), index=0)
    daemon.run(surroundings, plan, nothing, runs.new_id(), stop=stop, on_event=on_event, beside=beside, after=after)
    return made


def _take(
    surroundings: Surroundings,
    plan: JobPlan,
    place: Workplace,
    view: View,
    code_tree: str,
    made: list[Commit],
    on_event: OnEvent,
) -> None:
    """Commit what the spout has written, then remove it, so that a kill in between repeats and does not lose it."""
    store, pipeline = surroundings.store, plan.pipeline
    found = outputs.scan(place, view)
    found.files.pop(MARKER, None)
    if not found.files:
        return
    taken = [os.path.join(place.out, path) for path in found.files]
    head = store.head(pipeline.name, pipeline.output_branch)
    with store.objects.batch() as batch:
        files = found.collect(batch)
        tree = trees.edit(head.tree if head else trees.EMPTY, files, batch.reader(), batch.add)
        commit = store.commit_output(
            pipeline.name,
            pipeline.output_branch,
            tree,
            provenance=[],
            made_by=plan.made_by("", code_tree),
            run=runs.new_id(),
            batch=batch,
            message=f"{len(files)} files from the spout",
        )
    for path in taken:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    if not made or made[-1].id != commit.id:
        made.append(commit)
        on_event(events.Committed(pipeline.name, pipeline.output_branch, commit.id, "spout"))
