"""Named arrays on two sides (a safetensors file, an npz archive, one npy file): which differ, where first, and how far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import IO, Any, Literal

from pedigree.training.comparing import elements
from pedigree.training.comparing.elements import Kind, Tally
from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Unreadable, exactly

#: An array stored by columns on one side and by rows on the other is read whole, up to this size.
_TURNED_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Array:
    """A named array whose elements can be read as a stream, in the order in which they are stored."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    order: Literal["C", "F"] = "C"

    @property
    def size(self) -> int:
        size = 1
        for length in self.shape:
            size *= length
        return size


def compare_arrays(a: Array, b: Array) -> Comparison | None:
    """What differs between two arrays; None where type, shape and every bit are the same (and the order of storage)."""
    if a.kind != b.kind or a.shape != b.shape:
        words = []
        if a.kind != b.kind:
            words.append(f"type {a.kind.name} and {b.kind.name}")
        if a.shape != b.shape:
            words.append(f"shape {list(a.shape)} and {list(b.shape)}")
        facts = {"dtypes": [a.kind.name, b.kind.name], "shapes": [list(a.shape), list(b.shape)]}
        first = {"tensor": a.name}
        return Comparison("tensor", a.name, b.name, False, f"{a.name}: {', '.join(words)}", first=first, facts=facts)
    if a.order != b.order and sum(length > 1 for length in a.shape) > 1:
        return _turned(a, b)
    with a.open() as left, b.open() as right:
        found = elements.tally(left, right, a.size, a.kind)
    return None if not found.differ else _told(a, b, found)


def _told(a: Array, b: Array, found: Tally, order: Literal["C", "F"] | None = None) -> Comparison:
    assert found.first is not None
    where = elements.index_of(found.first, a.shape, order or a.order)
    first: dict[str, Any] = {"tensor": a.name, "index": where, "a": found.first_a, "b": found.first_b}
    if found.first_ulps is not None:
        first["ulps"] = found.first_ulps
    facts = {key: value for key, value in asdict(found).items() if not key.startswith("first") and value is not None}
    facts |= {"dtype": a.kind.name, "shape": list(a.shape), "share": found.differ / found.elements}
    for key in ("max_ulps_at", "first_nan"):
        flat = getattr(found, key)
        if flat is not None:
            facts[key] = elements.index_of(flat, a.shape, order or a.order)
    far = elements.apart(found)
    at = f"first at {where}: " if a.shape else ""
    summary = (
        f"{a.name} ({a.kind.name} {list(a.shape)}): {found.differ:,} of {count(found.elements, 'element')} differ"
        f"{', ' + far if far else ''}; {at}{elements.number_text(found.first_a)} and {elements.number_text(found.first_b)}"
    )
    return Comparison("tensor", a.name, b.name, False, summary, first=first, facts=facts)


def _turned(a: Array, b: Array) -> Comparison:
    """One is stored by rows, the other by columns: never identical, but perhaps the same array."""
    import io

    import numpy as np

    text = f"{a.name}: stored by {'rows' if a.order == 'C' else 'columns'} and by {'rows' if b.order == 'C' else 'columns'}"
    if a.size * a.kind.size > _TURNED_BYTES:
        return Comparison("tensor", a.name, b.name, False, f"{text}; too large to turn, elements not compared")
    sides = []
    for one in (a, b):
        with one.open() as file:
            data = exactly(file, one.size * one.kind.size)
        flat = np.frombuffer(data, dtype=f"V{one.kind.size}")
        sides.append(np.ascontiguousarray(flat.reshape(one.shape, order=one.order)).tobytes())
    found = elements.tally(io.BytesIO(sides[0]), io.BytesIO(sides[1]), a.size, a.kind)
    if found.differ:
        return _told(a, b, found, "C")
    return Comparison("tensor", a.name, b.name, False, f"{text}; every element is the same", equivalent=True)


def compare_named(kind: str, a: str, b: str, left: Mapping[str, Array], right: Mapping[str, Array]) -> Comparison:
    """All arrays of two files. `first` is the first array in the first file's order that differs or is missing."""
    parts: list[Comparison] = []
    elements_apart, steps, measured = 0, 0, True
    for name, one in left.items():
        if name not in right:
            parts.append(_lone(name, "a", one))
            measured = False
            continue
        try:
            found = compare_arrays(one, right[name])
        except Unreadable as error:
            found = Comparison("tensor", name, name, False, f"{name}: not compared, {error}", first={"tensor": name})
        if found is not None:
            parts.append(found)
            elements_apart += found.facts.get("differ", 0)
            ulps = found.facts.get("max_ulps")
            plain = found.equivalent or (ulps is not None and not _nans(found))
            measured = measured and plain
            steps = max(steps, ulps or 0)
    for name, one in right.items():
        if name not in left:
            parts.append(_lone(name, "b", one))
            measured = False
    same_values = all(part.equivalent for part in parts)
    facts: dict[str, Any] = {"tensors": len(left), "tensors_apart": len(parts), "elements_apart": elements_apart}
    if not parts or same_values:
        summary = f"{count(len(left), 'tensor')}, the same bits in each; the files differ in what surrounds them"
        return Comparison(kind, a, b, False, summary, equivalent=True, facts=facts, parts=tuple(parts))
    if measured:
        facts["equal_up_to_ulps"] = steps
    summary = f"{len(parts):,} of {count(len({*left, *right}), 'tensor')} differ"
    if measured:
        summary += f"; equal up to {count(steps, 'ULP')}"
    worst = next(part for part in parts if not part.equivalent)
    summary += f"; first {worst.first['tensor'] if worst.first else worst.a}"
    return Comparison(kind, a, b, False, summary, first=worst.first, facts=facts, parts=tuple(parts))


def _nans(found: Comparison) -> bool:
    return any(found.facts.get(key) for key in ("nan_only_a", "nan_only_b", "nan_payloads"))


def _lone(name: str, side: str, one: Array) -> Comparison:
    summary = f"{name} ({one.kind.name} {list(one.shape)}): only in {side}"
    return Comparison("tensor", name, name, False, summary, first={"tensor": name, "only_in": side})
