"""`pedigree explain`: why datums ran or were reused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, json_items, short
from pedigree.cli.terminal import paint, safe, say

if TYPE_CHECKING:
    from pedigree.pipeline.explain import Explanation

#: Datums named for one common reason; --all names every one.
NAMED = 5

STYLES = {"processed": "green", "skipped": "dim", "failed": "red", "recovered": "yellow", "not run": "dim"}


def _declare(parser: Parser) -> None:
    parser.add_argument("job", metavar="PIPELINE[@RUN]", help="A pipeline's newest job, or its job of a run")
    parser.add_argument("datum", metavar="DATUM", nargs="?", help="Only this datum: the first digits of its id")
    parser.add_argument("--all", action="store_true", help="Name every datum, not only the first few of each reason")


def _run(arguments: Arguments) -> None:
    from pedigree.pipeline import explain

    with options.store() as store:
        found = explain.explain(store, arguments.job, arguments.datum)
        pending = () if "@" in arguments.job else explain.explain_pipeline(store, arguments.job)
    if arguments.json:
        json_items(item.to_json() for item in found)
        return
    if found:
        print(paint(f"job {found[0].job}", "bold", sys.stdout))
    groups: dict[tuple[str, str], list[Explanation]] = {}
    for item in found:
        groups.setdefault((item.state, item.reason), []).append(item)
    for (state, reason), items in groups.items():
        _show(state, reason, items, every=arguments.all or len(items) <= NAMED)
    for reason in pending:
        say(f"It would run again now: {safe(reason)}.")


def _show(state: str, reason: str, items: list[Explanation], *, every: bool) -> None:
    print(f"{paint(state, STYLES.get(state, ''), sys.stdout)}: {count(len(items), 'datum')} {safe(reason)}")
    for item in items if every else items[:NAMED]:
        print(f"  {short(item.datum)}  {safe(item.label)}")
    if not every:
        print(f"  ... and {len(items) - NAMED:,} more (--all)")
    for change in items[0].changes:
        for line in change.lines:
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            print("    " + paint(safe(line), style, sys.stdout))


COMMANDS = {
    "explain": Command(
        "explain",
        "Show why datums ran or were reused",
        declare=_declare,
        run=_run,
        details="""
Compares what went into each datum with the job before: input files, code down to the lines, command,
environment, seed. Datums with the same reason are shown together.
""",
        examples=[
            ("the newest job of a pipeline", "pedigree explain train"),
            ("one datum of one run, for a script", "pedigree explain --json train@4f2a 91c0"),
        ],
    )
}
