"""TensorBoard's logs: which tag parts first, at which step, and how far. Read without TensorFlow.

A file is a row of records: length (uint64), its checksum, the bytes of an Event, their checksum; all little-endian, and the
checksum a CRC-32C, rotated by 15 bits and with a constant added. Source: TensorFlow, tensorflow/core/lib/io/record_writer.h and
tensorflow/core/util/event.proto.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pedigree import canonical
from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Source, Unreadable, exactly
from pedigree.training.comparing.ulps import FORMATS

#: A record of more is a damaged length, not an event.
_RECORD_BYTES = 1 << 30


@dataclass(slots=True)
class Series:
    """One tag: its steps, and its scalars (float32, as they were logged) or the digests of what is no scalar."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    scalars: array[float] = field(default_factory=lambda: array("f"))
    digests: list[str] = field(default_factory=list)

    def add(self, step: int, value: float | str) -> None:
        self.steps.append(step)
        if isinstance(value, str):
            self.digests.append(value)
        else:
            self.scalars.append(value)


@dataclass(frozen=True, slots=True)
class Log:
    series: dict[str, Series]
    truncated: str  #: what is wrong with the end of the file; empty when it is whole


def compare_events(a: Source, b: Source) -> Comparison:
    """Two logs, tag by tag in the order of their first events. Times of the clock are no contents.

    `first` is of the smallest step at which anything differs; with `epoch` when the logs have a scalar of that name. A log that
    was cut off, as by a kill, is compared as far as it goes, with a note. Raises Unreadable without the package tensorboard.
    """
    left, right = read(a), read(b)
    notes = tuple(f"{side}: {log.truncated}" for side, log in (("a", left), ("b", right)) if log.truncated)
    parts: list[Comparison] = []
    for tag in [*left.series, *(tag for tag in right.series if tag not in left.series)]:
        found = _compare(tag, left.series.get(tag), right.series.get(tag))
        if found is not None:
            parts.append(found)
    facts: dict[str, Any] = {"tags": len({*left.series, *right.series}), "tags_apart": len(parts)}
    if not parts:
        summary = "every tag has the same values at the same steps; the times of the clock differ"
        return Comparison("log", a.name, b.name, False, summary, equivalent=not notes, facts=facts, notes=notes)
    # `min` keeps the first of equal ones, so ties go by the order of tags in the file.
    worst = min(parts, key=lambda part: (part.first or {}).get("step", 0))
    first = dict(worst.first or {})
    epoch = _epoch(left, first.get("step"))
    if epoch is not None:
        first["epoch"] = epoch
    moment = f" (epoch {epoch:g})" if epoch is not None else ""
    summary = (
        f"{len(parts)} of {count(facts['tags'], 'tag')} differ; first at step {first['step']}{moment}: {worst.summary}"
    )
    return Comparison("log", a.name, b.name, False, summary, first=first, facts=facts, notes=notes, parts=tuple(parts))


def _compare(tag: str, a: Series | None, b: Series | None) -> Comparison | None:
    if a is None or b is None:
        one, side = (a, "a") if b is None else (b, "b")
        assert one is not None
        first = {"tag": tag, "step": one.steps[0], "only_in": side}
        text = f"{tag}: only in {side}, {count(len(one.steps), 'value')}"
        return Comparison("series", tag, tag, False, text, first=first)
    if bool(a.digests) != bool(b.digests):
        first = {"tag": tag, "step": min(a.steps[0], b.steps[0])}
        return Comparison("series", tag, tag, False, f"{tag}: scalars on one side only", first=first)
    if a.digests:
        return _compare_digests(tag, a, b)
    return _compare_scalars(tag, a, b)


def _compare_scalars(tag: str, a: Series, b: Series) -> Comparison | None:
    import numpy as np

    from pedigree.training.comparing import ulps

    length = min(len(a.steps), len(b.steps))
    steps = [np.frombuffer(one.steps, dtype="i8")[:length] for one in (a, b)]
    bits = [np.frombuffer(one.scalars, dtype="u4")[:length] for one in (a, b)]
    where = np.flatnonzero((steps[0] != steps[1]) | (bits[0] != bits[1]))
    if not len(where):
        return _longer(tag, a, b)
    at = int(where[0])
    facts: dict[str, Any] = {"values": [len(a.steps), len(b.steps)], "differ": len(where)}
    first: dict[str, Any] = {"tag": tag, "step": min(a.steps[at], b.steps[at]), "a": a.scalars[at], "b": b.scalars[at]}
    if a.steps[at] != b.steps[at]:
        first["steps"] = [a.steps[at], b.steps[at]]
        text = f"{tag}: from value {at + 1:,} on at other steps, {a.steps[at]} and {b.steps[at]}"
        return Comparison("series", tag, tag, False, text, first=first, facts=facts)
    form = FORMATS["float32"]
    numbers = ~(ulps.is_nan(bits[0], form) | ulps.is_nan(bits[1], form)) & (bits[0] != bits[1])
    far = ""
    if numbers.any():
        distances = ulps.distances(bits[0][numbers], bits[1][numbers], form)
        facts["max_ulps"] = int(distances.max())
        gaps = np.abs(bits[0][numbers].view("f4").astype("f8") - bits[1][numbers].view("f4").astype("f8"))
        facts["max_abs"] = float(gaps.max())
        far = f", at most {count(facts['max_ulps'], 'ULP')} (abs {facts['max_abs']:.3g})"
        if numbers[at]:
            first["ulps"] = int(ulps.distances(bits[0][at : at + 1], bits[1][at : at + 1], form)[0])
    values = f"{_short(a.scalars[at])} and {_short(b.scalars[at])}"
    text = f"{tag}: {len(where):,} of {length:,} values differ{far}; first at step {a.steps[at]}: {values}"
    return Comparison("series", tag, tag, False, text, first=first, facts=facts)


def _compare_digests(tag: str, a: Series, b: Series) -> Comparison | None:
    pairs = zip(zip(a.steps, a.digests, strict=True), zip(b.steps, b.digests, strict=True), strict=False)
    for one, other in pairs:
        if one != other:
            first = {"tag": tag, "step": min(one[0], other[0])}
            text = f"{tag}: first at step {first['step']}, other contents (no scalar)"
            return Comparison("series", tag, tag, False, text, first=first)
    return _longer(tag, a, b)


def _longer(tag: str, a: Series, b: Series) -> Comparison | None:
    left, right = len(a.steps), len(b.steps)
    if left == right:
        return None
    longer, side = (a, "a") if left > right else (b, "b")
    step = longer.steps[min(left, right)]
    text = f"{tag}: {left:,} and {right:,} values, the same as far as both go; step {step} is only in {side}"
    first = {"tag": tag, "step": step, "only_in": side}
    return Comparison("series", tag, tag, False, text, first=first, facts={"values": [left, right], "differ": 0})


def _epoch(log: Log, step: int | None) -> float | None:
    """The epoch at a step, where a scalar tells it: the last one logged at or before the step."""
    series = log.series.get("epoch")
    if series is None or step is None or not series.scalars:
        return None
    found = [value for at, value in zip(series.steps, series.scalars, strict=True) if at <= step]
    return float(found[-1] if found else series.scalars[0])


def read(source: Source) -> Log:
    """Every value of a log by its tag. A damaged or missing end is told; a damaged beginning raises Unreadable."""
    try:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto import event_pb2
    except ImportError:
        raise Unreadable(
            "logs are read with tensorboard, which is not installed: pip install 'pedigree-ml[training]'"
        ) from None
    series: dict[str, Series] = {}
    number, trouble = 0, ""
    try:
        for data in records(source):
            event = event_pb2.Event.FromString(data)
            for value in event.summary.value:
                series.setdefault(value.tag, Series()).add(event.step, _value(value))
            for kind in ("graph_def", "meta_graph_def", "tagged_run_metadata", "session_log"):
                if event.WhichOneof("what") == kind:
                    told = getattr(event, kind)
                    contents = told if isinstance(told, bytes) else told.SerializeToString(deterministic=True)
                    series.setdefault(f"<{kind}>", Series()).add(event.step, canonical.digest(contents))
            number += 1
    except (Unreadable, DecodeError) as error:
        if number == 0:
            raise Unreadable(str(error)) from error
        trouble = f"after record {number:,}, {error}"
    return Log(series, trouble)


def _value(value: Any) -> float | str:
    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    if value.WhichOneof("value") == "tensor" and value.metadata.plugin_data.plugin_name == "scalars":
        tensor = value.tensor
        if tensor.dtype == 1:  # DT_FLOAT
            if len(tensor.float_val) == 1:
                return float(tensor.float_val[0])
            if len(tensor.tensor_content) == 4:
                return float(struct.unpack("<f", tensor.tensor_content)[0])
    copy = type(value).FromString(value.SerializeToString())
    copy.ClearField("tag")
    return canonical.digest(copy.SerializeToString(deterministic=True))


def records(source: Source) -> Iterator[bytes]:
    """The bytes of each record, checked. Raises Unreadable at the first that is cut off or damaged."""
    with source.buffered() as file:
        while header := exactly(file, 12):
            if len(header) < 12:
                raise Unreadable("cut off within the length of a record")
            length, check = struct.unpack("<QI", header)
            if masked_crc(header[:8]) != check or length > _RECORD_BYTES:
                raise Unreadable("the length of a record does not match its checksum")
            body = exactly(file, length + 4)
            if len(body) < length + 4:
                raise Unreadable(f"cut off within a record of {length:,} bytes")
            data = body[:length]
            if masked_crc(data) != int.from_bytes(body[length:], "little"):
                raise Unreadable("a record does not match its checksum")
            yield data


def masked_crc(data: bytes) -> int:
    """CRC-32C of the bytes, rotated right by 15 bits, plus 0xa282ead8, modulo 2**32."""
    table = _crc_table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@lru_cache(maxsize=1)
def _crc_table() -> tuple[int, ...]:
    """Castagnoli's polynomial, its bits reversed: 0x82f63b78."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


def _short(number: float) -> str:
    return f"{number:.9g}"
