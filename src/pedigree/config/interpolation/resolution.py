"""One configuration being resolved: every text with an interpolation once, what it read, and what bounds it."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from datetime import datetime
from typing import Any, NamedTuple, NoReturn

from pedigree.config.interpolation.absent import Absent, explain
from pedigree.config.interpolation.grammar import parse
from pedigree.config.interpolation.mistakes import Mistake, Path, Places, dotted
from pedigree.config.interpolation.resolvers import Resolver, Resolvers
from pedigree.config.interpolation.syntax import Call, Joined, Literal, Mapping, Node, Reference, Sequence
from pedigree.config.interpolation.tree import SCALARS, Frame, Leaf, copy, shown, size_of
from pedigree.config.interpolation.views import DictView, ListView, Site


class Bounds(NamedTuple):
    """What one configuration may take, many times what people write; beyond it is a mistake or an attack.

    `values`: scalars and containers of the result and of copies on the way. `characters`: of all texts made by
    interpolations. `hops`: interpolations that lead to one another. `depth`: containers inside one another.
    """

    values: int = 500_000
    characters: int = 16_000_000
    hops: int = 100
    depth: int = 100


STANDARD_BOUNDS = Bounds()


class Circumstances(NamedTuple):
    """What the world gives to resolvers: nothing is read from it but what the caller passes here."""

    environment: Map[str, str] | None = None
    now: datetime | None = None
    hydra: Map[str, Any] | None = None
    load_yaml: Any = None


class Resolution:
    """The state of one resolving; used by one thread, once."""

    def __init__(
        self, tree: Any, resolvers: Resolvers, circumstances: Circumstances, places: Places | None, bounds: Bounds
    ) -> None:
        self.root = Frame(tree, None, None)
        self.resolvers = resolvers
        self.circumstances = circumstances
        self.places = places
        self.bounds = bounds
        self.values = bounds.values
        self.characters = bounds.characters
        self.stack: list[tuple[Frame, Any]] = []
        #: The leaf that what is read is noted on.
        self.current = Leaf("")
        self.origins: dict[Path, Leaf] = {}
        self.warnings: list[tuple[Path, str]] = []
        self.cached: dict[tuple[str, tuple[str, ...]], Any] = {}

    # Containers

    def build(self, frame: Frame) -> Any:
        """The container resolved, the same object each time."""
        if frame.built is not None:
            return frame.built
        if frame.building:
            self._circle(frame)
        raw = frame.raw
        self.take_values(len(raw) + 1)
        if frame.depth > self.bounds.depth:
            raise self._too_deep()
        frame.building = True
        size = 1
        height = 0
        try:
            mapping = raw.__class__ is dict or isinstance(raw, dict)
            built: Any = {} if mapping else [None] * len(raw)
            for key, value in raw.items() if mapping else enumerate(raw):
                kind = value.__class__
                if kind is str:
                    if "${" in value:
                        value, inside, levels = self._placed(frame, key, value)
                        size += inside
                        if levels > height:
                            height = levels
                    else:
                        size += 1
                elif kind in SCALARS:
                    size += 1
                else:
                    if not isinstance(value, (dict, list)):
                        raise _foreign(value, (*frame.path, key))
                    inner = frame.child(key, value)
                    value = self.build(inner)
                    size += inner.size
                    if inner.height >= height:
                        height = inner.height + 1
                    for path, leaf in inner.taints:
                        frame.taints.append(((key, *path), leaf))
                built[key] = value
        finally:
            frame.building = False
        frame.size, frame.height, frame.built = size, height, built
        return built

    def _placed(self, frame: Frame, key: Any, text: str) -> tuple[Any, int, int]:
        """The value of a leaf as it belongs into the result, how many values it is, and in how many levels."""
        leaf = self.leaf(frame, key, text)
        path = (*frame.path, key)
        self.origins[path] = leaf
        value = leaf.value
        if leaf.variables or not leaf.deterministic:
            frame.taints.append(((key,), leaf))
        if value.__class__ in SCALARS:
            return value, 1, 0
        if value.__class__ is not Frame:
            size = size_of(value, self.values)
            self.take_values(size)
            return copy(value), size, _levels(value)
        self.stack.append((frame, key))
        try:
            built = self.build(value)
            if frame.depth + 1 + value.height > self.bounds.depth:
                raise self._too_deep()
            if value.parent is frame and value.key == key:  # made by oc.create for this very place
                copied = built
            else:
                self.take_values(value.size)
                copied = copy(built)
        except Mistake as mistake:
            mistake.passes(path, text)
            raise
        finally:
            self.stack.pop()
        for inside, other in value.taints:
            derived = Leaf("${" + dotted((*value.path, *inside)) + "}")
            derived.reads = [(*value.path, *inside)]
            derived.takes(other)
            self.origins[(*path, *inside)] = derived
            frame.taints.append(((key, *inside), derived))
        return copied, value.size, value.height + 1

    def plain(self, value: Any) -> Any:
        """An independent plain value of what an interpolation gave, for a resolver's argument."""
        if value.__class__ is Frame:
            built = self.build(value)
            self.take_values(value.size)
            for _, leaf in value.taints:
                self.current.takes(leaf)
            return copy(built)
        if value.__class__ in SCALARS:
            return value
        self.take_values(size_of(value, self.values))
        return copy(value)

    def checked(self, value: Any, depth: int = 0) -> Any:
        """A plain copy of what a resolver returned; Mistake for what no configuration may hold."""
        if value.__class__ in SCALARS:
            return value
        if depth > self.bounds.depth:
            raise self._too_deep()
        if isinstance(value, Map):
            self.take_values(len(value))
            for key in value:
                if key.__class__ not in SCALARS:
                    raise Mistake(f"a key is a {type(key).__name__}", _PLAIN)
            return {key: self.checked(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, ListView)):
            self.take_values(len(value))
            return [self.checked(item, depth + 1) for item in value]
        raise Mistake(f"the result is a {type(value).__name__}, which no configuration holds", _PLAIN)

    # Leaves

    def leaf(self, frame: Frame, key: Any, text: str) -> Leaf:
        """The text's leaf with its value. A value that is a container of the tree stays a frame."""
        leaf = frame.leaves.get(key)
        if leaf is not None:
            if leaf.done:
                return leaf
            self._recursion(leaf)
        if len(self.stack) > self.bounds.hops:
            raise self._too_long()
        frame.leaves[key] = leaf = Leaf(text)
        before, self.current = self.current, leaf
        self.stack.append((frame, key))
        try:
            leaf.value = value = self.value(parse(text), frame)
            if value.__class__ is Frame and value.holds(frame):
                self._circle(value)
            # Counted on the way back as well, so that the order of the tree does not decide what is too long.
            if leaf.hops > self.bounds.hops:
                raise self._too_long()
        except Mistake as mistake:
            del frame.leaves[key]
            if mistake.path is None and mistake.quotes and leaf.variables:
                mistake.withhold(leaf.variables, text)
            mistake.passes((*frame.path, key), text)
            raise
        finally:
            self.stack.pop()
            self.current = before
        leaf.done = True
        return leaf

    def read(self, frame: Frame, key: Any) -> Any:
        """The value at a key that the container has, noted as read: a scalar, a frame, or a resolver's plain value."""
        value = frame.raw[key]
        kind = value.__class__
        if kind is str and "${" in value:
            leaf = self.leaf(frame, key, value)
            self.current.takes(leaf)
            value = leaf.value
        elif kind not in SCALARS:
            if not isinstance(value, (dict, list)):
                raise _foreign(value, (*frame.path, key))
            return frame.child(key, value)
        self.current.reads.append((*frame.path, key))
        return value

    def walk(self, base: Any, keys: tuple[str, ...]) -> Any:
        """The value at the keys from a container on, or an `Absent` that says why there is none."""
        value: Any = base
        for index, key in enumerate(keys):
            found: Any = key
            raw = value.raw if value.__class__ is Frame else value
            if isinstance(raw, dict):
                if key not in raw:
                    return Absent("key", value, keys, index)
            elif isinstance(raw, list):
                found = _index(key)
                if found is None or not -1 < found < len(raw):
                    return Absent("word" if found is None else "index", value, keys, index)
            else:
                return Absent("scalar", value, keys, index)
            if value.__class__ is not Frame:
                value = value[found]
                continue
            if raw[found] == "???":
                return Absent("???", value, keys, index)
            value = self.read(value, found)
        if value.__class__ is Frame:
            self.current.reads.append(value.path)
        return value

    def start_of(self, frame: Frame, ups: int) -> Frame:
        """The container that a path with so many leading dots begins at."""
        if not ups:
            return self.root
        for up in range(ups - 1):
            if frame.parent is None:
                raise Mistake(
                    f"{ups} dots lead above the top of the configuration",
                    f"There {'is 1 container' if up == 0 else f'are {up + 1} containers'} around the value: "
                    f"write at most {up + 1} dots.",
                )
            frame = frame.parent
        return frame

    # The kinds of node

    def value(self, node: Node, frame: Frame) -> Any:
        """What the node gives for a text that stands in the container `frame`."""
        kind = node.__class__
        if kind is Reference:
            return self._reference(node, frame)  # type: ignore[arg-type]  # the class was compared
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Joined):
            parts = [part if part.__class__ is str else self.text(part, frame) for part in node.parts]  # type: ignore[arg-type]  # the class was compared
            self.take_characters(sum(map(len, parts)))
            return "".join(parts)
        if isinstance(node, Call):
            return self._call(node, frame)
        if isinstance(node, Sequence):
            return [self.plain(self.value(item, frame)) for item in node.items]
        assert isinstance(node, Mapping)
        return {key: self.plain(self.value(item, frame)) for key, item in node.pairs}

    def text(self, node: Node, frame: Frame) -> str:
        """The node's value inside a text: containers as Python writes them, with their interpolations as they stand."""
        value = self.value(node, frame)
        if value.__class__ is str:
            return value
        if value.__class__ is Frame:
            written = shown(value.raw, self.characters)
        elif value.__class__ in SCALARS:
            try:
                written = str(value)
            except ValueError:
                raise Mistake("a number is too long to be written as text", "Use a smaller number.") from None
        else:
            written = shown(value, self.characters)
        self.take_characters(len(written))
        return written

    def _reference(self, node: Reference, frame: Frame) -> Any:
        ups, keys, dynamic = node.ups, node.keys, False
        if keys is None:
            dynamic = True
            ups, keys = split("".join(self._key_part(part, frame) for part in node.parts))
        try:
            return self.select(frame, ups, keys)
        except Mistake as mistake:
            if mistake.path is None:
                mistake.at = node.at
                mistake.quotes = dynamic
            raise

    def select(self, frame: Frame, ups: int, keys: tuple[str, ...]) -> Any:
        """The value at a path, for a text that stands in `frame`; Mistake where there is none."""
        found = self.walk(self.start_of(frame, ups), keys)
        if found.__class__ is Absent:
            raise explain(found, self.root)
        if found.__class__ is Frame and found.holds(frame):
            self._circle(found)
        return found

    def _key_part(self, part: str | Node, frame: Frame) -> str:
        if isinstance(part, str):
            return part
        value = self.value(part, frame)
        if not isinstance(value, str):
            raise Mistake(
                f"an interpolation inside a path must give text, and this one gives {kind_of(value)}",
                "Put the value in quotes where it is written, or use ${expr:'a[b]'} for an index.",
                getattr(part, "at", None),
            )
        self.take_characters(len(value))
        return value

    def _call(self, node: Call, frame: Frame) -> Any:
        name = node.name
        if name is None:
            name = "".join(self._name_part(part, frame) for part in node.parts)
        resolver = self.resolvers.get(name)
        if resolver is None:
            self._unknown(name, node)
        arguments = [self.value(argument, frame) for argument in node.arguments]
        if not resolver.deterministic:
            self.current.deterministic = False
        try:
            if resolver.native:
                return resolver.function(self, frame, arguments)
            if resolver.cache and (name, node.texts) in self.cached:
                return self.cached[name, node.texts]
            value = self._custom(resolver, [self.plain(argument) for argument in arguments], frame)
            if resolver.cache:
                self.cached[name, node.texts] = value
        except Mistake as mistake:
            if mistake.path is None and mistake.at is None:
                mistake.at = node.at
            raise
        return value

    def _custom(self, resolver: Resolver, arguments: list[Any], frame: Frame) -> Any:
        asked: dict[str, Any] = {}
        for name in resolver.asks:
            if name == "_root_":
                asked[name] = self.viewed(self.root)
            elif name == "_parent_":
                asked[name] = self.viewed(frame)
            else:
                path = (*frame.path, self.stack[-1][1])
                place = None if self.places is None else self.places(path)
                asked[name] = Site(path, self.current.text, place)
        try:
            return self.checked(resolver.function(*arguments, **asked))
        except (Mistake, RecursionError):
            raise
        except Exception as error:
            raise Mistake(
                f"the resolver '{resolver.name}' failed with {type(error).__name__}: {error}",
                "Look at its arguments, or mend the resolver.",
                cause=error,
                quotes=True,
            ) from error

    def _name_part(self, part: str | Node, frame: Frame) -> str:
        if isinstance(part, str):
            return part
        value = self.value(part, frame)
        if not isinstance(value, str):
            raise Mistake(
                f"the name of a resolver must be text, and this interpolation gives {kind_of(value)}",
                "Name a text, or write the resolver's name.",
                getattr(part, "at", None),
            )
        return value

    def _unknown(self, name: str, node: Call) -> NoReturn:
        near = self.resolvers.nearest(name)
        raise Mistake(
            f"there is no resolver '{name}'",
            f"Did you mean '{near}'?" if near else f"There are: {', '.join(sorted(self.resolvers))}.",
            node.at,
            quotes=node.name is None,
        )

    def viewed(self, value: Any) -> Any:
        """The value as a custom resolver may see it: containers of the tree behind read-only views."""
        if value.__class__ is Frame:
            return (DictView if isinstance(value.raw, dict) else ListView)(self, value)
        return copy(value)

    # Bounds and circles

    def take_values(self, count: int) -> None:
        self.values -= count
        if self.values < 0:
            raise Mistake(
                f"the configuration grows beyond {self.bounds.values} values",
                "Look for references to containers that themselves hold references to containers.",
            )

    def take_characters(self, count: int) -> None:
        self.characters -= count
        if self.characters < 0:
            raise Mistake(
                f"interpolations make more than {self.bounds.characters} characters of text",
                "Look for texts that repeat texts that repeat texts.",
            )

    def _too_long(self) -> Mistake:
        return Mistake(
            f"more than {self.bounds.hops} interpolations lead to one another", "Refer to the last of them directly."
        )

    def _too_deep(self) -> Mistake:
        return Mistake(f"containers are nested more than {self.bounds.depth} deep", "Flatten the configuration.")

    def _recursion(self, leaf: Leaf) -> NoReturn:
        first = next(i for i, (frame, key) in enumerate(self.stack) if frame.leaves.get(key) is leaf)
        raise _circle_of([(*frame.path, key) for frame, key in self.stack[first:]])

    def _circle(self, target: Frame) -> NoReturn:
        """Somebody inside the container asks for the whole of it."""
        inside = [index for index, (frame, _) in enumerate(self.stack) if target.holds(frame)]
        steps = [(*frame.path, key) for frame, key in self.stack[inside[0] if inside else 0 :]]
        raise _circle_of([target.path, *dict.fromkeys(steps)])


_PLAIN = "Return text, a number, true, false, None, or lists and dicts of these."
_PATH = re.compile(r"(\.*)([^.\[\]]*)((?:\.[^.\[\]]*|\[[^\[\]]*\])*)", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]*)|\[([^\[\]]*)\]")


def split(text: str) -> tuple[int, tuple[str, ...]]:
    """The leading dots and the keys of a path such as `..a.b[0]`. Mistake for brackets that do not match."""
    found = _PATH.fullmatch(text)
    if found is None:
        raise Mistake(f"the path {text!r} has a bracket out of place", "Write a.b, or a[b].", quotes=True)
    first = [] if not found[2] and found[3] else [found[2]]
    return len(found[1]), (*first, *(name or index for name, index in _STEP.findall(found[3])))


def kind_of(value: Any) -> str:
    """What a person calls the value's kind."""
    if value.__class__ is Frame:
        value = value.raw
    if value is None:
        return "null"
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a truth value"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (dict, "a mapping"),
    (list, "a list"),
)


def _index(key: str) -> int | None:
    return int(key) if key.isascii() and key.removeprefix("-").isdigit() and len(key) < 20 else None


def _levels(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max((_levels(item) for item in (value.values() if isinstance(value, dict) else value)), default=0)


def _foreign(value: Any, path: Path) -> Mistake:
    mistake = Mistake(f"the value is a {type(value).__name__}, which no configuration holds", _PLAIN)
    mistake.path = path
    return mistake


def _circle_of(paths: list[Path]) -> Mistake:
    names = [dotted(path) or "the top" for path in paths]
    shown_names = [*names, names[0]]
    if len(shown_names) > 12:
        shown_names = [*shown_names[:6], "...", *shown_names[-5:]]
    return Mistake(
        f"the interpolations go round in a circle: {' -> '.join(shown_names)}",
        "Give one of them a value of its own.",
    )
