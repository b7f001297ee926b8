"""Bytes: whether two streams are the same, and the first place where they are not. At the speed of reading both once."""

from __future__ import annotations

from typing import IO

from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import CHUNK_BYTES, Source, exactly


def first_difference(a: IO[bytes], b: IO[bytes]) -> int | None:
    """Offset of the first byte in which the rests of two streams differ, a missing byte included; None where they are equal."""
    done = 0
    while True:
        left, right = exactly(a, CHUNK_BYTES), exactly(b, CHUNK_BYTES)
        if left != right:
            return done + _within(left, right)
        if not left:
            return None
        done += len(left)


def same(a: Source, b: Source) -> bool:
    """Whether two sources hold the same bytes. Sources of different lengths are not read."""
    if a.size != b.size:
        return False
    with a.open() as left, b.open() as right:
        return _same_files(left, right)


def _same_files(left: IO[bytes], right: IO[bytes]) -> bool:
    into_a, into_b = getattr(left, "readinto", None), getattr(right, "readinto", None)
    if into_a is None or into_b is None:
        return first_difference(left, right) is None
    # Two buffers, filled again and again: a new one for every read would cost as much as the read.
    one, other = bytearray(CHUNK_BYTES), bytearray(CHUNK_BYTES)
    while True:
        length = _fill(into_a, one)
        if _fill(into_b, other) != length:
            return False
        if length < CHUNK_BYTES:
            return one[:length] == other[:length]
        if one != other:
            return False


def compare_bytes(a: Source, b: Source) -> Comparison:
    """The first byte that differs, and how many do where both are of one length."""
    with a.open() as left, b.open() as right:
        at = first_difference(left, right)
    facts: dict[str, object] = {"sizes_bytes": [a.size, b.size]}
    if at is None:
        return Comparison("bytes", a.name, b.name, True, f"identical, {count(a.size, 'byte')}", facts=facts)
    sides = []
    for source in (a, b):
        with source.open() as file:
            file.seek(at)
            sides.append(exactly(file, 8).hex(" "))
    first = {"offset": at, "a": sides[0], "b": sides[1]}
    if at == min(a.size, b.size):
        shorter, more = ("a", "b") if a.size < b.size else ("b", "a")
        text = f"{shorter} is the beginning of {more}, which has {count(abs(a.size - b.size), 'byte')} more"
    else:
        sizes = f"{a.size:,} and {b.size:,} bytes; " if a.size != b.size else f"{count(a.size, 'byte')}; "
        text = f"{sizes}the first that differs is at offset {at:,}: {sides[0][:2]} and {sides[1][:2]}"
    return Comparison("bytes", a.name, b.name, False, text, first=first, facts=facts)


def _within(left: bytes, right: bytes) -> int:
    """Position of the first difference of two chunks, by halving: each comparison of slices is one memcmp."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _fill(into: object, buffer: bytearray) -> int:
    done = into(buffer)  # type: ignore[operator]
    if done == len(buffer) or not done:
        return done or 0
    view = memoryview(buffer)
    while done < len(buffer) and (more := into(view[done:])):  # type: ignore[operator]
        done += more
    view.release()
    return int(done)
