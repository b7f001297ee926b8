"""`pedigree labels neighbours`: what lies outside, is there twice or is mixed up, by the nearest neighbours in feature space."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.labels.places import Places
from pedigree.cli.output import count, done, make_folder, write_file
from pedigree.cli.progress import stages

if TYPE_CHECKING:
    from pedigree.labels.report.samples import Samples


def _declare(parser: Parser) -> None:
    parser.add_argument("--features", metavar="PLACE", required=True, help=".npy of features, a row per sample")
    parser.add_argument("--labels", metavar="PLACE", help="Table or .npy of labels in the same order")
    parser.add_argument("--label-column", metavar="NAME", help="The column that holds the label (label)")
    parser.add_argument(
        "--id-column", metavar="NAME", help="The column that names the sample (id, else the row number)"
    )
    parser.add_argument(
        "--split-column", metavar="NAME", help="The column that names the sample's split, to find leaks"
    )
    parser.add_argument("--void", metavar="LABEL", help="The label of samples that have none")
    parser.add_argument(
        "-k", "--neighbours", metavar="NUMBER", type=options.positive, default=10, help="Neighbours of each sample (10)"
    )
    parser.add_argument("--metric", choices=("cosine", "euclidean"), help="Cosine above 3 features, else euclidean")
    parser.add_argument(
        "--approximate", action="store_true", help="Miss one neighbour in a hundred, for 100,000 samples and more"
    )
    parser.add_argument(
        "--chance",
        metavar="RATE",
        type=float,
        default=1e-3,
        help="Near-duplicates of a sample that may be chance (0.001)",
    )
    places.output(parser, "label-neighbours")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Reading")
        from pedigree import labels
        from pedigree.errors import InvalidInput
        from pedigree.labels.neighbourhood import tables
        from pedigree.labels.report import files, matrices, summary

        path = here.file(arguments.features)
        files.there(path)
        samples = _samples(arguments, here)
        stage("Finding the nearest neighbours")
        graph = labels.neighbours(
            path, arguments.neighbours, metric=arguments.metric, approximate=arguments.approximate
        )
        if samples is not None and len(samples) != len(graph):
            raise InvalidInput(
                f"There are {len(samples)} labels and {len(graph)} rows of features.",
                remedy="Give one row of features for each label, in the same order.",
            )
        stage("Asking them")
        agreement = None
        if samples is not None:
            void = None if arguments.void is None else matrices.as_label(arguments.void, samples)
            agreement = labels.agreement(graph, samples.given, void=void)
        splits = None if samples is None else samples.splits
        found = tables.Findings(
            graph,
            labels.outliers(graph),
            labels.duplicates(graph, chance=arguments.chance, splits=splits),
            agreement,
            str if samples is None else samples.identity,
        )
        numbers = tables.summary(found)
        numbers["inputs"] = {"features": {**here.described(arguments.features), "digest": files.file_digest(path)}}
        if samples is not None:
            numbers["inputs"]["labels"] = {**here.described(arguments.labels), "digest": samples.digest}
        stage("Writing tables")
        make_folder(arguments.output)
        tables.write(found, arguments.output)
        write_file(os.path.join(arguments.output, "summary.json"), summary.to_json(numbers))
    sentence = f"{count(numbers['outliers'], 'outlier')}, {count(numbers['duplicates'], 'sample')} with a duplicate"
    if "leaking_sets" in numbers:
        sentence += f", {count(numbers['leaking_sets'], 'set')} of duplicates in several splits"
    if "label_issues" in numbers:
        sentence += f", {count(numbers['label_issues'], 'label')} unlike the neighbours'"
    done(arguments, f"{sentence}, of {numbers['examples']:,}. Wrote {arguments.output}/.", numbers)


def _samples(arguments: Arguments, here: Places) -> Samples | None:
    if arguments.labels is None:
        return None
    return here.samples(
        arguments.labels,
        label_column=arguments.label_column,
        id_column=arguments.id_column,
        split_column=arguments.split_column,
    )


COMMAND = Command(
    "labels neighbours",
    "Find outliers, duplicates, leaks and mixed-up classes by nearest neighbours in feature space",
    declare=_declare,
    run=_run,
    details="""
Features are numbers in which similar samples lie near each other: what a network makes of them before its last layer, or
principal components. Writes into the folder, as Parquet and CSV: examples (how far out each lies, whether it has a duplicate,
whether its neighbours have its label), duplicates (pairs), overlap (which classes are neighbours); summary.json, and graph/ with
the neighbours themselves (`pedigree labels find --neighbours FOLDER/graph/indices.npy` shows them). The same inputs give the
same bytes, whatever the number of threads.
""",
    examples=[
        ("features alone", "pedigree labels neighbours --features features.npy"),
        (
            "with labels and splits",
            "pedigree labels neighbours --features f.npy --labels pets.csv --split-column split",
        ),
        ("from a commit", "pedigree labels neighbours --features embed@master:/f.npy --labels pets@master:/labels.csv"),
        ("for a script", "pedigree labels neighbours --features f.npy --json | jq .near_sets"),
    ],
)
