"""Watching: run whenever there is something to run; tick crons and triggers; keep spouts and services alive.

It is a loop around `engine.run`, so everything that holds for a run holds here, kill -9 included.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pedigree.errors import PedigreeError
from pedigree.pipeline import engine, events, pipelines, planning, ticks
from pedigree.pipeline.events import OnEvent, silent
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.process import Stop
from pedigree.pipeline.report import RunReport

if TYPE_CHECKING:
    from pedigree.pipeline.environment import Environment
    from pedigree.store import Store

#: How often the store's heads and the code's file times are looked at, in seconds: about 10 ms of CPU each time.
LOOK_S = 0.5
#: How often the installed files are looked at, in seconds: about 0.1 s of CPU each time.
ENVIRONMENT_S = 15.0

#: Pauses before a spout or service that failed is started again, in seconds; the last one is repeated.
PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)


class Watch:
    """Reacts until `stop` is called from another thread or a signal handler."""

    def __init__(
        self,
        store: Store,
        *,
        workers: int | None = None,
        isolation: str = "auto",
        on_event: OnEvent = silent,
        on_report: Callable[[RunReport], None] = lambda _: None,
    ) -> None:
        self.store = store
        self.workers = workers
        self.isolation = isolation
        self.on_event = on_event
        self.on_report = on_report
        self._stopped = threading.Event()
        self._daemons: dict[str, Daemon] = {}
        self._failed_on: frozenset[tuple[str, ...]] = frozenset()
        self._captured: tuple[float, Environment] | None = None

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Watch until stopped. Spouts and services are killed on the way out."""
        try:
            while not self._stopped.is_set():
                self.step(time.time())
                self._stopped.wait(LOOK_S)
        finally:
            for daemon in self._daemons.values():
                daemon.stop()
            for daemon in self._daemons.values():
                daemon.join()

    def step(self, now: float) -> None:
        """Everything that is due at `now`, once: ticks, daemons, a run."""
        for _, item, moment in ticks.due(self.store, now):
            commit = ticks.tick(self.store, item, moment)
            if commit is not None:
                self.on_event(events.Committed(item.repo, "master", commit.id, "cron"))
        for trigger in self.store.tick(now):
            head = self.store.head(trigger.repo, trigger.branch)
            self.on_event(events.Committed(trigger.repo, trigger.branch, head.id if head else "", "trigger"))
        self._tend(now)
        self._catch_up()

    def _catch_up(self) -> None:
        """Run, unless the last run failed on exactly what is there now: it would fail again, for ever."""
        surroundings = Surroundings(self.store, self.isolation, environment_given=self._environment())
        chosen = engine.select(self.store, ())
        pending = engine.stale(surroundings, chosen)
        if not pending:
            return
        on = frozenset(_fingerprint(surroundings, item) for item in chosen if item.name in pending)
        if on == self._failed_on:
            return
        report = engine.run(self.store, workers=self.workers, isolation=self.isolation, on_event=self.on_event)
        self.on_report(report)
        self._failed_on = frozenset()
        self._captured = None
        if not report.ok:
            surroundings = Surroundings(self.store, self.isolation, environment_given=self._environment())
            pending = engine.stale(surroundings, chosen)
            self._failed_on = frozenset(_fingerprint(surroundings, item) for item in chosen if item.name in pending)

    def _environment(self) -> Environment:
        """The environment, looked at now and then only: that costs more than the rest of a look. A run looks for itself."""
        from pedigree.pipeline import environment

        moment = time.monotonic()
        if self._captured is None or moment - self._captured[0] >= ENVIRONMENT_S:
            self._captured = moment, environment.capture(cache=self.store.folder / "cache")
        return self._captured[1]

    def _tend(self, now: float) -> None:
        """Start, restart and stop spouts and services so that exactly those run that should."""
        wanted = {
            entry.pipeline.name: entry.pipeline
            for entry in pipelines.registered(self.store)
            if entry.pipeline.kind != "transform" and entry.state == pipelines.RUNNING
        }
        for name, daemon in list(self._daemons.items()):
            if name not in wanted or daemon.basis != self._basis(wanted[name]):
                daemon.stop()
                daemon.join()
                del self._daemons[name]
        for name, pipeline in wanted.items():
            running = self._daemons.get(name)
            if running is None:
                self._daemons[name] = Daemon(self, pipeline, self._basis(pipeline))
            elif running.due(now):
                running.start()

    def _basis(self, pipeline: Pipeline) -> tuple[str, ...]:
        from pedigree.pipeline import services

        surroundings = Surroundings(self.store, self.isolation)
        return (*services.inputs(surroundings, pipeline), surroundings.code(pipeline).digest)


class Daemon:
    """A spout or service that is kept alive: started again when it failed, after a pause; not when it ended well."""

    def __init__(self, watch: Watch, pipeline: Pipeline, basis: tuple[str, ...]) -> None:
        self.watch = watch
        self.pipeline = pipeline
        self.basis = basis
        self.failures = 0
        self.again_at: float | None = None
        self.start()

    def start(self) -> None:
        self.again_at = None
        self._stop = Stop()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"{self.pipeline.kind} {self.pipeline.name}")
        self._thread.start()

    def due(self, now: float) -> bool:
        """Whether it failed and its pause is over."""
        return self.again_at is not None and now >= self.again_at and not self._thread.is_alive()

    def stop(self) -> None:
        self.again_at = None
        self._stop.throw()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        from pedigree.pipeline import services, spouts

        surroundings = Surroundings(self.watch.store, self.watch.isolation)
        try:
            if self.pipeline.kind == "spout":
                spouts.run(surroundings, self.pipeline, stop=self._stop, on_event=self.watch.on_event)
            else:
                services.run(surroundings, self.pipeline, stop=self._stop, on_event=self.watch.on_event)
                if not self._stop.thrown:
                    self._fail("The command ended, which that of a service must not.")
        except PedigreeError as error:
            if not self._stop.thrown:
                self._fail(" ".join(str(error).splitlines()))

    def _fail(self, why: str) -> None:
        if time.monotonic() - self._began > PAUSES_S[-1]:
            self.failures = 0
        pause = PAUSES_S[min(self.failures, len(PAUSES_S) - 1)]
        self.failures += 1
        self.again_at = time.time() + pause
        for line in f"{why} It is started again in {pause:g} s.".splitlines():
            self.watch.on_event(events.Output(self.pipeline.name, line))


def _fingerprint(surroundings: Surroundings, pipeline: Pipeline) -> tuple[str, ...]:
    """What a job of the pipeline would run on."""
    plan = planning.plan(surroundings, pipeline)
    commits = [item.commit if item else "" for item in plan.sources.values()]
    return (pipeline.name, pipeline.digest, plan.code.digest, plan.environment, *commits)
