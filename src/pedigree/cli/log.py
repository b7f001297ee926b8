"""`pedigree log` and `pedigree find`: the commits of a branch, all or those that touched a path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import json_items, short, table, when

if TYPE_CHECKING:
    from pedigree.store.commits import Commit
    from pedigree.store.history import Touch


def _declare_log(parser: Parser) -> None:
    options.reference(parser, "Where to begin; with a path, only the commits that touched it")
    options.limit(parser, "commits")


def _log(arguments: Arguments) -> None:
    with options.store() as store:
        show(arguments, store.log(arguments.place, arguments.limit))


def _declare_find(parser: Parser) -> None:
    parser.add_argument("place", metavar="REPO[@REF]:/PATH", help="The file or folder")
    options.limit(parser, "commits")


def _find(arguments: Arguments) -> None:
    import itertools

    from pedigree.errors import InvalidReference

    where, colon, path = arguments.place.partition(":")
    if not colon:
        raise InvalidReference(
            f"{arguments.place!r} has no path to look for.", remedy=f"Add it after a colon: {where}:/PATH"
        )
    with options.store() as store:
        touches = itertools.islice(store.find(where, path), arguments.limit)
        _show_touches(arguments, touches, f"No commit of {where} touched {path}.")


def _show_touches(arguments: Arguments, touches: Iterable[Touch], empty: str) -> None:
    if arguments.json:
        json_items({"change": touch.change, **shapes.commit(touch.commit)} for touch in touches)
        return
    rows = [
        (short(commit.id), change, when(commit.finished), commit.author, shapes.summary(commit))
        for commit, change in touches
    ]
    table(["COMMIT", "CHANGE", "TIME", "AUTHOR", "MESSAGE"], rows, empty=empty)


def show(arguments: Arguments, commits: Iterable[Commit], empty: str = "No commits yet.") -> None:
    """Print commits as a table or as JSON, in their order."""
    if arguments.json:
        json_items(map(shapes.commit, commits))
        return
    rows = [
        (
            short(item.id),
            item.branch,
            when(item.finished or item.started),
            short(item.run),
            item.author,
            shapes.summary(item),
        )
        for item in commits
    ]
    table(["COMMIT", "BRANCH", "TIME", "RUN", "AUTHOR", "MESSAGE"], rows, empty=empty)


COMMANDS = {
    "log": Command(
        "log",
        "Show the history of a branch",
        declare=_declare_log,
        run=_log,
        details="Newest first. `pedigree runs inspect RUN` shows what else the same change made.",
        examples=[
            ("the last ten commits of a branch", "pedigree log -n 10 images@master"),
            ("for a script: ids only", "pedigree log --json images | jq -r '.[].id'"),
        ],
    ),
    "find": Command(
        "find",
        "Show the commits that touched a path",
        declare=_declare_find,
        run=_find,
        details="Newest first: commits that added, changed or deleted the file, or anything in the folder.",
        examples=[("when did this photograph come, change, go?", "pedigree find images:/cats/tom.jpg")],
    ),
}
