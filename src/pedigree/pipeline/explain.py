"""Why a datum ran or was reused: which part of its identity differs from the last time, down to file and code line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pedigree.pipeline import configs, jobs, pipelines
from pedigree.pipeline.jobs import DatumRecord, Job
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.store import Store

#: A change of code is shown in full up to this many lines.
DIFF_LINES = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One part of an identity that differs. `part` is its name, `detail` one line, `lines` a unified diff if there is one."""

    part: str
    detail: str
    lines: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"part": self.part, "detail": self.detail, "lines": list(self.lines)}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one datum of a job had the state it had; `changes` compare it with the job before."""

    job: str
    datum: str
    label: str
    state: str
    reason: str
    changes: tuple[Change, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "datum": self.datum,
            "label": self.label,
            "state": self.state,
            "reason": self.reason,
            "changes": [change.to_json() for change in self.changes],
        }


def explain(store: Store, target: str, datum: str | None = None) -> list[Explanation]:
    """One explanation per datum of the job PIPELINE@RUN, or of the newest job of PIPELINE; or of one datum only.

    Datums whose explanation is the same in every detail but the input are not folded here; the caller may.
    """
    job = jobs.get(store, target)
    previous = _previous(store, job)
    before = {item.datum: item for item in jobs.datums(store, previous)} if previous else {}
    items = jobs.datums(store, job)
    if datum is not None:
        items = [jobs.datum(store, datum, job)[1]]
    parts = _parts(store, job, items)
    old_parts = _parts(store, previous, list(before.values())) if previous else {}
    shared: dict[tuple[str, str], tuple[Change, ...]] = {}
    result = []
    for item in items:
        old = before.get(item.datum)
        specs = ("", "") if previous is None else (previous.spec, job.spec)
        reason, changes = _one(store, item, old, parts, old_parts, shared, specs)
        result.append(Explanation(job.id, item.datum, item.label, item.state, reason, changes))
    return result


def _previous(store: Store, job: Job) -> Job | None:
    for other in jobs.all_jobs(store, job.pipeline):
        if other.started < job.started and other.manifest:
            return other
    return None


def _parts(store: Store, job: Job | None, items: list[DatumRecord]) -> dict[str, Mapping[str, Any]]:
    """What went into each identity; failed datums keep theirs in their failure's record."""
    if job is None:
        return {}
    found = store.records.many(jobs.PARTS, [item.identity for item in items])
    missing = [item for item in items if item.identity not in found]
    failures = store.records.many(jobs.FAILURE, [f"{job.key}/{item.datum}" for item in missing])
    for value in failures.values():
        found[value["identity"]] = value["parts"]
    return found


def _one(
    store: Store,
    item: DatumRecord,
    old: DatumRecord | None,
    parts: Mapping[str, Mapping[str, Any]],
    old_parts: Mapping[str, Mapping[str, Any]],
    shared: dict[tuple[str, str], tuple[Change, ...]],
    specs: tuple[str, str],
) -> tuple[str, tuple[Change, ...]]:
    if item.state == jobs.NOT_RUN:
        return "not run: the job was stopped before its turn", ()
    if item.state == jobs.SKIPPED:
        if old is not None and old.identity == item.identity:
            return "reused: nothing that it depends on changed", ()
        origin = store.records.get(jobs.RESULT, item.identity) or {}
        return f"reused: the same work was done before, in job {origin.get('job', 'unknown')}", ()
    if old is None:
        return "ran: the last job had no such datum, and no other job had done the same work", ()
    if old.identity == item.identity:
        if old.state in (jobs.FAILED_DATUM, jobs.RECOVERED, jobs.NOT_RUN):
            return f"ran: it was {old.state} in the last job, and only good results are reused", ()
        return "ran: asked to run again although nothing changed", ()
    new_part, old_part = parts.get(item.identity), old_parts.get(old.identity)
    if new_part is None or old_part is None:
        return "ran: what went into its last result is not recorded any more", ()
    changes = tuple(_changes(store, item, old, new_part, old_part, shared, specs))
    return "ran: " + "; ".join(change.detail for change in changes), changes


def _changes(
    store: Store,
    item: DatumRecord,
    old: DatumRecord,
    new_part: Mapping[str, Any],
    old_part: Mapping[str, Any],
    shared: dict[tuple[str, str], tuple[Change, ...]],
    specs: tuple[str, str],
) -> Iterator[Change]:
    for name in sorted({*new_part, *old_part} - {"inputs"}):
        before, after = old_part.get(name), new_part.get(name)
        if before == after:
            continue
        if name in ("code", "environment"):
            key = (str(before), str(after))
            if key not in shared:
                maker = code_changes if name == "code" else _environment
                shared[key] = tuple(maker(store, str(before), str(after)))
            yield from shared[key]
        elif name == "config":
            key = (name, str(after))
            if key not in shared:
                shared[key] = tuple(Change(name, line) for line in configs.changes(store, *specs))
            yield from shared[key]
        elif isinstance(before, dict) and isinstance(after, dict):
            for field_name in sorted({*before, *after}):
                if before.get(field_name) != after.get(field_name):
                    yield Change(name, f"{name} {field_name}: {before.get(field_name)!r} -> {after.get(field_name)!r}")
        else:
            yield Change(name, f"{name.replace('_', ' ')}: {_short(before)} -> {_short(after)}")
    yield from _inputs(store, item, old)


def _inputs(store: Store, item: DatumRecord, old: DatumRecord) -> Iterator[Change]:
    before = {(i["name"], i["path"]): i for i in old.inputs}
    for now in item.inputs:
        was = before.get((now["name"], now["path"]))
        if was is None or was["files"] == now["files"]:
            continue
        changed = _changed_files(store, was, now)
        for path, how in changed[:20]:
            yield Change("inputs", f"{now['name']}:/{path} {how}")
        if len(changed) > 20:
            yield Change("inputs", f"and {len(changed) - 20} more files of {now['name']}")
        if not changed:
            yield Change("inputs", f"{now['name']}:/{now['path']} changed")


def _changed_files(store: Store, was: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    from pedigree.errors import NotFound

    try:
        old, new = store.commit_by_id(was["commit"]), store.commit_by_id(now["commit"])
    except NotFound:  # squashed or deleted since
        return []
    folder = now["path"]
    return [
        (path, "is new" if before is None else "is gone" if after is None else "changed")
        for path, before, after in trees.diff(old.tree, new.tree, store.objects.read)
        if not folder or path == folder or path.startswith(folder + "/")
    ]


def code_changes(store: Store, before: str, after: str) -> Iterator[Change]:
    """The files of code that differ, each with the lines that do; two closures are given by their digests."""
    old, new = store.records.get("code", before), store.records.get("code", after)
    if old is None or new is None:
        yield Change("code", "the code changed")
        return
    for path, was, now in trees.diff(old["tree"], new["tree"], store.objects.read):
        if was is None or now is None:
            yield Change("code", f"code {path} {'is new' if was is None else 'is gone'}")
            continue
        lines = _diff(store, path, was.digest, now.digest)
        first = next((line for line in lines if line.startswith("@@")), "")
        at = first.split("+")[1].split(",")[0].split(" ")[0] if "+" in first else ""
        yield Change("code", f"code {path}{':' + at if at else ''} changed", lines)


def _diff(store: Store, path: str, before: str, after: str) -> tuple[str, ...]:
    try:
        old = store.objects.read(before).decode().splitlines()
        new = store.objects.read(after).decode().splitlines()
    except UnicodeDecodeError:
        return ()
    lines = list(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=1, lineterm=""))
    if len(lines) > DIFF_LINES:
        lines = [*lines[:DIFF_LINES], f"... {len(lines) - DIFF_LINES} more lines"]
    return tuple(lines)


def _environment(store: Store, before: str, after: str) -> Iterator[Change]:
    """Which facts of the environment differ: distributions by name and version, settings by value."""
    old, new = store.records.get("environment", before), store.records.get("environment", after)
    if old is None or new is None:
        yield Change("environment", "the environment changed")
        return
    was, now = dict(_flat("", old["facts"])), dict(_flat("", new["facts"]))
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield Change("environment", f"environment {name}: {was.get(name, 'absent')} -> {now.get(name, 'absent')}")


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), item)
    else:
        yield prefix, _short(value)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def explain_pipeline(store: Store, name: str) -> tuple[str, ...]:
    """Why the pipeline would run now; empty when it is up to date."""
    from pedigree.pipeline import planning

    pipeline = pipelines.get(store, name).pipeline
    return planning.plan(planning.Surroundings(store), pipeline).reasons
