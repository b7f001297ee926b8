"""`pedigree run`: every pipeline up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, duration, json_value, short
from pedigree.cli.terminal import paint, say

if TYPE_CHECKING:
    from pedigree.pipeline.events import OnEvent
    from pedigree.pipeline.report import RunReport
    from pedigree.store import Store


def _declare(parser: Parser) -> None:
    parser.add_argument("pipelines", metavar="PIPELINE", nargs="*", help="Only these, with everything upstream of them")
    parser.add_argument(
        "-j",
        "--jobs",
        metavar="NUMBER",
        type=options.positive,
        help="Datums at once, one per core unless given",
    )
    parser.add_argument(
        "--isolation",
        metavar="LEVEL",
        default="auto",
        help="auto (the best there is), strict (fail rather than take less), or one of "
        "bubblewrap, unshare, landlock, rewriting",
    )
    parser.add_argument("--reprocess", action="store_true", help="Run every datum again, whatever is cached")
    parser.add_argument("--compat", choices=["pachyderm"], help="Skip exactly the datums that Pachyderm would skip")
    parser.add_argument(
        "--fail-fast", action="store_true", help="Stop at the first failed job; otherwise the rest goes on"
    )
    parser.add_argument("--no-wait", action="store_true", help="Fail at once while another run is going")
    parser.add_argument("--watch", action="store_true", help="Go on: react to commits, ticks, triggers, until Ctrl-C")
    options.quiet(parser)


def _run(arguments: Arguments) -> int:
    from pedigree.pipeline import tripwire

    tripwire.begin()
    from pedigree.cli.live import listener
    from pedigree.pipeline import engine

    with options.store() as store, listener(quiet=arguments.quiet or arguments.json) as listen:
        if arguments.watch:
            return _watch(arguments, store, listen)
        report = engine.run(
            store,
            targets=arguments.pipelines,
            workers=arguments.jobs,
            isolation=arguments.isolation,
            reprocess=arguments.reprocess,
            compat=arguments.compat,
            keep_going=not arguments.fail_fast,
            wait=not arguments.no_wait,
            on_event=listen,
        )
    if arguments.json:
        json_value(report.to_json())
    elif not arguments.quiet:
        finish(report)
    return 0 if report.ok else 1


def finish(report: RunReport) -> None:
    """Say how a run ended."""
    if report.run is None and not report.up_to_date:
        say("There is no pipeline to run: `pedigree apply SPEC` makes one, `pedigree pipeline list` shows all.")
        return
    if report.run is None:
        say(f"Everything is up to date ({count(len(report.up_to_date), 'pipeline')}).")
        return
    failed = [job for job in report.jobs if job.state != "success"]
    ran, reused = sum(job.processed for job in report.jobs), sum(job.skipped for job in report.jobs)
    said = f"run {short(report.run)}: {count(ran, 'datum')} ran, {reused:,} reused, {duration(report.seconds)}"
    if not failed:
        say(f"{paint('done', 'green')}  {said}")
        return
    say(f"{paint(report.state, 'red')}  {said}")
    for job in failed:
        say(f"  {job.pipeline}: {job.state}" + (f", {job.failed} failed" if job.failed else ""))
    say("What is done is kept; `pedigree run` continues from there.")


def _watch(arguments: Arguments, store: Store, listen: OnEvent) -> int:
    import signal

    from pedigree.errors import InvalidInput
    from pedigree.pipeline.watch import Watch

    if arguments.pipelines or arguments.reprocess or arguments.compat:
        raise InvalidInput(
            "--watch watches every pipeline and takes no pipelines, --reprocess or --compat.",
            remedy="Stop the pipelines you do not want with `pedigree pipeline stop`.",
        )
    quiet = arguments.quiet or arguments.json
    watch = Watch(
        store,
        workers=arguments.jobs,
        isolation=arguments.isolation,
        on_event=listen,
        on_report=lambda report: None if quiet else finish(report),
    )

    def stop(*_: object) -> None:
        # The second Ctrl-C no longer asks.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        watch.stop()

    before = signal.signal(signal.SIGTERM, stop), signal.signal(signal.SIGINT, stop)
    if not quiet:
        say("Watching for commits, ticks and triggers. Ctrl-C stops.")
    try:
        watch.run()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    return 0


COMMANDS = {
    "run": Command(
        "run",
        "Bring every pipeline up to date",
        declare=_declare,
        run=_run,
        details="""
Runs what is out of date in dependency order, and nothing else: a datum whose command, code, environment and
input files were seen before is reused, whichever run, branch or pipeline computed it. Stop it with Ctrl-C or
kill it; the next run continues where it was. Good datums of a failed job are kept.
""",
        examples=[
            ("everything", "pedigree run"),
            ("one model, with what it needs, on four cores", "pedigree run train -j 4"),
            ("stay and react to every new commit", "pedigree run --watch"),
        ],
        exits=[
            (0, "everything is up to date"),
            (1, "a job failed"),
            (4, "another run is going, with --no-wait"),
            (7, "no such isolation here"),
            (130, "stopped by Ctrl-C"),
        ],
    )
}
