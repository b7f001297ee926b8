"""A step that runs for ever: what spouts and services have in common.

It runs in the same sandbox as a datum, under the engine's eyes: killed with it, its output kept, its code and environment
recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.errors import StepFailed
from pedigree.pipeline import circumstances, events, pipes, process, step
from pedigree.pipeline.datums import Datum
from pedigree.pipeline.events import OnEvent
from pedigree.pipeline.executors.contract import DatumTask
from pedigree.pipeline.model import Pipeline, Service
from pedigree.pipeline.planning import JobPlan, Surroundings
from pedigree.pipeline.process import Ended, Stop
from pedigree.pipeline.secrets import Secrets
from pedigree.pipeline.site import Site
from pedigree.pipeline.transcript import Transcript

if TYPE_CHECKING:
    from pedigree.pipeline.view import View
    from pedigree.pipeline.workplace import Workplace


class Lines:
    """Passes what a step prints on, line by line, and keeps it in the pipeline's log."""

    def __init__(self, pipeline: str, transcript: Transcript, on_event: OnEvent) -> None:
        self._pipeline = pipeline
        self._transcript = transcript
        self._on_event = on_event
        self._rest = b""

    def write(self, data: bytes) -> None:
        self._transcript.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_event(events.Output(self._pipeline, line.decode("utf-8", "replace")))


def run(
    surroundings: Surroundings,
    plan: JobPlan,
    datum: Datum,
    run_id: str,
    *,
    stop: Stop,
    on_event: OnEvent,
    beside: Callable[[Workplace, View, str, threading.Event], None] | None = None,
    after: Callable[[Workplace, View, str], None] | None = None,
) -> Ended:
    """Run the pipeline's command once, until it ends or `stop` is thrown.

    `beside` runs in a thread of its own for as long, with the workplace, the view and the tree of the code; its event is
    set when the command has ended, and what it raises is raised here. `after` is called once the command has ended well.

    A command with a `service` shares the machine's network, since a port in a network of its own could not be reached: it
    listens on `internal_port`, which is given to it as PORT too, and `external_port` leads there. Raises StepFailed when the
    command ends badly of itself, Busy when the port is taken.
    """
    store, pipeline = surroundings.store, plan.pipeline
    service = pipeline.spout.service if pipeline.spout is not None else pipeline.service
    env = {} if service is None else {"PORT": str(service.internal_port)}
    tree = circumstances.keep(surroundings, plan.code)
    log = store.folder / "logs" / pipeline.name
    log.mkdir(parents=True, exist_ok=True)
    task = DatumTask("", datum, pipeline, tree, env, run_id, run_id, run_id, log / "log")
    task.log_path.unlink(missing_ok=True)
    secrets = Secrets(pipeline.transform.secrets, store.folder / "secrets")
    transcript = Transcript(task.log_path, secrets.values)
    ended = threading.Event()
    failures: list[BaseException] = []
    with Site(store, plan.isolation) as site:
        place = site.workplace()
        try:
            place.fill(datum.inputs, store.objects, share=plan.isolation != "rewriting")
            launch = step.prepare(task, site, place, secrets)
            launch = replace(launch, network=launch.network or service is not None)

            def help_along() -> None:
                assert beside is not None
                try:
                    beside(place, launch.view, tree, ended)
                except BaseException as error:  # raised below, in the thread that asked
                    failures.append(error)
                    stop.throw()

            helper = threading.Thread(target=help_along, name=f"beside {pipeline.name}")
            if beside is not None:
                helper.start()
            try:
                with pipes.Filling(place, store.objects), _ports(service):
                    result = process.run(
                        site.isolation,
                        launch,
                        stdin="".join(line + "\n" for line in pipeline.transform.stdin).encode(),
                        printed=Lines(pipeline.name, transcript, on_event),
                        limits=step.limits(pipeline, site),
                        stop=stop,
                    )
            finally:
                ended.set()
                if beside is not None:
                    helper.join()
            good = result.exit_code == 0 or result.exit_code in pipeline.transform.accept_return_code
            why, remedy = ("", "") if good else step.reason(task, result, transcript, site)
            if good and after is not None and not failures and not stop.thrown:
                after(place, launch.view, tree)
        finally:
            transcript.close()
            place.remove()
    if failures:
        raise failures[0]
    if not good and not stop.thrown:
        last = transcript.last_lines(3)
        raise StepFailed(
            f"The {pipeline.kind} {pipeline.name!r} stopped: {why} {last}".rstrip(),
            remedy=f"{remedy} Its log is {_shown(task.log_path, store.project)}.".lstrip(),
            pipeline=pipeline.name,
            exit_code=result.exit_code,
        )
    return result


def _ports(service: Service | None) -> AbstractContextManager[None]:
    if service is None:
        return nullcontext()
    from pedigree.pipeline import ports

    return ports.forwarded(service.external_port, service.internal_port)


def _shown(path: Path, project: Path) -> str:
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)


def whole_input(surroundings: Surroundings, pipeline: Pipeline) -> Datum:
    """The one datum of a service: all that it reads. A pipeline without input has an empty one."""
    from pedigree.pipeline import engine

    planned = engine.plan_datums(surroundings.store, pipeline)
    return planned[0] if planned else Datum(id="", inputs=(), index=0)
