"""`pedigree labels apply`: what people decided about labels, as a new commit of the data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done, json_value, table
from pedigree.cli.terminal import safe, say, warn

if TYPE_CHECKING:
    from pedigree.labels.report.decisions import Decisions
    from pedigree.labels.report.merging import Merged
    from pedigree.pipeline.relabelling import Applied


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "decisions", metavar="DECISIONS", nargs="+", help="Files that the page saved, - for standard input"
    )
    parser.add_argument(
        "target", metavar="REPO@BRANCH[:/PATH]", help="The labels; the path is known from the decisions"
    )
    parser.add_argument("--prefer", metavar="NAME|last", help="Whose decision counts where several people differ")
    parser.add_argument(
        "--onto", action="store_true", help="The labels have changed since: apply the decisions that still fit"
    )
    parser.add_argument(
        "--both",
        choices=["keep", "drop", "join"],
        default="keep",
        help="A sample of which both labels are right: keep the given one, drop it, or join both labels (keep)",
    )
    parser.add_argument(
        "--neither",
        choices=["keep", "drop"],
        default="drop",
        help="A sample of which neither label is right and no other is named: drop or keep it (drop)",
    )
    parser.add_argument("--separator", metavar="TEXT", default="|", help="What stands between joined labels (|)")
    parser.add_argument("--void", metavar="LABEL", help="Give samples that would go this label instead")
    parser.add_argument(
        "--new-class", metavar="NAME", action="append", default=[], help="A class that is new to the labels"
    )
    parser.add_argument("--author", metavar="NAME", help="Who applied it, if not you")
    options.dry_run(parser, "Show what would change and change nothing")
    options.quiet(parser)


def read(paths: list[str]) -> list[Decisions]:
    """The decisions in these files; of several about one sample in one file the last counts, and that is said."""
    import sys

    from pedigree.errors import NotFound
    from pedigree.labels.report import decisions

    found = []
    for path in paths:
        try:
            if path == "-":
                data = sys.stdin.buffer.read()
            else:
                with open(path, "rb") as file:
                    data = file.read()
        except OSError as error:
            raise NotFound(
                f"Cannot read {path}: {error.strerror or error}.", remedy="Name a file of decisions."
            ) from error
        one = decisions.read(data, path)
        if one.replaced:
            names = ", ".join(sorted({item.id for item in one.replaced})[: decisions.NAMED])
            warn(safe(f"{path} decides {names} more than once; the last decision by time counts."))
        found.append(one)
    return found


def _run(arguments: Arguments) -> None:
    from pedigree.labels.report import merging
    from pedigree.pipeline import relabelling

    merged = merging.merged(read(arguments.decisions), arguments.prefer)
    decisions = merging.settled(merged)
    with options.store() as store:
        found = relabelling.apply(
            store,
            decisions,
            arguments.target,
            author=arguments.author,
            dry_run=arguments.dry_run,
            onto=arguments.onto,
            both=arguments.both,
            neither=arguments.neither,
            void=arguments.void,
            separator=arguments.separator,
            new_classes=arguments.new_class,
        )
    _tell(arguments, found, merged)


def _tell(arguments: Arguments, found: Applied, merged: Merged) -> None:
    from pedigree.labels.report import decisions

    value = {
        "commit": None if found.commit is None else shapes.commit(found.commit),
        "path": f"/{found.path}",
        "applied_before": found.before,
        "agreed": list(merged.agreed),
        "changes": [
            {"id": one.decision.id, "before": one.decision.given, "after": one.after, "decision": one.decision.decision}
            for one in found.plan.changes
        ],
        "unchanged": [item.id for item in found.plan.unchanged],
        "unfit": [item.id for item, _ in found.plan.unfit],
        "moves": [{"from": f"/{old}", "to": None if new is None else f"/{new}"} for old, new in found.moves],
    }
    if merged.agreed and not arguments.json:
        shown = ", ".join(merged.agreed[: decisions.LISTED]) + (", …" if len(merged.agreed) > decisions.LISTED else "")
        say(safe(f"Decided alike by several people: {count(len(merged.agreed), 'sample')}: {shown}"))
    if arguments.dry_run and not arguments.json:
        if found.before:
            say("These decisions were applied already: nothing would change.")
            return
        rows = [
            (
                one.decision.id,
                one.decision.given,
                "(goes)" if one.after is None else one.after,
                one.decision.who,
                decisions.told(one.decision),
                " ".join(one.decision.why.split()),
            )
            for one in found.plan.changes
        ]
        table(["SAMPLE", "LABEL", "BECOMES", "WHO", "DECISION", "WHY"], rows, empty="No label would change.")
        for old, new in found.moves:
            print(safe(f"/{old} -> {'(goes)' if new is None else f'/{new}'}"))
        say(f"Would be: {found.plan.counts()}.")
        return
    if arguments.json:
        json_value(value)
        return
    if found.commit is None:
        done(arguments, "These decisions were applied already: no commit was made.", value)
    else:
        done(arguments, f"{shapes.place(found.commit)}: {found.plan.counts()}.", value)


COMMAND = Command(
    "labels apply",
    "Make what was decided about labels a new commit of the data set",
    declare=_declare,
    run=_run,
    details="""
In a table (CSV, TSV, Parquet, JSON Lines, .npy) only the cells and rows that were decided about change; in a folder of
classes files move to the folder of their class. Who decided what and why stands in the commit's message, and the decisions
lie in it below /.decisions/. Applied twice, they make no second commit.

Decisions are about labels of one digest. Where the labels have changed since, nothing is done and the samples that differ
are named; --onto applies the others. Decisions of several people are merged; where they differ nothing is done.
""",
    examples=[
        ("look first", "pedigree labels apply decisions.jsonl digits@master --dry-run"),
        ("", "pedigree labels apply decisions.jsonl digits@master"),
        (
            "two reviewers; where they differ, Ada's counts",
            "pedigree labels apply ada.jsonl bob.jsonl digits@master --prefer Ada",
        ),
        (
            "the labels have changed since: those that still fit",
            "pedigree labels apply decisions.jsonl digits@master --onto",
        ),
    ],
    exits=[(4, "the labels have changed since, or reviewers differ")],
)
