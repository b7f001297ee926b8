"""Services: a step that keeps running and answers on a port, with the newest input commit mounted."""

from __future__ import annotations

from pedigree.pipeline import daemon, planning
from pedigree.pipeline.events import OnEvent
from pedigree.pipeline.model import Pipeline
from pedigree.pipeline.planning import Surroundings
from pedigree.pipeline.process import Ended, Stop
from pedigree.store import runs


def run(surroundings: Surroundings, pipeline: Pipeline, *, stop: Stop, on_event: OnEvent) -> Ended:
    """Run a service on what its inputs hold now, until it exits or is stopped. Raises as `daemon.run` does."""
    plan = planning.plan(surroundings, pipeline)
    return daemon.run(
        surroundings,
        plan,
        daemon.whole_input(surroundings, pipeline),
        runs.new_id(),
        stop=stop,
        on_event=on_event,
    )


def inputs(surroundings: Surroundings, pipeline: Pipeline) -> tuple[str, ...]:
    """The input commits and the spec that a service runs on; it is restarted when they change."""
    sources = {}
    for item in pipeline.leaves():
        source = planning.source(surroundings.store, item)
        sources[planning.key(item)] = source.commit if source else ""
    return (pipeline.digest, *(f"{name}={commit}" for name, commit in sorted(sources.items())))
