"""One job: plan the datums, reuse what is known, run the rest, merge, commit.

Results of datums become durable in batches while the job runs, each batch by one publication and one transaction, so a
killed job loses at most the results of the last quarter of a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pedigree.errors import Conflict, PathClash, PedigreeError
from pedigree.pipeline import (
    checkpoints,
    circumstances,
    datums,
    events,
    identity,
    jobs,
    merging,
    planning,
    sandbox,
    tagging,
)
from pedigree.pipeline.datums import Datum
from pedigree.pipeline.events import OnEvent
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.jobs import DatumRecord, Job
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import JobPlan, Surroundings
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.executors.local import LocalExecutor
    from pedigree.pipeline.scheduler import Slots
    from pedigree.store.batch import Batch

#: A finished datum is durable at the latest this long after it ended, in seconds.
FLUSH_S = 0.25

#: How much of a failed step's log an error shows.
TAIL_LINES = 12
TAIL_BYTES = 4096


class JobRunner:
    """Runs one job in the calling thread; `stop` may be called from any other."""

    def __init__(
        self,
        surroundings: Surroundings,
        pipeline: Pipeline,
        run: str,
        slots: Slots,
        workers: int,
        *,
        reprocess: bool,
        begin: Callable[[str], None],
        on_event: OnEvent,
    ) -> None:
        self.surroundings = surroundings
        self.store = surroundings.store
        self.pipeline = pipeline
        self.run_id = run
        self.slots = slots
        self.workers = workers
        self.reprocess = reprocess
        self.begin = begin
        self.on_event = on_event
        self._lock = threading.RLock()
        self._executor: LocalExecutor | None = None
        self._stopped: str = ""
        self._batch: Batch | None = None
        self._unsaved: list[tuple[str, str, dict[str, Any], list[str], list[str]]] = []
        self._last_flush = 0.0
        self._timer: threading.Timer | None = None
        self._flush_error: BaseException | None = None
        self._results: dict[str, tuple[str, str]] = {}

    def stop(self, why: str = "the run was stopped") -> None:
        """Kill the steps that run. Finished datums are kept; `run` returns a killed job."""
        with self._lock:
            self._stopped = self._stopped or why
            executor = self._executor
        if executor is not None:
            executor.stop()

    def unrunnable(self, broken: list[str]) -> Job:
        """The record of a job that cannot run because something upstream of it failed."""
        moment = time.time()
        self.begin(self.run_id)
        error = f"not run: {', '.join(broken)} failed in this run"
        job = Job(
            self.run_id,
            self.pipeline.name,
            jobs.UNRUNNABLE,
            moment,
            self.pipeline.digest,
            0,
            finished=moment,
            error=error,
        )
        with self.store.database.transaction():
            jobs.save(self.store, job)
        self._finished(job)
        return job

    def run(self) -> Job | None:
        """The finished job; None when the pipeline was up to date after all, or has nothing to read yet."""
        from pedigree.pipeline import environment

        plan = planning.plan(self.surroundings, self.pipeline)
        if not plan.reasons and not self.reprocess:
            return None
        if plan.head is None and not planning.has_input(self.store, plan):
            return None
        job = Job(
            run=self.run_id,
            pipeline=self.pipeline.name,
            state=jobs.RUNNING,
            started=time.time(),
            spec=self.pipeline.digest,
            version=self._version(),
            inputs=tuple(plan.provenance),
            code=plan.code.digest,
            environment=plan.environment,
            isolation=plan.isolation,
            hardware=environment.hardware(),
            reasons=plan.reasons or ("asked to run everything again",),
        )
        self.begin(self.run_id)
        self._job = job
        try:
            with self._deadline():
                return self._run(plan, job)
        except PedigreeError as error:
            state, why = (jobs.KILLED, f"{self._stopped}. {error}") if self._stopped else (jobs.FAILED, str(error))
            job = replace(self._job, state=state, finished=time.time(), error=why)
            with self.store.database.transaction():
                jobs.save(self.store, job)
            self._finished(job)
            return job
        finally:
            self._discard()

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Stops the job when its job_timeout is over, whatever it is busy with then."""
        limit = self.pipeline.job_timeout_s
        if not limit:
            yield
            return
        timer = threading.Timer(limit, lambda: self.stop(f"the job ran longer than its job_timeout of {limit:g} s"))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _run(self, plan: JobPlan, job: Job) -> Job:
        code_tree = circumstances.keep(self.surroundings, plan.code)
        planned = datums.plan(self.pipeline, plan.source, self.store.objects.read)
        shared = identity.step_parts(
            self.pipeline,
            code_digest=plan.code.digest,
            environment_digest=plan.environment,
            isolation=sandbox.sight(plan.isolation),
        )
        named = [identity.of_datum(shared, datum) for datum in planned]
        known = self._known(plan, planned, [name for name, _ in named])
        to_run = [
            (datum, name, parts) for datum, (name, parts) in zip(planned, named, strict=True) if datum.id not in known
        ]
        job = self._job = replace(job, total=len(planned), skipped=len(known))
        with self.store.database.transaction():
            jobs.save(self.store, job)
        self.on_event(events.JobPlanned(job.id, job.pipeline, len(planned), len(known), job.reasons))
        states: dict[str, str] = {}
        if to_run:
            states = self._execute(job, code_tree, to_run)
            self._check_environment(plan)
        records = [self._record(datum, name, known, states) for datum, (name, _) in zip(planned, named, strict=True)]
        job = self._job = self._counted(job, states)
        if self._stopped or job.failed or len(states) < len(to_run):
            return self._fail(job, records, states)
        return self._commit(plan, job, code_tree, records)

    # -- before

    def _known(self, plan: JobPlan, planned: list[Datum], names: list[str]) -> dict[str, tuple[str, str]]:
        """(identity, tree) by datum id, for the datums that need not run."""
        if self.reprocess or self.pipeline.reprocess == "every_job":
            return {}
        if plan.compat == "pachyderm":
            return self._known_to_pachyderm(plan, planned)
        results = self.store.records.many(jobs.RESULT, names)
        return {
            datum.id: (name, results[name]["tree"])
            for datum, name in zip(planned, names, strict=True)
            if name in results
        }

    def _known_to_pachyderm(self, plan: JobPlan, planned: list[Datum]) -> dict[str, tuple[str, str]]:
        """What the last successful job made of the datums that Pachyderm would skip."""
        from pedigree.pipeline import compat, pipelines

        before = {record.datum: record for record in self._before()[1]}
        if plan.head is None or not before:
            return {}
        salt = pipelines.spec(self.store, plan.head.made_by["spec"]).salt
        return {
            name: (before[name].identity, before[name].tree)
            for name in compat.skipped(self.pipeline, planned, before, salt)
        }

    def _before(self) -> tuple[str, list[DatumRecord]]:
        """Tree and manifest of the output that this job replaces."""
        head = self.store.head(self.pipeline.name, self.pipeline.output_branch)
        if head is None or not head.made_by.get("manifest"):
            return trees.EMPTY, []
        return head.tree, list(jobs.read_manifest(self.store, head.made_by["manifest"]))

    def _version(self) -> int:
        from pedigree.pipeline import pipelines

        return pipelines.get(self.store, self.pipeline.name).version

    # -- running

    def _execute(self, job: Job, code_tree: str, to_run: list[tuple[Datum, str, dict[str, Any]]]) -> dict[str, str]:
        """State by datum id of everything that ran to an end."""
        from pedigree.pipeline.executors.local import LocalExecutor

        number = min(self.workers, len(to_run), self.pipeline.parallelism or self.workers)
        with self._lock:
            if self._stopped:
                return {}
            self._executor = LocalExecutor(self.store, workers=number, isolation=job.isolation)
        logs = self.store.folder / "logs" / self.run_id / self.pipeline.name
        logs.mkdir(parents=True, exist_ok=True)
        parts = {name: value for _, name, value in to_run}
        states: dict[str, str] = {}
        held = 0

        def tasks() -> Iterator[DatumTask]:
            nonlocal held
            for datum, name, _ in to_run:
                if not self.slots.take():
                    return
                held += 1
                self.on_event(events.DatumStarted(job.id, job.pipeline, datum.id, jobs.label(_inputs(datum)), name))
                yield DatumTask(
                    identity=name,
                    datum=datum,
                    pipeline=self.pipeline,
                    code_tree=code_tree,
                    env={},
                    job_id=self.run_id,
                    run_id=self.run_id,
                    output_commit=self.run_id,
                    log_path=logs / f"{datum.id}.log",
                    checkpoints=checkpoints.folder_of(self.store, name),
                )

        def on_result(result: DatumResult) -> None:
            nonlocal held
            held -= 1
            self.slots.give()
            states[result.task.datum.id] = result.state
            tail = self._keep(job, result, parts[result.task.identity])
            self.on_event(
                events.DatumFinished(
                    job.id,
                    job.pipeline,
                    result.task.datum.id,
                    jobs.label(_inputs(result.task.datum)),
                    result.state,
                    result.seconds,
                    "" if result.state == "processed" else f"{result.reason} {result.remedy}".strip(),
                    tail,
                )
            )

        try:
            self._executor.run(tasks(), on_result)
        finally:
            for _ in range(held):  # of tasks that were stopped, which have no result
                self.slots.give()
            self._flush()
        _remove_if_empty(logs)
        return states

    def _check_environment(self, plan: JobPlan) -> None:
        """Forget this job's results and raise Conflict when the environment changed while its steps ran.

        They would be reused under the fingerprint of before, and nobody can say which of them saw what.
        """
        if self.surroundings.environment_given is not None:
            return
        from pedigree.pipeline import environment

        if environment.capture(cache=self.store.folder / "cache").fingerprint == plan.environment:
            return
        names = [name for name, _ in self._results.values()]
        with self.store.database.transaction():
            for kind in (jobs.RESULT, jobs.PARTS):
                self.store.records.delete(kind, *names)
                for name in names:
                    self.store.unpin(f"{kind}/{name}")
        raise Conflict(
            f"The environment changed while {self.pipeline.name} ran (a package was installed, removed or edited); "
            f"its {len(names)} results are dropped.",
            remedy="Run again, and install nothing meanwhile.",
        )

    def _keep(self, job: Job, result: DatumResult, parts: dict[str, Any]) -> str:
        """Take over what one datum left, for the next flush. The last lines that it printed, unless it went well."""
        task = result.task
        with self._lock:
            if self._flush_error is not None:
                raise self._flush_error
            if self._batch is None:
                self._batch = self.store.objects.batch()
                self._batch.__enter__()
            printed = _read_log(task)
            log = self._batch.add(printed) if printed else ""
            value: dict[str, Any] = {
                "job": job.id,
                "datum": task.datum.id,
                "started": result.started,
                "seconds": result.seconds,
                "cpu_seconds": result.cpu_seconds,
                "max_rss_bytes": result.max_rss_bytes,
                "tries": result.tries,
                "log": log,
            }
            logs = [log] if log else []
            if result.state == "processed":
                files = result.collect(self._batch)
                tree = trees.build(iter(files.items()), self._batch.add)
                value |= {
                    "tree": tree,
                    "files": len(files),
                    "size_bytes": sum(item.size for item in files.values()),
                }
                self._results[task.datum.id] = (task.identity, tree)
                self._unsaved.append((jobs.RESULT, task.identity, value, [tree], logs))
                self._unsaved.append((jobs.PARTS, task.identity, parts, [], []))
            else:
                value |= {
                    "state": result.state,
                    "reason": result.reason,
                    "remedy": result.remedy,
                    "exit_code": result.exit_code,
                    "identity": task.identity,
                    "parts": parts,
                }
                self._unsaved.append((jobs.FAILURE, f"{job.key}/{task.datum.id}", value, [], logs))
            self._schedule_flush()
        return "" if result.state == "processed" else _tail(printed)

    def _schedule_flush(self) -> None:
        if time.monotonic() - self._last_flush >= FLUSH_S:
            self._flush()
        elif self._timer is None:
            self._timer = threading.Timer(FLUSH_S, self._flush_later)
            self._timer.daemon = True
            self._timer.start()

    def _flush_later(self) -> None:
        try:
            self._flush()
        except BaseException as error:  # raised again by the next result, in the job's own thread
            self._flush_error = error

    def _flush(self) -> None:
        """Make everything kept so far durable: one publication, one transaction."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._batch is None:
                return
            with self.store.lock.shared():
                self._batch.publish()
                with self.store.database.transaction():
                    self._batch.record()
                    by_kind: dict[str, dict[str, Any]] = {}
                    for kind, name, value, kept_trees, kept_objects in self._unsaved:
                        by_kind.setdefault(kind, {})[name] = value
                        if kept_trees or kept_objects:
                            self.store.pin(f"{kind}/{name}", trees=kept_trees, objects=kept_objects)
                    for kind, values in by_kind.items():
                        self.store.records.put_many(kind, values)
            if self.pipeline.checkpoints:
                checkpoints.remove(self.store, [name for kind, name, *_ in self._unsaved if kind == jobs.RESULT])
            self._discard()
            self._last_flush = time.monotonic()

    def _discard(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            batch, self._batch = self._batch, None
            self._unsaved = []
            if batch is not None:
                batch.__exit__(None, None, None)

    # -- after

    def _record(
        self, datum: Datum, name: str, known: Mapping[str, tuple[str, str]], states: Mapping[str, str]
    ) -> DatumRecord:
        found = known.get(datum.id) or self._results.get(datum.id)
        inputs = tuple(_inputs(datum))
        if found is not None:
            return DatumRecord(datum.id, found[0], inputs, found[1], jobs.PROCESSED)
        return DatumRecord(datum.id, name, inputs, "", states.get(datum.id, jobs.NOT_RUN))

    def _counted(self, job: Job, states: Mapping[str, str]) -> Job:
        ended = list(states.values())
        return replace(
            job,
            states=dict(states),
            processed=ended.count("processed"),
            recovered=ended.count("recovered"),
            failed=ended.count("failed"),
        )

    def _fail(self, job: Job, records: list[DatumRecord], states: Mapping[str, str]) -> Job:
        """Close a job that made no commit. Its manifest is kept so that its datums can be looked at."""
        if self._stopped:
            state, error = jobs.KILLED, f"{self._stopped}; {job.processed} finished datums were kept"
        else:
            first = next(record for record in records if states.get(record.datum) == "failed")
            failure = self.store.records.get(jobs.FAILURE, f"{job.key}/{first.datum}") or {}
            state = jobs.FAILED
            error = (
                f"{job.failed} of {job.total} datums failed, the first {first.datum[:12]} ({first.label}): "
                f"{failure.get('reason', '')}\n`pedigree logs {job.id} --datum {first.datum[:12]}` shows all that it printed; "
                f"`pedigree datum shell {first.datum[:12]}` opens a shell where it ran."
            )
        return self._close(job, records, state, error)

    def _close(self, job: Job, records: list[DatumRecord], state: str, error: str) -> Job:
        with self.store.objects.batch() as batch, self.store.lock.shared():
            manifest = batch.add(jobs.write_manifest(records))
            job = replace(job, state=state, finished=time.time(), manifest=manifest, error=error)
            batch.publish()
            with self.store.database.transaction():
                batch.record()
                self.store.pin(f"job/{job.key}", objects=[manifest])
                jobs.save(self.store, job)
        self._finished(job)
        return job

    def _commit(self, plan: JobPlan, job: Job, code_tree: str, records: list[DatumRecord]) -> Job:
        """Merge, write the output commit and the job's record in one transaction."""
        with self.store.objects.batch() as batch:
            read = batch.reader()
            # Asked to run everything again, it trusts nothing of the old tree: that may be what is damaged.
            before_tree, before = (trees.EMPTY, []) if self.reprocess else self._before()
            tree = None
            if before:
                tree = merging.update(before_tree, before, records, read, batch.add)
            if tree is None:
                try:
                    tree = merging.merge(records, read, batch.add)
                except PathClash as clash:
                    clash.remedy = f"{clash.remedy} No commit was made; the results of the datums are kept."
                    return self._close(job, records, jobs.FAILED, str(clash))
            manifest = batch.add(jobs.write_manifest(records))
            if self.pipeline.egress is not None:
                with self.store.lock.shared():
                    batch.publish()
                    with self.store.database.transaction():
                        batch.record()
                        self.store.pin(f"job/{job.key}", trees=[tree], objects=[manifest])
                        job = self._job = replace(job, state=jobs.EGRESSING, manifest=manifest)
                        jobs.save(self.store, job)
                self.on_event(events.Egressing(job.id, job.pipeline, self.pipeline.egress.url))
                from pedigree.pipeline import egress

                egress.write(
                    self.store,
                    tree,
                    self.pipeline.egress,
                    stopped=lambda: bool(self._stopped),
                    say=lambda line: self.on_event(events.Output(job.pipeline, line)),
                )
            with self.store.lock.shared():
                batch.publish()
                with self.store.database.transaction():
                    batch.record()
                    commit = self.store.commit_output(
                        self.pipeline.name,
                        self.pipeline.output_branch,
                        tree,
                        provenance=plan.provenance,
                        made_by=plan.made_by(manifest, code_tree),
                        run=self.run_id,
                        started=job.started,
                        message=f"{job.id}: {job.progress}",
                    )
                    untagged = tagging.tag(self.store, commit, self.pipeline.tag) if self.pipeline.tag else ""
                    # The parent may hold the same manifest; this job's pin keeps its own when the commit goes.
                    self.store.pin(f"job/{job.key}", objects=[manifest])
                    job = replace(
                        job,
                        state=jobs.SUCCESS,
                        finished=time.time(),
                        manifest=manifest,
                        commit=commit.id,
                        error=untagged,
                    )
                    jobs.save(self.store, job)
        self._finished(job)
        return job

    def _finished(self, job: Job) -> None:
        self.on_event(
            events.JobFinished(
                job.id,
                job.pipeline,
                job.state,
                job.processed,
                job.skipped,
                job.recovered,
                job.failed,
                job.total,
                job.seconds,
                job.commit,
                job.error,
            )
        )


def _inputs(datum: Datum) -> list[dict[str, str]]:
    return [
        {
            "name": item.name,
            "repo": item.repo,
            "branch": item.branch,
            "commit": item.commit,
            "path": item.path,
            "kind": item.kind,
            "files": "" if item.reference else item.files_digest,
        }
        for item in datum.inputs
    ]


def _read_log(task: DatumTask) -> bytes:
    """What the step printed; the file is not needed any more once it is in the store."""
    try:
        data = task.log_path.read_bytes()
        task.log_path.unlink()
    except OSError:
        return b""
    return data


def _tail(printed: bytes) -> str:
    lines = printed[-TAIL_BYTES:].decode("utf-8", "replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:])


def _remove_if_empty(folder: Any) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()
