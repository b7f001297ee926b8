"""`pedigree init`: a store for a project."""

from __future__ import annotations

import os

from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import done
from pedigree.cli.terminal import say


def _declare(parser: Parser) -> None:
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="The project's folder, this one unless given"
    )


def _run(arguments: Arguments) -> None:
    import pedigree

    store = pedigree.init(arguments.folder)
    place = str(store.folder)
    store.close()
    done(arguments, f"Made an empty store in {place}.", {"store": place})
    if not arguments.json and os.path.isdir(os.path.join(arguments.folder, ".git")):
        say("Keep it out of git: echo .pedigree/ >> .gitignore")


COMMANDS = {
    "init": Command(
        "init",
        "Make a store for the project in this folder",
        declare=_declare,
        run=_run,
        details="""
The store is the folder .pedigree in the project's folder. Every other command finds it by walking up from
where it is started, as git does. It must lie on a local disk: locks and flushes do not reach through network
file systems.
""",
        examples=[
            ("a store for the project in this folder", "pedigree init"),
            ("the same for another folder, which is made if need be", "pedigree init ~/projects/pets"),
        ],
    )
}
