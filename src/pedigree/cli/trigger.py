"""`pedigree trigger`: branches that move by themselves."""

from __future__ import annotations

from pedigree.cli import options
from pedigree.cli.branch import conditions, declare_trigger, parse, trigger
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, json_items, plain, table


def _declare_create(parser: Parser) -> None:
    options.branch(parser, "The branch that is to move; made if it is new")
    declare_trigger(parser)


def _create(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.changing() as store:
        made = store.create_trigger(repo, name, trigger(arguments) or {})
        value = plain(made)
        said = conditions({**value, "branch": made.watched})
        done(arguments, options.queued(store, f"The branch {repo}@{name} {said}."), value)


def _declare_list(parser: Parser) -> None:
    parser.add_argument("repo", metavar="REPO", nargs="?", help="Of this repository; of all unless given")


def _list(arguments: Arguments) -> None:
    with options.store() as store:
        found = [plain(item) for item in store.triggers(arguments.repo)]
    if arguments.json:
        json_items(found)
        return
    table(
        ["BRANCH", "TRIGGER"],
        [(f"{item['repo']}@{item['branch']}", conditions({**item, "branch": item["watched"]})) for item in found],
        empty="No triggers.",
    )


def _declare_delete(parser: Parser) -> None:
    options.branch(parser, "The branch whose trigger goes; the branch stays")


def _delete(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.changing() as store:
        store.delete_trigger(repo, name)
        text = f"The branch {repo}@{name} no longer moves by itself."
        done(arguments, options.queued(store, text), {"deleted": f"{repo}@{name}"})


COMMANDS = {
    "trigger": Noun(
        "trigger",
        "Triggers: branches that move by themselves",
        [
            Command(
                "trigger create",
                "Let a branch follow another when enough has changed",
                declare=_declare_create,
                run=_create,
                examples=[
                    ("after every tenth commit", "pedigree trigger create images@batch --commits 10"),
                    (
                        "when staging has grown, at most once an hour",
                        "pedigree trigger create images@b --watch staging --size 9M --rate '@every 1h' --all",
                    ),
                    ("every night at three", "pedigree trigger create images@nightly --cron '0 3 * * *'"),
                ],
            ),
            Command(
                "trigger list",
                "List the triggers",
                declare=_declare_list,
                run=_list,
                examples=[("", "pedigree trigger list")],
            ),
            Command(
                "trigger delete",
                "Take a branch's trigger off",
                declare=_declare_delete,
                run=_delete,
                examples=[("", "pedigree trigger delete images@batch")],
            ),
        ],
        details="""
A trigger moves its branch to the head of the branch it watches, when a commit finishes there and a condition
holds. Sizes are decimal: 1K is 1000 bytes. Triggers with --cron, and rates, tick during `pedigree run
--watch`.
""",
    )
}
