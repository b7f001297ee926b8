"""References: `REPO@REF[:/PATH]`, the way people name a commit or a place in one.

REF is a branch, a tag, a commit id or its first 4 or more digits, or a run's id (its commit in that repository),
then optionally one step through history: `^`, `^^`, `^3` and `~3` go back, `.1` is the first commit of
the line, `.2` the second, `.-1` counts back from the named one as `^1` does. `BRANCH=ID`, as pachctl
prints it, means ID. Without `@REF` it is `master`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pedigree.errors import CommitClosed, CommitNotFound, InvalidReference
from pedigree.store import branches, commits, drafts, repositories, tags
from pedigree.store.commits import Commit
from pedigree.store.database import Database

#: Fewer digits than this could be anything.
SHORTEST_PREFIX = 4

_REFERENCE = re.compile(r"([^@:/]+)(?:@([^:/]*))?(?::(.*))?\Z", re.DOTALL)
_STEP = re.compile(r"([^^~.]*)(?:(?P<same>[\^~])(?P<more>(?P=same)*)(?P<back>[0-9]{0,15})|\.(?P<nth>-?[0-9]{1,15}))?\Z")
_HEX = re.compile(r"[0-9a-f]+\Z")


class Parsed(NamedTuple):
    """The parts of a reference. `back` steps back from `name`, or `nth` of its line counted from 1; never
    both.

    `name` is None when no REF was given. `path` is as it was typed, None when there was none.
    """

    repo: str
    name: str | None
    back: int
    nth: int | None
    path: str | None

    @property
    def branch(self) -> str:
        return branches.DEFAULT if self.name is None else self.name


class Reference(NamedTuple):
    """A commit, and a path in it (`""` is the root). `branch` is set when the reference means that branch's head."""

    repo: str
    commit: Commit
    path: str
    branch: str | None


def parse(text: str) -> Parsed:
    """The parts of `REPO[@REF][:PATH]`. Raises InvalidReference."""
    found = _REFERENCE.match(text)
    if found is None:
        repo, slash, path = text.partition("/")
        if slash and _REFERENCE.match(repo) is not None:
            raise _invalid(text, "a path begins with `:/`", f"Did you mean {f'{repo}:/{path}'!r}? ")
        raise _invalid(text, "it does not begin with a repository")
    repo, ref, path = found.groups()
    if ref is None:
        return Parsed(repo, None, 0, None, path)
    step = _STEP.match(ref)
    if step is None:
        raise _invalid(text, f"{ref!r} is not a branch or commit with one step through its history")
    name = step[1].rpartition("=")[2]
    if not name:
        raise _invalid(text, "nothing stands between `@` and what follows")
    if step["nth"] is not None:
        nth = int(step["nth"])
        return Parsed(repo, name, -nth, None, path) if nth <= 0 else Parsed(repo, name, 0, nth, path)
    if step["same"] is None:
        return Parsed(repo, name, 0, None, path)
    if step["back"] and step["more"]:
        raise _invalid(text, f"{step['same'] * 2} and a number do not go together")
    back = int(step["back"]) if step["back"] else 1 + len(step["more"])
    return Parsed(repo, name, back, None, path)


def resolve(database: Database, text: str) -> Reference:
    """What a reference names.

    Raises InvalidReference, or the NotFound that says which part does not exist.
    """
    from pedigree.store import paths

    parsed = parse(text)
    path = "" if parsed.path is None else paths.store_path(parsed.path)
    with database.snapshot():
        commit, branch = _named(database, parsed)
        if parsed.nth is not None:
            commit, branch = _nth(database, commit, parsed.nth, text), None
        elif parsed.back:
            commit, branch = _back(database, commit, parsed.back, text), None
    return Reference(parsed.repo, commit, path, branch)


def _named(database: Database, parsed: Parsed) -> tuple[Commit, str | None]:
    head = branches.head(database, parsed.repo, parsed.branch)
    if head is not None:
        return commits.get(database, head), parsed.branch
    repositories.get(database, parsed.repo)
    if branches.exists(database, parsed.repo, parsed.branch):
        raise CommitNotFound(
            f"The branch {parsed.repo}@{parsed.branch} has no commit yet.",
            remedy=f"`pedigree put {parsed.repo}@{parsed.branch}:/ …` makes the first.",
            repo=parsed.repo,
            branch=parsed.branch,
        )
    tag = tags.find(database, parsed.repo, parsed.branch)
    if tag is not None:
        return commits.get(database, tag.commit), None
    found = by_id(database, parsed.repo, parsed.branch)
    if found is None:
        raise branches.not_found(database, parsed.repo, parsed.branch)
    return found, None


def by_id(database: Database, repo: str, digits: str) -> Commit | None:
    """The repository's commit of that id, prefix of an id, or run; open ones included. None when there is
    none.

    A run that made several commits in the repository means the last. Raises InvalidReference for a prefix
    of several.
    """
    if len(digits) < SHORTEST_PREFIX or _HEX.match(digits) is None:
        return None
    after = digits + "g"  # sorts behind every longer spelling in hexadecimal
    found = [
        row[0]
        for row in database.rows(
            "SELECT id FROM commits WHERE repo = ? AND id >= ? AND id < ? LIMIT 5", (repo, digits, after)
        )
    ]
    if len(found) > 1:
        raise InvalidReference(
            f"{digits!r} is the beginning of several commits of {repo!r}: {', '.join(one[:16] for one in found)}.",
            remedy="Give more digits.",
            commits=found,
        )
    if found:
        return commits.get(database, found[0])
    made = database.row(
        "SELECT id FROM commits WHERE repo = ? AND run >= ? AND run < ? ORDER BY number DESC LIMIT 1",
        (repo, digits, after),
    )
    if made:
        return commits.get(database, made[0])
    return drafts.by_id(database, repo, digits)


def writable(database: Database, text: str) -> tuple[str, str]:
    """The repository and branch that `REPO[@BRANCH]` lets one write to; an open commit's id names its branch.

    The branch need not exist. Raises InvalidReference for a path or a step, CommitClosed for a finished
    commit.
    """
    parsed = parse(text)
    if parsed.path is not None or parsed.back or parsed.nth is not None:
        raise InvalidReference(
            f"{text!r} is not a branch; a commit is made on REPO@BRANCH.",
            remedy="Leave path and ancestry out.",
        )
    # Shorter digits are more likely a new branch's name than somebody's commit.
    if len(parsed.branch) < 8 or branches.exists(database, parsed.repo, parsed.branch):
        return parsed.repo, parsed.branch
    found = by_id(database, parsed.repo, parsed.branch)
    if found is not None and found.state != "open":
        raise CommitClosed(
            f"{text!r} is a finished commit; finished commits never change.",
            remedy=f"Write to its branch: {found.repo}@{found.branch}.",
            commit=found.id,
        )
    return (parsed.repo, parsed.branch) if found is None else (found.repo, found.branch)


def _back(database: Database, commit: Commit, steps: int, text: str) -> Commit:
    if commit.state == "open":  # not in the line yet: the first step leads to what it was opened on
        if commit.parent is None:
            raise _too_far(text, 1, commit)
        commit, steps = commits.get(database, commit.parent), steps - 1
    line = commits.chain(database, commit.id, steps + 1)
    if len(line) <= steps:
        raise _too_far(text, len(line), commit)
    return commits.get(database, line[steps])


def _nth(database: Database, commit: Commit, nth: int, text: str) -> Commit:
    if commit.state == "open":
        raise _invalid(text, "an open commit has no place in its line yet")
    line = commits.chain(database, commit.id)
    if nth > len(line):
        raise _too_far(text, len(line), commit)
    return commits.get(database, line[-nth])


def _too_far(text: str, length: int, commit: Commit) -> CommitNotFound:
    return CommitNotFound(
        f"{text!r} leads past the first commit: that line has {length} commit{'' if length == 1 else 's'}.",
        remedy=f"`pedigree log {commit.repo}@{commit.id[:12]}` shows it.",
        reference=text,
    )


def _invalid(text: str, why: str, hint: str = "") -> InvalidReference:
    return InvalidReference(
        f"{text!r} is not a reference: {why}.",
        remedy=f"{hint}Write REPO@BRANCH or REPO@COMMIT, then :/PATH for a place in it: images@master^:/cats/a.jpg.",
        reference=text,
    )
