"""Jobs as the store remembers them: one record each, a manifest of its datums, and the cache of datum results.

    records "job"      RUN/PIPELINE  -> Job
    records "datum"    identity      -> Result: the cache, global over runs, branches and pipeline versions
    records "parts"    identity      -> what went into the identity, for `explain`
    records "received" identity      -> Result as a bundle from elsewhere states it: for verifying, never taken from the cache
    records "failure"  RUN/PIPELINE/DATUM -> Failure: failed and recovered datums, which are never cached
    object  manifest                 -> one JSON line per datum of the job, in planning order

A manifest holds no times, so the commit that names it has the same id wherever and whenever it is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import DatumNotFound, JobNotFound, meant

if TYPE_CHECKING:
    from pedigree.store import Store

JOB = "job"
PIPELINE = "pipeline"  # those registered; pipelines.py keeps them
RESULT = "datum"
RECEIVED = "received"
PARTS = "parts"
FAILURE = "failure"

#: States of a job, in the words of Pachyderm.
RUNNING, EGRESSING, SUCCESS, FAILED, KILLED, UNRUNNABLE = (
    "running",
    "egressing",
    "success",
    "failure",
    "killed",
    "unrunnable",
)
#: States of a datum within a job.
PROCESSED, SKIPPED, RECOVERED, FAILED_DATUM, NOT_RUN = (
    "processed",
    "skipped",
    "recovered",
    "failed",
    "not run",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One pipeline's part of a run. Times in seconds since the epoch; `manifest` and `commit` empty until known."""

    run: str
    pipeline: str
    state: str
    started: float
    spec: str
    version: int
    inputs: tuple[dict[str, str], ...] = ()
    code: str = ""
    environment: str = ""
    isolation: str = ""
    finished: float = 0.0
    manifest: str = ""
    commit: str = ""
    error: str = ""
    reasons: tuple[str, ...] = ()
    total: int = 0
    processed: int = 0
    skipped: int = 0
    recovered: int = 0
    failed: int = 0
    states: Mapping[str, str] | None = None
    hardware: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        return f"{self.pipeline}@{self.run}"

    @property
    def key(self) -> str:
        return f"{self.run}/{self.pipeline}"

    @property
    def seconds(self) -> float:
        return max(0.0, self.finished - self.started) if self.finished else 0.0

    @property
    def progress(self) -> str:
        """Pachyderm's progress text: processed + skipped [+ recovered] / total."""
        recovered = f" + {self.recovered}" if self.recovered else ""
        return f"{self.processed} + {self.skipped}{recovered} / {self.total}"

    def to_json(self) -> dict[str, Any]:
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)} | {"id": self.id}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        data = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        data["inputs"] = tuple(data.get("inputs", ()))
        data["reasons"] = tuple(data.get("reasons", ()))
        return cls(**data)


@dataclass(frozen=True, slots=True)
class DatumRecord:
    """One line of a manifest.

    `inputs` have name, repo, branch, commit, path, kind, files (digest); `tree` is the tree of what the datum wrote, empty
    unless it was processed.
    """

    datum: str
    identity: str
    inputs: tuple[dict[str, str], ...]
    tree: str
    state: str

    def to_json(self) -> dict[str, Any]:
        return {
            "datum": self.datum,
            "identity": self.identity,
            "inputs": list(self.inputs),
            "state": self.state,
            "tree": self.tree,
        }

    @property
    def label(self) -> str:
        """What a person calls the datum: its input files."""
        return label(self.inputs)


def label(inputs: Iterable[Mapping[str, str]]) -> str:
    return " ".join(f"{item['name']}:/{item['path']}" for item in inputs)


def write_manifest(records: Iterable[DatumRecord]) -> bytes:
    return b"".join(canonical.encode(record.to_json()) + b"\n" for record in records)


def read_manifest(store: Store, digest: str) -> Iterator[DatumRecord]:
    for line in store.objects.read(digest).splitlines():
        value = json.loads(line)
        yield DatumRecord(value["datum"], value["identity"], tuple(value["inputs"]), value["tree"], value["state"])


def save(store: Store, job: Job) -> None:
    store.records.put(JOB, job.key, job.to_json())


def all_jobs(store: Store, pipeline: str | None = None, run: str | None = None) -> list[Job]:
    """Newest first."""
    found = [Job.from_json(value) for _, value in store.records.items(JOB, "" if run is None else f"{run}/")]
    if pipeline is not None:
        found = [job for job in found if job.pipeline == pipeline]
    return sorted(found, key=lambda job: (job.started, job.pipeline), reverse=True)


def get(store: Store, text: str) -> Job:
    """The job PIPELINE@RUN, where RUN may be shortened, or the newest job of PIPELINE when no run is given."""
    pipeline, _, run = text.partition("@")
    found = [job for job in all_jobs(store, pipeline) if job.run.startswith(run)]
    if not found:
        raise JobNotFound(
            f"There is no job {text!r}.",
            remedy=f"{_hint(store, pipeline)}`pedigree job list` shows the jobs; name one as PIPELINE or PIPELINE@RUN.",
        )
    return found[0]


def _hint(store: Store, pipeline: str) -> str:
    ran = {job.pipeline for job in all_jobs(store)}
    known = ran | {name for name, _ in store.records.items(PIPELINE)}
    if pipeline in known:
        return "" if pipeline in ran else f"{pipeline} has not run yet: `pedigree run` runs it. "
    return meant(pipeline, known)


def datums(store: Store, job: Job) -> list[DatumRecord]:
    """The job's datums in planning order; `state` is that within this job (skipped: its result was there already)."""
    if not job.manifest:
        return []
    states = job.states or {}
    return [
        DatumRecord(
            item.datum,
            item.identity,
            item.inputs,
            item.tree,
            states.get(item.datum, SKIPPED if item.state == PROCESSED else item.state),
        )
        for item in read_manifest(store, job.manifest)
    ]


def datum(store: Store, text: str, job: Job | None = None) -> tuple[Job, DatumRecord]:
    """The datum whose id starts with `text` (at least 4 characters), in `job` or in the newest job that has it."""
    if len(text) >= 4:
        for candidate in all_jobs(store) if job is None else [job]:
            for item in datums(store, candidate):
                if item.datum.startswith(text):
                    return candidate, item
    raise DatumNotFound(
        f"There is no datum {text!r}" + (f" in job {job.id}." if job else " in any job."),
        remedy="`pedigree datum list JOB` shows the datums of a job; give at least 4 characters of the id.",
    )


def log(store: Store, job: Job, item: DatumRecord) -> bytes:
    """Everything that the datum's step printed when it last ran, standard output and error as they came."""
    digest = None
    failure = store.records.get(FAILURE, f"{job.key}/{item.datum}")
    if failure is not None:
        digest = failure.get("log")
    else:
        result = store.records.get(RESULT, item.identity)
        if result is not None:
            digest = result.get("log")
    return store.objects.read(digest) if digest else b""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value
