"""`pedigree logs`: what steps wrote to standard output and error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import json_items, short
from pedigree.cli.terminal import paint, safe, say

if TYPE_CHECKING:
    from pedigree.pipeline.jobs import DatumRecord, Job
    from pedigree.store import Store

#: Seconds between two looks at the logs of running steps.
LOOK_S = 0.2


def _declare(parser: Parser) -> None:
    parser.add_argument("job", metavar="PIPELINE[@RUN]", help="The newest job of the pipeline, or its job of a run")
    parser.add_argument("--datum", metavar="DATUM", help="Only this datum: the first digits of its id")
    parser.add_argument("--failed", action="store_true", help="Only datums that failed or recovered")
    parser.add_argument("-f", "--follow", action="store_true", help="Go on printing while the job runs")
    parser.add_argument(
        "--tail", metavar="NUMBER", type=options.positive, help="Only the last NUMBER lines of each datum"
    )


def _run(arguments: Arguments) -> None:
    from pedigree.pipeline import jobs

    with options.store() as store:
        job = jobs.get(store, arguments.job)
        if job.state == "running":
            _follow(arguments, store, job)
            return
        items = [jobs.datum(store, arguments.datum, job)[1]] if arguments.datum else jobs.datums(store, job)
        if arguments.failed:
            items = [item for item in items if item.state in {"failed", "recovered"}]
        if arguments.json:
            json_items(_value(store, job, item, arguments.tail) for item in items)
            return
        printed = False
        for item in items:
            data = _tail(jobs.log(store, job, item), arguments.tail)
            if data:
                _print(item, data, head=not arguments.datum)
                printed = True
        if not printed:
            say(
                "The steps printed nothing."
                if items
                else f"The job {job.pipeline}@{short(job.run)} has no such datums."
            )


def _value(store: Store, job: Job, item: DatumRecord, tail: int | None) -> dict[str, str]:
    from pedigree.pipeline import jobs

    text = _tail(jobs.log(store, job, item), tail).decode("utf-8", "replace")
    return {"job": job.id, "datum": item.datum, "label": item.label, "state": item.state, "log": text}


def _tail(data: bytes, lines: int | None) -> bytes:
    return data if lines is None else b"".join(data.splitlines(keepends=True)[-lines:])


def _print(item: DatumRecord, data: bytes, *, head: bool) -> None:
    if head:
        title = f"==> {short(item.datum)} {safe(item.label)} ({item.state})"
        print(paint(title, "bold", sys.stdout), flush=True)
    sys.stdout.flush()
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
    sys.stdout.buffer.flush()


def _follow(arguments: Arguments, store: Store, job: Job) -> None:
    """Print what running steps write, line by line with the datum in front, until the job ends."""
    import os
    import time

    from pedigree.pipeline import jobs

    folder = store.folder / "logs" / job.run / job.pipeline
    read: dict[str, int] = {}
    last = False
    while True:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        for name in names:
            datum = name.removesuffix(".log")
            if arguments.datum and not datum.startswith(arguments.datum):
                continue
            for line in _fresh(folder / name, read, name):
                print(f"{paint(short(datum), 'cyan', sys.stdout)} {safe(line)}", flush=True)
        if last or not arguments.follow:
            return
        last = jobs.get(store, job.id).state != "running"
        if not last:
            time.sleep(LOOK_S)


def _fresh(path: object, read: dict[str, int], name: str) -> Iterator[str]:
    try:
        with open(str(path), "rb") as file:
            file.seek(read.get(name, 0))
            data = file.read()
    except FileNotFoundError:  # the datum ended and its log went into the store
        return
    whole = data[: data.rfind(b"\n") + 1]
    read[name] = read.get(name, 0) + len(whole)
    yield from whole.decode("utf-8", "replace").splitlines()


COMMANDS = {
    "logs": Command(
        "logs",
        "Print what steps wrote",
        declare=_declare,
        run=_run,
        details="""
Standard output and error as they came, kept for every datum, also for those that were reused. Of very long
output the beginning and the end are kept.
""",
        examples=[
            ("the newest job of train", "pedigree logs train"),
            ("only what went wrong", "pedigree logs train --failed --tail 20"),
            ("watch a running job", "pedigree logs -f train"),
        ],
    )
}
