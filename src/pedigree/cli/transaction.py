"""`pedigree transaction`: several commands that happen at once, as one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import count, done, fields, json_items, json_value, short, when

if TYPE_CHECKING:
    from pedigree.store import Store


def _declare_start(parser: Parser) -> None:
    parser.add_argument("-m", "--message", metavar="TEXT", default="", help="Why; kept with the run")


def _start(arguments: Arguments) -> None:
    import pedigree

    with pedigree.open() as store:
        begun = store.start_transaction(arguments.message)
    if arguments.json:
        json_value({"id": begun.id, "started": begun.started, "message": begun.message})
        return
    print(begun.id)
    done(
        arguments,
        "Began a transaction: what you change from now on waits for `pedigree transaction finish`.",
        None,
    )


def _finish(arguments: Arguments) -> None:
    import pedigree

    with pedigree.open() as store:
        run = store.finish_transaction(active(store))
    made = ", ".join(shapes.place(item) for item in run.commits)
    text = f"Finished the transaction: {count(len(run.commits), 'commit')} in run {short(run.id)}"
    done(arguments, f"{text}: {made}." if made else f"{text}.", shapes.run(run))


def _stop(arguments: Arguments) -> None:
    import pedigree

    with pedigree.open() as store:
        identity = active(store)
        store.stop_transaction(identity)
    done(arguments, "Dropped the transaction and everything in it.", {"stopped": identity})


def _inspect(arguments: Arguments) -> None:
    import pedigree
    from pedigree.store import drafts

    with pedigree.open() as store:
        found = store.active_transaction()
        waiting = drafts.every(store.database, found.id) if found else []
    if found is None:
        if arguments.json:
            json_items([])
        else:
            done(arguments, "No transaction is open.", None)
        return
    places = [f"{item.repo}@{item.branch}" for item in waiting]
    if arguments.json:
        json_items(
            [
                {
                    "id": found.id,
                    "started": found.started,
                    "message": found.message,
                    "requests": [{"operation": name, "arguments": given} for name, given in found.requests],
                    "commits": places,
                }
            ]
        )
        return
    fields(
        [
            ("transaction", found.id),
            ("started", when(found.started)),
            ("message", found.message),
            ("requests", "\n".join(_request(name, given) for name, given in found.requests) or "none"),
            ("put into", ", ".join(places) or "nothing"),
        ]
    )


def _request(name: str, given: dict[str, object]) -> str:
    shown = ", ".join(
        f"{key}={value}" for key, value in given.items() if value not in (None, "", False) and key != "run"
    )
    return f"{name.replace('_', ' ')}: {shown}"


def active(store: Store) -> str:
    """The id of the open transaction. Raises TransactionNotFound."""
    from pedigree.errors import TransactionNotFound

    found = store.active_transaction()
    if found is None:
        raise TransactionNotFound("No transaction is open.", remedy="`pedigree transaction start` begins one.")
    return found.id


COMMANDS = {
    "transaction": Noun(
        "transaction",
        "Transactions: several commands that happen at once, as one run",
        [
            Command(
                "transaction start",
                "Begin a transaction; its id goes to stdout",
                declare=_declare_start,
                run=_start,
                examples=[
                    (
                        "images and labels together, so that one run sees both",
                        (
                            "pedigree transaction start\npedigree put images:/ images/\n"
                            "pedigree put labels:/ labels/\npedigree transaction finish"
                        ),
                    )
                ],
            ),
            Command(
                "transaction finish",
                "Do everything that waits, at once",
                run=_finish,
                examples=[("", "pedigree transaction finish")],
            ),
            Command(
                "transaction stop",
                "Drop the transaction and everything in it",
                run=_stop,
                examples=[("", "pedigree transaction stop")],
            ),
            Command(
                "transaction inspect",
                "Show what waits in the open transaction",
                run=_inspect,
                examples=[("", "pedigree transaction inspect")],
            ),
        ],
        details="""
Between start and finish, commands that change something wait; each is tried first, so that a mistake is told
at once. Nobody sees any of it until `finish` makes it all visible together, under one run id.
""",
    )
}
