"""Ticks of cron inputs: each is an empty file, named by its time, in the input's own repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.errors import InvalidInput
from pedigree.pipeline import pipelines
from pedigree.pipeline.model import CronInput, Pipeline
from pedigree.store import cron, trees
from pedigree.store.commits import Commit

if TYPE_CHECKING:
    from pedigree.store import Store

CRON = "cron"


def due(store: Store, now: float) -> list[tuple[Pipeline, CronInput, float]]:
    """The cron inputs of running pipelines that have ticked since their last tick, with the moment of the newest tick.

    Ticks that were missed while nobody watched are not made up for: the newest stands for all of them.
    """
    found = []
    for entry in pipelines.registered(store):
        if entry.state != pipelines.RUNNING:
            continue
        for item in entry.pipeline.crons():
            moment = _newest(item, _last(store, item, entry.created), now)
            if moment is not None:
                found.append((entry.pipeline, item, moment))
    return found


def tick(store: Store, item: CronInput, moment: float) -> Commit | None:
    """Commit one tick. With `overwrite` it replaces the ticks before it; otherwise it joins them."""
    with store.commit(f"{item.repo}@master", message=f"tick of {item.spec}", output=True) as change:
        if item.overwrite:
            head = store.head(item.repo)
            if head is not None:
                for path, _ in trees.scan(head.tree, store.objects.read):
                    change.delete(path)
        change.write(cron.tick_name(moment), b"")
    store.records.put(CRON, item.repo, {"last": moment})
    commit: Commit | None = change.commit
    return commit


def tick_now(store: Store, pipeline: str, now: float) -> list[Commit]:
    """Tick every cron input of the pipeline at once, as `run cron` does. Raises InvalidInput when it has none."""
    made = []
    items = list(pipelines.get(store, pipeline).pipeline.crons())
    if not items:
        raise InvalidInput(f"Pipeline {pipeline!r} has no cron input.", remedy="Only a cron input can tick.")
    for item in items:
        commit = tick(store, item, now)
        if commit is not None:
            made.append(commit)
    return made


def _last(store: Store, item: CronInput, created: float) -> float:
    """The last tick, or the moment from which the schedule counts."""
    value = store.records.get(CRON, item.repo)
    if value is not None:
        return float(value["last"])
    start = cron.tick_time(item.start) if item.start else None
    return created if start is None else start


def _newest(item: CronInput, last: float, now: float) -> float | None:
    schedule = cron.parse(item.spec)
    found = None
    moment = schedule.next(last)
    while moment is not None and moment <= now:
        found = moment
        moment = schedule.next(moment)
    return found
