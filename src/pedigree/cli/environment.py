"""`pedigree environment`: the environments that commits were made in, as lists for pip; those that verify made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.cli import options
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, json_items, json_value, plain, size, table
from pedigree.cli.terminal import safe

if TYPE_CHECKING:
    from pedigree.store import Store


def _declare_lock(parser: Parser) -> None:
    options.commit(parser, "A commit that a pipeline made")


def _lock(arguments: Arguments) -> None:
    from pedigree.pipeline.environments.lock import lock

    with options.store() as store:
        found = lock(store, _fingerprint(store, arguments.commit))
    if arguments.json:
        json_value({**plain(found), "hashed": found.hashed})
    else:
        for line in found.to_text().splitlines():
            print(safe(line))


def _fingerprint(store: Store, reference: str) -> str:
    from pedigree.errors import InvalidInput

    found: str | None = store.resolve(reference).commit.made_by.get("environment")
    if not found:
        raise InvalidInput(
            f"{reference} was made in no environment: somebody put it in, or a clock did.",
            remedy="Name a commit that a pipeline made; `pedigree lineage` shows which those are.",
        )
    return found


def _list(arguments: Arguments) -> None:
    from pedigree.pipeline.environments import kept

    with options.store() as store:
        found: list[dict[str, Any]] = [
            {
                "environment": folder.name if made is None else made.fingerprint,
                "whole": made is not None,
                "same": made is not None and made.result == made.fingerprint,
                "python": "" if made is None else made.python,
                "copied": 0 if made is None else len(made.copied),
                "installed": 0 if made is None else len(made.installed),
                "size_bytes": kept.size(folder),
                "folder": str(folder),
            }
            for folder, made in kept.every(store)
        ]
    if arguments.json:
        json_items(found)
        return
    rows = [
        (
            str(item["environment"])[:12],
            "as recorded" if item["same"] else "differs" if item["whole"] else "half-made",
            size(item["size_bytes"]),
            str(item["copied"]),
            str(item["installed"]),
            item["python"],
        )
        for item in found
    ]
    heads = ["ENVIRONMENT", "STATE", "SIZE", "COPIED", "INSTALLED", "PYTHON"]
    table(heads, rows, right=["SIZE", "COPIED", "INSTALLED"], empty="No environment was made again.")


def _declare_delete(parser: Parser) -> None:
    parser.add_argument("environments", metavar="ENVIRONMENT", nargs="*", help="The start of its fingerprint")
    parser.add_argument("--all", action="store_true", help="All that are kept")


def _delete(arguments: Arguments) -> None:
    from pedigree.errors import InvalidInput, NotFound
    from pedigree.pipeline.environments import kept

    if arguments.all == bool(arguments.environments):
        raise InvalidInput(
            "Name the environments that are to go, or give --all.", remedy="`pedigree environment list` shows them."
        )
    with options.store() as store:
        every = [folder for folder, _ in kept.every(store)]
        gone = list(every) if arguments.all else []
        for start in arguments.environments:
            some = [folder for folder in every if folder.name.startswith(start[:16])]
            if len(some) != 1:
                raise NotFound(
                    f"{'No' if not some else 'More than one'} recreated environment begins with {start!r}.",
                    remedy="`pedigree environment list` shows them.",
                )
            gone += some
        for folder in gone:
            with kept.alone(store, folder.name):
                kept.remove(folder)
    names = [folder.name[:12] for folder in gone]
    done(arguments, f"Deleted {', '.join(names) or 'nothing: none is kept'}.", {"deleted": names})


COMMANDS = {
    "environment": Noun(
        "environment",
        "Recorded environments: lock; those made again: list, delete",
        [
            Command(
                "environment lock",
                "Print the recorded environment of a commit as requirements for pip",
                declare=_declare_lock,
                run=_lock,
                details="""
Names and exact versions of every distribution that the steps could import, for `pip install --no-deps -r`. With hashes
where the wheel of every distribution is known: an installation holds digests of files and not of the wheel, so wheels are
known only of what was installed from one directly, and of what `pedigree verify --recreate-environment` installed.
""",
                examples=[("", "pedigree environment lock model@v1 > requirements.txt")],
            ),
            Command(
                "environment list",
                "List the environments that verify made again",
                run=_list,
                examples=[("", "pedigree environment list")],
            ),
            Command(
                "environment delete",
                "Delete environments that verify made again",
                declare=_declare_delete,
                run=_delete,
                details="They are a cache: the next `verify --recreate-environment` makes them again.\n",
                examples=[("one", "pedigree environment delete 190960ea"), ("", "pedigree environment delete --all")],
            ),
        ],
        details="""
The environment of a commit is recorded with it: the Python, every distribution with its version and a digest of its
files, the platform. `pedigree doctor` shows today's.
""",
    )
}
