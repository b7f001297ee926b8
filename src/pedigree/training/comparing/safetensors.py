"""The safetensors format: eight bytes of length, a JSON header, then the tensors' bytes. Read without torch.

Source: the format's own description, "Format" in the README of the safetensors project, 0.5.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import IO, Any

from pedigree.training.comparing import ulps
from pedigree.training.comparing.arrays import Array, compare_named
from pedigree.training.comparing.elements import Kind
from pedigree.training.comparing.result import Comparison
from pedigree.training.comparing.source import Source, Unreadable, exactly

#: What the format's own library allows; a header is read whole.
_HEADER_BYTES = 100_000_000

_F = ulps.FORMATS
_KINDS = {
    "F64": Kind("float64", 8, "<u8", _F["float64"]),
    "F32": Kind("float32", 4, "<u4", _F["float32"]),
    "F16": Kind("float16", 2, "<u2", _F["float16"]),
    "BF16": Kind("bfloat16", 2, "<u2", _F["bfloat16"]),
    "F8_E4M3": Kind("float8_e4m3fn", 1, "u1", _F["float8_e4m3fn"]),
    "F8_E5M2": Kind("float8_e5m2", 1, "u1", _F["float8_e5m2"]),
    "C64": Kind("complex64", 8, "V8", _F["float32"], parts=2),
    "I64": Kind("int64", 8, "<i8"),
    "I32": Kind("int32", 4, "<i4"),
    "I16": Kind("int16", 2, "<i2"),
    "I8": Kind("int8", 1, "i1"),
    "U64": Kind("uint64", 8, "<u8"),
    "U32": Kind("uint32", 4, "<u4"),
    "U16": Kind("uint16", 2, "<u2"),
    "U8": Kind("uint8", 1, "u1"),
    "BOOL": Kind("bool", 1, "?"),
}


def compare_safetensors(a: Source, b: Source) -> Comparison:
    """Two files of tensors, with their metadata. Raises Unreadable for a file that breaks the format."""
    (left, meta_a), (right, meta_b) = read(a), read(b)
    found = compare_named("tensors", a.name, b.name, left, right)
    if meta_a == meta_b:
        return found
    apart = sorted(key for key in {*meta_a, *meta_b} if meta_a.get(key) != meta_b.get(key))
    key = apart[0]
    note = f"metadata differ: {key!r} is {meta_a.get(key)!r} and {meta_b.get(key)!r}"
    if len(apart) > 1:
        note += f", and {len(apart) - 1} more"
    facts = {**found.facts, "metadata_apart": {key: [meta_a.get(key), meta_b.get(key)] for key in apart}}
    first = found.first or {"metadata": key}
    # Metadata is contents too: with it apart, the files do not say the same.
    summary = found.summary if not found.equivalent else f"the tensors are the same, the metadata differ at {key!r}"
    return Comparison("tensors", a.name, b.name, False, summary, False, first, facts, (note,), found.parts)


def read(source: Source) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays in the order of their bytes, and the metadata."""
    with source.open() as file:
        prefix = exactly(file, 8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > min(_HEADER_BYTES, source.size - 8):
            raise Unreadable(f"truncated: a header of {length:,} bytes in a file of {source.size:,}")
        data = exactly(file, length)
    try:
        header = json.loads(data)
        meta = header.pop("__metadata__", {})
        described = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
        arrays = {name: _array(source, name, 8 + length, one) for name, one in described}
        spans = [one["data_offsets"] for _, one in described]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"its header does not parse: {type(error).__name__}: {error}") from error
    end = spans[-1][1] if spans else 0
    if 8 + length + end > source.size:
        raise Unreadable(
            f"truncated: {described[-1][0]!r} ends at byte {8 + length + end:,} of a file of {source.size:,}"
        )
    if any(one[1] != other[0] for one, other in pairwise(spans)) or 8 + length + end != source.size:
        raise Unreadable("its tensors leave gaps, or bytes after the last")
    return arrays, meta if isinstance(meta, dict) else {}


def _array(source: Source, name: str, base: int, described: dict[str, Any]) -> Array:
    begin, end = described["data_offsets"]
    shape = tuple(described["shape"])
    if not all(type(one) is int and one >= 0 for one in (begin, end, *shape)):
        raise ValueError(f"{name!r} has no whole numbers for its place")
    dtype = described["dtype"]
    kind = _KINDS.get(dtype)
    if kind is None:
        # A type of a newer release, or of less than a byte: its bytes are compared as bytes.
        kind, shape = Kind(str(dtype), 1, "V1"), (end - begin,)
    elif math.prod(shape) * kind.size != end - begin:
        raise ValueError(f"{name!r} of shape {list(shape)} and type {dtype} in {end - begin} bytes")
    return Array(name, kind, shape, partial(_opened, source, base + begin))


@contextmanager
def _opened(source: Source, offset: int) -> Iterator[IO[bytes]]:
    with source.open() as file:
        file.seek(offset)
        yield file
