"""Running one datum: its tries, its error command, its result."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pedigree.pipeline import account, checkpoints, configs, environment, outputs, pipes, process, view
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.limits import Limits, describe
from pedigree.pipeline.sandbox import Launch
from pedigree.pipeline.secrets import Secrets
from pedigree.pipeline.transcript import Transcript

if TYPE_CHECKING:
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.pipeline.model import Pipeline
    from pedigree.pipeline.process import Ended, Stop
    from pedigree.pipeline.site import Site
    from pedigree.pipeline.view import Mount
    from pedigree.pipeline.workplace import Workplace


@dataclass(slots=True)
class Leftover:
    """The workplace of the last try, which holds the outputs until the result is taken."""

    site: Site
    place: Workplace | None = None

    def remove(self) -> None:
        place, self.place = self.place, None
        if place is not None:
            self.site.release(place)

    def discard(self) -> None:
        """`remove` for a workplace in an unknown state."""
        place, self.place = self.place, None
        if place is not None:
            place.remove()


@dataclass(slots=True)
class _Tally:
    tries: int = 0
    cpu_seconds: float = 0.0
    max_rss_bytes: int = 0
    exit_code: int | None = None
    reason: str = ""
    remedy: str = ""
    recovered: bool = False
    outputs: outputs.Outputs | None = field(default=None)

    def add(self, ended: Ended) -> None:
        self.cpu_seconds += ended.cpu_seconds
        self.max_rss_bytes = max(self.max_rss_bytes, ended.max_rss_bytes)


def run_datum(task: DatumTask, site: Site, stop: Stop) -> tuple[DatumResult, Leftover] | None:
    """Run a task to its result; None when `stop` was thrown before it had one.

    Every try begins with fresh inputs and an empty /pfs/out. After each failed one `err_cmd` runs where it failed; if
    that succeeds once and no try does, the datum is recovered. The caller removes the leftover.
    Raises what is not the step's fault: a missing object, a full disk, a secret that nobody provides.
    """
    pipeline = task.pipeline
    started = time.time()
    clock = time.monotonic()
    secrets = Secrets(pipeline.transform.secrets, site.store.folder / "secrets")
    transcript = Transcript(task.log_path, secrets.values)
    tally = _Tally()
    leftover = Leftover(site)
    try:
        with checkpoints.mounted(task, site) as kept:
            while tally.outputs is None and tally.tries < max(1, pipeline.datum_tries):
                leftover.remove()
                if stop.thrown:
                    return None
                tally.tries += 1
                if tally.tries > 1:
                    transcript.note(f"try {tally.tries} of {pipeline.datum_tries}: {tally.reason}")
                leftover.place = site.workplace()
                _try(task, site, leftover.place, secrets, kept, transcript, stop, tally)
        if tally.outputs is None and stop.thrown:
            leftover.remove()
            return None
    except BaseException:
        leftover.discard()
        raise
    finally:
        transcript.close()
    good = tally.outputs is not None
    result = DatumResult(
        task=task,
        state="processed" if good else "recovered" if tally.recovered else "failed",
        tries=tally.tries,
        exit_code=tally.exit_code,
        started=started,
        seconds=time.monotonic() - clock,
        reason="" if good else tally.reason,
        remedy="" if good else tally.remedy,
        isolation=site.isolation.level,
        max_rss_bytes=tally.max_rss_bytes,
        cpu_seconds=tally.cpu_seconds,
        log_bytes=transcript.printed_bytes,
        outputs=tally.outputs,
    )
    return result, leftover


def _try(
    task: DatumTask,
    site: Site,
    place: Workplace,
    secrets: Secrets,
    kept: tuple[Mount, ...],
    transcript: Transcript,
    stop: Stop,
    tally: _Tally,
) -> None:
    transform = task.pipeline.transform
    place.fill(task.datum.inputs, site.store.objects, share=site.isolation.level != "rewriting")
    launch = prepare(task, site, place, secrets, kept)

    def execute(argv: tuple[str, ...], stdin: tuple[str, ...]) -> Ended:
        with pipes.Filling(place, site.store.objects):
            ended = process.run(
                site.isolation,
                replace(launch, argv=argv),
                stdin="".join(line + "\n" for line in stdin).encode(),
                printed=transcript,
                timeout_s=task.pipeline.datum_timeout_s,
                limits=limits(task.pipeline, site),
                stop=stop,
            )
        tally.add(ended)
        return ended

    ended = execute(launch.argv, transform.stdin)
    tally.exit_code = ended.exit_code
    accepted = ended.exit_code == 0 or ended.exit_code in transform.accept_return_code
    if accepted and ended.executed:
        try:
            # Not even a link in /pfs/out may carry a secret into the store, or what a result does not depend on.
            hidden = (*secrets.mounts, *kept)
            seen = tuple(mount for mount in launch.view.mounts if mount not in hidden)
            tally.outputs = outputs.scan(place, replace(launch.view, mounts=seen))
        except outputs.InvalidOutput as error:
            tally.reason, tally.remedy = error.message, error.remedy or ""
    else:
        tally.reason, tally.remedy = reason(task, ended, transcript, site)
    if tally.outputs is None and transform.err_cmd and not stop.thrown:
        transcript.note(f"err_cmd, because {tally.reason}")
        cleaned = execute(transform.err_cmd, transform.err_stdin)
        tally.recovered = tally.recovered or (cleaned.exit_code == 0 and cleaned.executed)


def prepare(
    task: DatumTask,
    site: Site,
    place: Workplace,
    secrets: Secrets,
    kept: tuple[Mount, ...] = (),
    *,
    terminal: bool = False,
) -> Launch:
    """The launch of the task's command in a filled workplace, which gets the file of the configuration.

    `kept` is the mount with its checkpoints, if it has any.
    """
    transform = task.pipeline.transform
    user = account.of(transform.user)
    config = site.config(task.pipeline)
    if config is not None:
        place.give(configs.FILE, config)
    seen = site.view(place, task.code_tree, user, (*secrets.mounts, *kept))
    cwd = transform.working_dir or view.CODE
    if not cwd.startswith("/"):
        cwd = os.path.normpath(f"{view.CODE}/{cwd}")
    links = view.aliases((cwd,), (*transform.cmd, *transform.stdin, *transform.err_cmd, *transform.err_stdin), seen)
    limits = task.pipeline.resource_limits
    return Launch(
        argv=transform.cmd,
        env={**variables(task, site.spec(task.pipeline), site.python), **secrets.variables},
        cwd=cwd,
        view=replace(seen, links=links),
        network=task.pipeline.network,
        gpu=limits is not None and bool(limits.gpu),
        terminal=terminal,
        user=user,
    )


def variables(task: DatumTask, spec: str, python: Interpreter | None = None) -> dict[str, str]:
    """Every variable that the step is given but secrets: Pachyderm's, the fixed ones, those of the task and of the spec.

    `spec` is the digest of the pipeline. Of two with one name the later of these counts.
    """
    pipeline = task.pipeline
    found: dict[str, str] = {}
    for item in task.datum.inputs:
        found[item.name] = f"/pfs/{item.name}/{item.path}"
        found[f"{item.name}_COMMIT"] = item.commit
        if item.join_on:
            found[f"PACH_DATUM_{item.name}_JOIN_ON"] = item.join_on
        if item.group_by:
            found[f"PACH_DATUM_{item.name}_GROUP_BY"] = item.group_by
    found["PACH_DATUM_ID"] = task.datum.id
    found["PACH_JOB_ID"] = task.job_id
    found["PACH_OUTPUT_COMMIT_ID"] = task.output_commit
    found["PPS_PIPELINE_NAME"] = pipeline.name
    # There is neither a project, nor a namespace, nor a pod; scripts that print or compare these find what is steady.
    found["PPS_PROJECT_NAME"] = found["PACH_NAMESPACE"] = "default"
    found["PPS_POD_NAME"] = pipeline.name
    found["FILESET_ID"] = task.output_commit
    found["PPS_SPEC_COMMIT"] = spec
    if pipeline.config is not None:
        found[configs.VARIABLE] = f"{view.PFS}/{configs.FILE}"
    if pipeline.checkpoints:
        found[checkpoints.VARIABLE] = view.CHECKPOINTS
    found.update(environment.variables(pipeline, python))
    found["USER"] = found["LOGNAME"] = account.of(pipeline.transform.user).name
    found.update(task.env)
    found.update(pipeline.transform.env)
    return found


def limits(pipeline: Pipeline, site: Site) -> Limits:
    """What holds for one running command of the pipeline."""
    most = pipeline.resource_limits
    if most is None:
        return Limits(crowd=site.crowd)
    return Limits(most.memory_bytes, most.cpu, site.crowd)


def reason(task: DatumTask, ended: Ended, transcript: Transcript, site: Site) -> tuple[str, str]:
    """What went wrong and what to do, for a person who has not seen the log."""
    pipeline = task.pipeline
    command = pipeline.transform.cmd[0] if pipeline.transform.cmd else ""
    last = transcript.last_lines()
    limits = pipeline.resource_limits
    if ended.killed == "timeout":
        return (
            f"the step ran longer than its datum_timeout of {pipeline.datum_timeout_s:g} s and was killed.",
            "Raise datum_timeout, or give each datum less to do.",
        )
    if ended.killed == "crowd":
        return (
            "no process could be started for the step: there are too many already.",
            "See `ps` for what runs; another step may be starting processes without end.",
        )
    if ended.killed == "stopped":
        return "the step was stopped.", ""
    memory = "" if limits is None or limits.memory_bytes is None else describe(limits.memory_bytes)
    if ended.killed == "memory":
        return (
            f"the step was killed: it reached its memory limit of {memory}.",
            "Raise resource_limits.memory.",
        )
    if not ended.executed:
        if "execvp" in last or not last:
            return (
                f"the command {command!r} could not be started: {last.rpartition(': ')[2] or 'no such program'}.",
                "A step finds programs of /usr, of the virtual environment, and files of its code; list a script in code.include.",
            )
        return f"the sandbox could not be made: {last}", "`pedigree doctor` tries every level of isolation."
    from pedigree.pipeline import hints

    remedy = hints.forbidden_gpu(last) or hints.missing_file(last, pipeline, site.store.project)
    if memory and ("MemoryError" in last or "Cannot allocate memory" in last or "out of memory" in last.lower()):
        return (
            f"the step reached its memory limit of {memory} (exit code {ended.exit_code}).",
            "Raise resource_limits.memory.",
        )
    assert ended.exit_code is not None
    if ended.exit_code > 128:
        number = ended.exit_code - 128
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"the step was ended by {name} (exit code {ended.exit_code}).", remedy
    return f"the step ended with exit code {ended.exit_code}.", remedy


def shell(task: DatumTask, site: Site, *, command: tuple[str, ...] = ("/bin/bash",)) -> int:
    """Open an interactive shell where the task's step runs, with the same inputs; returns its exit code.

    Standard input and output are the caller's terminal. What is written to /pfs/out is thrown away.
    """
    place = site.workplace()
    try:
        place.fill(task.datum.inputs, site.store.objects, share=site.isolation.level != "rewriting")
        secrets = Secrets(task.pipeline.transform.secrets, site.store.folder / "secrets")
        if command[0].startswith("/") and not os.path.exists(command[0]):
            command = ("/bin/sh",)
        with checkpoints.mounted(task, site) as kept, pipes.Filling(place, site.store.objects):
            launch = prepare(task, site, place, secrets, kept, terminal=True)
            env = {**launch.env, "TERM": os.environ.get("TERM", "dumb"), "PS1": f"{task.pipeline.name}:\\w$ "}
            return process.interact(
                site.isolation,
                replace(launch, argv=command, env=env),
            )
    finally:
        place.remove()
