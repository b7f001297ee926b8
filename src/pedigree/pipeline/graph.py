"""The graph that pipelines form through their repositories, checked before any of them is registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pedigree.errors import InvalidSpec, meant
from pedigree.pipeline.model import Pipeline


def check_graph(
    pipelines: Sequence[Pipeline], registered: Iterable[Pipeline] = (), repositories: Iterable[str] = ()
) -> None:
    """Raise InvalidSpec unless these pipelines fit together and with what is there.

    Refused: two new pipelines of one name, an input repository that is neither there nor made by a pipeline
    or a cron, a pipeline whose output repository is another's cron repository, and a circle. `registered` are
    the pipelines of the store, which new ones of the same name replace.
    """
    names: set[str] = set()
    for item in pipelines:
        if item.name in names:
            raise _invalid(
                item,
                "pipeline.name",
                f"Two pipelines are named {item.name!r}; a pipeline owns the repository of its name.",
                "Rename one of them, or apply one of the two specs alone.",
            )
        names.add(item.name)
    everyone = {item.name: item for item in registered} | {item.name: item for item in pipelines}
    ticks = {cron.repo: item for item in everyone.values() for cron in item.crons()}
    for item in pipelines:
        owner = ticks.get(item.name)
        if owner is not None:
            raise _invalid(
                item,
                "pipeline.name",
                f"Pipeline {item.name!r} would write to the repository of the ticks of {owner.name!r}.",
                "Rename the pipeline, or give that cron input another repo.",
            )
    known = set(repositories) | everyone.keys() | ticks.keys()
    for item in pipelines:
        for leaf in item.leaves():
            if leaf.repo not in known:
                raise _invalid(
                    item,
                    "input.pfs.repo",
                    f"Pipeline {item.name!r} reads the repository {leaf.repo!r}, which does not exist.",
                    f"{meant(leaf.repo, known)}`pedigree repo create {leaf.repo}` makes it, or the first `pedigree put`.",
                    repo=leaf.repo,
                )
    circle = find_circle(everyone)
    if circle:
        raise _invalid(
            everyone[circle[0]],
            "input",
            f"The pipelines depend on each other in a circle: {' -> '.join([*circle, circle[0]])}.",
            "Take one of these inputs out of its spec.",
        )


def find_circle(pipelines: dict[str, Pipeline]) -> list[str]:
    """Names along one circle, each reading the one before it; empty when there is none."""
    done: set[str] = set()
    for start in sorted(pipelines):
        # Depth first with an explicit stack: a chain of thousands must not end in a RecursionError.
        path: list[str] = []
        waiting = [(start, False)]
        while waiting:
            name, leaving = waiting.pop()
            if leaving:
                done.add(path.pop())
            elif name in path:
                circle = path[path.index(name) :]
                return circle[::-1]
            elif name not in done:
                path.append(name)
                waiting.append((name, True))
                reads = {leaf.repo for leaf in pipelines[name].leaves()} & pipelines.keys()
                waiting.extend((other, False) for other in sorted(reads, reverse=True))
    return []


def _invalid(pipeline: Pipeline, field: str, what: str, remedy: str, repo: str | None = None) -> InvalidSpec:
    return InvalidSpec(what, remedy=remedy, file=None, line=None, field=field, pipeline=pipeline.name, repo=repo)
