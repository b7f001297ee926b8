"""The registry of pipelines: applying specs, listing, stopping, deleting.

records "pipeline" NAME        -> {"spec": effective spec, "digest", "version", "state", "created", "updated"}
records "spec"     DIGEST      -> effective spec: every version that ever was, for lineage and rebuilding
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.errors import AlreadyExists, InUse, InvalidSpec, PipelineNotFound, meant
from pedigree.pipeline import configs
from pedigree.pipeline.model import CronInput, Pipeline, walk

if TYPE_CHECKING:
    from pedigree.store import Store

PIPELINE = "pipeline"
SPEC = "spec"
RUNNING, STOPPED = "running", "stopped"

#: How the salts begin that `apply --reprocess` makes up.
REPROCESS = "reprocess-"


@dataclass(frozen=True, slots=True)
class Registered:
    """A pipeline with its history: `version` counts from 1; `state` is "running" or "stopped"."""

    pipeline: Pipeline
    digest: str
    version: int
    state: str
    created: float
    updated: float


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying one spec did or, in a dry run, would do. `notes` are for a person."""

    pipeline: Pipeline
    change: str
    version: int
    notes: tuple[str, ...] = ()


def registered(store: Store) -> list[Registered]:
    return [_registered(value) for _, value in store.records.items(PIPELINE)]


def all_pipelines(store: Store) -> list[Pipeline]:
    return [item.pipeline for item in registered(store)]


def get(store: Store, name: str) -> Registered:
    value = store.records.get(PIPELINE, name)
    if value is None:
        raise PipelineNotFound(
            f"There is no pipeline {name!r}.",
            remedy=f"{meant(name, (item.name for item in all_pipelines(store)))}"
            "`pedigree status` lists the pipelines; `pedigree apply FILE` makes one.",
        )
    return _registered(value)


def spec(store: Store, digest: str) -> Pipeline:
    """The effective spec with this digest, whether or not a pipeline still has it."""
    value = store.records.get(SPEC, digest)
    if value is None:
        raise PipelineNotFound(f"The store holds no spec {digest}.", remedy="`pedigree fsck` says what is missing.")
    return Pipeline.from_json(value)


def apply(
    store: Store,
    paths: Iterable[str],
    args: Mapping[str, str] | None = None,
    *,
    dry_run: bool = False,
    reprocess: bool = False,
    now: float | None = None,
) -> list[Applied]:
    """Make or update the pipelines that the spec files describe: all of them, or none when one is wrong.

    A spec equal to the registered one changes nothing, so applying is idempotent. Configurations are composed, validated
    by the class that the spec names (which is imported) and frozen. `reprocess` gives each pipeline a
    new salt, so that all its datums run again; a spec without a salt keeps that one from then on. Raises InvalidSpec with
    file, line and field, and InvalidConfig with the place of every value that is wrong.
    """
    from pedigree.pipeline import spec as specs

    written = [item for path in paths for item in specs.written(path, args or {}, project=store.project)]
    places = [f"{item.file}:{item.spelled.line(('config',))}" for item in written]
    loaded, frozen = configs.freeze([item.pipeline for item in written], store.project, places)
    moment = time.time() if now is None else now
    if reprocess:
        import secrets
        from dataclasses import replace

        loaded = [replace(item, salt=REPROCESS + secrets.token_hex(8)) for item in loaded]
    try:
        return register(store, loaded, frozen, dry_run=dry_run, now=moment)
    except (InvalidSpec, AlreadyExists) as error:
        specs.placed(error, written)
        raise


def register(
    store: Store, loaded: list[Pipeline], frozen: Mapping[str, Any], *, dry_run: bool, now: float
) -> list[Applied]:
    """Take the pipelines over; `frozen` are the records of their configurations."""
    from pedigree.pipeline import spec as specs

    present = {item.pipeline.name: item for item in registered(store)}
    loaded = [_salted(item, present.get(item.name)) for item in loaded]
    repositories = {repository.name: repository.kind for repository in store.repositories()}
    _check(loaded, present, repositories)
    specs.check_graph(loaded, [p.pipeline for name, p in present.items()], set(repositories))
    results = [_change(store, item, present.get(item.name), frozen) for item in loaded]
    if dry_run:
        return results
    with store.database.transaction():
        for result in results:
            pipeline, old = result.pipeline, present.get(result.pipeline.name)
            _make_repositories(store, pipeline, repositories)
            if pipeline.config is not None:
                store.records.put(configs.CONFIG, pipeline.config.frozen, frozen[pipeline.config.frozen])
            if result.change == "unchanged":
                if old is not None and old.pipeline != pipeline:  # the same values, at other lines of the files
                    same = store.records.get(PIPELINE, pipeline.name) or {}
                    store.records.put(PIPELINE, pipeline.name, {**same, "spec": pipeline.to_json()})
                continue
            value = pipeline.to_json()
            digest = pipeline.digest
            store.records.put(SPEC, digest, value)
            store.records.put(
                PIPELINE,
                pipeline.name,
                {
                    "spec": value,
                    "digest": digest,
                    "version": result.version,
                    "state": RUNNING,
                    "created": old.created if old else now,
                    "updated": now,
                },
            )
    return results


def set_state(store: Store, name: str, state: str) -> None:
    """Stop a pipeline (new commits make no jobs of it) or let it run again."""
    item = get(store, name)
    with store.database.transaction():
        value = store.records.get(PIPELINE, name)
        if value is not None and item.state != state:
            store.records.put(PIPELINE, name, {**value, "state": state})


def delete(store: Store, name: str, *, keep_repository: bool = False, force: bool = False) -> None:
    """Forget a pipeline and, unless kept, its output repository and those of its ticks.

    Its cached results stay: making it again reuses them.
    """
    from pedigree.pipeline import ticks

    crons = {item.repo for item in get(store, name).pipeline.crons()}
    others = [item for item in all_pipelines(store) if item.name != name]
    crons -= {leaf.repo for item in others for leaf in item.leaves()}
    readers = sorted(
        other.name
        for other in all_pipelines(store)
        if other.name != name and any(leaf.repo == name for leaf in other.leaves())
    )
    if readers and not force and not keep_repository:
        raise InUse(
            f"Pipeline {name!r} cannot be deleted: {', '.join(readers)} read its output.",
            remedy="Delete those first, keep the repository with --keep-repo, or force it with --force.",
        )
    with store.database.transaction():
        store.records.delete(PIPELINE, name)
        if not keep_repository:
            store.delete_repository(name, force=True)
            for repository in store.repositories():
                if repository.name in crons and repository.kind == "cron":
                    store.delete_repository(repository.name, force=True)
                    store.records.delete(ticks.CRON, repository.name)


def order(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    """Upstream before downstream, by name where neither depends on the other. Cycles were refused by `apply`."""
    left = {item.name: item for item in pipelines}
    needs = {name: {leaf.repo for leaf in item.leaves()} & left.keys() - {name} for name, item in left.items()}
    result: list[Pipeline] = []
    while needs:
        ready = sorted(name for name, needed in needs.items() if not needed)
        if not ready:
            raise InvalidSpec(
                f"The pipelines {', '.join(sorted(needs))} depend on each other in a circle.",
                remedy="Take one of these inputs out of its spec and apply it again.",
            )
        for name in ready:
            result.append(left[name])
            del needs[name]
        for needed in needs.values():
            needed.difference_update(ready)
    return result


def _salted(new: Pipeline, old: Registered | None) -> Pipeline:
    """With the salt of an earlier `reprocess`, or the results that it replaced would come back with the next `apply`."""
    from dataclasses import replace

    if new.salt or old is None or not old.pipeline.salt.startswith(REPROCESS):
        return new
    return replace(new, salt=old.pipeline.salt)


def _change(store: Store, new: Pipeline, old: Registered | None, frozen: Mapping[str, Any]) -> Applied:
    from pedigree.pipeline import spec as specs

    notes = tuple(specs.notes(new))
    if old is None:
        return Applied(new, "created", 1, notes)
    if old.digest == new.digest:
        return Applied(new, "unchanged", old.version, ())
    before, after = old.pipeline.to_json(), new.to_json()
    changed = [f"{field} changed" for field in after if field != "config" and before.get(field) != after[field]]
    if old.pipeline.config_digest != new.config_digest:
        fresh = None if new.config is None else frozen[new.config.frozen]["file"]
        changed += configs.told(store, old.pipeline.config, new.config, fresh)
    elif before["config"] != after["config"] and not changed:
        changed.append("config comes to the same values by another way")
    return Applied(new, "updated", old.version + 1, (*changed, *notes))


def _check(loaded: list[Pipeline], present: Mapping[str, Registered], repositories: Mapping[str, str]) -> None:
    for item in loaded:
        if item.name not in present and repositories.get(item.name) == "input":
            raise AlreadyExists(
                f"Pipeline {item.name!r} needs an output repository of its name, but people write to a repository {item.name!r}.",
                remedy="Give the pipeline another name.",
                pipeline=item.name,
            )


def _make_repositories(store: Store, pipeline: Pipeline, known: Mapping[str, str]) -> None:
    names = set(known)
    if pipeline.name not in names:
        store.create_repository(pipeline.name, description=pipeline.description, kind="output")
    for item in walk(pipeline.input):
        if isinstance(item, CronInput) and item.repo not in names:
            store.create_repository(item.repo, description=f"Ticks of {pipeline.name}: {item.spec}", kind="cron")
        elif not isinstance(item, CronInput) and item.trigger is not None:
            _make_trigger(store, item.repo, item.branch, item.trigger)


def _make_trigger(store: Store, repo: str, branch: str, trigger: Any) -> None:
    from pedigree.store import triggers

    there = next((found for found in store.triggers(repo) if found.branch == branch), None)
    if there == triggers.make(repo, branch, trigger):
        return
    if there is not None:
        store.delete_trigger(repo, branch)
    store.create_trigger(repo, branch, trigger)


def _registered(value: Mapping[str, Any]) -> Registered:
    return Registered(
        Pipeline.from_json(value["spec"]),
        value["digest"],
        value["version"],
        value["state"],
        value["created"],
        value["updated"],
    )
