"""`pedigree inspect`: one file, folder or commit in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Parser
from pedigree.cli.output import fields, json_value, size, when

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.references import Reference


def _declare(parser: Parser) -> None:
    options.reference(parser, "A commit, or a file or folder in one")
    parser.add_argument(
        "--config",
        action="store_true",
        help="Print the frozen configuration that the commit was made with, as its file",
    )


def _run(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.resolve(arguments.place)
        if arguments.config:
            _config(store, found)
            return
        if not found.path:
            if arguments.json:
                json_value(shapes.verified(store, found.commit))
            else:
                shapes.show_commit(store, found.commit)
            return
        value = _describe(store, found)
        if arguments.json:
            json_value(value)
            return
        fields(
            [
                ("path", value["path"]),
                ("kind", "executable file" if value.get("executable") else value["kind"]),
                ("target", value.get("target")),
                ("files", f"{value['files']:,}" if "files" in value else None),
                ("size", _size(value["size"])),
                ("digest", value.get("digest")),
                ("commit", shapes.place(found.commit)),
                ("committed", when(found.commit.finished)),
            ]
        )


def _config(store: Store, found: Reference) -> None:
    from pedigree.errors import PathNotFound
    from pedigree.pipeline import configs

    text = configs.file_of_commit(store, found.commit)
    if text is None:
        raise PathNotFound(
            f"The commit {shapes.place(found.commit)} was made without a configuration.",
            remedy="Those of pipelines whose spec says `config:` have one.",
        )
    print(text, end="")


def _size(number: int) -> str:
    return size(number) if number < 1000 else f"{size(number)} ({number:,} bytes)"


def _describe(store: Store, found: Reference) -> dict[str, Any]:
    from pedigree.store import missing, trees

    tree, read = found.commit.tree, store.objects.read
    entry = trees.get(tree, found.path, read)
    if entry is None:
        sizes = [item.size for _, item in trees.scan(tree, read, found.path)]
        if not sizes:
            raise missing.path(store.objects.read, found)
        return {**shapes.folder(found.path, len(sizes), sum(sizes)), "commit": found.commit.id}
    value = {**shapes.entry(found.path, entry), "commit": found.commit.id}
    if entry.kind == "l":
        value["target"] = read(entry.digest).decode("utf-8", "backslashreplace")
    return value


COMMANDS = {
    "inspect": Command(
        "inspect",
        "Show one file, folder or commit in full",
        declare=_declare,
        run=_run,
        examples=[
            ("the newest commit of a branch: what it holds, what made it", "pedigree inspect model@master"),
            ("one file: its size and digest", "pedigree inspect images@master:/cats/tom.jpg"),
            (
                "why a model was trained as it was",
                "pedigree inspect model@master --config > model.json\npedigree config why training.rate --frozen model.json",
            ),
        ],
    )
}
