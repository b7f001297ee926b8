"""`pedigree branch`: movable names for commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import done, fields, json_items, json_value, short, table

if TYPE_CHECKING:
    from pedigree.store.branches import Branch


def parse(text: str) -> tuple[str, str]:
    """Repository and branch of REPO[@BRANCH]. Raises InvalidReference where it says more than that."""
    from pedigree.errors import InvalidReference
    from pedigree.store import references

    found = references.parse(text)
    if found.path is not None or found.back or found.nth is not None:
        raise InvalidReference(f"{text!r} is more than a branch.", remedy=f"Write only {found.repo}@{found.branch}.")
    return found.repo, found.branch


def declare_trigger(parser: Parser) -> None:
    """The conditions of a trigger, which `branch create` and `trigger create` share."""
    parser.add_argument("--watch", metavar="BRANCH", help="The branch to watch, master unless given")
    parser.add_argument("--size", metavar="SIZE", help="Move when it has grown by SIZE: 500K, 10M, 2G")
    parser.add_argument("--commits", metavar="NUMBER", type=options.positive, help="Move after NUMBER commits")
    parser.add_argument("--rate", metavar="CRON", help="Move at most at these ticks: '@every 1h', '0 3 * * *'")
    parser.add_argument("--cron", metavar="CRON", help="Move at these ticks, whatever was committed")
    parser.add_argument("--all", action="store_true", help="Wait for all conditions, not for the first")


def trigger(arguments: Arguments) -> dict[str, Any] | None:
    """The trigger that the options describe, or None when they describe none."""
    given = {name: getattr(arguments, name) for name in ("size", "commits", "rate", "cron")}
    if not any(given.values()) and not arguments.watch and not arguments.all:
        return None
    return {"branch": arguments.watch or "", "all": arguments.all, **given}


def conditions(value: dict[str, Any] | None) -> str:
    """A trigger in words; empty for none."""
    if not value:
        return ""
    names = ("size", "commits", "rate", "cron")
    parts = [f"{name} {value[name]}" for name in names if value.get(name)]
    joined = (" and " if value.get("all") else " or ").join(parts)
    return f"follows {value.get('branch') or 'master'}: {joined}"


def _declare_create(parser: Parser) -> None:
    options.branch(parser, "The new branch")
    parser.add_argument("--head", metavar="REPO@REF", help="The commit to begin at; empty unless given")
    declare_trigger(parser)


def _create(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.changing() as store:
        made = store.create_branch(repo, name, head=_head(repo, arguments.head), trigger=trigger(arguments))
        done(arguments, options.queued(store, f"Made the branch {_said(made)}."), shapes.branch(made))


def _head(repo: str, text: str | None) -> str | None:
    # `--head staging^2` means that branch of the same repository, as in pachctl.
    return text if text is None or "@" in text else f"{repo}@{text}"


def _said(branch: Branch) -> str:
    where = f"at {short(branch.head)}" if branch.head else "empty"
    extra = f", {conditions(branch.trigger)}" if branch.trigger else ""
    return f"{branch.repo}@{branch.name}, {where}{extra}"


def _declare_move(parser: Parser) -> None:
    options.branch(parser, "The branch to move")
    parser.add_argument("head", metavar="REPO@REF", help="Where to; REF alone means the same repository")


def _move(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.changing() as store:
        moved = store.move_branch(repo, name, _head(repo, arguments.head) or "")
        done(arguments, options.queued(store, f"Moved {_said(moved)}."), shapes.branch(moved))


def _declare_list(parser: Parser) -> None:
    parser.add_argument("repo", metavar="REPO", nargs="?", help="Of this repository; of all unless given")


def _list(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.branches(arguments.repo)
    if arguments.json:
        json_items(map(shapes.branch, found))
        return
    table(
        ["REPO", "BRANCH", "HEAD", "TRIGGER"],
        [(item.repo, item.name, short(item.head) or "(empty)", conditions(item.trigger)) for item in found],
        empty="No branches yet.",
    )


def _declare_one(parser: Parser) -> None:
    options.branch(parser, "Which")


def _inspect(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.store() as store:
        found = store.branch(repo, name)
        if arguments.json:
            json_value(shapes.branch(found))
            return
        fields(
            [
                ("branch", f"{found.repo}@{found.name}"),
                ("head", found.head or "(empty)"),
                ("trigger", conditions(found.trigger)),
            ]
        )


def _delete(arguments: Arguments) -> None:
    repo, name = parse(arguments.branch)
    with options.changing() as store:
        store.delete_branch(repo, name)
        text = f"Deleted the branch {repo}@{name}; its commits stay."
        done(arguments, options.queued(store, text), {"deleted": f"{repo}@{name}"})


COMMANDS = {
    "branch": Noun(
        "branch",
        "Branches: movable names for commits",
        [
            Command(
                "branch create",
                "Make a branch",
                declare=_declare_create,
                run=_create,
                examples=[
                    ("at a commit", "pedigree branch create images@release --head master~2"),
                    ("one that follows by itself", "pedigree branch create images@batch --size 100M"),
                ],
            ),
            Command(
                "branch move",
                "Point a branch at another commit",
                declare=_declare_move,
                run=_move,
                details="Pipelines that read the branch are out of date then, as after a commit.",
                examples=[
                    ("publish what was staged", "pedigree branch move images@master staging"),
                    ("go back by one commit", "pedigree branch move images@master master^"),
                ],
            ),
            Command(
                "branch list",
                "List branches with their heads",
                declare=_declare_list,
                run=_list,
                examples=[("", "pedigree branch list images")],
            ),
            Command(
                "branch inspect",
                "Show one branch",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree branch inspect images@master")],
            ),
            Command(
                "branch delete",
                "Delete a branch; its commits stay",
                declare=_declare_one,
                run=_delete,
                examples=[("", "pedigree branch delete images@staging")],
            ),
        ],
    )
}
