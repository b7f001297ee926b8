"""`pedigree job`: one pipeline's part of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, duration, fields, json_items, json_value, short, table, when

if TYPE_CHECKING:
    from pedigree.pipeline.jobs import Job
    from pedigree.store import Store

#: States in which a job still changes.
ACTIVE = {"running", "egressing"}


def _declare_list(parser: Parser) -> None:
    parser.add_argument("pipeline", metavar="PIPELINE", nargs="?", help="Only this pipeline's")
    parser.add_argument("--run", metavar="RUN", help="Only those of this run")
    parser.add_argument(
        "--state", metavar="STATE", help="Only running, egressing, success, failure, killed or unrunnable"
    )
    options.limit(parser, "jobs")


def _list(arguments: Arguments) -> None:
    from pedigree.pipeline import jobs

    with options.store() as store:
        run = run_id(store, arguments.run) if arguments.run else None
        found = jobs.all_jobs(store, arguments.pipeline, run)
    if arguments.state:
        found = [job for job in found if job.state == arguments.state]
    show(arguments, found[: arguments.limit])


def run_id(store: Store, digits: str) -> str:
    """The full id of a run. Raises RunNotFound."""
    return store.run(digits).id


def show(arguments: Arguments, found: list[Job]) -> None:
    """Print jobs as a table or as JSON."""
    if arguments.json:
        json_items(job.to_json() for job in found)
        return
    table(
        ["JOB", "STATE", "STARTED", "TOOK", "RAN + REUSED / ALL", "COMMIT", "WHY"],
        [
            (
                f"{job.pipeline}@{short(job.run)}",
                job.state,
                when(job.started),
                duration(job.seconds) if job.finished else "",
                job.progress,
                short(job.commit),
                "; ".join(job.reasons),
            )
            for job in found
        ],
        empty="No jobs yet. `pedigree run` makes some.",
    )


def _declare_one(parser: Parser) -> None:
    parser.add_argument("job", metavar="PIPELINE[@RUN]", help="The newest job of the pipeline, or its job of a run")


def _inspect(arguments: Arguments) -> None:
    from pedigree.pipeline import jobs

    with options.store() as store:
        job = jobs.get(store, arguments.job)
    if arguments.json:
        json_value(job.to_json())
        return
    failed = f", {job.failed} failed" if job.failed else ""
    fields(
        [
            ("job", job.id),
            ("state", job.state),
            ("error", job.error),
            ("why", "\n".join(job.reasons)),
            ("datums", f"{job.processed} ran, {job.skipped} reused{failed}, {job.total} in all"),
            ("started", when(job.started)),
            ("finished", f"{when(job.finished)} ({duration(job.seconds)})" if job.finished else ""),
            ("inputs", "\n".join(f"{item['name']}: {item['repo']}@{item['commit']}" for item in job.inputs)),
            ("commit", f"{job.pipeline}@{job.commit}" if job.commit else "none"),
            ("spec", f"{job.spec} (version {job.version})"),
            ("code", job.code),
            ("environment", job.environment),
            ("isolation", job.isolation),
        ]
    )


def _declare_wait(parser: Parser) -> None:
    _declare_one(parser)
    parser.add_argument("--timeout", metavar="TIME", type=options.seconds, help="Give up after TIME: 30s, 5m")


def _wait(arguments: Arguments) -> int:
    import time

    from pedigree.errors import Busy
    from pedigree.pipeline import jobs

    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    with options.store() as store:
        while (job := jobs.get(store, arguments.job)).state in ACTIVE:
            if deadline is not None and time.monotonic() > deadline:
                raise Busy(
                    f"{job.pipeline}@{short(job.run)} still runs after {arguments.timeout:g} s.",
                    remedy=f"Wait longer, or see what it prints: pedigree logs -f {job.pipeline}",
                )
            time.sleep(0.1)
    done(arguments, f"{job.pipeline}@{short(job.run)} ended: {job.state}, {job.progress}.", job.to_json())
    return int(job.state != "success")


COMMANDS = {
    "job": Noun(
        "job",
        "Jobs: one pipeline's part of a run",
        [
            Command(
                "job list",
                "List jobs, newest first",
                declare=_declare_list,
                run=_list,
                examples=[
                    ("what failed", "pedigree job list --state failure"),
                    ("one run", "pedigree job list --run 4f2a"),
                ],
            ),
            Command(
                "job inspect",
                "Show one job: why it ran, on what, what came out",
                declare=_declare_one,
                run=_inspect,
                examples=[("the newest job of train", "pedigree job inspect train")],
            ),
            Command(
                "job wait",
                "Wait until a job has ended",
                declare=_declare_wait,
                run=_wait,
                examples=[("", "pedigree job wait train --timeout 1h")],
                exits=[(0, "success"), (1, "it failed or was stopped"), (4, "still running after --timeout")],
            ),
        ],
    )
}
