"""A run: bring every pipeline up to date, in dependency order, with a pool of workers.

The engine may be killed at any moment. Nothing it does is visible before it is whole: results of datums become durable
in batches, an output commit appears together with its job's record in one transaction, and the next run continues from
what is there. So the only state in memory is what can be planned again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pedigree.errors import Busy, InvalidInput, PipelineNotFound, meant
from pedigree.pipeline import events, pipelines, planning
from pedigree.pipeline.events import OnEvent, silent
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.report import RunReport

if TYPE_CHECKING:
    from pedigree.pipeline.datums import Datum
    from pedigree.store import Store

COMPATIBLE = (None, "pachyderm")

#: A run may take days, and whoever waits for it was told so.
FOREVER_S = 1e9


def run(
    store: Store,
    *,
    targets: Sequence[str] = (),
    workers: int | None = None,
    isolation: str = "auto",
    reprocess: bool = False,
    compat: str | None = None,
    keep_going: bool = True,
    wait: bool = True,
    on_event: OnEvent = silent,
) -> RunReport:
    """Bring the pipelines up to date: all of them, or `targets` with everything upstream of them.

    `workers` datums run at once (all cores by default). `reprocess` ignores cached results. `compat="pachyderm"` skips
    exactly the datums that Pachyderm would. A failed job stops what is downstream of it; the rest goes on unless
    `keep_going` is False. Good datums of a failed job are kept. Another run at the same time is waited for, or refused
    with Busy when `wait` is False. KeyboardInterrupt stops every step, keeps what is finished, and is raised again.
    """
    if compat not in COMPATIBLE:
        raise InvalidInput(f"There is no compatibility mode {compat!r}; there is 'pachyderm'.")
    started = time.time()
    surroundings = Surroundings(store, isolation, compat)
    chosen = select(store, targets)
    _tell_drift(store, chosen, on_event)
    if not reprocess:
        with store.database.snapshot():
            pending = stale(surroundings, chosen)
        if not pending:
            return RunReport(None, "up to date", (), tuple(item.name for item in chosen), time.time() - started)
    with running(store, wait=wait, on_event=on_event):
        from pedigree.pipeline.scheduler import Scheduler

        scheduler = Scheduler(
            surroundings,
            workers or os.cpu_count() or 1,
            reprocess=reprocess,
            keep_going=keep_going,
            on_event=on_event,
        )
        # Another run may have done it all while this one waited for the lock.
        pending = {item.name for item in chosen} if reprocess else stale(surroundings, chosen)
        return scheduler.run([item for item in chosen if item.name in pending], chosen, started)


def _tell_drift(store: Store, chosen: Sequence[Pipeline], on_event: OnEvent) -> None:
    """Say which configurations are not those of their files any more: a run takes what was applied."""
    from pedigree.pipeline import configs

    for text in dict.fromkeys(configs.drift(store, item) for item in chosen):
        if text:
            on_event(events.Note(text))


def select(store: Store, targets: Iterable[str]) -> list[Pipeline]:
    """The running pipelines that `targets` need, in dependency order; all when there are no targets."""
    everything = {item.pipeline.name: item for item in pipelines.registered(store)}
    names = list(targets)
    wanted = set(everything)
    if names:
        wanted = set()
        while names:
            name = names.pop()
            if name not in everything:
                if name in wanted or any(True for item in store.repositories() if item.name == name):
                    continue
                raise PipelineNotFound(
                    f"There is no pipeline {name!r}.",
                    remedy=f"{meant(name, everything)}`pedigree status` lists the pipelines.",
                )
            if name not in wanted:
                wanted.add(name)
                names.extend(leaf.repo for leaf in everything[name].pipeline.leaves())
    return [
        item
        for item in pipelines.order(entry.pipeline for entry in everything.values())
        if item.name in wanted and everything[item.name].state == pipelines.RUNNING and item.kind == "transform"
    ]


def stale(surroundings: Surroundings, chosen: Iterable[Pipeline]) -> set[str]:
    """Names of the pipelines that are out of date, or downstream of one that is. Runs nothing."""
    found: set[str] = set()
    for pipeline in chosen:
        if any(leaf.repo in found for leaf in pipeline.leaves()):
            found.add(pipeline.name)
            continue
        plan = planning.plan(surroundings, pipeline)
        if plan.reasons and (plan.head is not None or planning.has_input(surroundings.store, plan)):
            found.add(pipeline.name)
    return found


def preview(store: Store, path: str, args: dict[str, str] | None = None) -> list[Datum]:
    """The datums that the first spec of a file would have now, without applying or running anything.

    Raises InvalidSpec for whatever `apply` would not take.
    """
    return plan_datums(store, pipelines.apply(store, [path], args or {}, dry_run=True)[0].pipeline)


def plan_datums(store: Store, pipeline: Pipeline) -> list[Datum]:
    from pedigree.pipeline import datums

    return datums.plan(pipeline, lambda item: planning.source(store, item), store.objects.read)


@contextmanager
def running(store: Store, *, wait: bool, on_event: OnEvent) -> Iterator[None]:
    """The project's run lock: one run at a time. The lock is the kernel's, so a killed run leaves none behind."""
    from pedigree.store.durable import Lock

    path = store.folder / "run.lock"
    lock = Lock(path)
    holder = path.with_name("run.holder")
    try:
        with lock.exclusive(wait_s=0):
            yield from _held(holder)
            return
    except Busy as busy:
        if getattr(busy, "path", str(path)) != str(path):
            raise
        name = _holder(holder)
        if not wait:
            raise Busy(
                f"Another run holds this project: {name}.",
                remedy="Wait for it, stop it with Ctrl-C in its terminal, or leave out --no-wait.",
                holder=name,
            ) from None
        on_event(events.Waiting(name))
    with lock.exclusive(wait_s=FOREVER_S):
        yield from _held(holder)


def _held(holder: os.PathLike[str]) -> Iterator[None]:
    with open(holder, "w", encoding="utf-8") as file:
        file.write(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}")
    yield


def _holder(path: os.PathLike[str]) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() or "an unknown process"
    except OSError:
        return "an unknown process"
