"""`pedigree labels annotators`: one label out of those of several annotators, and how good each of them is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.output import count, done, make_folder, write_file
from pedigree.cli.progress import stages
from pedigree.labels.names import CONSENSUS_METHODS

if TYPE_CHECKING:
    from pedigree.labels.annotators.annotations import Annotations
    from pedigree.labels.report.matrices import Probabilities


def _declare(parser: Parser) -> None:
    parser.add_argument("--labels", metavar="PLACE", required=True, help="Table with a row per label that was given")
    parser.add_argument("--label-column", metavar="NAME", help="The column that holds the label (label)")
    parser.add_argument("--id-column", metavar="NAME", help="The column that names the sample (id)")
    parser.add_argument(
        "--annotator-column", metavar="NAME", help="The column that says who gave the label (annotator)"
    )
    parser.add_argument(
        "--probabilities",
        metavar="PLACE",
        action="append",
        help=".npy or table, a row per sample, a column per class; crowdlab needs them; given again: of another model",
    )
    parser.add_argument(
        "--classes", metavar="A,B,...", help="What the columns of probabilities stand for, in their order"
    )
    parser.add_argument(
        "--method", choices=CONSENSUS_METHODS, help="How to agree (crowdlab with probabilities, else dawid_skene)"
    )
    parser.add_argument(
        "--calibrate", action="store_true", help="Temper the probabilities to be as sure as the annotators agree"
    )
    places.output(parser, "label-consensus")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Reading")
        from pedigree import labels
        from pedigree.labels.annotators import tables
        from pedigree.labels.report import files, matrices, summary

        path = here.file(arguments.labels)
        files.there(path)
        models = [
            matrices.probabilities(here.file(place), id_column=arguments.id_column)
            for place in arguments.probabilities or ()
        ]
        given = _given(arguments, path, models)
        stage("Weighing annotators")
        values = _values(models)
        method = arguments.method or ("crowdlab" if models else "dawid_skene")
        found = labels.consensus(given, values, method=method, calibrate=arguments.calibrate)
        scores = labels.next_labels(given, values) if models else None
        numbers = tables.summary(found)
        numbers["inputs"] = {"labels": {**here.described(arguments.labels), "digest": files.file_digest(path)}}
        for at, (place, model) in enumerate(zip(arguments.probabilities or (), models, strict=True), 1):
            what = f"probabilities_{at}" if len(models) > 1 else "probabilities"
            numbers["inputs"][what] = {**here.described(place), "digest": model.digest}
        stage("Writing tables")
        make_folder(arguments.output)
        tables.write(found, scores, arguments.output)
        write_file(os.path.join(arguments.output, "summary.json"), summary.to_json(numbers))
    sentence = (
        f"{count(numbers['annotations'], 'label')} of {count(numbers['annotators'], 'annotator')} for "
        f"{count(numbers['examples'], 'sample')}, {numbers['disputed']:,} of them disputed. Wrote {arguments.output}/."
    )
    done(arguments, sentence, numbers)


def _values(models: list[Probabilities]) -> Any:
    """The probabilities of the one model, or those of several, in the order of the first."""
    from pedigree.errors import InvalidInput

    if len(models) < 2:
        return models[0].matrix if models else None
    orders = [None if model.ids is None else model.ids.tolist() for model in models]
    for order in orders[1:]:
        if order != orders[0]:
            raise InvalidInput(
                "The models' probabilities are not of the same samples in the same order.",
                remedy="Write the rows of each in one order, with the same ids or with none.",
            )
    return [model.matrix for model in models]


def _given(arguments: Arguments, path: str, models: list[Probabilities]) -> Annotations:
    """The labels of the table; samples in the order of the probabilities: by their ids, or called by the numbers of rows."""
    from pedigree import labels
    from pedigree.errors import InvalidInput
    from pedigree.labels.report import files, matrices

    matrix = models[0] if models else None
    table = files.table(path, texts=True)
    names = table.column_names
    columns: list[Any] = []
    for what, named, guesses in (
        ("id", arguments.id_column, ("id", "example", "task", "path", "file")),
        ("annotator", arguments.annotator_column, ("annotator", "who", "worker")),
        ("label", arguments.label_column, ("label", "given", "class")),
    ):
        title = files.column(names, named, guesses, what, path, only=True)
        columns.append(files.texts(table.column(title)))
    ids, people, given = columns
    given[given == ""] = None
    classes: Any = (
        arguments.classes.split(",") if arguments.classes else matrices.named_alike(models) if models else None
    )
    whole = classes is None and all(value is None or files.is_whole(value) for value in given.tolist())
    if whole:
        given = [None if value is None else int(value) for value in given.tolist()]
        given = [None if value is None or value < 0 else value for value in given]
    order: Any = None
    if matrix is not None and matrix.ids is not None:
        order = matrix.ids.tolist()
    elif matrix is not None:
        if not all(files.is_whole(name) for name in ids.tolist()):
            raise InvalidInput(
                "Samples have names and rows of probabilities have none, so nobody knows which belong together.",
                remedy="Give the probabilities as a table with an id column, or call samples by their row, from 0.",
            )
        ids = [int(name) for name in ids.tolist()]
        held = files.mapped(matrix.matrix) if isinstance(matrix.matrix, str) else matrix.matrix
        order = len(held)
    return labels.annotation_table(ids, people, given, examples=order, classes=classes)


COMMAND = Command(
    "labels annotators",
    "Agree on one label out of those of several annotators; tell how good each is, and what to label next",
    declare=_declare,
    run=_run,
    details="""
The table has a row for each label that somebody gave: who, of which sample, which label. Writes into the folder, as Parquet and
CSV: consensus (the label of each sample, how sure it is, how many agree, and a score whose lowest are to be labelled next),
annotators (the worst first), annotations (how good each label is); and summary.json. The same inputs give the same bytes.
""",
    examples=[
        ("with a model", "pedigree labels annotators --labels crowd.csv --probabilities p.csv"),
        (
            "with two models",
            "pedigree labels annotators --labels crowd.csv --probabilities a.csv --probabilities b.csv",
        ),
        ("without", "pedigree labels annotators --labels crowd.csv --method dawid_skene"),
        ("other columns", "pedigree labels annotators --labels crowd.csv --annotator-column worker --id-column task"),
        ("for a script", "pedigree labels annotators --labels crowd.csv --json | jq .worst_annotators"),
    ],
)
