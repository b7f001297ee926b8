"""`pedigree ls` and `pedigree glob`: names in a commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import json_items, size, table
from pedigree.cli.terminal import safe

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.references import Reference


def _declare_ls(parser: Parser) -> None:
    options.reference(parser, "The folder, or a file")
    parser.add_argument("-l", "--long", action="store_true", help="Show kind, size and digest of each")
    parser.add_argument("-r", "--recursive", action="store_true", help="List every file below the folder")


def _ls(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.resolve(arguments.place)
        _print(arguments, _recursive(store, found) if arguments.recursive else _listing(store, found))


def _listing(store: Store, found: Reference) -> Iterator[dict[str, Any]]:
    from pedigree.store import missing, trees

    tree, read = found.commit.tree, store.objects.read
    entry = trees.get(tree, found.path, read) if found.path else None
    if entry is not None:
        yield shapes.entry(found.path, entry)
        return
    if found.path and not trees.is_folder(tree, found.path, read):
        raise missing.path(store.objects.read, found)
    base = f"{found.path}/" if found.path else ""
    for name, item in trees.children(tree, found.path, read):
        path = name if base and name.startswith(base) else base + name
        if isinstance(item, trees.Entry):
            yield shapes.entry(path, item)
        else:
            yield shapes.folder(path, item.files, item.bytes)


def _recursive(store: Store, found: Reference) -> Iterator[dict[str, Any]]:
    from pedigree.store import missing, trees

    some = not found.path
    for path, entry in trees.scan(found.commit.tree, store.objects.read, found.path):
        some = True
        yield shapes.entry(path, entry)
    if not some:
        raise missing.path(store.objects.read, found)


def _declare_glob(parser: Parser) -> None:
    parser.add_argument(
        "pattern", metavar="REPO[@REF]:GLOB", help="A glob; quote it, so that the shell leaves it alone"
    )
    parser.add_argument("-l", "--long", action="store_true", help="Show kind, size and digest of each")


def _glob(arguments: Arguments) -> None:
    from pedigree.errors import InvalidReference

    where, colon, pattern = arguments.pattern.partition(":")
    if not colon:
        raise InvalidReference(
            f"{arguments.pattern!r} has no glob.", remedy=f"Add it after a colon: pedigree glob '{where}:/*'"
        )
    with options.store() as store:
        _print(arguments, _matches(store, store.resolve(where), pattern))


def _matches(store: Store, found: Reference, pattern: str) -> Iterator[dict[str, Any]]:
    from pedigree.store import globs, trees

    tree, read = found.commit.tree, store.objects.read
    for path, is_folder, _ in globs.matches(tree, globs.compile(pattern), read):
        entry = None if is_folder else trees.get(tree, path, read)
        if entry is not None:
            yield shapes.entry(path, entry)
        else:
            sizes = [item.size for _, item in trees.scan(tree, read, path)]
            yield shapes.folder(path, len(sizes), sum(sizes))


def _print(arguments: Arguments, items: Iterable[dict[str, Any]]) -> None:
    if arguments.json:
        json_items(items)
    elif arguments.long:
        table(["KIND", "SIZE", "DIGEST", "PATH"], map(_row, items), right=["SIZE"])
    else:
        for item in items:
            print(safe(item["path"]))


def _row(item: dict[str, Any]) -> list[str]:
    kind = "program" if item.get("executable") else item["kind"]
    return [kind, size(item["size"]), item.get("digest", "")[:12], item["path"]]


COMMANDS = {
    "ls": Command(
        "ls",
        "List a folder of a commit",
        declare=_declare_ls,
        run=_ls,
        details="Folders end in /. Names are sorted by code point, on every machine the same.",
        examples=[
            ("the top of the newest commit", "pedigree ls images@master"),
            ("a folder of the commit before, with sizes", "pedigree ls -l images@master^:/cats"),
            ("every file, for a script", "pedigree ls -r --json images"),
        ],
    ),
    "glob": Command(
        "glob",
        "List what a glob matches in a commit",
        declare=_declare_glob,
        run=_glob,
        details="""
The globs are those of pipeline inputs: each match would be one datum. `*` stays within a folder, `**` crosses
folders; `pedigree help globs` lists all.
""",
        examples=[
            ("what a pipeline with glob /* would get as datums", "pedigree glob 'images@master:/*'"),
            ("every JPEG, with sizes", "pedigree glob -l 'images:/**.jpg'"),
        ],
    ),
}
