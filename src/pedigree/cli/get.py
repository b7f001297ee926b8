"""`pedigree get` and `pedigree cat`: files of a commit, to disk or to standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done, plain, size

if TYPE_CHECKING:
    from pedigree.store import Store


def _declare_get(parser: Parser) -> None:
    options.reference(parser, "What to write: a file, a folder, or a whole commit")
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="Where to; the file's or folder's own name unless given; - for stdout",
    )
    parser.add_argument("--overwrite", action="store_true", help="Replace files that are there already")
    options.quiet(parser)


def _get(arguments: Arguments) -> None:
    from pedigree.cli.progress import transfer

    with options.store() as store:
        if arguments.output == "-":
            _print(store, arguments.place)
            return
        found = store.resolve(arguments.place)
        target = arguments.output or found.path.rpartition("/")[2] or found.repo
        with transfer("Writing", quiet=arguments.quiet or arguments.json) as progress:
            result = store.get(found, target, overwrite=arguments.overwrite, progress=progress)
    value = {"target": target, "commit": found.commit.id, **plain(result)}
    links = f" and {count(result.links, 'link')}" if result.links else ""
    done(arguments, f"Wrote {count(result.files, 'file')}{links} ({size(result.bytes)}) to {target}.", value)


def _declare_cat(parser: Parser) -> None:
    options.reference(parser, "A file; of a folder, every file below it in order", many=True)


def _cat(arguments: Arguments) -> None:
    with options.store() as store:
        for place in arguments.place:
            _print(store, place)


def _print(store: Store, place: str) -> None:
    from pedigree.store import missing, trees

    found = store.resolve(place)
    read = store.objects.read
    output = sys.stdout.buffer
    some = not found.path
    for _, entry in trees.scan(found.commit.tree, read, found.path):
        some = True
        with store.objects.open(entry.digest) as stream:
            while piece := stream.read(1 << 20):
                output.write(piece)
    output.flush()
    if not some:
        raise missing.path(store.objects.read, found)


COMMANDS = {
    "get": Command(
        "get",
        "Write files of a commit to disk",
        declare=_declare_get,
        run=_get,
        details="""
Files come back byte for byte, with executable bits and symbolic links. Nothing that is there already is
replaced unless you say --overwrite. What cannot be written, such as two names that the disk cannot tell
apart, is refused before the first file.
""",
        examples=[
            ("a whole branch into a folder", "pedigree get images@master -o /tmp/images"),
            ("one file as it was three commits ago", "pedigree get model@master~3:/model.safetensors"),
            ("to another program", "pedigree get metrics@master:/metrics.json -o - | jq .iou"),
        ],
    ),
    "cat": Command(
        "cat",
        "Print files of a commit",
        declare=_declare_cat,
        run=_cat,
        json=False,
        examples=[
            ("a file of the newest commit", "pedigree cat metrics@master:/metrics.json"),
            ("the same file, one commit earlier", "pedigree cat metrics@master^:/metrics.json"),
        ],
    ),
}
