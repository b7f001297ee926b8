"""TensorBoard event files whose bytes depend on the numbers alone.

TensorBoard's own writers put the time of day into every event and the host's name into the file's: here the "time" of
an event is its step in seconds and the name is fixed, so that a training rebuilt is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

NAME = "events.out.tfevents.0.pedigree"  # TensorBoard looks for "tfevents" in the name


def write_scalars(folder: Path, rows: Mapping[int, Mapping[str, float]]) -> None:
    """One event file in `folder` with the scalars of every step, steps ascending."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString(deterministic=True))
        for step, scalars in sorted(rows.items()):
            values = [
                Summary.Value(tag=tag, tensor=make_tensor_proto(np.float32(number)), metadata=_scalar())
                for tag, number in scalars.items()
            ]
            event = Event(wall_time=float(step), step=step, summary=Summary(value=values))
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def _scalar() -> object:
    from tensorboard.plugins.scalar.metadata import create_summary_metadata

    return create_summary_metadata(display_name="", description="")
