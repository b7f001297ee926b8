"""`pedigree replay`: a bundle unpacked, made again, and compared."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, duration, json_value, size
from pedigree.cli.terminal import safe, say

if TYPE_CHECKING:
    from pedigree.pipeline.bundling.replaying import Replayed
    from pedigree.pipeline.bundling.unpacking import Unpacked
    from pedigree.store import Store


def _declare(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="The bundle; - reads it from standard input")
    parser.add_argument(
        "-o", "--output", metavar="PROJECT", help="The folder of the new project; FILE without its ending unless given"
    )
    parser.add_argument(
        "--into", metavar="PROJECT", help="Unpack into the project that is there, and move nothing in it"
    )
    parser.add_argument(
        "--branches", action="store_true", help="With --into: set the bundle's branches too, forwards only"
    )
    parser.add_argument("--no-verify", action="store_true", help="Only check and unpack; run nothing")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="Also run steps that want the network, secrets or a weaker isolation",
    )
    parser.add_argument(
        "-j", "--jobs", metavar="NUMBER", type=options.positive, help="Datums at once, one per core unless given"
    )
    options.quiet(parser)


def _run(arguments: Arguments) -> int:
    from pedigree.errors import InvalidInput
    from pedigree.pipeline import tripwire

    tripwire.begin()
    if arguments.into and arguments.output:
        raise InvalidInput(
            "A bundle goes into a new project (-o) or into one that is there (--into), not both.",
            remedy="Leave one of them out.",
        )
    if arguments.branches and not arguments.into:
        raise InvalidInput("--branches is for --into: a new project gets the branches anyway.", remedy="Leave it out.")
    quiet = arguments.quiet or arguments.json
    with _stream(arguments.file) as stream, _project(arguments) as store:
        found = _replay(arguments, store, stream, quiet=quiet)
    project = arguments.into or _folder(arguments)
    if arguments.json:
        json_value({"project": os.path.abspath(project), **found.to_json()})
    else:
        _print(found, project, quiet=quiet)
    return 0 if found.ok else 1


def _replay(arguments: Arguments, store: Store, stream: BinaryIO, *, quiet: bool) -> Replayed:
    from pedigree.cli.live import listener
    from pedigree.cli.progress import transfer
    from pedigree.pipeline.bundling.replaying import replay

    def unpacked(found: Unpacked) -> None:
        if not quiet:
            landed = found.landed
            here = f", {count(landed.known, 'commit')} were here" if landed.known else ""
            sizes = f"{count(found.objects, 'object')}, {size(found.object_bytes)}"
            say(f"Checked and unpacked {sizes}: {count(landed.new, 'new commit')}{here}.")

    with transfer("Unpacking", quiet=quiet) as progress, listener(quiet=quiet) as listen:
        return replay(
            store,
            stream,
            "the bundle on standard input" if arguments.file == "-" else arguments.file,
            branches=not arguments.into or arguments.branches,
            verify=not arguments.no_verify,
            trust=arguments.trust,
            workers=arguments.jobs,
            progress=progress,
            on_unpacked=unpacked,
            on_event=listen,
        )


@contextmanager
def _stream(file: str) -> Iterator[BinaryIO]:
    from pedigree.errors import PathNotFound, StorageFailure

    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = open(file, "rb", buffering=0)  # noqa: SIM115  (closed below, after the errors of opening are told)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(f"There is no file {file}.", remedy="Check the spelling.", path=file) from error
    except OSError as error:
        raise StorageFailure(f"{file} could not be read: {error.strerror}.", remedy="Check its permissions.") from error
    with stream:
        yield stream


def _folder(arguments: Arguments) -> str:
    if arguments.output:
        return str(arguments.output)
    return "replayed" if arguments.file == "-" else os.path.splitext(os.path.basename(arguments.file))[0]


@contextmanager
def _project(arguments: Arguments) -> Iterator[Store]:
    """The store to unpack into. A new one goes again where nothing came of it."""
    import pedigree
    from pedigree.errors import AlreadyExists
    from pedigree.store import folder

    if arguments.into:
        with pedigree.open(arguments.into) as store:
            yield store
        return
    project = _folder(arguments)
    place = os.path.join(project, folder.NAME)
    if os.path.isfile(os.path.join(place, folder.DATABASE)):
        with pedigree.open(project) as store:
            if store.repositories():
                raise AlreadyExists(
                    f"There is a project in {project} already.",
                    remedy=f"Name a new folder with -o, or add to that project with --into {project}.",
                    path=project,
                )
            yield store  # an interrupted replay left it, empty
        return
    made = not os.path.lexists(project)
    with pedigree.init(project) as store:
        try:
            yield store
        except BaseException:
            if not store.repositories():
                store.close()
                _remove(place, project if made else None)
            raise


def _remove(place: str, project: str | None) -> None:
    """Take away the empty store that was made a moment ago, and its project's folder if that was made too."""
    import contextlib
    import shutil

    shutil.rmtree(place, ignore_errors=True)
    if project is not None:
        with contextlib.suppress(OSError):
            os.rmdir(project)


def _print(found: Replayed, project: str, *, quiet: bool) -> None:
    if found.verdict is not None:
        for line in found.verdict.to_text().splitlines():
            print(safe(line))
    elif found.told:
        last = found.told[-1]
        from pedigree.pipeline.bundling.claims import told

        print(safe(f"nothing was made again; whoever made the bundle says: {told(last)}"))
    else:
        print("nothing was made again")
    if quiet:
        return
    took = f" ({duration(found.verdict.seconds)})" if found.verdict is not None else ""
    say(f"{found.reference} is in {project}{took}: `pedigree -C {project} lineage {found.reference}` shows its past.")


COMMANDS = {
    "replay": Command(
        "replay",
        "Rebuild what a bundle holds and compare it bit for bit",
        declare=_declare,
        run=_run,
        details="""
The file is read once and every byte of it checked; one that is cut, altered or made up leaves nothing behind. What
it holds goes into a new project, each step runs again in a fresh sandbox, and the verdict says whether the results
are the same, and how the environment differs. Branches are named as they were; with --into nothing there moves
unless --branches says so. Exit code 0: every byte is the same. Exit code 1: something is different, or cannot be
rebuilt. The code in a bundle is somebody else's: it runs without network, and sees only its own inputs.
""",
        examples=[
            ("a model that somebody sent", "pedigree replay model.bundle"),
            ("into a project that has part of its history", "pedigree replay model.bundle --into ~/pets --branches"),
            ("only look at it", "pedigree replay model.bundle --no-verify -o look"),
        ],
        exits=[(1, "something came out different, or could not be rebuilt")],
    )
}
