"""`pedigree labels multilabel`: which classes are missing and which are too many, where an example may have several."""

from __future__ import annotations

import os
from typing import Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.labels.find import noticed
from pedigree.cli.output import count, done, make_folder, write_file
from pedigree.cli.progress import stages
from pedigree.labels.names import CELL_FILTERS


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "--labels", metavar="PLACE", required=True, help="Table of classes, or .npy or table of 0 and 1 per class"
    )
    parser.add_argument(
        "--probabilities", metavar="PLACE", required=True, help=".npy or table, a row per example, a column per class"
    )
    parser.add_argument("--label-column", metavar="NAME", help="The column that holds the classes (labels)")
    parser.add_argument("--id-column", metavar="NAME", help="The column that names the example (id, else the row)")
    parser.add_argument("--classes", metavar="A,B,...", help="What the columns of probabilities stand for, in order")
    parser.add_argument("--rules", metavar="FILE", help="YAML or JSON with parents, exclusive and required classes")
    parser.add_argument(
        "--filter", choices=CELL_FILTERS, default="co_occurrence", help="Which cells are issues (co_occurrence)"
    )
    parser.add_argument(
        "--missing-rate",
        metavar="SHARE",
        type=float,
        default=0.3,
        help="How many of those with a class lack its label (0.3)",
    )
    parser.add_argument("--seed", metavar="NUMBER", type=int, default=0, help="Splits the examples for the refit (0)")
    places.output(parser, "label-issues")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Reading labels and looking at every row of probabilities")
        from pedigree import labels
        from pedigree.labels.multilabel import files
        from pedigree.labels.report import matrices
        from pedigree.labels.report import summary as summaries
        from pedigree.labels.report.samples import Samples

        given = files.read(
            here.file(arguments.labels), label_column=arguments.label_column, id_column=arguments.id_column
        )
        found = matrices.probabilities(here.file(arguments.probabilities))
        rows = Samples(given.given, given.digest, "table", ids=given.ids)
        named: Any = arguments.classes.split(",") if arguments.classes else found.classes or given.classes
        values = given.given
        if given.classes is not None and named is not None and set(named) == set(given.classes):
            values = values[:, [given.classes.index(name) for name in named]]
        rules = None if arguments.rules is None else labels.Rules.read(here.file(arguments.rules))
        with noticed() as doubts:
            analysis = labels.analyse_multilabel(
                values,
                matrices.aligned(rows, found),
                classes=named,
                missing_rate=arguments.missing_rate,
                seed=arguments.seed,
            )
        stage("Refitting each class by the others")
        described = {
            "labels": {**here.described(arguments.labels), "digest": given.digest},
            "probabilities": {**here.described(arguments.probabilities), "digest": found.digest},
        }
        numbers = files.summary(analysis, described, by=arguments.filter, rules=rules, warnings=doubts)
        stage("Writing tables")
        make_folder(arguments.output)
        files.write(analysis, arguments.output, by=arguments.filter, rules=rules, ids=given.ids)
        write_file(os.path.join(arguments.output, "summary.json"), summaries.to_json(numbers))
    _tell(arguments, numbers)


def _tell(arguments: Arguments, numbers: dict[str, Any]) -> None:
    broken = f" {count(numbers['violations'], 'example')} break rules." if "violations" in numbers else ""
    sentence = (
        f"{numbers['missing']:,} classes are probably missing and {numbers['extra']:,} too many, "
        f"in {count(numbers['examples_with_issues'], 'example')}.{broken} Wrote {arguments.output}/."
    )
    done(arguments, sentence, numbers)


COMMAND = Command(
    "labels multilabel",
    "Find missing and extra classes where an example may have several, and labels that break rules",
    declare=_declare,
    run=_run,
    details="""
Labels: a table with a column of classes (lists, or texts with ; between them; null where nobody knows), or a .npy file or table
of 0 and 1 with a column per class. Where both tables have an id column, rows are matched by it.

Writes into the folder: cells.parquet and cells.csv (every class that is missing or too much, the worst first), examples.parquet
and examples.csv (every example with its given and suggested classes, and the rules it breaks), summary.json. The same inputs
give the same bytes.

Rules: parents (child: parent, or a list of them), exclusive (groups of which an example has at most one) and required
(groups of which it has at least one). Suggested classes never break them.
""",
    examples=[
        ("files", "pedigree labels multilabel --labels labels.csv --probabilities p.npy -o issues"),
        ("with rules", "pedigree labels multilabel --labels l.parquet --probabilities p.npy --rules rules.yaml"),
        ("for a script", "pedigree labels multilabel --labels l.npy --probabilities p.npy --json | jq .missing"),
    ],
)
