"""The service of the pets pipeline that shows the logs: it answers, with the runs and numbers of the event files."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from pedigree.pipeline import events
from pedigree.pipeline.watch import Watch
from tests.pipeline.project import Project

from .steps import PETS, load

pytest.importorskip("tensorboard")


def free_port() -> int:
    import socket

    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        return int(end.getsockname()[1])


def fetched(url: str) -> Any:
    """The JSON behind the address; None while nobody answers there."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  # an address of this test's own
            return json.load(reply)
    except OSError:
        return None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_service_shows_the_runs_of_every_step_that_leaves_a_log(tmp_path: Path) -> None:
    """Its entry of pets.yaml as it is, but for a free port, on repositories with event files where the steps put them. It
    answers on its external port with every run and its numbers."""
    spec = next(
        document
        for document in yaml.safe_load_all((PETS / "pets.yaml").read_text())
        if document["pipeline"]["name"] == "tensorboard"
    )
    project = Project(tmp_path)
    names = [item["pfs"]["repo"] for item in spec["input"]["cross"]]
    assert {"train", "tune"} <= {*names}
    runs = {name: "tensorboard/trial-000" if name == "tune" else "tensorboard" for name in names}
    for number, (name, folder) in enumerate(runs.items()):
        logs = tmp_path / "logs" / name
        load("events").write_scalars(logs / folder, {1: {"loss/training": 0.5 + number}, 2: {"loss/training": 0.25}})
        event_file = logs / folder / load("events").NAME
        with project.store.commit(f"{name}@master", create=True) as change:
            change.write(f"{folder}/{event_file.name}", event_file.read_bytes())
    external = free_port()
    spec["service"] = {"internal_port": free_port(), "external_port": external}
    project.apply(yaml.safe_dump(spec))

    printed: list[str] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.Output):
            printed.append(event.line)

    watch = Watch(project.store, on_event=listen)
    thread = threading.Thread(target=watch.run)
    thread.start()
    base = f"http://127.0.0.1:{external}/data"
    try:
        deadline = time.monotonic() + 240  # only ends a hang
        while set(fetched(f"{base}/runs") or ()) != {f"{name}/{folder}" for name, folder in runs.items()}:
            assert time.monotonic() < deadline, printed
            time.sleep(0.1)
        for number, (name, folder) in enumerate(runs.items()):
            points = fetched(
                f"{base}/plugin/scalars/scalars?tag=loss%2Ftraining&run={name}%2F{folder.replace('/', '%2F')}"
            )
            assert [(step, value) for _, step, value in points] == [(1, 0.5 + number), (2, 0.25)]
    finally:
        watch.stop()
        thread.join()
