"""`pedigree status`: what is out of date, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import cut, json_items, middle, short, when
from pedigree.cli.terminal import is_terminal, paint, safe, say, width

if TYPE_CHECKING:
    from pedigree.pipeline.status import PipelineStatus

STYLES = {
    "up to date": "green",
    "out of date": "yellow",
    "never run": "yellow",
    "failed": "red",
    "waiting for input": "dim",
    "stopped": "dim",
    "runs with --watch": "cyan",
}


def _declare(parser: Parser) -> None:
    parser.add_argument("--exit-code", action="store_true", help="Exit with 1 unless everything is up to date")


def _run(arguments: Arguments) -> int:
    from pedigree.pipeline import tripwire

    tripwire.begin()
    from pedigree.pipeline import status

    with options.store() as store:
        found = status.status(store)
    if arguments.json:
        json_items(item.to_json() for item in found)
    elif not found:
        say("No pipelines yet. `pedigree apply SPEC` makes some.")
    else:
        _show(found)
    due = [item for item in found if item.state in {"out of date", "never run", "failed"}]
    return int(bool(due) and arguments.exit_code)


def _show(found: list[PipelineStatus]) -> None:
    state = max(len(item.state) for item in found)
    room = width() if is_terminal(sys.stdout) else 0
    name = max(len(item.name) for item in found)
    if room:
        name = min(name, max(room // 3, 16))
    for item in found:
        job = item.last_job
        last = f"{item.name}@{short(item.head)}" if item.head else ""
        last += f"  {when(job.finished or job.started)}  {job.progress}" if job and item.head else ""
        last = cut(last, max(room - name - state - 4, 1)) if room else last
        head = paint(f"{item.state:<{state}}", STYLES.get(item.state, ""), sys.stdout)
        print(f"{middle(item.name, name):<{name}}  {head}  {last}".rstrip())
        for line in (*item.reasons, *(f"{upstream} runs first" for upstream in item.upstream)):
            text = f"{'':<{name}}    {safe(line)}"
            print(middle(text, room) if room else text)
    due = sum(item.state in {"out of date", "never run", "failed"} for item in found)
    if due:
        say(f"{due} of {len(found)} pipelines would run: `pedigree run`.")


COMMANDS = {
    "status": Command(
        "status",
        "Show what is out of date, and why",
        declare=_declare,
        run=_run,
        details="In dependency order. Runs nothing. Progress reads: datums that ran + reused / all.",
        examples=[
            ("", "pedigree status"),
            (
                "stop a script where something is out of date",
                "pedigree status --exit-code > /dev/null || exit",
            ),
        ],
        exits=[(0, "done"), (1, "something is out of date, with --exit-code")],
    )
}
