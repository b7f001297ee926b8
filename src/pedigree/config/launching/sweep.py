"""A sweep: jobs with frozen configurations in one folder, run by a launcher until all are done."""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pedigree import canonical
from pedigree.config.launching import manifest as manifests
from pedigree.config.launching.contract import Launcher, Order
from pedigree.config.launching.driving import drive
from pedigree.config.launching.folder import JobFolder, Outcome
from pedigree.config.launching.manifest import Job, Manifest
from pedigree.config.launching.work import Work
from pedigree.errors import Busy, InvalidConfig, StepFailed

#: The manifest is written again at most this often while jobs come and go; their folders hold the truth meanwhile.
WRITE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """Told to the caller whenever a job starts or ends."""

    job: Job
    counts: Mapping[str, int]  #: jobs in each state

    @property
    def text(self) -> str:
        """`3 done, 1 failed, 2 running, 4 pending: 0003-lr=0.1 failed`"""
        said = [f"{self.counts[state]} {state}" for state in _ORDER if self.counts.get(state)]
        return f"{', '.join(said)}: {self.job.name} {self.job.state}"


_ORDER = ("done", "failed", "stopped", "running", "pending")


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed, with the end of its log."""

    job: Job
    log: str  #: path
    tail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a sweep."""

    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...]

    @property
    def complete(self) -> bool:
        return all(job.state == "done" for job in self.jobs)

    @property
    def results(self) -> dict[str, Any]:
        """What each job that is done reported, by name."""
        return {job.name: job.result for job in self.jobs if job.state == "done"}

    def check(self) -> Report:
        """This report; raises StepFailed when a job failed, with the end of the first one's log."""
        if not self.failures:
            return self
        first = self.failures[0]
        shown = "".join(f"\n  {line}" for line in first.tail.splitlines())
        more = f", and {len(self.failures) - 1} more" if len(self.failures) > 1 else ""
        raise StepFailed(
            f"{len(self.failures)} of {len(self.jobs)} jobs failed: {first.job.name}{more}. {first.job.problem}{shown}",
            remedy=f"The whole log is {first.log}. Run the sweep again with `failed=True` once it is mended.",
            failures=self.failures,
        )


@dataclass
class Sweep:
    """Made by `plan` and `open_sweep`."""

    path: str
    work: Work
    jobs: dict[str, Job]
    extra: Mapping[str, Any] = field(default_factory=dict)
    _written: float = field(default=0.0, repr=False)

    def folder(self, name: str) -> JobFolder:
        return JobFolder(os.path.join(self.path, "jobs", name))

    def run(
        self,
        launcher: Launcher,
        *,
        failed: bool = False,
        fail_fast: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Run every job that is not done, and give what became of all.

        Jobs that failed in an earlier run are run again when `failed` is True. A job that fails harms no other;
        with `fail_fast`, the first failure stops those under way and starts no more. Before anything starts every
        frozen file is compared with the digest that was planned. Ctrl-C stops the jobs, and then goes on as
        KeyboardInterrupt. May be called again after that, after a crash, on an opened sweep, with another launcher.

        Raises InvalidConfig when a frozen file was changed, and Busy while another process runs the sweep.
        """
        with self.alone():
            self.refresh()
            again = {"pending", "running", "stopped"} | ({"failed"} if failed else set())
            waiting = [job.name for job in self.jobs.values() if job.state in again]
            self._verify(waiting)
            for name in waiting:
                self.jobs[name] = replace(self.jobs[name], state="pending")
            ordered = iter(waiting)

            def following() -> Order | None:
                name = next(ordered, None)
                if name is None:
                    return None
                order = self.order(name, launcher)
                self._tell(replace(self.jobs[name], state="running", problem="", exit_code=None, log=""), progress)
                return order

            def ended(order: Order, outcome: Outcome) -> bool:
                job = self.ended(order, outcome)
                self._tell(job, progress)
                return not (fail_fast and job.state == "failed")

            try:
                drive(launcher, following, ended)
            finally:
                self.write()
        return self.report()

    def order(self, name: str, launcher: Launcher) -> Order:
        """To run this job, whatever came of it so far."""
        folder, job = self.folder(name), self.jobs[name]
        last = folder.outcome()
        return Order(
            folder=folder.path,
            command=self.work.command(folder.path, folder.config),
            directory=self.work.directory,
            file=job.file,
            seen=0 if last is None else last.attempt,
            ranks=self.work.ranks,
            grace_s=self.work.grace_s,
            launcher=launcher.name,
        )

    def ended(self, order: Order, outcome: Outcome) -> Job:
        """The job of the order, as the outcome leaves it."""
        name = os.path.basename(order.folder)
        return self.jobs[name].after(outcome, self.folder(name).result())

    def report(self) -> Report:
        failures = []
        for job in self.jobs.values():
            if job.state == "failed":
                folder = self.folder(job.name)
                failures.append(Failure(job, folder.file(job.log), folder.tail(job.log)))
        return Report(tuple(self.jobs.values()), tuple(failures))

    def refresh(self) -> None:
        """Take over what the folders of the jobs say by now."""
        self.jobs = {name: manifests.refreshed(self.path, job) for name, job in self.jobs.items()}

    def write(self, *, durable: bool = True) -> None:
        Manifest(self.work, tuple(self.jobs.values()), self.extra).write(self.path, durable=durable)
        self._written = time.monotonic()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else runs this sweep. Raises Busy where somebody does."""
        with open(os.path.join(self.path, "lock"), "ab") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"Another process runs the sweep in {self.path}.", remedy="Wait for it to end, or stop it."
                ) from None
            yield

    def _tell(self, job: Job, progress: Callable[[Progress], None] | None) -> None:
        self.jobs[job.name] = job
        if time.monotonic() - self._written > WRITE_EVERY_S:
            self.write(durable=False)
        if progress is not None:
            progress(Progress(job, Counter(one.state for one in self.jobs.values())))

    def _verify(self, names: list[str]) -> None:
        for name in names:
            path = self.folder(name).config
            try:
                with open(path, "rb") as file:
                    found = canonical.digest(file.read())
            except FileNotFoundError:
                found = ""
            if found != self.jobs[name].file:
                what = "was changed since it was planned" if found else "is gone"
                raise InvalidConfig(
                    f"The frozen file {path} {what}: its digest is {found or 'none'}, planned was {self.jobs[name].file}.",
                    remedy="Put the file back, or plan a new sweep. Nothing was started.",
                    path=path,
                )


def open_sweep(directory: str | os.PathLike[str]) -> Sweep:
    """The sweep that `plan` made in this folder, as far as it has come.

    Raises PathNotFound where there is none, NewerFormat, and Damaged for a manifest that is none.
    """
    directory = os.path.abspath(directory)
    found = manifests.read(directory)
    return Sweep(directory, found.work, {job.name: job for job in found.jobs}, found.extra)
