"""`pedigree datum`: the units of work and of caching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import fields, json_items, json_value, short, size, table

if TYPE_CHECKING:
    from pedigree.pipeline.datums import Datum


def _declare_list(parser: Parser) -> None:
    parser.add_argument(
        "job", metavar="PIPELINE[@RUN]", nargs="?", help="The newest job of the pipeline, or its job of a run"
    )
    parser.add_argument("-f", "--file", metavar="SPEC", help="The datums that this spec would have, without running")
    parser.add_argument("--arg", metavar="KEY=VALUE", action="append", help="A parameter of a Jsonnet template")
    parser.add_argument("--state", metavar="STATE", help="Only processed, skipped, failed, recovered or 'not run'")
    options.limit(parser, "datums")


def _list(arguments: Arguments) -> None:
    from pedigree.errors import InvalidInput
    from pedigree.pipeline import engine, jobs

    if bool(arguments.job) == bool(arguments.file):
        raise InvalidInput(
            "`pedigree datum list` takes a job or -f SPEC, one of the two.",
            remedy="For example: `pedigree datum list train`, or `pedigree datum list -f train.yaml`.",
        )
    with options.store() as store:
        if arguments.file:
            planned = engine.preview(store, arguments.file, options.pairs(arguments.arg, "--arg"))
            _show_planned(arguments, planned[: arguments.limit])
            return
        found = jobs.datums(store, jobs.get(store, arguments.job))
    if arguments.state:
        found = [item for item in found if item.state == arguments.state]
    found = found[: arguments.limit]
    if arguments.json:
        json_items(item.to_json() for item in found)
        return
    table(
        ["DATUM", "STATE", "INPUTS"],
        [(short(item.datum), item.state, item.label) for item in found],
        empty="The job has no datums.",
    )


def _show_planned(arguments: Arguments, planned: list[Datum]) -> None:
    if arguments.json:
        json_items(_planned(item) for item in planned)
        return
    table(
        ["DATUM", "FILES", "SIZE", "INPUTS"],
        [
            (
                short(item.id),
                f"{sum(i.file_count for i in item.inputs):,}",
                size(sum(i.size_bytes for i in item.inputs)),
                " ".join(f"{i.name}:/{i.path}" for i in item.inputs),
            )
            for item in planned
        ],
        right=["FILES", "SIZE"],
        empty="The spec's inputs match nothing now.",
    )


def _planned(item: Datum) -> dict[str, Any]:
    from pedigree.cli.output import plain

    return {"datum": item.id, "inputs": [plain(one) for one in item.inputs]}


def _declare_one(parser: Parser) -> None:
    parser.add_argument("datum", metavar="DATUM", help="The first 4 or more digits of its id")
    parser.add_argument("--job", metavar="PIPELINE[@RUN]", help="In this job; in the newest that has it unless given")


def _inspect(arguments: Arguments) -> None:
    from pedigree.pipeline import jobs

    with options.store() as store:
        job = jobs.get(store, arguments.job) if arguments.job else None
        job, item = jobs.datum(store, arguments.datum, job)
        result: dict[str, Any] = store.records.get(jobs.RESULT, item.identity) or {}
        failure: dict[str, Any] = store.records.get(jobs.FAILURE, f"{job.key}/{item.datum}") or {}
        parts = store.records.get(jobs.PARTS, item.identity) or failure.get("parts")
    if arguments.json:
        json_value({**item.to_json(), "job": job.id, "result": result, "failure": failure, "identity_parts": parts})
        return
    told = {**result, **failure}
    fields(
        [
            ("datum", item.datum),
            ("state", item.state),
            ("job", job.id),
            ("identity", item.identity),
            (
                "inputs",
                "\n".join(f"{i['name']}: {i['repo']}@{short(i['commit'])}:/{i['path']}" for i in item.inputs),
            ),
            ("output", f"tree {item.tree}" if item.tree else "none"),
            ("reason", told.get("reason")),
            ("tries", told.get("tries")),
            ("took", f"{told['seconds']:.1f} s" if told.get("seconds") is not None else None),
            ("log", f"pedigree logs {job.pipeline} --datum {short(item.datum)}"),
        ]
    )


def _declare_shell(parser: Parser) -> None:
    _declare_one(parser)
    parser.add_argument("command", metavar="COMMAND", nargs="*", help="Run this instead of a shell; put -- before it")


def _shell(arguments: Arguments) -> int:
    from pedigree.cli.terminal import say
    from pedigree.pipeline import jobs, shell

    with options.store() as store:
        jobs.datum(
            store, arguments.datum, jobs.get(store, arguments.job) if arguments.job else None
        )  # or nothing is said
        say("The step's sandbox: inputs in /pfs, code in /code. What you write is thrown away; `exit` leaves.")
        return shell.open_shell(
            store, arguments.datum, job=arguments.job, command=tuple(arguments.command) or shell.INTERACTIVE
        )


COMMANDS = {
    "datum": Noun(
        "datum",
        "Datums: one match of the input globs each, the unit of work and of caching",
        [
            Command(
                "datum list",
                "List the datums of a job, or those that a spec would have",
                declare=_declare_list,
                run=_list,
                examples=[
                    ("of the newest job of train", "pedigree datum list train"),
                    ("what would this spec work on?", "pedigree datum list -f train.yaml"),
                    ("what failed", "pedigree datum list train --state failed"),
                ],
            ),
            Command(
                "datum inspect",
                "Show one datum: its inputs, its identity, what became of it",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree datum inspect 91c0")],
            ),
            Command(
                "datum shell",
                "Open a shell in a datum's sandbox, with the same inputs and code",
                declare=_declare_shell,
                run=_shell,
                json=False,
                examples=[
                    ("look around where a step failed", "pedigree datum shell 91c0"),
                    ("one command", "pedigree datum shell 91c0 -- ls -l /pfs"),
                ],
            ),
        ],
    )
}
