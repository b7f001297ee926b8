"""What a custom resolver sees of the configuration: read-only views that resolve a value when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.interpolation.mistakes import Path

if TYPE_CHECKING:
    from pedigree.config.interpolation.resolution import Resolution
    from pedigree.config.interpolation.tree import Frame


class Site(NamedTuple):
    """The value that is being resolved: `_node_` of a custom resolver."""

    path: Path
    text: str
    place: str | None


class DictView(Mapping[Any, Any]):
    """A mapping of the configuration. Containers come as views, text with interpolations resolved.

    Valid only while the resolver runs.
    """

    __slots__ = ("_frame", "_resolution")

    def __init__(self, resolution: Resolution, frame: Frame) -> None:
        self._resolution = resolution
        self._frame = frame

    def __getitem__(self, key: Any) -> Any:
        if key not in self._frame.raw:
            raise KeyError(key)
        return self._resolution.viewed(self._resolution.read(self._frame, key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._frame.raw)

    def __len__(self) -> int:
        return len(self._frame.raw)


class ListView(Sequence[Any]):
    """A list of the configuration, as `DictView` is a mapping of it."""

    __slots__ = ("_frame", "_resolution")

    def __init__(self, resolution: Resolution, frame: Frame) -> None:
        self._resolution = resolution
        self._frame = frame

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        return self._resolution.viewed(self._resolution.read(self._frame, position))

    def __len__(self) -> int:
        return len(self._frame.raw)
