"""`pedigree bundle`: a result in one file, with everything that it takes to make it again."""

from __future__ import annotations

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done, size


def _declare(parser: Parser) -> None:
    options.reference(parser, "The result: a commit, or a file or folder in one")
    parser.add_argument("-o", "--output", metavar="FILE", help="The file to write; REPO-COMMIT.bundle unless given")
    parser.add_argument(
        "--no-results",
        action="store_true",
        help="Leave out what pipelines wrote: whoever replays the file makes it and compares digests",
    )
    parser.add_argument(
        "--environment", action="store_true", help="Add a lock of each environment, for pip, to read without Pedigree"
    )
    parser.add_argument("--overwrite", action="store_true", help="Replace a file of that name")
    options.quiet(parser)


def _run(arguments: Arguments) -> None:
    from pedigree.cli.progress import transfer
    from pedigree.pipeline.bundling.packing import bundle

    with options.store() as store:
        found = store.resolve(arguments.place)
        target = arguments.output or f"{found.commit.repo}-{found.commit.id[:12]}.bundle"
        with transfer("Packing", quiet=arguments.quiet or arguments.json) as progress:
            made = bundle(
                store,
                arguments.place,
                target,
                results=not arguments.no_results,
                environment=arguments.environment,
                overwrite=arguments.overwrite,
                progress=progress,
            )
    what = f"{made.repo}@{made.commit[:12]}" + (f":/{made.path}" if made.path else "")
    others = f" with {count(made.commits - 1, 'commit')} upstream" if made.commits > 1 else ""
    without = "" if made.results else ", without what pipelines wrote"
    sentence = (
        f"Packed {what}{others}{without} into {target}: {count(made.objects, 'object')}, {size(made.size_bytes)}."
    )
    if not arguments.quiet or arguments.json:
        done(arguments, sentence, made.to_json())


COMMANDS = {
    "bundle": Command(
        "bundle",
        "Pack a result with everything that it takes to rebuild it",
        declare=_declare,
        run=_run,
        details="""
One file holds the commit, all that it was made from back to what people put in, and of each commit the specs, code,
frozen configurations and environments. `pedigree replay FILE` makes it again on another machine and compares bit for
bit. Secrets are not in it: specs and configurations hold references to them. Logs of steps are not in it either.
The file is a tar, and `b3sum --check CHECKSUMS` checks it once unpacked; docs/formats/bundle.md describes it.
""",
        examples=[
            ("a model with its whole past", "pedigree bundle model@master -o model.bundle"),
            (
                "only the recipe and the inputs",
                "pedigree bundle --no-results evaluate@master:/metrics.json -o claim.bundle",
            ),
            ("on the other machine", "pedigree replay model.bundle -o model"),
        ],
    )
}
