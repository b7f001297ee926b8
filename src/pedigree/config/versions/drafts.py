"""Drafts: values and origins under migration, changed together, with every change on record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from pedigree.config.origins import OWN, Origin, Origins, Value, at, copied, own, spread
from pedigree.errors import InvalidConfig

Path: TypeAlias = tuple[Any, ...]


def shown(path: Path) -> str:
    """`model.layers.0`, as messages write a path; a key that holds a dot stands in brackets."""
    text = ""
    for part in path:
        word = str(part)
        if "." in word or word == "":
            text += f"[{word!r}]"
        else:
            text += f".{word}" if text else word
    return text


class Edit(NamedTuple):
    """One change of values: `kind` is "move", "delete", "insert" or "replace"; `to` is where a moved value went, and
    for an inserted one the key that it stands beside."""

    kind: str
    path: Path
    to: Path | None = None
    value: Value = None


class Draft:
    """A copy of a configuration that operations change in place; all paths start at its root.

    Every change goes to values, origins, names and edits at once, so that they cannot disagree.
    """

    def __init__(self, values: Value, origins: Origins | None) -> None:
        self.values = copied(values)
        self.origins = spread(values, Origin("code", "values given in code")) if origins is None else copied(origins)
        #: Values that no file set: the defaults of the file's own version.
        self.implicit: set[Path] = set()
        #: Those of them that the version reached so far would change: from then on they count as set.
        self.kept: set[Path] = set()
        #: New path -> path in the file, and the version that renamed it.
        self.names: dict[Path, Path] = {}
        self.since: dict[Path, int] = {}
        self.edits: list[Edit] = []
        #: The version that present changes lead to, and how deep the mapping lies that has it.
        self.to = 0
        self.floor = 0

    def has(self, path: Path) -> bool:
        here = self.values
        for part in path:
            if isinstance(here, dict):
                if part not in here:
                    return False
            elif not isinstance(here, list) or not isinstance(part, int) or not 0 <= part < len(here):
                return False
            here = here[part]
        return True

    def get(self, path: Path) -> Value:
        here = self.values
        for part in path:
            here = here[part]
        return here

    def origin(self, path: Path) -> Origin:
        return at(self.origins, path)

    def place(self, path: Path) -> str:
        """Where the value at `path`, or the nearest around it, was set."""
        return self.origin(path).text

    def move(self, old: Path, new: Path, note: str) -> None:
        """Raises InvalidConfig where `new` is taken or stands in something that is no mapping."""
        if self.is_implicit(old) and self.has(new) and not self.is_implicit(new):
            self.delete(old)
            return
        value = self.get(old)
        origins = _stepped(self._origins(old), note)
        first = self.first_name(old)
        beside = old[:-1] == new[:-1]
        self._refuse_taken(new, old)
        if beside:
            _renamed(self.get(old[:-1]), old[-1], new[-1])
            _renamed(self._origins(old[:-1]), old[-1], new[-1])
            self._origins(old[:-1])[new[-1]] = origins
        else:
            self._remove(old)
            self._put(new, value, origins)
        for paths in (self.implicit, self.kept):
            moved = {path for path in paths if path[: len(old)] == old}
            paths -= moved
            paths |= {new + path[len(old) :] for path in moved}
        inner = {path: name for path, name in self.names.items() if path[: len(old)] == old}
        for path, name in inner.items():
            del self.names[path]
            self.names[new + path[len(old) :]] = name
            self.since[new + path[len(old) :]] = self.since.pop(path)
        self.names[new] = first
        self.since[new] = self.to
        self.edits.append(Edit("move", old, new))
        if not beside:
            self._tidy(old[:-1])

    def delete(self, path: Path, *, tidy: bool = True) -> None:
        self._remove(path)
        for paths in (self.implicit, self.kept):
            paths -= {one for one in paths if one[: len(path)] == path}
        for one in [one for one in self.names if one[: len(path)] == path]:
            del self.names[one], self.since[one]
        self.edits.append(Edit("delete", path))
        if tidy:
            self._tidy(path[:-1])

    def insert(self, path: Path, value: Value, origins: Origins, *, beside: Path | None = None) -> None:
        """Raises InvalidConfig where `path` is taken or stands in something that is no mapping."""
        self._refuse_taken(path, None)
        self._put(path, value, origins)
        self.edits.append(Edit("insert", path, beside, copied(value)))

    def replace(self, path: Path, value: Value, origins: Origins) -> None:
        whole = self.is_implicit(path)
        kept = self.kept.issuperset(leaves(self.get(path), path))
        self.get(path[:-1])[path[-1]] = value
        parent = self._origins(path[:-1])
        parent[path[-1] if isinstance(parent, dict) else path[-1] + 1] = origins
        self.implicit = {one for one in self.implicit if one[: len(path)] != path} | ({path} if whole else set())
        self.kept = {one for one in self.kept if one[: len(path)] != path} | ({path} if kept else set())
        self.edits.append(Edit("replace", path, None, copied(value)))

    def is_implicit(self, path: Path) -> bool:
        """Whether no file set any of what is at `path`."""
        return self.implicit.issuperset(leaves(self.get(path), path))

    def first_name(self, path: Path) -> Path:
        """The path that the file has for what is at `path` now."""
        return first_name(self.names, path)

    def _refuse_taken(self, path: Path, old: Path | None) -> None:
        for end in range(1, len(path)):
            holder = self.get(path[:end]) if self.has(path[:end]) else {}
            if not isinstance(holder, dict) and not (isinstance(holder, list) and isinstance(path[end], int)):
                raise InvalidConfig(
                    f"{shown(path)} cannot be set: {shown(path[:end])} is {self.get(path[:end])!r} "
                    f"(set at {self.place(path[:end])}) and holds no keys.",
                    remedy="Remove it from the file.",
                    path=path,
                )
        if self.has(path) and not self.is_implicit(path):
            other = f"both it and {shown(old)!r} (set at {self.place(old)}), which becomes it," if old else "it"
            raise InvalidConfig(
                f"{shown(path)!r} is new in version {self.to}, and the file, which is older, has {other} "
                f"already (set at {self.place(path)}).",
                remedy=f"Remove {shown(path)!r} from the file, or write the file for version {self.to}.",
                path=path,
            )
        if self.has(path):
            self._remove(path)
            self.implicit = {one for one in self.implicit if one[: len(path)] != path}

    def _put(self, path: Path, value: Value, origins: Origins) -> None:
        here, there = self.values, self.origins
        for part in path[:-1]:
            if isinstance(here, dict) and part not in here:
                here[part] = {}
                there[part] = {OWN: own(origins)}
            here, there = here[part], there[part if isinstance(there, dict) else part + 1]
        here[path[-1]] = value
        there[path[-1]] = origins

    def _remove(self, path: Path) -> None:
        del self.get(path[:-1])[path[-1]]
        del self._origins(path[:-1])[path[-1]]

    def _tidy(self, path: Path) -> None:
        """A mapping that has just lost its last key goes as well: what held it may be unknown to the next version."""
        while len(path) > self.floor and self.get(path) == {}:
            self._remove(path)
            self.edits.append(Edit("delete", path))
            path = path[:-1]

    def _origins(self, path: Path) -> Any:
        here = self.origins
        for part in path:
            here = here[part if isinstance(here, dict) else part + 1]
        return here


def first_name(names: dict[Path, Path], path: Path) -> Path:
    """The path that a file has for what is at `path` after its migration."""
    for end in range(len(path), 0, -1):
        if path[:end] in names:
            return names[path[:end]] + path[end:]
    return path


def leaves(value: Value, path: Path = ()) -> Iterator[Path]:
    """The path of every value that is no mapping, and of every empty mapping."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path


def stepped(origin: Origin, note: str) -> Origin:
    """The origin of a value that a migration moved or changed: it keeps the place, and says what was done."""
    return Origin("migration", f"{origin.text} ({note})", origin.line, origin.column, origin)


def _stepped(origins: Origins, note: str) -> Origins:
    if isinstance(origins, Origin):
        return stepped(origins, note)
    if isinstance(origins, dict):
        return {key: _stepped(item, note) for key, item in origins.items()}
    return [_stepped(item, note) for item in origins]


def _renamed(mapping: dict[Any, Any], old: Any, new: Any) -> None:
    """The key changes and keeps its place in the order."""
    items = [(new if key == old else key, item) for key, item in mapping.items()]
    mapping.clear()
    mapping.update(items)
