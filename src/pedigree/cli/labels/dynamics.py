"""`pedigree labels dynamics`: which labels are probably wrong by what one training showed, as tables and a map."""

from __future__ import annotations

import os
from typing import Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.output import count, done, write_file
from pedigree.cli.progress import stages
from pedigree.labels.names import SIGNAL_RANKS


def _declare(parser: Parser) -> None:
    parser.add_argument("signals", metavar="PLACE", help="What training.Recorder saved: the folder or the file")
    parser.add_argument("--rank", choices=SIGNAL_RANKS, default="aum", help="Which labels come first (aum)")
    parser.add_argument("--marked", type=int, metavar="N", default=0, help="Ring the N worst on the map (0)")
    places.output(parser, "label-dynamics")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Reading what the training showed")
        from pedigree import labels
        from pedigree.canonical import encode
        from pedigree.labels.dynamics import tables

        signals = labels.read_signals(here.file(arguments.signals))
        numbers = {**tables.summary(signals, by=arguments.rank), "input": here.described(arguments.signals)}
        write_file(os.path.join(arguments.output, "summary.json"), encode(numbers) + b"\n", folders=True)
        stage("Writing tables")
        tables.write(signals, arguments.output, by=arguments.rank)
        stage("Drawing the map")
        figure = labels.data_map(signals, marked=signals.worst(max(arguments.marked, 0), by=arguments.rank))
        figure.savefig(os.path.join(arguments.output, "map.png"), dpi=110)
    _tell(arguments, numbers)


def _tell(arguments: Arguments, numbers: dict[str, Any]) -> None:
    issues, known = numbers["issues"], numbers["samples"] - numbers["never_presented"]
    sentence = (
        f"{count(issues, 'label')} of {known:,} {'is' if issues == 1 else 'are'} probably wrong: another class was ahead throughout the training. "
        f"{numbers['never_learnt']:,} were never learnt. Wrote {arguments.output}/."
    )
    done(arguments, sentence, numbers)


COMMAND = Command(
    "labels dynamics",
    "Find labels that are probably wrong by what one training showed of them",
    declare=_declare,
    run=_run,
    details="""
Reads the file of a recorder (training.Recorder in a loop, or training.LightningRecorder) and writes into the folder: signals.parquet and signals.csv
(every sample, the worst first: scores, region, when it was learnt), map.png (mean probability of the label over its variability),
summary.json. The same file gives the same bytes. No cross-validation is needed; the sample's number is its position in the data set.
""",
    examples=[
        ("a folder", "pedigree labels dynamics out/signals -o dynamics"),
        ("from a commit", "pedigree labels dynamics train@master:/signals --marked 100"),
        ("for a script", "pedigree labels dynamics out/signals --json | jq .issues"),
    ],
)
