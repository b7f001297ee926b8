"""What the store holds of how a commit was made, which is all that making it again may use.

A datum may have been computed by an earlier job than the commit's own: then its step was told that job's ids, pipeline
name and input commits (identity.py says which), and is told them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.errors import CommitNotFound, PedigreeError, PipelineNotFound
from pedigree.pipeline import configs, datums, identity, jobs, pipelines, sandbox
from pedigree.pipeline.datums import Datum, DatumInput, Source
from pedigree.pipeline.jobs import DatumRecord, Job
from pedigree.pipeline.model import PfsInput, Pipeline
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit


@dataclass(frozen=True, slots=True)
class Work:
    """One datum to make again: as the job that computed it had it, in `pipeline` and run `run`.

    `reason` says why it cannot be made again; `gap`, why an equal result would be no proof. Both empty when all is recorded.
    """

    record: DatumRecord
    pipeline: Pipeline
    run: str
    datum: Datum | None
    reason: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A commit with all that is recorded of it. `reason` says why nothing of it can be made again, "" if something can."""

    commit: Commit
    reason: str = ""
    works: tuple[Work, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def made_by(self) -> Mapping[str, Any]:
        return self.commit.made_by


def look_up(store: Store, commit: Commit) -> Recorded:
    """Everything about the commit. Raises Damaged where the store has lost or cannot vouch for what it recorded."""
    made_by = commit.made_by
    if not made_by:
        return Recorded(commit, origin(store, commit))
    if not made_by.get("manifest"):
        return Recorded(commit, origin(store, commit))
    try:
        pipeline = pipelines.spec(store, made_by["spec"])
    except PipelineNotFound:
        return Recorded(commit, f"Its spec {made_by['spec'][:12]} is not in the store.")
    reason = _config(store, pipeline, made_by) or _code(store, made_by)
    return Recorded(commit, reason) if reason else _Reader(store, commit, pipeline).read()


def origin(store: Store, commit: Commit) -> str:
    """Why no pipeline can make the commit again, which did not make it from inputs; "" for the others."""
    if commit.made_by.get("manifest"):
        return ""
    if commit.made_by:
        return "A spout wrote it: what it read from the outside world is recorded nowhere else."
    kind = store.repository(commit.repo).kind
    if kind == "cron":
        return "Ticks of a clock wrote it."
    return "Somebody put it in; it was not made from anything."


def _config(store: Store, pipeline: Pipeline, made_by: Mapping[str, Any]) -> str:
    if pipeline.config is None:
        return ""
    if store.records.get(configs.CONFIG, pipeline.config.frozen) is None:
        return f"Its frozen configuration {pipeline.config.digest[:12]} is not in the store."
    if made_by.get("config") != pipeline.config_digest:
        return "The configuration of its spec is not the one that the commit names."
    return ""


def _code(store: Store, made_by: Mapping[str, Any]) -> str:
    tree = made_by.get("code_tree")
    if tree is None:
        return "The files of its code were not recorded."
    found = trees.scan(tree, store.objects.read) if tree else ()
    digest = canonical.digest_of("code", [[path, entry.kind, entry.digest] for path, entry in found])
    return "" if digest == made_by["code"] else "The code that is stored is not the code that the commit names."


class _Reader:
    """Makes the works of one commit."""

    def __init__(self, store: Store, commit: Commit, pipeline: Pipeline) -> None:
        self.store = store
        self.commit = commit
        self.pipeline = pipeline
        self.parts = self._parts(pipeline)
        self.records = list(jobs.read_manifest(store, commit.made_by["manifest"]))
        names = [item.identity for item in self.records]
        self.results = store.records.many(jobs.RECEIVED, names) | store.records.many(jobs.RESULT, names)
        self._jobs: dict[str, tuple[Job, Pipeline] | None] = {}

    def read(self) -> Recorded:
        try:
            planned = {item.id: item for item in datums.plan(self.pipeline, self._source, self.store.objects.read)}
        except CommitNotFound as error:
            return Recorded(self.commit, f"One of its inputs is not in the store any more. {error.message}")
        unknown = len(planned.keys() - {item.datum for item in self.records})
        if unknown:
            return Recorded(self.commit, f"Its inputs give {unknown:,} datums that the commit has no result of.")
        works = tuple(self._work(item, planned.get(item.datum)) for item in self.records)
        return Recorded(self.commit, "", works, self._notes())

    def _notes(self) -> tuple[str, ...]:
        level = self.commit.made_by["isolation"]
        if level in sandbox.SEALED:
            return ()
        note = f"it was made, and made again, with isolation {level}, under which a step can read more than it declares"
        return (f"{note}: the same bytes do not prove that nothing else got in",)

    def _source(self, item: PfsInput) -> Source | None:
        """The commit that the input read then. One that nothing matched is named by the provenance alone."""
        named = {
            one["commit"]
            for record in self.records
            for one in record.inputs
            if (one["name"], one["repo"], one["branch"]) == (item.name, item.repo, item.branch)
        }
        if not named:
            found = self.commit.provenance
            named = {one["commit"] for one in found if (one["name"], one["repo"]) == (item.name, item.repo)}
        if len(named) != 1:
            return None
        commit = self.store.commit_by_id(named.pop())
        return Source(item.repo, item.branch, commit.id, commit.tree)

    def _work(self, record: DatumRecord, datum: Datum | None) -> Work:
        def broken(reason: str) -> Work:
            return Work(record, self.pipeline, self.commit.run, None, reason)

        if datum is None:
            return broken("its inputs, as recorded, do not give this datum")
        if identity.of_datum(self.parts, datum)[0] != record.identity:
            return broken(
                "what is recorded gives another identity: its result was taken over from other work (as "
                "--compat pachyderm does), or another version of Pedigree made it"
            )
        pipeline, run, told = self._computed(record, datum)
        reason = self._secrets(pipeline)
        if reason:
            return broken(reason)
        return Work(record, pipeline, run, told, gap=self._gap(pipeline, record, datum))

    def _computed(self, record: DatumRecord, datum: Datum) -> tuple[Pipeline, str, Datum]:
        """The pipeline, run and datum of the job that computed the result, as far as that is known."""
        result = self.results.get(record.identity)
        if result is None or result["tree"] != record.tree:
            return self.pipeline, self.commit.run, datum
        found = self._job(str(result["job"]))
        if found is None:
            return self.pipeline, self.commit.run, datum
        job, pipeline = found
        inputs = tuple(self._as_read(item, job) for item in datum.inputs)
        return pipeline, job.run, Datum(str(result["datum"]), inputs, datum.index)

    def _job(self, name: str) -> tuple[Job, Pipeline] | None:
        if name not in self._jobs:
            pipeline, _, run = name.partition("@")
            value = self.store.records.get(jobs.JOB, f"{run}/{pipeline}")
            self._jobs[name] = None
            if value is not None:
                job = Job.from_json(value)
                spec = self.store.records.get(pipelines.SPEC, job.spec)
                made = None if spec is None else Pipeline.from_json(spec)
                kept = made is not None and (
                    made.config is None or self.store.records.get(configs.CONFIG, made.config.frozen) is not None
                )
                if made is not None and kept and self._parts(made) == self.parts:
                    self._jobs[name] = (job, made)
        return self._jobs[name]

    def _as_read(self, item: DatumInput, job: Job) -> DatumInput:
        """The input under the commit that the job read: the step is told it, and reads of it what is no part of an identity."""
        commit = self._read_by(item, job)
        if commit in (None, item.commit):
            return item
        assert commit is not None
        if not item.reference:
            return item._replace(commit=commit)
        try:
            return item._replace(commit=commit, tree=self.store.commit_by_id(commit).tree)
        except CommitNotFound:
            return item  # `_gap` says so

    def _read_by(self, item: DatumInput, job: Job) -> str | None:
        named = {one["commit"] for one in job.inputs if one["name"] == item.name}
        return named.pop() if len(named) == 1 else None

    def _gap(self, pipeline: Pipeline, record: DatumRecord, datum: Datum) -> str:
        if pipeline.network:
            return "its step has the network, and what it read there is not recorded"
        if pipeline.transform.secrets:
            names = ", ".join(sorted({item.name for item in pipeline.transform.secrets}))
            return f"its step is given secrets ({names}), whose values are not recorded"
        for item in datum.inputs:
            if item.reference and not self._reference_known(record, item):
                return f"which files of the reference input {item.name} the step read is not recorded"
        return ""

    def _reference_known(self, record: DatumRecord, item: DatumInput) -> bool:
        result = self.results.get(record.identity)
        found = None if result is None or result["tree"] != record.tree else self._job(str(result["job"]))
        commit = None if found is None else self._read_by(item, found[0])
        if commit is None:
            return False
        try:
            self.store.commit_by_id(commit)
        except CommitNotFound:
            return False
        return True

    def _secrets(self, pipeline: Pipeline) -> str:
        if not pipeline.transform.secrets:
            return ""
        from pedigree.pipeline.secrets import Secrets

        try:
            Secrets(pipeline.transform.secrets, self.store.folder / "secrets")
        except PedigreeError as error:
            return error.message
        return ""

    def _parts(self, pipeline: Pipeline) -> dict[str, Any]:
        made_by = self.commit.made_by
        return identity.step_parts(
            pipeline,
            code_digest=made_by["code"],
            environment_digest=made_by["environment"],
            isolation=sandbox.sight(made_by["isolation"]),
        )


def numbered(recorded: Recorded) -> Recorded:
    """The same with the place of each work as the index of its datum."""
    works = tuple(
        work if work.datum is None else replace(work, datum=replace(work.datum, index=at))
        for at, work in enumerate(recorded.works)
    )
    return replace(recorded, works=works)
