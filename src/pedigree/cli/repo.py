"""`pedigree repo`: repositories."""

from __future__ import annotations

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import count, done, fields, json_items, json_value, plain, size, table, when


def _declare_create(parser: Parser) -> None:
    parser.add_argument("name", metavar="REPO", help="Letters, digits, - and _")
    parser.add_argument("-d", "--description", metavar="TEXT", default="", help="What it holds, for people")


def _create(arguments: Arguments) -> None:
    with options.changing() as store:
        made = store.create_repository(arguments.name, description=arguments.description)
        done(arguments, options.queued(store, f"Made the repository {made.name}."), plain(made))


def _declare_list(parser: Parser) -> None:
    parser.add_argument("--kind", choices=["input", "output", "cron"], help="Only repositories of this kind")


def _list(arguments: Arguments) -> None:
    with options.store() as store:
        kind = arguments.kind
        found = [shapes.repository(store, item) for item in store.repositories() if kind in {None, item.kind}]
    if arguments.json:
        json_items(found)
        return
    table(
        ["REPO", "KIND", "FILES", "SIZE", "BRANCHES", "DESCRIPTION"],
        [
            (
                item["name"],
                item["kind"],
                f"{item['files']:,}",
                size(item["size"]),
                ", ".join(item["branches"]),
                item["description"],
            )
            for item in found
        ],
        right=["FILES", "SIZE"],
        empty="No repositories yet. `pedigree put REPO:/ FOLDER` makes the first.",
    )


def _declare_one(parser: Parser) -> None:
    parser.add_argument("name", metavar="REPO", help="Which")


def _inspect(arguments: Arguments) -> None:
    with options.store() as store:
        value = shapes.repository(store, store.repository(arguments.name))
        branches = store.branches(arguments.name)
    if arguments.json:
        json_value(value)
        return
    fields(
        [
            ("repository", value["name"]),
            ("kind", value["kind"]),
            ("description", value["description"]),
            ("created", when(value["created"])),
            ("holds", f"{count(value['files'], 'file')}, {size(value['size'])}"),
            ("branches", "\n".join(f"{item.name} = {(item.head or 'empty')[:12]}" for item in branches)),
        ]
    )


def _declare_delete(parser: Parser) -> None:
    _declare_one(parser)
    options.force(parser, "Delete it even where other commits were made from it")


def _delete(arguments: Arguments) -> None:
    with options.changing() as store:
        store.delete_repository(arguments.name, force=arguments.force)
        text = f"Deleted the repository {arguments.name} with its history. `pedigree gc` frees its space."
        done(arguments, options.queued(store, text), {"deleted": arguments.name})


COMMANDS = {
    "repo": Noun(
        "repo",
        "Repositories: named, versioned trees of files",
        [
            Command(
                "repo create",
                "Make an empty repository",
                declare=_declare_create,
                run=_create,
                examples=[("", 'pedigree repo create images -d "photographs, one folder per pet"')],
            ),
            Command(
                "repo list",
                "List the repositories",
                declare=_declare_list,
                run=_list,
                details="Files and size are those of master's head, or of the first branch that has one.",
                examples=[("what pipelines write", "pedigree repo list --kind output")],
            ),
            Command(
                "repo inspect",
                "Show one repository with its branches",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree repo inspect images")],
            ),
            Command(
                "repo delete",
                "Delete a repository with its whole history",
                declare=_declare_delete,
                run=_delete,
                details="Refused while commits of other repositories were made from it, unless forced.",
                examples=[("", "pedigree repo delete scratch")],
            ),
        ],
        details="""
Input repositories are written by people, output repositories by the pipeline of the same name. `pedigree put`
makes an input repository by itself.
""",
    )
}
