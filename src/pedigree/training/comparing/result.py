"""What a comparison found: a value that reads as a sentence, as lines, and as JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pedigree.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two things side by side.

    `identical` is about bytes (for trees: names, kinds, bytes, links and the right to execute) and is the only equality here.
    `equivalent` is weaker: the bytes differ, and what they say was decoded on both sides and is the same bit for bit, as with two
    PNG files of the same pixels or a JSON file with its keys in another order. No tolerance makes things equal; how far they are
    apart is told in `facts`.
    """

    kind: str  #: what was compared: "tree", "tensors", "image", "log", "json", "table", "text", "archive", "bytes", ...
    a: str  #: name of the first, as it was given or inside what was given
    b: str
    identical: bool
    summary: str  #: one sentence
    equivalent: bool = False
    first: Mapping[str, Any] | None = (
        None  #: where they part first: tensor and index, tag and step, row and column, ...
    )
    facts: Mapping[str, Any] = field(default_factory=dict)  #: counts and distances, as JSON values
    notes: tuple[str, ...] = ()  #: what could not be compared as it should be, and why
    parts: tuple[Comparison, ...] = ()  #: what differs inside: tensors, members, files; never what is identical
    excerpt: tuple[str, ...] = ()  #: lines of both around the first difference
    painter: Callable[[str], None] | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        # `if compare(a, b):` would read as "if they are equal" to some and "if there is a difference" to others.
        raise TypeError("a comparison is neither true nor false: ask for .identical or .equivalent")

    def lines(self, *, limit: int = 20) -> list[str]:
        """The summary, then what differs, indented; at most `limit` parts of each level, and how many were left out."""
        return list(self._lines(limit))

    def _lines(self, limit: int) -> Iterator[str]:
        yield self.summary
        for note in self.notes:
            yield f"  note: {note}"
        for line in self.excerpt:
            yield f"  {line}"
        for part in self.parts[:limit]:
            for line in part._lines(limit):
                yield f"  {line}"
        if len(self.parts) > limit:
            yield f"  … and {len(self.parts) - limit} more that differ"

    def as_json(self) -> dict[str, Any]:
        """Everything but the picture as JSON values; floats that JSON lacks are the strings "NaN", "Infinity", "-Infinity"."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "a": self.a,
            "b": self.b,
            "identical": self.identical,
            "equivalent": self.equivalent,
            "summary": self.summary,
            "first": plain(self.first),
            "facts": plain(self.facts),
        }
        if self.notes:
            found["notes"] = list(self.notes)
        if self.excerpt:
            found["excerpt"] = list(self.excerpt)
        if self.parts:
            found["parts"] = [part.as_json() for part in self.parts]
        return found

    def pictures(self) -> list[Comparison]:
        """This comparison and the parts inside it that can be drawn, depth first."""
        own = [self] if self.painter is not None else []
        return own + [one for part in self.parts for one in part.pictures()]

    def picture(self, path: str | os.PathLike[str]) -> None:
        """Write a PNG of both sides and their difference. Raises Unsupported for what has no picture."""
        if self.painter is None:
            raise Unsupported(
                f"A comparison of kind {self.kind!r} has no picture: {self.summary}",
                remedy="Pictures are made of images that differ in their pixels; .pictures() lists those inside a tree.",
                comparison=self,
            )
        self.painter(os.fspath(path))


def plain(value: Any) -> Any:
    """The value in JSON's words."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def percent(share: float) -> str:
    """`3.61%`; what is there is never told as 0.00%, nor what is not whole as 100.00%."""
    if 0 < share < 0.0001:
        return "under 0.01%"
    return "over 99.99%" if 0.9999 < share < 1 else f"{share:.2%}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 element`, `2,000 elements`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
