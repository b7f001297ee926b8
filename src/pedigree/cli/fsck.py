"""`pedigree fsck`: everything in the store that is not as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, json_value, plain
from pedigree.cli.terminal import paint, safe, say

if TYPE_CHECKING:
    from pedigree.store.survey import Problem

#: Commits or paths named per problem; --json has all.
SHOWN = 8


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "--fast", action="store_true", help="Read the database, indexes and trees, not every file's bytes"
    )
    parser.add_argument("--repair", action="store_true", help="Rebuild the index from the packs; changes no commit")


def _run(arguments: Arguments) -> int:
    import sys

    import pedigree
    from pedigree.store import fsck

    with pedigree.open() as store:
        repaired = fsck.repair(store) if arguments.repair else None
        problems = fsck.check(store, deep=not arguments.fast)
        checked = int(store.database.rows("SELECT count(*) FROM objects")[0][0])
    if arguments.json:
        json_value(
            {
                "objects": checked,
                "deep": not arguments.fast,
                "repaired": plain(repaired),
                "problems": [plain(problem) for problem in problems],
            }
        )
        return 5 if problems else 0
    if repaired is not None:
        say(
            f"Rebuilt the index: {count(repaired.objects, 'object')}, {repaired.found} of them found again, "
            f"{repaired.forgotten} forgotten, {repaired.rescued} moved out of damaged packs."
        )
    for problem in problems:
        _show(problem)
    if problems:
        affected = {name for problem in problems for name in problem.commits if not name.endswith(" (pin)")}
        left = " left" if repaired is not None else ""
        changed = "" if repaired is not None else " Nothing was changed."
        say(
            f"{paint(count(len(problems), 'problem'), 'red')}{left}, {count(len(affected), 'commit')} affected.{changed}"
        )
        return 5
    depth = "index and trees" if arguments.fast else "every byte"
    print(f"{paint('sound', 'green', sys.stdout)}: {count(checked, 'object')}, {depth} checked")
    return 0


def _show(problem: Problem) -> None:
    import sys

    print(f"{paint(problem.kind, 'red', sys.stdout)}: {safe(problem.what)}")
    print(f"  where:    {safe(problem.where)}")
    for name, items in (("affects: ", problem.commits), ("files:   ", problem.paths)):
        if items:
            more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
            print(f"  {name} {safe(', '.join(items[:SHOWN]))}{more}")
    print(f"  repair:   {safe(problem.repair)}")


COMMANDS = {
    "fsck": Command(
        "fsck",
        "Check every byte of the store; change nothing",
        declare=_declare,
        run=_run,
        details="""
Reads and hashes every object, checks the database, every row's seal, every commit's id and every tree. Each
problem names the file, the commits and paths that it affects, and the repair. Only --repair writes: it
rebuilds the index.
""",
        examples=[
            ("everything", "pedigree fsck"),
            ("a quick look, without reading file contents", "pedigree fsck --fast"),
        ],
        exits=[(0, "sound"), (5, "damaged")],
    )
}
