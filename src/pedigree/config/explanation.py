"""Why a value is what it is: where it was set, what it was made from, and what it took the place of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pedigree.canonical import digest
from pedigree.config.composed import Composed
from pedigree.config.frozen.digests import text_of
from pedigree.config.frozen.environment import is_secret_name
from pedigree.config.frozen.pointers import path as path_of
from pedigree.config.frozen.pointers import pointer
from pedigree.config.frozen.record import Frozen
from pedigree.config.origins import Origin, Origins, Value, at
from pedigree.errors import InvalidConfig, nearest

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was set. `source` is the line of the file as it stands there, None where the file is not there
    any more, or is another by now (`changed`)."""

    origin: Origin
    source: str | None = None
    changed: bool = False

    def as_json(self) -> dict[str, Any]:
        one = self.origin
        found: dict[str, Any] = {"kind": one.kind, "name": one.name, "text": one.text}
        if one.line:
            found |= {"line": one.line, "column": one.column}
        if self.source is not None:
            found["source"] = self.source
        if self.changed:
            found["changed"] = True
        return found

    def lines(self, before: str) -> Iterator[str]:
        note = " (the file has changed since)" if self.changed else ""
        yield f"{before}{self.origin.text}{note}"
        if self.source is not None:
            yield f"{' ' * len(before)}| {self.source.strip()}"


@dataclass(frozen=True, slots=True)
class Why:
    """`kind` is "value"; "container", whose leaves are in `inside`; "nothing", when `meant` may name a path that is
    there; "gone" for what was read and is not in the final values. `value` is as recorded: of a frozen configuration
    the text that reads the environment, and of any that text where the name of a variable says that it is a secret.

    `interpolation` is the text that gave the value, `variables` those of the environment behind it, `reads` the same
    answer for each value that it read. `lost` are the places of the values that it took the place of, the nearest first.
    """

    path: tuple[Any, ...]
    kind: str
    value: Value = None
    place: Place | None = None
    lost: tuple[Place, ...] = ()
    interpolation: str | None = None
    variables: tuple[str, ...] = ()
    varies: bool = False
    steps: tuple[str, ...] = ()  #: of migrations that the value went through
    reads: tuple[Why, ...] = ()
    inside: tuple[Why, ...] = ()
    meant: str | None = None

    @property
    def name(self) -> str:
        return ".".join(map(str, self.path))

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": self.name, "kind": self.kind}
        if self.kind == "value":
            found["value"] = (
                text_of(self.value) if isinstance(self.value, float) and self.value - self.value != 0 else self.value
            )
        if self.place is not None:
            found["place"] = self.place.as_json()
        more = {
            "interpolation": self.interpolation,
            "variables": list(self.variables),
            "varies": self.varies,
            "steps": list(self.steps),
            "lost": [one.as_json() for one in self.lost],
            "reads": [one.as_json() for one in self.reads],
            "inside": [one.as_json() for one in self.inside],
            "did_you_mean": self.meant,
        }
        return found | {name: value for name, value in more.items() if value}

    def lines(self, indent: str = "") -> list[str]:
        """For a terminal, without colour."""
        if self.kind == "nothing":
            found = [f"{self.name}: nothing sets it"]
            if self.meant:
                found.append(f"did you mean {self.meant}?")
            return [indent + one for one in found]
        if self.kind == "gone":
            return [f"{indent}{self.name}: was read, and is not in the final configuration"]
        if self.kind == "container":
            found = [f"{self.name}: a container"] if self.place is not None else []
            if self.place is not None:
                found += self.place.lines("  set by " if self.place.origin.kind != "file" else "  set at ")
            return [indent + one for one in found] + [line for one in self.inside for line in one.lines(indent)]
        found = [f"{self.name} = {text_of(self.value)}"]
        for step in self.steps:
            found.append(f"  migrated: {step}")
        if self.place is not None:
            found += self.place.lines("  set by " if self.place.origin.kind != "file" else "  set at ")
        if self.interpolation is not None:
            found.append(f"  made by {self.interpolation}")
        if self.variables:
            found.append(f"  depends on the environment: {', '.join(self.variables)}")
        if self.varies:
            found.append("  may be another the next time")
        for one in self.lost:
            found += one.lines("  instead of what is at " if one.origin.kind == "file" else "  instead of ")
        found = [indent + one for one in found]
        for one_read in self.reads:
            found.append(f"{indent}  reads")
            found += one_read.lines(indent + "    ")
        return found


def why(
    configuration: Frozen | Composed, path: str | tuple[Any, ...], *, directory: str | os.PathLike[str] | None = None
) -> Why:
    """Why the value at a path, `model.lr` or `layers[0].size`, is what it is; "" is the whole.

    Files are shown as they stand in `directory`, or the folder of this process, where they have not changed. Nothing
    is raised for a path that is not there. Raises InvalidConfig for a text that is no path.
    """
    answer = _Answer(configuration, None if directory is None else os.fspath(directory))
    if isinstance(path, str):
        keys = _keys(path)
        found = _found(answer.values, keys)
    else:
        keys = [str(step) for step in path]
        found = path if _follow(answer.values, path) is not _NOT else None
    if found is None:
        return Why(tuple(keys), "nothing", meant=_meant(keys, answer.values))
    return answer.of(found)


class _Answer:
    """One configuration being asked; each file is read once."""

    def __init__(self, configuration: Frozen | Composed, directory: str | None) -> None:
        self.values: Value = configuration.values
        self.origins: Origins = configuration.origins
        self.interpolations: Mapping[tuple[Any, ...], Interpolated] = configuration.interpolations
        frozen = isinstance(configuration, Frozen)
        self.moved: Mapping[str, str] = configuration.moved if isinstance(configuration, Frozen) else {}
        self.now = {before: after for after, before in self.moved.items()}
        self.digests = configuration.files if isinstance(configuration, Frozen) else configuration.digests
        self.recorded = frozen
        self.secrets = configuration.secrets if isinstance(configuration, Frozen) else ()
        self.directory = directory
        self.files: dict[str, list[str] | None] = {}

    def of(self, path: tuple[Any, ...], above: tuple[tuple[Any, ...], ...] = ()) -> Why:
        """`above` are the paths that this answer is part of; one that reads itself through others ends there."""
        value = _follow(self.values, path)
        if isinstance(value, (dict, list)) and value:
            if above:
                return Why(path, "container", place=self.place(at(self.origins, path)))
            keys = value if isinstance(value, dict) else range(len(value))
            return Why(path, "container", inside=tuple(self.of((*path, key)) for key in keys))
        chain = (one := at(self.origins, path), *one.losers())
        first = next((index for index, one in enumerate(chain) if one.kind != "migration"), len(chain) - 1)
        place = pointer(path, self.values)
        where = path_of(self.moved.get(place, place))
        made = self.made(where)
        variables = tuple(sorted(made.variables)) if made is not None else ()
        secret = place in self.secrets or any(map(is_secret_name, variables))
        return Why(
            path,
            "value",
            made.text if made is not None and secret and not self.recorded else value,
            self.place(chain[first], hidden=secret),
            tuple(self.place(one, hidden=secret) for one in chain[first + 1 :]),
            None if made is None else made.text,
            variables,
            made is not None and not made.deterministic,
            tuple(one.name for one in chain[:first]),
            () if made is None else tuple(self.read(one, (*above, where)) for one in nearest_reads(made)),
        )

    def made(self, where: tuple[Any, ...]) -> Interpolated | None:
        """The interpolation that gave the value, or the nearest container around it."""
        for length in range(len(where), 0, -1):
            found = self.interpolations.get(where[:length])
            if found is not None:
                return found
        return None

    def read(self, where: tuple[Any, ...], above: tuple[tuple[Any, ...], ...]) -> Why:
        """The answer for a value that was read when it stood at `where`."""
        if where in above:
            return Why(where, "gone")
        found = where
        if self.now:
            place = pointer(where, self.values)
            found = path_of(self.now.get(place, place))
        return Why(where, "gone") if _follow(self.values, found) is _NOT else self.of(found, above)

    def place(self, origin: Origin, *, hidden: bool = False) -> Place:
        """The place with its line of text; without it where the line may hold a secret."""
        if origin.kind != "file" or not origin.line or not self.digests.get(origin.name):
            return Place(origin)
        if origin.name not in self.files:
            self.files[origin.name] = self.text(origin.name)
        lines = self.files[origin.name]
        if lines is None:
            return Place(origin)
        if not lines:
            return Place(origin, changed=True)
        return Place(origin) if hidden or origin.line > len(lines) else Place(origin, lines[origin.line - 1])

    def text(self, name: str) -> list[str] | None:
        """The lines of a file; none where it has changed, None where it is not there."""
        try:
            with open(os.path.join(self.directory or "", name), "rb") as stream:
                content = stream.read()
        except (OSError, ValueError):
            return None
        if digest(content) != self.digests[name]:
            return []
        return content.decode("utf-8-sig", "replace").split("\n")


def nearest_reads(made: Interpolated) -> list[tuple[Any, ...]]:
    """The paths that were read, without the containers that were only passed through to get to others."""
    return [one for one in made.reads if not any(one == other[: len(one)] and one != other for other in made.reads)]


_NOT: Any = object()


def _follow(values: Value, path: tuple[Any, ...]) -> Any:
    for step in path:
        if isinstance(values, dict):
            if step not in values:
                return _NOT
        elif not isinstance(values, list) or not isinstance(step, int) or not 0 <= step < len(values):
            return _NOT
        values = values[step]
    return values


def _keys(text: str) -> list[str]:
    from pedigree.config.interpolation.mistakes import Mistake
    from pedigree.config.interpolation.resolution import split

    if not text:
        return []
    try:
        return list(split(text)[1])
    except Mistake as mistake:
        raise InvalidConfig(f"{text!r} is no path.", remedy="Write keys with dots: model.layers[0].size.") from mistake


def _found(values: Value, keys: list[str]) -> tuple[Any, ...] | None:
    """The path that these words name: keys that are text first, those with dots too, then numbers and truth values."""
    if not keys:
        return ()
    if isinstance(values, list):
        if not keys[0].isdigit() or int(keys[0]) >= len(values):
            return None
        rest = _found(values[int(keys[0])], keys[1:])
        return None if rest is None else (int(keys[0]), *rest)
    if not isinstance(values, dict):
        return None
    named = {spelling: key for key in values if not isinstance(key, str) for spelling in (str(key), str(key).lower())}
    for length in range(1, len(keys) + 1):
        word = ".".join(keys[:length])
        for key in [word] if word in values else [named[word]] if word in named else []:
            rest = _found(values[key], keys[length:])
            if rest is not None:
                return (key, *rest)
    return None


def _meant(keys: list[str], values: Value) -> str | None:
    """The path that was probably meant: one with the same last key, whatever is before it, else the nearest."""
    names = list(_names(values, ""))
    same = [name for name in names if name.rpartition(".")[2] == keys[-1]] if keys else []
    asked = ".".join(keys)
    return (nearest(asked, same) or same[0]) if same else nearest(asked, names)


def _names(values: Value, above: str) -> Iterator[str]:
    """Every path that there is, with dots."""
    if isinstance(values, (dict, list)):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            name = f"{above}.{key}" if above else str(key)
            yield name
            yield from _names(value, name)
