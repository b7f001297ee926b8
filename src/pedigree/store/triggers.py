"""Triggers: branches that move by themselves when enough has happened on another.

A trigger on `repo@staging` that watches `master` sets staging to master's head when a commit finishes
there and its conditions hold, measured from staging's present head: `size` (the commit's files are that
much larger in all; decimal units, "1K" is 1000), `commits` (that many since), `rate` (a tick of that
schedule passed since). One condition suffices unless `all`. `cron` excludes them: the branch moves at the
ticks of its schedule, whatever was committed. Branches that watch the triggered one follow in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.errors import AlreadyExists, InvalidInput, TriggerNotFound
from pedigree.store import branches, commits, repositories, schema, trees
from pedigree.store.commits import Commit
from pedigree.store.database import Database

if TYPE_CHECKING:
    from pedigree.store.store import Store


class Trigger(NamedTuple):
    """`branch` moves to the head of `watched`. `size` is in bytes; None sets no condition."""

    repo: str
    branch: str
    watched: str
    size: int | None = None
    commits: int | None = None
    rate: str | None = None
    cron: str | None = None
    all: bool = False


def make(repo: str, branch: str, spec: Mapping[str, Any] | object) -> Trigger:
    """The trigger of a spec: a mapping with `branch`, `size`, `commits`, `rate`, `cron`, `all`, or an
    object with those attributes. Empty values set no condition. Raises InvalidInput.
    """
    given = (
        dict(spec) if isinstance(spec, Mapping) else {key: getattr(spec, key) for key in _KEYS if hasattr(spec, key)}
    )
    unknown = sorted(set(given) - set(_KEYS))
    if unknown:
        raise InvalidInput(
            f"The trigger on {repo}@{branch} has the unknown condition {unknown[0]!r}.",
            remedy=f"Use {', '.join(_KEYS)}.",
        )
    size, count = given.get("size"), given.get("commits")
    trigger = Trigger(
        repo, branch, given.get("branch") or branches.DEFAULT,
        size=_size(size) if size else None, commits=int(count) if count else None,
        rate=given.get("rate") or None, cron=given.get("cron") or None, all=bool(given.get("all")),
    )  # fmt: skip
    _check(trigger)
    return trigger


_KEYS = ("branch", "size", "commits", "rate", "cron", "all")


def _check(trigger: Trigger) -> None:
    where = f"The trigger on {trigger.repo}@{trigger.branch}"
    if trigger.watched == trigger.branch:
        raise InvalidInput(f"{where} watches that branch itself.", remedy="Name another branch to watch.")
    others = trigger.size is not None or trigger.commits is not None or trigger.rate is not None
    if trigger.cron is not None and (others or trigger.all):
        raise InvalidInput(f"{where} has `cron` beside other conditions.", remedy="Use `cron` alone, or `rate`.")
    if trigger.cron is None and not others:
        raise InvalidInput(f"{where} has no condition.", remedy="Give size, commits, rate or cron.")
    if trigger.commits is not None and trigger.commits < 1:
        raise InvalidInput(f"{where} counts {trigger.commits} commits; expected 1 or more.")
    for schedule in (trigger.rate, trigger.cron):
        if schedule is not None:
            _next(schedule, 0.0)


def create(database: Database, trigger: Trigger, now: float) -> None:
    """Put a trigger on a branch, which is made when it is new.

    Raises AlreadyExists, InvalidInput for a circle.
    """
    repo, branch = trigger.repo, trigger.branch
    with database.transaction():
        repositories.get(database, repo)
        branches.check_name(trigger.watched)
        if find(database, repo, branch) is not None:
            raise AlreadyExists(
                f"The branch {repo}@{branch} has a trigger already.",
                remedy=f"Remove it with `pedigree trigger delete {repo}@{branch}`.",
            )
        seen = trigger.watched
        while (above := find(database, repo, seen)) is not None:
            seen = above.watched
            if seen == branch:
                raise InvalidInput(
                    f"The trigger on {repo}@{branch} closes a circle: {trigger.watched!r} follows {branch!r} already.",
                    remedy="Watch a branch that people write.",
                )
        if not branches.exists(database, repo, branch):
            branches.create(database, repo, branch, None, now)
        spec = spec_of(trigger)
        del spec["branch"]
        schema.write(
            database, "triggers",
            (repo, branch, trigger.watched, schema.pack_value(spec), schema.microseconds(now)),
        )  # fmt: skip


def spec_of(trigger: Trigger) -> dict[str, Any]:
    """The spec from which `make` makes this trigger."""
    conditions = {key: value for key, value in trigger._asdict().items() if key in _KEYS[1:] and value}
    return {"branch": trigger.watched, **conditions}


def delete(database: Database, repo: str, branch: str) -> None:
    """Take the trigger off a branch, which stays where it is. Raises TriggerNotFound."""
    with database.transaction():
        get(database, repo, branch)
        database.execute("DELETE FROM triggers WHERE repo = ? AND branch = ?", (repo, branch))


def find(database: Database, repo: str, branch: str) -> Trigger | None:
    found = schema.read(database, "triggers", "WHERE repo = ? AND branch = ?", (repo, branch))
    return _trigger(found[0]) if found else None


def get(database: Database, repo: str, branch: str) -> Trigger:
    """The branch's trigger. Raises BranchNotFound, TriggerNotFound."""
    trigger = find(database, repo, branch)
    if trigger is None:
        branches.get(database, repo, branch)
        raise TriggerNotFound(
            f"The branch {repo}@{branch} has no trigger.",
            remedy="`pedigree trigger list` shows all.",
            branch=branch,
        )
    return trigger


def every(database: Database, repo: str | None = None) -> list[Trigger]:
    """All triggers, or those of one repository."""
    condition, values = ("", ()) if repo is None else ("WHERE repo = ?", (repo,))
    return [_trigger(row) for row in schema.read(database, "triggers", condition, values)]


def fire(store: Store, repo: str, branch: str, now: float) -> list[Trigger]:
    """Move every branch whose trigger watches this one and is due, inside the caller's transaction."""
    database = store.database
    fired = []
    for row in schema.read(database, "triggers", "WHERE repo = ? AND watched = ?", (repo, branch)):
        trigger = _trigger(row)
        if trigger.cron is None and _due(store, trigger, row[4], now):
            fired += [trigger, *_move(store, trigger, now)]
    return fired


def tick(store: Store, now: float) -> list[Trigger]:
    """Move every branch whose `cron` has ticked since it last moved; those that did."""
    database = store.database
    fired = []
    with database.transaction():
        for row in schema.read(database, "triggers"):
            trigger = _trigger(row)
            due = None if trigger.cron is None else _next(trigger.cron, schema.seconds(row[4]))
            if due is not None and due <= now:
                moved = _move(store, trigger, now)
                schema.write(database, "triggers", (*row[:4], schema.microseconds(now)))
                fired += [trigger, *moved]
    return fired


def next_tick(database: Database) -> float | None:
    """When `tick` has something to do next, in seconds since the epoch; None for never."""
    rows = schema.read(database, "triggers")
    ticks = [_next(t.cron, schema.seconds(row[4])) for row in rows if (t := _trigger(row)).cron is not None]
    return min((moment for moment in ticks if moment is not None), default=None)


def _move(store: Store, trigger: Trigger, now: float) -> list[Trigger]:
    database = store.database
    head = branches.head(database, trigger.repo, trigger.watched)
    if head is None or head == branches.head(database, trigger.repo, trigger.branch):
        return []
    branches.point(database, trigger.repo, trigger.branch, head, now)
    return fire(store, trigger.repo, trigger.branch, now)


def _due(store: Store, trigger: Trigger, since: int, now: float) -> bool:
    database = store.database
    head = branches.head(database, trigger.repo, trigger.watched)
    present = branches.head(database, trigger.repo, trigger.branch)
    if head is None or head == present:
        return False
    new = commits.get(database, head)
    old = None if present is None else commits.get(database, present)
    conditions = []
    if trigger.size is not None:
        conditions.append(_bytes(store, new) - (0 if old is None else _bytes(store, old)) >= trigger.size)
    if trigger.commits is not None:
        line = commits.chain(database, head, trigger.commits + 1)
        behind = line.index(present) if present in line else len(line)
        conditions.append(behind >= trigger.commits)
    if trigger.rate is not None:
        start = schema.seconds(since) if old is None or old.finished is None else old.finished
        moment = _next(trigger.rate, start)
        conditions.append(moment is not None and moment <= now)
    return all(conditions) if trigger.all else any(conditions)


def _bytes(store: Store, commit: Commit) -> int:
    return trees.totals(commit.tree, store.objects.read)[1]


def _next(schedule: str, after: float) -> float | None:
    from pedigree.store.cron import parse

    return parse(schedule).next(after)


def _size(value: str | int) -> int:
    from pedigree.store.quantities import size_bytes

    try:
        return size_bytes(value)
    except ValueError as error:
        raise InvalidInput(f"A trigger's size is {error}.", remedy='Write bytes, or "100M".') from error


def _trigger(row: tuple[Any, ...]) -> Trigger:
    repo, branch, watched, spec, _ = row
    return Trigger(repo, branch, watched, **schema.unpack_value(spec))
