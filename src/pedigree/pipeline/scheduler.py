"""The scheduler of one run: starts a job as soon as everything upstream of it is done, and shares out the workers.

Each job has a thread of its own, which only waits for its datums; the datums of all jobs together never exceed the
number of workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from pedigree.errors import PedigreeError
from pedigree.pipeline import events, jobs
from pedigree.pipeline.events import OnEvent
from pedigree.pipeline.job import JobRunner
from pedigree.pipeline.jobs import Job
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.report import RunReport
from pedigree.store import runs


class Slots:
    """Counts the workers that are free, over all jobs of a run. `close` lets everybody who waits go, empty-handed."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._closed = False
        self._changed = threading.Condition()

    def take(self) -> bool:
        with self._changed:
            while not self._free and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._free -= 1
            return True

    def give(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Scheduler:
    """Runs the jobs of one run. One per run."""

    def __init__(
        self,
        surroundings: Surroundings,
        workers: int,
        *,
        reprocess: bool,
        keep_going: bool,
        on_event: OnEvent,
    ) -> None:
        self.surroundings = surroundings
        self.store = surroundings.store
        self.workers = workers
        self.reprocess = reprocess
        self.keep_going = keep_going
        self.on_event = on_event
        self.slots = Slots(workers)
        self._changed = threading.Condition()
        self._done: dict[str, Job | None] = {}
        self._active: dict[str, JobRunner] = {}
        self._ended: list[Job] = []
        self._crash: BaseException | None = None
        self._begun = False

    def run(self, pending: Sequence[Pipeline], chosen: Sequence[Pipeline], started: float) -> RunReport:
        """Run a job for each pending pipeline, unless it turns out to be up to date once its inputs are there."""
        self._sweep()
        name = runs.new_id()
        self.on_event(events.RunStarted(name, tuple(item.name for item in pending)))
        waiting = list(pending)
        threads: list[threading.Thread] = []
        try:
            while waiting or self._active:
                with self._changed:
                    for pipeline in list(waiting):
                        if self._ready(pipeline, waiting):
                            waiting.remove(pipeline)
                            threads.append(self._start(pipeline, name))
                    if not self._active and not waiting:
                        break
                    # A wait with a time limit, so that Ctrl-C is noticed at once on every platform.
                    self._changed.wait(0.5)
                    if self._crash is not None:
                        raise self._crash  # noqa: TRY301  (the handler below must stop the other jobs first)
                    if not self.keep_going and any(job.state == jobs.FAILED for job in self._ended):
                        waiting.clear()
        except BaseException:
            self.stop()
            raise
        finally:
            for thread in threads:
                thread.join()
            states = {job.state for job in self._ended}
            state = jobs.KILLED if jobs.KILLED in states else jobs.FAILED if states - {jobs.SUCCESS} else jobs.SUCCESS
            if self._begun:
                self.store.finish_run(name, state)
        if self._crash is not None:
            raise self._crash
        report = RunReport(
            name if self._ended else None,
            state if self._ended else "up to date",
            tuple(self._ended),
            tuple(item.name for item in chosen if item.name not in {job.pipeline for job in self._ended}),
            time.time() - started,
        )
        self.on_event(events.RunFinished(name, report.state, report.seconds))
        return report

    def stop(self) -> None:
        """Kill every step of every job. What is finished is kept; the job threads end by themselves."""
        self.slots.close()
        with self._changed:
            active = list(self._active.values())
        for runner in active:
            runner.stop()

    def _ready(self, pipeline: Pipeline, waiting: Sequence[Pipeline]) -> bool:
        unfinished = {item.name for item in waiting} | self._active.keys()
        return not any(leaf.repo in unfinished for leaf in pipeline.leaves() if leaf.repo != pipeline.name)

    def _start(self, pipeline: Pipeline, run: str) -> threading.Thread:
        runner = JobRunner(
            self.surroundings,
            pipeline,
            run,
            self.slots,
            self.workers,
            reprocess=self.reprocess,
            begin=self._begin,
            on_event=self.on_event,
        )
        self._active[pipeline.name] = runner
        thread = threading.Thread(target=self._job, args=(runner,), name=f"job {pipeline.name}")
        thread.start()
        return thread

    def _job(self, runner: JobRunner) -> None:
        job = None
        try:
            broken = sorted(
                {leaf.repo for leaf in runner.pipeline.leaves() if self._broken(leaf.repo)} - {runner.pipeline.name}
            )
            job = runner.unrunnable(broken) if broken else runner.run()
        except BaseException as error:  # the scheduler's thread raises it; a thread of its own would only print it
            with self._changed:
                if self._crash is None or not isinstance(error, PedigreeError):
                    self._crash = error
        finally:
            with self._changed:
                del self._active[runner.pipeline.name]
                self._done[runner.pipeline.name] = job
                if job is not None:
                    self._ended.append(job)
                self._changed.notify_all()

    def _begin(self, run: str) -> None:
        """Record the run once a job of it really begins; a run in which nothing happens leaves no trace."""
        with self._changed:
            if not self._begun:
                self.store.start_run(identity=run)
                self._begun = True

    def _broken(self, repo: str) -> bool:
        job = self._done.get(repo)
        return job is not None and job.state != jobs.SUCCESS

    def _sweep(self) -> None:
        """Close the books of runs that were killed: this run holds the lock, so nothing of theirs is alive."""
        left = [job for job in jobs.all_jobs(self.store) if job.state in (jobs.RUNNING, jobs.EGRESSING)]
        if left:
            with self.store.database.transaction():
                for job in left:
                    jobs.save(
                        self.store,
                        replace(
                            job,
                            state=jobs.KILLED,
                            finished=job.finished or job.started,
                            error="The run was killed; what it had finished was kept.",
                        ),
                    )
                for run in {job.run for job in left}:
                    self.store.finish_run(run, jobs.KILLED)
