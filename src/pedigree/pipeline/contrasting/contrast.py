"""What was found between two commits of one pipeline, as values, JSON and text."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

#: Kinds of causes, in the order in which those of one step are told.
KINDS = {
    "files": "files",
    "config": "configuration",
    "code": "code",
    "spec": "spec",
    "seed": "seed",
    "threads": "number of threads",
    "package": "packages",
    "environment": "environment",
    "hardware": "hardware, perhaps",
    "nothing": "nothing that is recorded differs, yet the bytes do",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same: a file, a field, a package. `before` and `after` are texts, "" where it is not there.

    `place` says where it is written (FILE:LINE); `lines` are a unified diff of code.
    """

    name: str
    before: str = ""
    after: str = ""
    place: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """What differs in one respect (a key of KINDS) in how `steps` were made.

    `way` are the repositories from the result to the nearest of these steps. `more` changes were left out.
    """

    kind: str
    steps: tuple[str, ...]
    way: tuple[str, ...]
    changes: tuple[Change, ...]
    more: int = 0

    @property
    def distance(self) -> int:
        """Steps upstream of the result; 0 for what the result's own step was made with."""
        return len(self.way) - 1


@dataclass(frozen=True, slots=True)
class Step:
    """A pair of commits that the walk came to. `changed` counts the files that differ, of those that are read."""

    repo: str
    old: str
    new: str
    way: tuple[str, ...]
    changed: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a file in both commits; None on the side that has none. `repo` is the commit's, `name` its place."""

    repo: str
    file: str
    name: str
    old: float | None
    new: float | None

    @property
    def difference(self) -> float | None:
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of a history: points (x, y) in both. `parts_at` is the first x at which they are not the same, None where they are."""

    repo: str
    file: str
    name: str
    over: str
    old: tuple[tuple[float, float], ...]
    new: tuple[tuple[float, float], ...]
    parts_at: float | None


@dataclass(frozen=True, slots=True)
class Plot:
    """An image by its path; digests of both, "" on the side that has none."""

    repo: str
    file: str
    old: str
    new: str
    old_bytes: int
    new_bytes: int


@dataclass(frozen=True, slots=True)
class Log:
    """Two TensorBoard logs that part: where first, in a sentence and as values (tag, step, epoch)."""

    repo: str
    file: str
    text: str
    first: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two commits. `finished` in seconds since the epoch, None while it is open."""

    commit: str
    run: str
    finished: float | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """`new` against `old`, two commits of `repo`.

    `causes` are ranked: those nearest to the result first. `beside` also changed and cannot change a byte. `numbers` are those
    that differ, `same_numbers` counts the others. `changed`, `added` and `removed` count the result's files.
    """

    repo: str
    path: str
    old: Side
    new: Side
    changed: int
    added: int
    removed: int
    causes: tuple[Cause, ...]
    beside: tuple[Cause, ...]
    steps: tuple[Step, ...]
    numbers: tuple[Number, ...]
    same_numbers: int
    curves: tuple[Curve, ...]
    plots: tuple[Plot, ...]
    logs: tuple[Log, ...]
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether the two hold the same files."""
        return not (self.changed or self.added or self.removed)

    @property
    def title(self) -> str:
        place = f":/{self.path}" if self.path else ""
        return f"{self.repo}@{self.new.commit[:12]}{place} against {self.repo}@{self.old.commit[:12]}{place}"

    def to_json(self) -> dict[str, Any]:
        """Every field; `difference` beside each number. Floats that JSON lacks are null."""
        value: dict[str, Any] = _plain(self)
        value["identical"] = self.identical
        for number, one in zip(value["numbers"], self.numbers, strict=True):
            number["difference"] = _plain(one.difference)
        return value

    def to_text(self, *, width: int = 100, every: bool = False) -> str:
        """For a person. Lines are cut at the width; `every` leaves no number and no line of code out."""
        from pedigree.pipeline.contrasting import telling

        return "\n".join(telling.lines(self, width=width, every=every))


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, float) and value - value != 0:
        return None
    return value
