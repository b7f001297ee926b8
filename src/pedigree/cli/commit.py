"""`pedigree commit`: immutable trees, and the open ones that become such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.cli import options, shapes
from pedigree.cli.command import Arguments, Command, Noun, Parser
from pedigree.cli.output import count, done, json_items, json_value, short

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit


def _declare_start(parser: Parser) -> None:
    options.branch(parser, "The branch; made if it is new")
    options.message(parser)


def _start(arguments: Arguments) -> None:
    with options.changing() as store:
        opened = store.start_commit(arguments.branch, arguments.message, author=arguments.author)
        if arguments.json:
            json_value(shapes.commit(opened))
            return
        print(opened.id)
        text = f"Opened a commit on {opened.repo}@{opened.branch}: puts gather in it until it is finished."
        done(arguments, options.queued(store, text), None)


def _declare_finish(parser: Parser) -> None:
    options.branch(parser, "The branch, or REPO@ID of the open commit")
    parser.add_argument("-m", "--message", metavar="TEXT", help="Replace the message given at the start")


def _finish(arguments: Arguments) -> None:
    with options.changing() as store:
        made = store.finish_commit(arguments.branch, arguments.message)
        done(arguments, options.queued(store, f"Finished {shapes.place(made)}."), shapes.commit(made))


def _declare_list(parser: Parser) -> None:
    parser.add_argument("repo", metavar="REPO[@REF]", nargs="?", help="Of this repository or line; of all unless given")
    parser.add_argument("--run", metavar="RUN", help="Only the commits of this run")
    parser.add_argument("--open", action="store_true", help="Only commits that are not finished")
    options.limit(parser, "commits")


def _list(arguments: Arguments) -> None:
    import itertools

    with options.store() as store:
        repo = arguments.repo
        if repo is not None and "@" in repo:
            found = list(itertools.islice(store.log(repo), arguments.limit))
        else:
            opened = [item for item in store.open_commits() if repo in {None, item.repo}]
            finished = (
                [] if arguments.open else store.commits(repo, run=_run_id(store, arguments), limit=arguments.limit)
            )
            found = ([] if arguments.run else opened) + finished
        found = found[: arguments.limit]
    show_all(arguments, found)


def _run_id(store: Store, arguments: Arguments) -> str | None:
    return store.run(arguments.run).id if arguments.run else None


def show_all(arguments: Arguments, commits: list[Commit]) -> None:
    """Print commits of several repositories as a table or as JSON."""
    from pedigree.cli.output import table, when

    if arguments.json:
        json_items(map(shapes.commit, commits))
        return
    table(
        ["REPO", "BRANCH", "COMMIT", "STATE", "TIME", "RUN", "MESSAGE"],
        [
            (
                item.repo,
                item.branch,
                short(item.id),
                "failed" if item.error else item.state,
                when(item.finished or item.started),
                short(item.run),
                shapes.summary(item),
            )
            for item in commits
        ],
        empty="No commits yet.",
    )


def _declare_one(parser: Parser) -> None:
    options.commit(parser, "Which")


def _inspect(arguments: Arguments) -> None:
    with options.store() as store:
        found = store.resolve(arguments.commit).commit
        if arguments.json:
            json_value(shapes.commit(found))
        else:
            shapes.show_commit(store, found)


def _declare_wait(parser: Parser) -> None:
    options.commit(parser, "A branch or an open commit")
    parser.add_argument("--timeout", metavar="TIME", type=options.seconds, help="Give up after TIME: 30s, 5m")


def _wait(arguments: Arguments) -> None:
    with options.store() as store:
        found = wait_closed(store, arguments.commit, arguments.timeout)
        done(arguments, f"{shapes.place(found)} is finished.", shapes.commit(found))


def wait_closed(store: Store, text: str, timeout: float | None) -> Commit:
    """Wait until no commit is open at the reference; the finished one. Raises Busy after the timeout."""
    import time

    from pedigree.errors import Busy
    from pedigree.store import references

    parsed = references.parse(text)
    deadline = None if timeout is None else time.monotonic() + timeout
    waiting = None
    while True:
        opened = [
            c
            for c in store.open_commits()
            if c.repo == parsed.repo and parsed.branch in {c.branch, c.id[: len(parsed.branch)]}
        ]
        if not opened:
            return store.resolve(f"{parsed.repo}@{waiting or parsed.branch}" if waiting else text).commit
        waiting = opened[0].branch
        if deadline is not None and time.monotonic() > deadline:
            raise Busy(
                f"The commit on {parsed.repo}@{waiting} is still open after {timeout:g} seconds.",
                remedy=f"`pedigree commit finish {parsed.repo}@{waiting}` finishes it.",
            )
        time.sleep(0.05)


def _declare_subscribe(parser: Parser) -> None:
    options.branch(parser, "The branch to follow")
    parser.add_argument("-n", "--number", metavar="NUMBER", type=options.positive, help="Stop after NUMBER commits")
    parser.add_argument("--new", action="store_true", help="Only commits from now on, not those there already")


def _subscribe(arguments: Arguments) -> None:
    import json
    import time

    from pedigree.cli.branch import parse

    repo, name = parse(arguments.branch)
    with options.store() as store:
        head = store.head(repo, name)
        seen = {head.id} if head and arguments.new else set()
        printed = 0
        while True:
            head = store.head(repo, name)
            fresh = []
            for commit in store.log(f"{repo}@{name}") if head else ():
                if commit.id in seen:
                    break
                fresh.append(commit)
            for commit in reversed(fresh):
                seen.add(commit.id)
                print(json.dumps(shapes.commit(commit)) if arguments.json else commit.id, flush=True)
                printed += 1
                if printed == arguments.number:
                    return
            time.sleep(0.2)


def _declare_removal(parser: Parser) -> None:
    parser.add_argument("commit", metavar="REPO@REF|RUN", help="One commit, or all commits of a run")


def _squash(arguments: Arguments) -> None:
    with options.changing() as store:
        gone = store.squash_commit(arguments.commit)
        text = f"Squashed {_named(gone)}: the changes live in the commits after."
        done(arguments, options.queued(store, text), [shapes.commit(item) for item in gone])


def _delete(arguments: Arguments) -> None:
    with options.changing() as store:
        gone = store.delete_commit(arguments.commit)
        text = f"Deleted {_named(gone)} with what it changed."
        done(arguments, options.queued(store, text), [shapes.commit(item) for item in gone])


def _named(gone: list[Commit]) -> str:
    return shapes.place(gone[0]) if len(gone) == 1 else count(len(gone), "commit")


COMMANDS = {
    "commit": Noun(
        "commit",
        "Commits: immutable trees of files, with what they were made from",
        [
            Command(
                "commit start",
                "Open a commit, in which puts gather",
                declare=_declare_start,
                run=_start,
                details="Readers of the branch see its last finished commit meanwhile. Prints the id.",
                examples=[
                    (
                        "several puts, one commit",
                        (
                            "pedigree commit start images@master\npedigree put images:/ cats/\n"
                            "pedigree delete images:/old.jpg\npedigree commit finish images@master"
                        ),
                    )
                ],
            ),
            Command(
                "commit finish",
                "Finish the open commit of a branch",
                declare=_declare_finish,
                run=_finish,
                examples=[("", "pedigree commit finish images@master")],
            ),
            Command(
                "commit list",
                "List commits, newest first",
                declare=_declare_list,
                run=_list,
                examples=[
                    ("everything that one run made", "pedigree commit list --run 4f2a"),
                    ("what is still open", "pedigree commit list --open"),
                ],
            ),
            Command(
                "commit inspect",
                "Show one commit: what it holds, what made it",
                declare=_declare_one,
                run=_inspect,
                examples=[("", "pedigree commit inspect model@master")],
            ),
            Command(
                "commit wait",
                "Wait until a commit is finished",
                declare=_declare_wait,
                run=_wait,
                examples=[("", "pedigree commit wait images@master --timeout 5m")],
                exits=[(0, "finished"), (4, "still open after --timeout")],
            ),
            Command(
                "commit subscribe",
                "Print the commits of a branch as they come",
                declare=_declare_subscribe,
                run=_subscribe,
                details="Oldest first, one id a line (with --json one object a line), until Ctrl-C or -n.",
                examples=[
                    (
                        "act on every new commit",
                        "pedigree commit subscribe images@master | while read id; do ...; done",
                    )
                ],
            ),
            Command(
                "commit squash",
                "Take a commit out; its changes live in the commits after it",
                declare=_declare_removal,
                run=_squash,
                details="Refused where it has no commit after it, or where something was made from it.",
                examples=[("", "pedigree commit squash images@master^")],
            ),
            Command(
                "commit delete",
                "Discard a commit with what it changed",
                declare=_declare_removal,
                run=_delete,
                details="""
Refused where a commit came after it, or something was made from it. An open commit is discarded with what was
put into it.
""",
                examples=[("undo the last put", "pedigree commit delete images@master")],
            ),
        ],
    )
}
