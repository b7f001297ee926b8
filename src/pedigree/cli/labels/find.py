"""`pedigree labels find`: which labels are probably wrong, as tables, numbers and a page to review them on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.labels.places import Places
from pedigree.cli.output import count, done, make_folder, write_file
from pedigree.cli.progress import stages
from pedigree.cli.terminal import safe, warn
from pedigree.labels.names import FILTERS, RANKS

if TYPE_CHECKING:
    from pedigree.labels.report.decisions import Subject
    from pedigree.labels.report.review import Review
    from pedigree.labels.report.thumbnails import Thumbnails

#: The folder of pictures among the results.
PICTURES = "pictures"


def declare_inputs(parser: Parser) -> None:
    """The options that say where labels and probabilities are; for every verb that takes both."""
    parser.add_argument(
        "--labels", metavar="PLACE", required=True, help="Table or .npy of labels, or a folder with a folder per class"
    )
    parser.add_argument(
        "--probabilities",
        metavar="PLACE",
        action="append",
        required=True,
        help=".npy or table, a row per sample, a column per class; given again: of another model, and their mean counts",
    )
    parser.add_argument("--label-column", metavar="NAME", help="The column that holds the label (label)")
    parser.add_argument(
        "--id-column", metavar="NAME", help="The column that names the sample (id, else the row number)"
    )
    parser.add_argument(
        "--classes", metavar="A,B,...", help="What the columns of probabilities stand for, in their order"
    )
    parser.add_argument("--void", metavar="LABEL", help="The label of samples that have none")


def _declare(parser: Parser) -> None:
    declare_inputs(parser)
    parser.add_argument("--annotator-column", metavar="NAME", help="The column that says who gave the label")
    parser.add_argument(
        "--images",
        metavar="PLACE",
        help="The samples' pictures: the folder that their names lie in, or a .npy of pixels",
    )
    parser.add_argument("--image-column", metavar="NAME", help="The column that names the picture (the id)")
    parser.add_argument(
        "--text-column", metavar="NAME", help="The column whose text is shown (all others, where no pictures are)"
    )
    parser.add_argument("--neighbours", metavar="FILE", help=".npy of the rows that are nearest to each sample, (n, k)")
    parser.add_argument(
        "--report-limit",
        metavar="NUMBER",
        type=options.positive,
        default=1000,
        help="Samples on the page, the worst (1000)",
    )
    parser.add_argument("--filter", choices=FILTERS, default="union", help="Which labels are issues (union)")
    parser.add_argument("--rank", choices=RANKS, default="blend", help="Which issues come first (blend)")
    places.output(parser, "label-issues")
    options.quiet(parser)


def review(arguments: Arguments, here: Places, **columns: Any) -> tuple[Review, dict[str, dict[str, Any]]]:
    """The review of what the arguments name, and the inputs with their digests."""
    from pedigree import labels
    from pedigree.labels import ensembles
    from pedigree.labels.report import matrices
    from pedigree.labels.report.review import Review

    samples = here.samples(
        arguments.labels, label_column=arguments.label_column, id_column=arguments.id_column, **columns
    )
    models = [
        matrices.probabilities(here.file(place), id_column=samples.id_column) for place in arguments.probabilities
    ]
    named = arguments.classes.split(",") if arguments.classes else matrices.named_alike(models)
    aligned = [matrices.aligned(samples, model) for model in models]
    void = None if arguments.void is None else matrices.as_label(arguments.void, samples)
    names, titles = matrices.class_names(samples, aligned[0], named, void)
    matrix = aligned[0] if len(aligned) == 1 else ensembles.mean(aligned)
    analysis = labels.analyse(samples.given, matrix, classes=names, void=void)
    described = {"labels": {**here.described(arguments.labels), "digest": samples.digest}}
    for at, (place, model) in enumerate(zip(arguments.probabilities, models, strict=True), 1):
        described[f"probabilities_{at}" if len(models) > 1 else "probabilities"] = {
            **here.described(place),
            "digest": model.digest,
        }
    return Review(samples, analysis, arguments.filter, arguments.rank, titles), described


def _run(arguments: Arguments) -> None:
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Reading labels and looking at every row of probabilities")
        from pedigree.labels.report import drawings, page, summary, tables

        with noticed() as doubts:
            found, described = review(
                arguments,
                here,
                annotator_column=arguments.annotator_column,
                image_column=arguments.image_column,
                text_column=arguments.text_column,
            )
        stage("Deciding which labels are issues")
        subject = _subject(found, described)
        numbers = summary.summary(found, described, subject, doubts)
        make_folder(os.path.join(arguments.output, PICTURES))
        tables.write(found, arguments.output, lambda at, total: stage("Writing tables", at, total))
        write_file(os.path.join(arguments.output, "summary.json"), summary.to_json(numbers))
        stage("Drawing pictures and the page")
        drawn = drawings.drawings(found)
        for name, picture in drawn.items():
            write_file(os.path.join(arguments.output, PICTURES, name), picture.png)
        text = page.render(
            found,
            subject,
            title=f"Doubted labels of {subject.place}",
            limit=arguments.report_limit,
            thumbnails=_thumbnails(arguments, here, found),
            neighbours=_neighbours(arguments, here, len(found.samples)),
            pictures=list(drawn.values())[:2],  # the histograms of the page are its own
            warnings=doubts,
        )
        write_file(os.path.join(arguments.output, "report.html"), text.encode())
    _tell(arguments, numbers)


@contextmanager
def noticed() -> Iterator[list[str]]:
    """What the analysis warns of in the block, told to the person and gathered as texts; other warnings go their way."""
    import warnings

    from pedigree.labels.doubts import LabelWarning

    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    for one in caught:
        if issubclass(one.category, LabelWarning):
            texts.append(str(one.message))
            warn(safe(texts[-1]))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _subject(found: Review, described: dict[str, dict[str, Any]]) -> Subject:
    from pedigree.labels.report.decisions import Subject

    samples, place = found.samples, described["labels"]["place"]
    return Subject(
        samples.digest,
        samples.layout,
        len(samples),
        samples.label_column,
        samples.id_column,
        found.names,
        place,
    )


def _thumbnails(arguments: Arguments, here: Places, found: Review) -> Thumbnails | None:
    from pedigree.labels.report import files, thumbnails

    samples = found.samples
    place = arguments.images or (arguments.labels if samples.layout == "folder" else None)
    if place is None:
        return None
    if place.endswith(".npy"):
        return thumbnails.Thumbnails(thumbnails.of_array(files.mapped(here.file(place)), len(samples)))
    names = samples.ids if samples.images is None else samples.images
    if names is None:
        from pedigree.errors import InvalidInput

        raise InvalidInput(
            "The samples have no ids, so that no picture is known by its name.",
            remedy="Name the column of the pictures with --image-column, or give a .npy of pixels.",
        )
    known = names
    return thumbnails.Thumbnails(thumbnails.of_files(here.reader(place), lambda row: str(known[row])))


def _neighbours(arguments: Arguments, here: Places, count: int) -> Any:
    from pedigree.errors import InvalidInput
    from pedigree.labels.report import files

    if arguments.neighbours is None:
        return None
    found = files.mapped(here.file(arguments.neighbours))
    if found.ndim != 2 or len(found) != count or found.dtype.kind not in "iu" or (found.size and found.max() >= count):
        raise InvalidInput(
            f"Neighbours are {found.dtype} of shape {found.shape}; there are {count} samples.",
            remedy="Give row numbers, (samples, neighbours), -1 where there is none.",
        )
    return found


def _tell(arguments: Arguments, numbers: dict[str, Any]) -> None:
    sentence = (
        f"{count(numbers['issues'], 'label')} of {numbers['samples'] - numbers['unlabelled']:,} "
        f"{'is' if numbers['issues'] == 1 else 'are'} probably wrong; about {numbers['estimated_errors']:,} are, by the joint. "
        f"Wrote {arguments.output}/."
    )
    done(arguments, sentence, numbers)


COMMAND = Command(
    "labels find",
    "Find labels that are probably wrong; write tables, and a page to review them on",
    declare=_declare,
    run=_run,
    details="""
Writes into the folder: issues.parquet and issues.csv (every sample, the worst first, with what each filter and each score
says), summary.json (counts, joint, noise, classes, digests of the inputs), pictures/ and report.html: a page to look at the worst and
decide about each, which needs nothing else and sends nothing anywhere; `pedigree labels apply` makes the decisions that
it saves a commit. The same inputs give the same bytes.

A table is CSV, TSV, Parquet or JSON Lines. Where both tables have an id column, rows are matched by it. Columns of
probabilities without names stand for 0, 1, ... where labels are numbers, else for the labels in alphabetical order.
""",
    examples=[
        ("files", "pedigree labels find --labels labels.csv --probabilities p.npy -o issues"),
        (
            "from a commit",
            "pedigree labels find --labels digits@master:/labels.csv --probabilities predict@master:/p.npy",
        ),
        ("with pictures", "pedigree labels find --labels pets.csv --probabilities p.npy --images photos/"),
        ("the mean of two models", "pedigree labels find --labels y.npy --probabilities a.npy --probabilities b.npy"),
        ("a folder per class", "pedigree labels find --labels pets@master:/train --probabilities p.npy"),
        ("for a script", "pedigree labels find --labels labels.npy --probabilities p.npy --json | jq .issues"),
    ],
)
