"""`pedigree tag`: fixed names for commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, json_items, short, table, when

if TYPE_CHECKING:
    from pedigree.store.tags import Tag


def _declare_create(parser: Parser) -> None:
    options.commit(parser, "The commit to name")
    parser.add_argument("name", metavar="NAME", help="The new name: letters, digits, _ and -")


def _create(arguments: Arguments) -> None:
    with options.changing() as store:
        made = store.create_tag(arguments.commit, arguments.name)
        done(arguments, options.queued(store, f"{_said(made)} is commit {short(made.commit)}."), shapes.tag(made))


def _said(tag: Tag) -> str:
    return f"{tag.repo}@{tag.name}"


def _declare_list(parser: Parser) -> None:
    parser.add_argument("repo", metavar="REPO", nargs="?", help="Of this repository; of all unless given")


def _list(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.tags(arguments.repo)
    if arguments.json:
        json_items(map(shapes.tag, found))
        return
    table(
        ["REPO", "TAG", "COMMIT", "MADE"],
        [(item.repo, item.name, short(item.commit), when(item.made)) for item in found],
        empty="No tags yet.",
    )


def _declare_delete(parser: Parser) -> None:
    parser.add_argument("tag", metavar="REPO@TAG", help="Which")


def _delete(arguments: Arguments) -> None:
    from pedigree.errors import InvalidReference
    from pedigree.store import references

    found = references.parse(arguments.tag)
    if found.name is None or found.path is not None or found.back or found.nth is not None:
        raise InvalidReference(
            f"{arguments.tag!r} is no tag.", remedy="Write REPO@TAG: `pedigree tag list` shows them."
        )
    with options.changing() as store:
        gone = store.delete_tag(found.repo, found.name)
        text = f"Deleted the tag {_said(gone)}; the commit {short(gone.commit)} stays."
        done(arguments, options.queued(store, text), {"deleted": _said(gone), "commit": gone.commit})


COMMANDS = {
    "tag": Noun(
        "tag",
        "Tags: fixed names for commits",
        [
            Command(
                "tag create",
                "Give a commit a name that never moves",
                declare=_declare_create,
                run=_create,
                details="""
REPO@NAME then means this commit wherever a reference is taken. A tagged commit can be neither deleted nor squashed.
The same again changes nothing; another commit is refused. `pedigree tag REPO@REF NAME` is short for it.
""",
                examples=[
                    (
                        "name what was released, and fetch it later",
                        "pedigree tag create release@master v1\npedigree get release@v1 -o model",
                    ),
                ],
            ),
            Command(
                "tag list",
                "List tags with their commits",
                declare=_declare_list,
                run=_list,
                examples=[("", "pedigree tag list release")],
            ),
            Command(
                "tag delete",
                "Delete a tag; its commit stays",
                declare=_declare_delete,
                run=_delete,
                examples=[("", "pedigree tag delete release@v1")],
            ),
        ],
        otherwise="create",
    )
}
