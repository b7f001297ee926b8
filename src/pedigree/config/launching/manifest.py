"""The manifest of a sweep: what each job is, and what became of it when it was last looked at.

`sweep.json` is written whole, by the one process that runs the sweep. The truth about a job lies in its folder; the
manifest is brought up to date from there whenever the sweep is opened.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pedigree.config.launching import files
from pedigree.config.launching.folder import JobFolder, Outcome
from pedigree.config.launching.work import Work
from pedigree.errors import Damaged, NewerFormat, PathNotFound

NAME = "sweep.json"
VERSION = 1

#: States of a job. `stopped` and `running` ones are run again by a resumed sweep, `failed` ones when asked.
STATES = ("pending", "running", "done", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Job:
    """One point of the sweep. `digest` is that of the frozen configuration, `file` that of the bytes of its file."""

    name: str
    digest: str
    file: str
    overrides: tuple[str, ...]
    state: str = "pending"
    attempt: int = 0
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    exit_code: int | None = None
    problem: str = ""
    log: str = ""
    host: str = ""
    result: Any = None

    def after(self, outcome: Outcome, result: Any) -> Job:
        """The job as the outcome of its last attempt leaves it."""
        return replace(self, **asdict(outcome), result=result if outcome.state == "done" else None)


@dataclass(frozen=True, slots=True)
class Manifest:
    work: Work
    jobs: tuple[Job, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)  #: of a search

    def write(self, folder: str, *, durable: bool = True) -> None:
        value = {"format": "pedigree-sweep", "version": VERSION, "work": asdict(self.work), **self.extra}
        jobs = [{**asdict(job), "overrides": list(job.overrides)} for job in self.jobs]
        files.write(os.path.join(folder, NAME), {**value, "jobs": jobs}, durable=durable)


def read(folder: str) -> Manifest:
    """The manifest in this folder, brought up to date from the folders of its jobs.

    Raises PathNotFound where there is none, NewerFormat, and Damaged for what is no manifest.
    """
    path = os.path.join(folder, NAME)
    try:
        value = files.read(path)
        if value is None:
            raise PathNotFound(
                f"There is no sweep in {folder}: {NAME} is missing.",
                remedy="Name the folder of a sweep or a search, as it was printed when it began.",
            )
        if value["format"] == "pedigree-sweep" and value["version"] != VERSION:
            raise NewerFormat(
                f"{path} has version {value['version']}; this version of Pedigree reads {VERSION}.",
                remedy="Use the version of Pedigree that began the sweep, or a newer one.",
            )
        work = value["work"]
        jobs = tuple(Job(**{**job, "overrides": tuple(job["overrides"])}) for job in value["jobs"])
        extra = {key: item for key, item in value.items() if key not in {"format", "version", "work", "jobs"}}
        found = Manifest(Work(**{**work, "arguments": tuple(work["arguments"])}), jobs, extra)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path} is no manifest of a sweep: {error}.", remedy="Plan the sweep anew.") from error
    return replace(found, jobs=tuple(refreshed(folder, job) for job in found.jobs))


def refreshed(folder: str, job: Job) -> Job:
    """The job with what its folder says of it now."""
    place = JobFolder(os.path.join(folder, "jobs", job.name))
    outcome = place.outcome()
    if outcome is None or outcome.attempt < job.attempt:
        return job
    if outcome.attempt == job.attempt and job.state not in {"running", "stopped", "pending"}:
        return job
    return job.after(outcome, place.result())
