"""`pedigree runs`: what one change made, in every repository."""

from __future__ import annotations

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, duration, fields, first_line, json_items, json_value, short, table, when


def _declare_list(parser: Parser) -> None:
    options.limit(parser, "runs", 20)


def _list(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.runs(arguments.limit)
    if arguments.json:
        json_items(map(shapes.run, found))
        return
    table(
        ["RUN", "STATE", "STARTED", "COMMITS", "MESSAGE"],
        [
            (
                short(item.id),
                item.state,
                when(item.started),
                ", ".join(f"{c.repo}@{c.branch}" for c in item.commits),
                first_line(item.message),
            )
            for item in found
        ],
        empty="No runs yet.",
    )


def _declare_one(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="A run's id, or its first 4 or more digits")


def _inspect(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.run(arguments.run)
    if arguments.json:
        json_value(shapes.run(found))
        return
    took = f" ({duration(found.finished - found.started)})" if found.finished else ""
    fields(
        [
            ("run", found.id),
            ("state", found.state),
            ("started", when(found.started)),
            ("finished", when(found.finished) + took),
            ("message", found.message),
            ("commits", "\n".join(f"{shapes.place(c)}  {shapes.summary(c)}".rstrip() for c in found.commits)),
        ]
    )


def _declare_wait(parser: Parser) -> None:
    _declare_one(parser)
    parser.add_argument("--timeout", metavar="TIME", type=options.seconds, help="Give up after TIME: 30s, 5m")


def _wait(arguments: Arguments) -> int:
    import time

    from pedigree.errors import Busy

    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    with options.store() as store:
        while (found := store.run(arguments.run)).state == "running":
            if deadline is not None and time.monotonic() > deadline:
                raise Busy(
                    f"The run {short(found.id)} still runs after {arguments.timeout:g} seconds.",
                    remedy=f"`pedigree job list --run {short(found.id)}` shows how far it is.",
                )
            time.sleep(0.1)
        done(arguments, f"The run {short(found.id)} ended: {found.state}.", shapes.run(found))
    return int(found.state in {"failure", "failed", "killed"})


COMMANDS = {
    "runs": Noun(
        "runs",
        "Runs: all the commits that one change made",
        [
            Command(
                "runs list",
                "List runs, newest first",
                declare=_declare_list,
                run=_list,
                examples=[("", "pedigree runs list -n 5")],
            ),
            Command(
                "runs inspect",
                "Show one run with its commits",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree runs inspect 4f2a")],
            ),
            Command(
                "runs wait",
                "Wait until a run has ended",
                declare=_declare_wait,
                run=_wait,
                examples=[("", "pedigree runs wait 4f2a --timeout 10m")],
                exits=[
                    (0, "it succeeded"),
                    (1, "it failed or was stopped"),
                    (4, "still running after --timeout"),
                ],
            ),
        ],
        details="""
A commit, a transaction, or one `pedigree run` has one id, which all the commits share that it made. REPO@RUN
names a run's commit in a repository. (Pachyderm says commit set, or global id.)
""",
    )
}
