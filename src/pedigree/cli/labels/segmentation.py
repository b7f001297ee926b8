"""`pedigree labels segmentation`: which pixels, regions and masks are probably wrong, as tables, packed masks and overlays."""

from __future__ import annotations

from typing import Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.labels import places
from pedigree.cli.output import count, done
from pedigree.cli.progress import stages
from pedigree.cli.terminal import warn
from pedigree.labels.names import MASK_RANKS


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "--masks", metavar="PLACE", required=True, help="Folder of NAME.png or NAME.npy, or one .npy of all"
    )
    parser.add_argument(
        "--probabilities",
        metavar="PLACE",
        required=True,
        help="Folder of NAME.npy (classes, height, width), or one .npy",
    )
    parser.add_argument("--images", metavar="PLACE", help="Folder of pictures by the same names, for the overlays")
    parser.add_argument(
        "--classes", metavar="A,B,...", help="Names of the classes, in the order of the probabilities; numbers without"
    )
    parser.add_argument("--void", metavar="N,...", help="Values in the masks that mean no label, 255 for one")
    parser.add_argument(
        "--rank", choices=MASK_RANKS, default=MASK_RANKS[0], help="Which masks come first (clear_evidence)"
    )
    parser.add_argument(
        "--least-area", metavar="N", type=int, default=16, help="Regions of fewer pixels are left out (16)"
    )
    parser.add_argument("--overlays", metavar="N", type=int, default=20, help="Draw the N worst images (20)")
    parser.add_argument(
        "--threads", metavar="N", type=int, default=1, help="Images at work at once; changes nothing (1)"
    )
    places.output(parser, "mask-issues")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    void = _void(arguments.void)
    with places.opened() as here, stages(quiet=arguments.quiet) as stage:
        stage("Looking at what is there")
        from pedigree import labels
        from pedigree.labels.segmentation import folders

        given = {name: getattr(arguments, name) for name in ("masks", "probabilities", "images")}
        found = folders.paired(**{name: place and here.file(place) for name, place in given.items()})
        analysis = labels.analyse_masks(
            folders.Read(found.masks, lambda at, total: stage("Looking at every pixel, twice", at, total)),
            found.probabilities,
            classes=arguments.classes.split(",") if arguments.classes else None,
            void=void,
            threads=arguments.threads,
            store=arguments.output,
            least_area=arguments.least_area,
        )
        folders.write(
            analysis,
            found,
            arguments.output,
            by=arguments.rank,
            least_area=arguments.least_area,
            shown=arguments.overlays,
            told=stage,
        )
        numbers = folders.summary(analysis)
    _tell(arguments, numbers)


def _void(text: str | None) -> list[int] | None:
    from pedigree.errors import InvalidInput

    if text is None:
        return None
    try:
        return [int(one) for one in text.split(",")]
    except ValueError:
        raise InvalidInput(
            f"--void must be whole numbers, got {text!r}.", remedy="Write --void 255, or 0,255."
        ) from None


def _tell(arguments: Arguments, numbers: dict[str, Any]) -> None:
    for remark in numbers["remarks"]:
        warn(remark)
    sentence = (
        f"{count(numbers['issues'], 'pixel')} of {numbers['pixels']:,} in {numbers['images_with_issues']:,} of "
        f"{count(numbers['images'], 'image')} {'is' if numbers['issues'] == 1 else 'are'} probably wrong. Wrote {arguments.output}/."
    )
    done(arguments, sentence, numbers)


COMMAND = Command(
    "labels segmentation",
    "Find wrong pixels, regions and masks of a segmentation data set",
    declare=_declare,
    run=_run,
    details="""
Writes into the folder: images (the worst mask first, with every score), regions (what is wrong where: class, suggested class,
kind, area, box, evidence) and pairs of classes, each as CSV and Parquet; summary.json; issues.bits and issues.json, the
issue masks as packed bits; worst.png and overlays/, pictures of the worst images. The same inputs give the same bytes.

Images are read one at a time, so the data set may be larger than memory. Files are matched by name without the ending.
""",
    examples=[
        ("255 marks pixels without a label", "pedigree labels segmentation --masks masks --probabilities p --void 255"),
        (
            "named classes, over the photographs",
            "pedigree labels segmentation --masks masks --probabilities p --images photos --classes road,sky,tree",
        ),
        (
            "from commits",
            "pedigree labels segmentation --masks streets@master:/masks --probabilities predict@master:/p",
        ),
        ("for a script", "pedigree labels segmentation --masks m.npy --probabilities p.npy --json | jq .pairs"),
    ],
)
