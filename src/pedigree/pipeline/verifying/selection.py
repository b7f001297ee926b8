"""What to make again: the commits in question, inputs first, and of each the datums that matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from pedigree.errors import CommitNotFound
from pedigree.pipeline.manifests import Manifest
from pedigree.pipeline.verifying.recorded import Recorded, Work, look_up, numbered, origin

if TYPE_CHECKING:
    from pedigree.store import Store
    from pedigree.store.commits import Commit


@dataclass
class Selected:
    """One commit; `paths` in it are what matters, `""` being the whole, and `works` the datums that wrote those."""

    recorded: Recorded
    paths: set[str]
    works: list[Work] = field(default_factory=list)

    @property
    def commit(self) -> Commit:
        return self.recorded.commit


@dataclass
class Selection:
    """`commits`, inputs first and the one asked for last; `inputs` name what was not made from anything."""

    commits: list[Selected]
    inputs: list[str]


def select(store: Store, commit: Commit, path: str, *, upstream: bool) -> Selection:
    """The commit alone or, with `upstream`, with every pipeline's commit that went into it.

    Upstream of a path only the datums are taken whose files were read. Otherwise all: one that wrote nothing then and would
    write something now changes what a glob matches.
    """
    order, inputs = _order(store, commit) if upstream else ([commit], [])
    wanted: dict[str, set[str]] = {commit.id: {path}}
    found: list[Selected] = []
    for item in reversed(order):
        paths = wanted.get(item.id)
        if not paths:
            continue  # named as an input of which nothing was read
        one = Selected(numbered(look_up(store, item)), paths)
        one.works = _writers(store, one)
        found.append(one)
        if one.recorded.reason or not path:
            for named in item.provenance:
                wanted.setdefault(named["commit"], set()).add("")
        for work in one.works:
            for read in work.record.inputs:
                wanted.setdefault(read["commit"], set()).add(read["path"])
    return Selection(found[::-1], inputs)


def _order(store: Store, last: Commit) -> tuple[list[Commit], list[str]]:
    commits = {last.id: last}
    inputs: list[str] = []
    graph: dict[str, list[str]] = {}
    waiting = [last.id]
    while waiting:
        here = waiting.pop()
        graph[here] = []
        for item in commits[here].provenance:
            identity = item["commit"]
            if identity in commits:
                graph[here] += [identity] * (identity in graph or identity in waiting)
                continue
            try:
                commit = store.commit_by_id(identity)
            except CommitNotFound:
                continue  # looking up the commit that needs it says so
            commits[identity] = commit
            why = origin(store, commit)
            if why:
                inputs.append(f"{commit.repo}@{identity[:12]}")
            else:
                graph[here].append(identity)
                waiting.append(identity)
    return [commits[name] for name in TopologicalSorter(graph).static_order()], sorted(inputs)


def _writers(store: Store, one: Selected) -> list[Work]:
    if "" in one.paths or one.recorded.reason:
        return list(one.recorded.works)
    manifest = Manifest(store, one.recorded.made_by["manifest"])
    names = {record.datum for path in sorted(one.paths) for record in manifest.writers(path)}
    return [work for work in one.recorded.works if work.record.datum in names]
