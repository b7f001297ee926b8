"""What a pipeline would run on now, and whether its output is already made from exactly that.

A pipeline is up to date when the head of its output branch names the same input commits, spec, code, environment and
isolation as a new job would. Comparing names those that differ: the reasons that `status` and `explain` show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pedigree.pipeline.datums import Source
from pedigree.pipeline.model import PfsInput, Pipeline
from pedigree.store import trees

if TYPE_CHECKING:
    from pedigree.pipeline.code import Code
    from pedigree.pipeline.environment import Environment
    from pedigree.store import Store
    from pedigree.store.commits import Commit

#: Fields of a commit's `made_by` that decide whether it is up to date, with the words for a change of each.
COMPARED = {
    "spec": "the spec changed",
    "code": "the code changed",
    "environment": "the environment changed",
    "isolation": "the isolation changed",
    "compat": "the compatibility mode changed",
}


@dataclass
class Surroundings:
    """What all jobs of one run share; captured at most once, and only when asked for."""

    store: Store
    isolation: str = "auto"
    compat: str | None = None
    environment_given: Environment | None = None

    @cached_property
    def environment(self) -> Environment:
        if self.environment_given is not None:
            return self.environment_given
        from pedigree.pipeline import environment

        return environment.capture(cache=self.store.folder / "cache")

    @cached_property
    def level(self) -> str:
        from pedigree.pipeline import sandbox

        return sandbox.choose(self.isolation, cache=self.store.folder / "cache")

    def code(self, pipeline: Pipeline) -> Code:
        from pedigree.pipeline import code

        return code.closure_of(pipeline, self.store.project, cache=self.store.folder / "cache")


@dataclass
class JobPlan:
    """One pipeline's next job. `reasons` is empty when the output is up to date."""

    pipeline: Pipeline
    sources: Mapping[str, Source | None]
    code: Code
    environment: str
    isolation: str
    compat: str | None
    head: Commit | None
    reasons: tuple[str, ...] = ()

    @property
    def provenance(self) -> list[dict[str, str]]:
        """The input commits, as the output commit will name them."""
        return provenance(self.pipeline, self.sources)

    def made_by(self, manifest: str, code_tree: str) -> dict[str, Any]:
        """Everything else that the output commit names. Holds no time and no run, so that equal work has equal ids."""
        value: dict[str, Any] = {
            "pipeline": self.pipeline.name,
            "spec": self.pipeline.digest,
            "code": self.code.digest,
            "code_tree": code_tree,
            "environment": self.environment,
            "isolation": self.isolation,
            "manifest": manifest,
            "seed": self.pipeline.seed,
        }
        if self.pipeline.config_digest is not None:
            value["config"] = self.pipeline.config_digest
        if self.compat:
            value["compat"] = self.compat
        return value

    def source(self, item: PfsInput) -> Source | None:
        return self.sources[key(item)]


def key(item: PfsInput) -> str:
    return f"{item.repo}@{item.branch}"


def source(store: Store, item: PfsInput) -> Source | None:
    """The head that an input reads now; None while its branch holds no commit."""
    commit = store.head(item.repo, item.branch)
    if commit is None:
        return None
    return Source(item.repo, item.branch, commit.id, commit.tree)


def provenance(pipeline: Pipeline, sources: Mapping[str, Source | None]) -> list[dict[str, str]]:
    found = {}
    for item in pipeline.leaves():
        read = sources[key(item)]
        if read is not None:
            found[(item.name, item.repo, read.commit)] = {
                "name": item.name,
                "repo": item.repo,
                "commit": read.commit,
            }
    return [found[name] for name in sorted(found)]


def plan(surroundings: Surroundings, pipeline: Pipeline) -> JobPlan:
    """The job that would run now. Reads branch heads, file times of the code and the environment's stamp; no datum."""
    store = surroundings.store
    sources = {}
    for item in pipeline.leaves():
        if key(item) not in sources:
            sources[key(item)] = source(store, item)
    result = JobPlan(
        pipeline,
        sources,
        surroundings.code(pipeline),
        surroundings.environment.fingerprint,
        surroundings.level,
        surroundings.compat,
        store.head(pipeline.name, pipeline.output_branch),
    )
    result.reasons = _reasons(store, result)
    return result


def _reasons(store: Store, plan: JobPlan) -> tuple[str, ...]:
    if plan.head is None:
        return ("it has no output yet",)
    made_by = plan.head.made_by
    if not made_by:
        return ("its output was written by hand",)
    now = {
        "spec": plan.pipeline.digest,
        "code": plan.code.digest,
        "environment": plan.environment,
        "isolation": plan.isolation,
        "compat": plan.compat,
    }
    differ = [name for name in COMPARED if _seen(name, made_by.get(name)) != _seen(name, now[name])]
    reasons = [text for name, text in COMPARED.items() if name in differ]
    if "spec" in differ:
        reasons[:1] = _spec_reasons(store, made_by, plan.pipeline)
    return tuple(reasons + input_reasons(plan))


def _spec_reasons(store: Store, made_by: Mapping[str, Any], pipeline: Pipeline) -> list[str]:
    """What changed in the spec: the fields of its configuration by name, all else in one sentence."""
    from pedigree.pipeline import configs, pipelines

    if made_by.get("config") == pipeline.config_digest:
        return [COMPARED["spec"]]
    old = store.records.get(pipelines.SPEC, made_by["spec"])
    if old is None:
        return [COMPARED["spec"]]
    before = Pipeline.from_json(old)
    rest = replace(before, config=None) != replace(pipeline, config=None)
    return [COMPARED["spec"]] * rest + configs.told(store, before.config, pipeline.config)


def _seen(name: str, value: str | None) -> str | None:
    """What a step could tell of the value: two levels of isolation may look the same from inside."""
    from pedigree.pipeline import sandbox

    return sandbox.sight(value) if name == "isolation" and value is not None else value


def input_reasons(plan: JobPlan) -> list[str]:
    """Which inputs have other commits than the output was made from. Inputs that never propagate do not count."""
    assert plan.head is not None
    before = {(item["name"], item["repo"]): item["commit"] for item in plan.head.provenance}
    reasons = []
    for item in plan.pipeline.leaves():
        read = plan.sources[key(item)]
        was = before.get((item.name, item.repo))
        is_now = None if read is None else read.commit
        if was != is_now and item.propagate:
            reasons.append(f"input {item.name} moved to {'nothing' if is_now is None else is_now[:12]}")
    return reasons


def has_input(store: Store, plan: JobPlan) -> bool:
    """Whether any input holds a file; a pipeline with nothing to read waits and makes no commit."""
    return any(item is not None and trees.totals(item.tree, store.objects.read)[0] for item in plan.sources.values())
