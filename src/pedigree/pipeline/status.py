"""What is out of date, and why: the state of every pipeline without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.pipeline import configs, jobs, pipelines, planning
from pedigree.pipeline.jobs import Job
from pedigree.pipeline.planning import Surroundings

if TYPE_CHECKING:
    from pedigree.store import Store

UP_TO_DATE, OUT_OF_DATE, FAILED, NEVER_RUN, WAITING, STOPPED, SERVING = (
    "up to date",
    "out of date",
    "failed",
    "never run",
    "waiting for input",
    "stopped",
    "runs with --watch",
)


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """One pipeline now. `reasons` say what a run would act on; `upstream` names pipelines that would run first."""

    name: str
    kind: str
    state: str
    version: int
    reasons: tuple[str, ...]
    upstream: tuple[str, ...]
    head: str
    last_job: Job | None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "state": self.state,
            "version": self.version,
            "reasons": list(self.reasons),
            "upstream": list(self.upstream),
            "head": self.head,
            "last_job": self.last_job.to_json() if self.last_job else None,
        }


def status(store: Store, *, isolation: str = "auto", compat: str | None = None) -> list[PipelineStatus]:
    """Every pipeline in dependency order. Reads branch heads and file times; runs and hashes nothing that is unchanged."""
    surroundings = Surroundings(store, isolation, compat)
    found = {item.pipeline.name: item for item in pipelines.registered(store)}
    last: dict[str, Job] = {}
    for known in jobs.all_jobs(store):
        last.setdefault(known.pipeline, known)
    stale: set[str] = set()
    result = []
    for pipeline in pipelines.order(item.pipeline for item in found.values()):
        entry = found[pipeline.name]
        head = store.head(pipeline.name, pipeline.output_branch)
        job = last.get(pipeline.name)
        upstream = tuple(sorted({leaf.repo for leaf in pipeline.leaves()} & stale))
        reasons: tuple[str, ...] = ()
        if entry.state == pipelines.STOPPED:
            state = STOPPED
        elif pipeline.kind != "transform":
            state = SERVING
        else:
            plan = planning.plan(surroundings, pipeline)
            reasons = plan.reasons
            state = _state(store, plan, job, bool(upstream))
            if state in (OUT_OF_DATE, FAILED, NEVER_RUN):
                stale.add(pipeline.name)
        drift = configs.drift(store, pipeline)
        if drift:
            reasons = (*reasons, drift)
        result.append(
            PipelineStatus(
                pipeline.name,
                pipeline.kind,
                state,
                entry.version,
                reasons,
                upstream,
                head.id if head else "",
                job,
            )
        )
    return result


def _state(store: Store, plan: planning.JobPlan, job: Job | None, upstream: bool) -> str:
    if not plan.reasons and not upstream:
        return UP_TO_DATE
    if job is not None and job.state == jobs.FAILED and not upstream and _same(plan, job):
        return FAILED
    if plan.head is None:
        return NEVER_RUN if upstream or planning.has_input(store, plan) else WAITING
    return OUT_OF_DATE


def _same(plan: planning.JobPlan, job: Job) -> bool:
    """Whether the failed job ran on what a new one would run on."""
    return (
        [dict(item) for item in job.inputs] == plan.provenance
        and job.spec == plan.pipeline.digest
        and job.code == plan.code.digest
        and job.environment == plan.environment
    )
