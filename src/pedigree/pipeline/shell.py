"""A shell where a datum's step ran: the same inputs, code, variables and isolation as in its job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.errors import DatumNotFound
from pedigree.pipeline import circumstances, jobs, pipelines
from pedigree.pipeline.datums import Source, plan
from pedigree.pipeline.executors.contract import DatumTask

if TYPE_CHECKING:
    from pedigree.pipeline.datums import Datum
    from pedigree.pipeline.jobs import Job
    from pedigree.pipeline.model import PfsInput, Pipeline
    from pedigree.store import Store

#: What a person gets who names no command; /bin/sh where there is no bash.
INTERACTIVE = ("/bin/bash",)


def open_shell(store: Store, datum: str, *, job: str | None = None, command: tuple[str, ...] = INTERACTIVE) -> int:
    """Open a shell for the datum whose id begins with `datum`, as in `job` (PIPELINE[@RUN]) or in the newest
    job that has it; the shell's exit code.

    Raises DatumNotFound, JobNotFound, and CommitNotFound when an input commit of that job was deleted since.
    """
    from pedigree.pipeline.site import Site
    from pedigree.pipeline.step import shell

    found = jobs.get(store, job) if job else None
    found, record = jobs.datum(store, datum, found)
    with Site(store, found.isolation) as site:
        return shell(task(store, found, record.datum), site, command=command)


def task(store: Store, job: Job, datum: str) -> DatumTask:
    """What the job gave its executor for the datum of that full id, planned again from the job's own record."""
    pipeline = pipelines.spec(store, job.spec)
    known = store.records.get(circumstances.CODE, job.code) or {}
    return DatumTask(
        identity="",
        datum=_planned(store, job, pipeline, datum),
        pipeline=pipeline,
        code_tree=str(known.get("tree", "")),
        env={},
        job_id=job.run,
        run_id=job.run,
        output_commit=job.run,
        log_path=Path(),  # a shell prints to its terminal
    )


def _planned(store: Store, job: Job, pipeline: Pipeline, identity: str) -> Datum:
    commits = {(item["name"], item["repo"]): item["commit"] for item in job.inputs}

    def source(item: PfsInput) -> Source | None:
        commit = commits.get((item.name, item.repo))
        if commit is None:  # the input had no commit when the job ran
            return None
        return Source(item.repo, item.branch, commit, store.commit_by_id(commit).tree)

    for found in plan(pipeline, source, store.objects.read):
        if found.id == identity:
            return found
    raise DatumNotFound(
        f"Datum {identity[:12]} of job {job.id} cannot be planned again from the job's inputs.",
        remedy="`pedigree fsck` says whether the store is damaged.",
    )
