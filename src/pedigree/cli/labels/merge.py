"""`pedigree labels merge`: the decisions of several reviewers as one file."""

from __future__ import annotations

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import apply
from pedigree.cli.output import count, done, write_file
from pedigree.cli.terminal import safe


def _declare(parser: Parser) -> None:
    parser.add_argument("decisions", metavar="DECISIONS", nargs="+", help="Files of decisions about the same labels")
    parser.add_argument("--prefer", metavar="NAME|last", help="Whose decision counts where several people differ")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="merged.jsonl", help="Where to write it (merged.jsonl)"
    )


def _run(arguments: Arguments) -> None:
    from pedigree.labels.report import decisions, merging

    merged = merging.merged(apply.read(arguments.decisions), arguments.prefer)
    found = merging.settled(merged)
    write_file(arguments.output, decisions.to_bytes(found))
    done(
        arguments,
        safe(
            f"Wrote {arguments.output}: {count(len(found.items), 'decision')}, "
            f"{len(merged.agreed)} of them by several people alike."
        ),
        {"file": arguments.output, "decisions": len(found.items), "agreed": list(merged.agreed)},
    )


COMMAND = Command(
    "labels merge",
    "Write the decisions of several reviewers as one file",
    declare=_declare,
    run=_run,
    details="`labels apply` takes several files as well; this is for looking at what they come to.",
    examples=[("", "pedigree labels merge ada.jsonl bob.jsonl -o both.jsonl")],
    exits=[(4, "reviewers differ, and --prefer does not say whose decision counts")],
)
