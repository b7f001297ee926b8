"""Operations: what may happen to values between two versions, as declarations.

Each says where it acts by a path in the names that hold after the operations before it: `"opt.lr"`, or a tuple where a
key holds a dot. One list of them drives the migration of values, errors in the file's own names, the rewriting of
files, the changelog and the guards. A key that a file leaves out is no error: nothing happens to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pedigree.config.origins import Origin, copied, spread
from pedigree.config.versions.drafts import Draft, Path, shown, stepped
from pedigree.errors import InvalidConfig

PathText: TypeAlias = "str | tuple[Any, ...]"

#: What stands for a value that is still to be given; no function sees it.
MISSING = "???"


@dataclass(frozen=True, slots=True)
class Rename:
    """The value at `old` is at `new` from now on; the two may lie in different mappings."""

    old: PathText
    new: PathText
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:
        old, new = base + path_of(self.old), base + path_of(self.new)
        if draft.has(old):
            draft.move(old, new, f"{step} renamed {shown(path_of(self.old))!r} to {shown(path_of(self.new))!r}")

    def __str__(self) -> str:
        return f"`{shown(path_of(self.old))}` is now `{shown(path_of(self.new))}`"


@dataclass(frozen=True, slots=True)
class Drop:
    """The key goes, with all that is in it."""

    path: PathText
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:  # noqa: ARG002  (what is gone has no origin)
        path = base + path_of(self.path)
        if draft.has(path):
            draft.delete(path)

    def __str__(self) -> str:
        return f"`{shown(path_of(self.path))}` is gone"


@dataclass(frozen=True, slots=True)
class Add:
    """Files of the version before get this key with this value, whatever the default of the new version is."""

    path: PathText
    value: Any
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:
        origin = Origin("migration", f"{step}, which adds {shown(path_of(self.path))!r}")
        value = copied(self.value)
        draft.insert(base + path_of(self.path), value, spread(value, origin))

    def __str__(self) -> str:
        return f"`{shown(path_of(self.path))}` is new; older files get `{self.value!r}`"


@dataclass(frozen=True, slots=True)
class Map:
    """The value becomes `function(value)`; the function is pure and makes plain values out of plain values."""

    path: PathText
    function: Callable[[Any], Any]
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:
        path = base + path_of(self.path)
        if not draft.has(path) or draft.get(path) == MISSING:
            return
        value = called(self.function, draft, path, step, f"mapping {shown(path_of(self.path))!r}")
        before = "" if private(draft, path) else f" from {draft.get(path)!r}"
        origin = stepped(draft.origin(path), f"{step} changed it{before}")
        draft.replace(path, value, spread(value, origin))

    def __str__(self) -> str:
        return f"`{shown(path_of(self.path))}` is converted by `{_name(self.function)}`"


@dataclass(frozen=True, slots=True)
class Split:
    """The key becomes several: `function(value)` gives their values in the order of `into`, or as a mapping by name.

    `into` may have the path itself, or paths in it.
    """

    path: PathText
    into: Sequence[PathText]
    function: Callable[[Any], Any]
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:
        path = base + path_of(self.path)
        if not draft.has(path):
            return
        value = draft.get(path)
        what = f"splitting {shown(path_of(self.path))!r}"
        parts: Any = [MISSING] * len(self.into)
        if value != MISSING:
            parts = called(self.function, draft, path, step, what, sequence=True)
        if isinstance(parts, Mapping) and {*parts} == {*self.into}:
            parts = [parts[name] for name in self.into]
        if not isinstance(parts, list) or len(parts) != len(self.into):
            gave = f"gave {'others' if private(draft, path) else repr(parts)}"
            raise _failed(draft, path, step, what, f"{gave}, and {len(self.into)} values were expected")
        targets = [base + path_of(name) for name in self.into]
        marks = [paths for paths in (draft.implicit, draft.kept) if path in paths]
        origin = stepped(draft.origin(path), f"{step} split {shown(path_of(self.path))!r}")
        first = draft.first_name(path)
        rest = list(zip(targets, parts, strict=True))
        beside: Path | None = None
        if any(len(target) > len(path) and target[: len(path)] == path for target in targets):
            draft.delete(path, tidy=False)
        else:
            # The first takes the place of the old key, so that a comment beside it stays.
            (beside, part), *rest = sorted(rest, key=lambda one: one[0] != path)
            if beside != path:
                draft.move(path, beside, step)
            draft.replace(beside, part, spread(part, origin))
        for target, part in rest:
            draft.insert(target, part, spread(part, origin), beside=beside)
        for target in targets:
            draft.names[target], draft.since[target] = first, draft.to
            for paths in marks:
                paths.add(target)

    def __str__(self) -> str:
        names = ", ".join(f"`{shown(path_of(name))}`" for name in self.into)
        return f"`{shown(path_of(self.path))}` is split into {names}"


@dataclass(frozen=True, slots=True)
class Default:
    """The default changed from `was` to `now`.

    Files of older versions that leave the key out keep `was`; with `adopt=True` they get `now`. `check_steps` demands
    one for every default that differs, and compares both values with the models.
    """

    path: PathText
    was: Any
    now: Any
    adopt: bool = False
    why: str = ""

    def apply(self, draft: Draft, base: Path, step: str) -> None:  # noqa: ARG002  (a default has no step of its own)
        path = base + path_of(self.path)
        if self.adopt and path in draft.implicit:
            draft.delete(path)

    def __str__(self) -> str:
        kept = "older files without it get the new one" if self.adopt else "older files without it keep the old one"
        return f"the default of `{shown(path_of(self.path))}` is now `{self.now!r}`, before `{self.was!r}`; {kept}"


Operation: TypeAlias = Rename | Drop | Add | Map | Split | Default


def path_of(text: PathText) -> Path:
    """The parts of `"opt.lr"`."""
    path = tuple(text.split(".")) if isinstance(text, str) else tuple(text)
    if not path or "" in path:
        raise InvalidConfig(f"{text!r} is no path.", remedy='Write "key" or "outer.key".', path=text)
    return path


def called(
    function: Callable[[Any], Any], draft: Draft, path: Path, step: str, what: str, *, sequence: bool = False
) -> Any:
    """What a function of the user makes of the value at `path`, as plain values.

    Raises InvalidConfig, which names step, key, value and place, for whatever it raises or returns wrongly.
    """
    value = draft.get(path)
    if isinstance(value, str) and "${" in value:
        raise _failed(draft, path, step, what, "needs the value itself, and an interpolation stands there")
    hidden = private(draft, path)
    failure: Exception | None = None
    try:
        result = function(_unmarked(value))
    except Exception as error:
        failure = error
    if failure is not None and hidden:
        # Outside of the handler: the error may say the value, and would come along as the context.
        raise _failed(draft, path, step, what, f"failed with {type(failure).__name__}")
    if failure is not None:
        raise _failed(draft, path, step, what, f"failed with {type(failure).__name__}: {failure}") from failure
    if sequence and isinstance(result, tuple):
        result = list(result)
    wrong = not_plain(result)
    if wrong is not None:
        gave = f"a {type(wrong).__name__}" if hidden else repr(wrong)
        raise _failed(draft, path, step, what, f"gave {gave}, which is no plain value")
    return _marked(result, value)


def private(draft: Draft, path: Path) -> bool:
    """Whether nothing may say the value: it came from the environment, or its key speaks of a secret."""
    return is_private(draft.get(path), path)


def is_private(value: Any, path: Path) -> bool:
    from pedigree.config.launching.naming import secret

    return _from_environment(value) or any(isinstance(part, str) and secret(part) for part in path)


def _from_environment(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_from_environment, value.values()))
    if isinstance(value, list):
        return any(map(_from_environment, value))
    return isinstance(value, str) and type(value) is not str  # a `FromEnvironment`, which Pydantic would have to load


def _unmarked(value: Any) -> Any:
    """A copy for a function, of nothing but what configurations hold."""
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _marked(result: Any, value: Any) -> Any:
    """The result, with the text from the environment where it is still that text."""
    if isinstance(result, list) and not isinstance(value, list):
        return [_marked(item, value) for item in result]
    return value if type(result) is str and isinstance(value, str) and result == value else result


def not_plain(value: Any) -> Any:
    """The first part of a value that a configuration cannot hold; None where there is none."""
    if value is None or type(value) in (str, int, float, bool):
        return None
    if type(value) is dict:
        for key, item in value.items():
            if type(key) not in (str, int, float, bool):
                return key
            if not_plain(item) is not None:
                return not_plain(item)
        return None
    if type(value) is list:
        return next((wrong for wrong in map(not_plain, value) if wrong is not None), None)
    return value


def _failed(draft: Draft, path: Path, step: str, what: str, reason: str) -> InvalidConfig:
    first = draft.first_name(path)
    hidden = private(draft, path)
    got = "a value that is not shown" if hidden else repr(draft.get(path))
    return InvalidConfig(
        f"{step}: {what} {reason}.\n  {shown(first)}: got {got}\n      set at {draft.place(path)}",
        remedy=f"Correct the value of {shown(first)!r}, or the function of the migration.",
        path=first,
        value=None if hidden else draft.get(path),
    )


def _name(function: Callable[[Any], Any]) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
