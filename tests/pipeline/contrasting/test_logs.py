"""Where two TensorBoard logs of two commits part."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pedigree.pipeline.contrasting import pictures
from pedigree.training.comparing.events import masked_crc
from tests.pipeline.project import Project

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")


def log(losses: list[float]) -> bytes:
    records = [event_pb2.Event(wall_time=1.0, file_version="brain.Event:2")]
    for step, loss in enumerate(losses, 1):
        event = event_pb2.Event(step=step)
        event.summary.value.add(tag="loss", simple_value=loss)
        records.append(event)
    found = b""
    for record in records:
        data = record.SerializeToString()
        length = struct.pack("<Q", len(data))
        found += length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))
    return found


def test_logs_are_paired_by_folder_and_part_at_a_tag_and_step(tmp_path: Path) -> None:
    """Their names hold a time. Break: pair them by name; or take logs of the same values for logs that part."""
    project = Project(tmp_path)
    commits = []
    for time, losses in (("1", [3.0, 2.0, 1.0]), ("2", [3.0, 2.0, 0.5])):
        with project.store.commit("logs@master", create=True) as change:
            if time == "2":
                change.delete("run/events.out.tfevents.1")
            change.write(f"run/events.out.tfevents.{time}", log(losses))
            change.write("same/events.out.tfevents.1", log([1.0]))
        commits.append(project.store.resolve("logs@master").commit)
    _, found = pictures.between(project.store, [(commits[0], commits[1])], "")
    assert [(one.file, one.first["tag"], one.first["step"]) for one in found] == [
        ("run/events.out.tfevents.2", "loss", 3)
    ]
    assert "first at step 3: loss: 1 of 3 values differ" in found[0].text
