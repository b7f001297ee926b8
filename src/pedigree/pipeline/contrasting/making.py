"""How two commits of one pipeline were made: what differs of spec, configuration, code, seed, environment and machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pedigree.errors import PedigreeError
from pedigree.pipeline import circumstances, configs, environment, explain, jobs, pipelines
from pedigree.pipeline.code import PROJECT
from pedigree.pipeline.contrasting.contrast import Change
from pedigree.pipeline.environment import Environment
from pedigree.pipeline.verifying import environments
from pedigree.pipeline.verifying.environments import ABSENT

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline
    from pedigree.store import Store
    from pedigree.store.commits import Commit

#: What a step never notices of its spec: who asked, when it gives up, how much runs at once, where results also go.
BESIDE = {
    "datum_set_spec", "datum_timeout_s", "job_timeout_s", "datum_tries", "reprocess", "salt", "output_branch", "egress",
    "service", "autoscaling", "resource_requests", "parallelism", "transform.err_cmd", "transform.err_stdin",
    "resource_limits.memory_bytes", "resource_limits.disk_bytes",
}  # fmt: skip
#: Told elsewhere, or nothing at all.
_LEFT_OUT = {"name", "description", "metadata", "base", "ignored", "config", "code", "seed"}

Found = Iterator[tuple[str, Change]]


def differences(store: Store, old: Commit, new: Commit) -> tuple[list[tuple[str, Change]], list[tuple[str, Change]]]:
    """Kind and change of all that may have changed a byte, then of what changed and cannot."""
    matter: list[tuple[str, Change]] = []
    beside: list[tuple[str, Change]] = []
    was, now = old.made_by, new.made_by
    try:
        specs = pipelines.spec(store, was["spec"]), pipelines.spec(store, now["spec"])
    except PedigreeError:
        matter.append(("spec", Change("spec (not in the store any more)", was["spec"][:12], now["spec"][:12])))
    else:
        for name, change in _spec(*specs):
            (beside if name in BESIDE else matter).append(("spec", change))
        matter += _seed_and_threads(*specs)
    matter += [*_config(store, old, new), *_code(store, was, now)]
    matter += _environment(store, old, new)
    if was.get("isolation") != now.get("isolation"):
        beside.append(("spec", Change("isolation", was.get("isolation", ""), now.get("isolation", ""))))
    return matter, beside


def _spec(old: Pipeline, new: Pipeline) -> Iterator[tuple[str, Change]]:
    before, after = dict(_flat(old.to_json())), dict(_flat(new.to_json()))
    same_threads = threads(old) == threads(new)
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name) or (name == "resource_limits.cpu" and not same_threads):
            continue
        variable = name.removeprefix("transform.env.")
        if variable in environment.THREADS and not same_threads:
            continue
        yield name, Change(name.removeprefix("transform."), _text(before.get(name)), _text(after.get(name)))


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if name in _LEFT_OUT:
            continue
        if name in ("transform", "resource_limits", "resource_requests") and isinstance(item, Mapping):
            for key, inner in item.items():
                if key == "env":
                    yield from ((f"{name}.env.{variable}", text) for variable, text in inner.items())
                else:
                    yield f"{name}.{key}", inner or None
        else:
            yield name, item or None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def threads(pipeline: Pipeline) -> dict[str, str]:
    """The variables that count threads, as the pipeline's steps get them."""
    told = {**environment.variables(pipeline), **pipeline.transform.env}
    return {name: told[name] for name in environment.THREADS if name in told}


def _seed_and_threads(old: Pipeline, new: Pipeline) -> Found:
    if old.seed != new.seed:
        yield (
            "seed",
            Change("seed", "" if old.seed is None else str(old.seed), "" if new.seed is None else str(new.seed)),
        )
    before, after = threads(old), threads(new)
    changed = [name for name in environment.THREADS if before.get(name) != after.get(name)]
    if changed:
        whole = len(changed) == len(environment.THREADS)
        place = "resource_limits.cpu" if whole else "transform.env"
        for name in changed[:1] if whole else changed:
            yield "threads", Change("threads" if whole else name, before.get(name, ""), after.get(name, ""), place)


def _config(store: Store, old: Commit, new: Commit) -> Found:
    if old.made_by.get("config") == new.made_by.get("config"):
        return
    try:
        sides = configs.of_commit(store, old), configs.of_commit(store, new)
    except PedigreeError:
        yield "config", Change("configuration (not in the store any more)")
        return
    before, after = sides
    if before is None or after is None:
        yield "config", Change("configuration", "" if before is None else "one", "" if after is None else "one")
        return
    for one in configs.between(before, after):
        yield "config", Change(one.field, one.before, one.after, one.place or one.place_before)


def _code(store: Store, was: Mapping[str, Any], now: Mapping[str, Any]) -> Found:
    if was.get("code") == now.get("code"):
        return
    installed = 0
    for one in explain.code_changes(store, was.get("code", ""), now.get("code", "")):
        name = one.detail.removeprefix("code ")
        if name.startswith(f"{PROJECT}/"):
            installed += 1
        else:
            yield "code", Change(name, lines=one.lines)
    if installed:
        yield "code", Change(f"{installed:,} files of packages that are installed from their sources (editable)")


def _environment(store: Store, old: Commit, new: Commit) -> Found:
    before, after = old.made_by.get("environment", ""), new.made_by.get("environment", "")
    recorded = store.records.get(circumstances.ENVIRONMENT, after)
    machines = _machine(store, old), _machine(store, new)
    if recorded is None:
        if before != after:
            yield "environment", Change("environment (not in the store any more)", before[:12], after[:12])
        return
    later = Environment(after, recorded["facts"])
    for one in environments.differences(store, before, later, machines[0], machines[1] or recorded["hardware"]):
        then, now = ("" if side == ABSENT else side for side in (one.recorded, one.present))
        if one.name.startswith(("package ", "site-packages/")):
            yield "package", Change(one.name.removeprefix("package "), then, now)
        else:
            yield ("hardware" if one.kind == "hardware" else "environment"), Change(one.name, then, now)


def _machine(store: Store, commit: Commit) -> Mapping[str, Any] | None:
    """The machine of the commit's own job; of results taken over from earlier ones it says nothing."""
    job = store.records.get(jobs.JOB, f"{commit.run}/{commit.repo}") or {}
    found: Mapping[str, Any] | None = job.get("hardware")
    return found
