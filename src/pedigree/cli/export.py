"""`pedigree export`: provenance and verdict of a commit, in the formats that others read."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, json_value, size, write_file
from pedigree.cli.terminal import say

if TYPE_CHECKING:
    from pedigree.pipeline.exporting.exports import Document, Exported

_FORMATS = ("slsa", "openlineage", "prov", "cyclonedx", "card-md", "card-html")


def _declare(parser: Parser) -> None:
    options.reference(parser, "A commit that a pipeline made, or a file or folder in one")
    parser.add_argument("--format", choices=list(_FORMATS), help="What to write")
    parser.add_argument("--all", action="store_true", help="Write every format that fits, into the folder of -o")
    parser.add_argument("-o", "--output", metavar="FILE", help="Where to write, standard output unless given")
    parser.add_argument(
        "--notes", metavar="FILE", help="What a person says in the card: Markdown, a section per heading"
    )
    parser.add_argument(
        "--variables", action="store_true", help="Also write the values of a spec's environment variables"
    )
    parser.add_argument("--authors", action="store_true", help="Also name who put files in (prov)")
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        default="pedigree",
        help="Namespace of OpenLineage jobs and datasets, `pedigree` unless given",
    )
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    from pedigree.cli.progress import transfer
    from pedigree.pipeline.exporting import notes
    from pedigree.pipeline.exporting.exports import export

    _check(arguments)
    said = None if arguments.notes is None else notes.read(arguments.notes)
    with options.store() as store, transfer("reading", quiet=arguments.quiet or arguments.json) as report:
        done = export(
            store,
            arguments.place,
            None if arguments.all else [arguments.format],
            notes=said,
            variables=arguments.variables,
            authors=arguments.authors,
            namespace=arguments.namespace,
            report=report,
        )
    if arguments.output is None:
        sys.stdout.buffer.write(done.documents[0].data)
        sys.stdout.buffer.flush()
        return
    written = [(document, _place(arguments, document)) for document in done.documents]
    for document, path in written:
        write_file(path, document.data, folders=True)
    if arguments.json:
        json_value(_told(done, written))
    elif not arguments.quiet:
        _tell(done, written)


def _check(arguments: Arguments) -> None:
    from pedigree.errors import InvalidInput

    if arguments.all == (arguments.format is not None):
        raise InvalidInput(
            "Give either one --format or --all." if arguments.all else "What to write was not said.",
            remedy=f"--format takes {', '.join(_FORMATS)}; `--all -o FOLDER` writes all of them.",
        )
    if arguments.output is None and (arguments.all or arguments.json):
        raise InvalidInput(
            "--all writes several files."
            if arguments.all
            else "--json tells what was written, and to standard output goes the document.",
            remedy="Say where with -o.",
        )


def _place(arguments: Arguments, document: Document) -> str:
    return os.path.join(arguments.output, document.name) if arguments.all else str(arguments.output)


def _told(done: Exported, written: list[tuple[Document, str]]) -> dict[str, Any]:
    verdict = done.provenance.verdict
    return {
        "commit": done.provenance.made.id,
        "verdict": None if verdict is None else verdict["overall"],
        "written": [{"format": one.format, "path": path, "bytes": len(one.data)} for one, path in written],
        "left_out": done.left_out,
    }


def _tell(done: Exported, written: list[tuple[Document, str]]) -> None:
    provenance = done.provenance
    for document, path in written:
        say(f"Wrote {path} ({document.format}, {size(len(document.data))}).")
    for name, why in done.left_out.items():
        say(f"Left out {name}: {why}")
    if provenance.verdict is None and provenance.made.pipeline:
        say(f"There is no verdict on it: `pedigree verify {provenance.reference}` gives one, to export then.")
    if provenance.gone:
        say(f"{count(len(provenance.gone), 'commit')} that it was made from were deleted since and are named only.")


COMMANDS = {
    "export": Command(
        "export",
        "Write provenance as SLSA, OpenLineage, PROV, CycloneDX or a model card",
        declare=_declare,
        run=_run,
        details="""
The formats: slsa, in-toto statements of SLSA provenance and of the verdict; openlineage, one event a line; prov, W3C
PROV-JSON; cyclonedx, a bill of materials with a model card; card-md and card-html, a model card for people. They say what
made the commit and what `pedigree verify` last found of it. The same commit and verdict give the same bytes. No path, user
or host of this machine is in them, nor secrets, nor the values of variables (but see --variables).
""",
        examples=[
            ("a bill of materials of a model", "pedigree export model@master --format cyclonedx -o bom.cdx.json"),
            (
                "a page about it, with what only you know",
                "pedigree export model@master --format card-html --notes notes.md -o card.html",
            ),
            (
                "everything, beside the files",
                "pedigree get model@master -o model && pedigree export model@master --all -o model",
            ),
            ("lineage for Marquez or DataHub, one event a line", "pedigree export model@master --format openlineage"),
        ],
    )
}
