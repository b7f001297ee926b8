"""`pedigree copy` and `pedigree delete`: files within and between repositories, as new commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import count, done
from pedigree.cli.terminal import say

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.changes import Change
    from pedigree.store.references import Reference


def _declare_copy(parser: Parser) -> None:
    parser.add_argument("source", metavar=options.REFERENCE, help="A file, a folder, or a whole commit")
    parser.add_argument("target", metavar="REPO[@BRANCH][:/PATH]", help="Where to; made if it is new")
    options.message(parser)


def _copy(arguments: Arguments) -> None:
    with options.changing() as store:
        source = store.resolve(arguments.source)
        target = options.writable(arguments.target)
        path = target.path or ""
        if (not path or path.endswith("/")) and source.path and _is_file(store, source):
            path = f"{path.rstrip('/')}/{source.path.rpartition('/')[2]}"
        where = f"{target.repo}@{target.branch}"
        with store.commit(where, message=arguments.message, author=arguments.author, create=True) as change:
            number = change.copy(source, path)
        _report(arguments, store, change, f"Copied {count(number, 'file')} to", number)


def _report(arguments: Arguments, store: Store, change: Change, told: str, number: int) -> None:
    commit = change.commit
    value = {"commit": shapes.commit(commit) if commit else None, "files": number}
    if change.created_repository and not arguments.json:
        say(f"Made the repository {change.repo}.")
    if commit is not None:
        where = "the open commit " if commit.state == "open" else ""
        done(arguments, options.queued(store, f"{told} {where}{shapes.place(commit)}."), value)
    elif store.active_transaction():
        done(arguments, options.queued(store, f"{told} {change.repo}@{change.branch}."), value)
    else:
        done(arguments, "Nothing changed: no commit was made.", value)


def _is_file(store: Store, source: Reference) -> bool:
    from pedigree.store import trees

    return trees.get(source.commit.tree, source.path, store.objects.read) is not None


def _declare_delete(parser: Parser) -> None:
    parser.add_argument("places", metavar="REPO[@BRANCH]:/PATH", nargs="+", help="Files and folders, of one branch")
    options.message(parser)


def _delete(arguments: Arguments) -> None:
    from pedigree.errors import InvalidReference

    places = [options.writable(text) for text in arguments.places]
    first = places[0]
    for text, place in zip(arguments.places, places, strict=True):
        if place.path is None:
            raise InvalidReference(
                f"{text!r} names no file or folder to delete.",
                remedy=f"Add :/PATH (`{text}:/` means every file), or delete the whole repository with "
                f"`pedigree repo delete {place.repo}`.",
            )
        if (place.repo, place.branch) != (first.repo, first.branch):
            raise InvalidReference(
                f"{text!r} is on another branch than {arguments.places[0]!r}; one delete is one commit.",
                remedy="Delete from one branch at a time, or put both into a `pedigree transaction`.",
            )
    with options.changing() as store:
        where = f"{first.repo}@{first.branch}"
        store.resolve(where)
        with store.commit(where, message=arguments.message, author=arguments.author) as change:
            number = sum(change.delete(place.path or "") for place in places)
        _report(arguments, store, change, f"Deleted {count(number, 'file')} from", number)


COMMANDS = {
    "copy": Command(
        "copy",
        "Copy files between repositories without moving a byte",
        declare=_declare_copy,
        run=_copy,
        details="A folder's files go below the target's path. The copy is a commit like any other.",
        examples=[
            ("a file back from history", "pedigree copy images@master~2:/cats/tom.jpg images:/cats/tom.jpg"),
            ("a folder into another repository", "pedigree copy raw@master:/2026 images:/2026"),
        ],
    ),
    "delete": Command(
        "delete",
        "Delete files, as a new commit",
        declare=_declare_delete,
        run=_delete,
        details="Older commits keep what they have; `pedigree copy` brings it back.",
        examples=[
            ("one file", "pedigree delete images:/cats/tom.jpg"),
            ("two folders in one commit", 'pedigree delete -m "blurred" images:/2024 images:/2025'),
        ],
    ),
}
