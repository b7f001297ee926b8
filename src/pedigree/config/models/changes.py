"""Values with some of them replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def changed_at(values: Any, changes: Mapping[tuple[Any, ...], Any]) -> Any:
    """The values with others at the paths, sharing what lies beside them; what was given where no path leads
    anywhere. Values are dicts and lists."""
    copies: dict[tuple[Any, ...], Any] = {}
    for path, new in changes.items():
        if not path:
            return new
        holder = values
        try:
            for key in path:
                holder = holder[key]
        except (KeyError, IndexError, TypeError):
            continue
        for depth in range(len(path)):
            if path[:depth] not in copies:
                copies[path[:depth]] = (copies[path[: depth - 1]][path[depth - 1]] if depth else values).copy()
                if depth:
                    copies[path[: depth - 1]][path[depth - 1]] = copies[path[:depth]]
        copies[path[:-1]][path[-1]] = new
    return copies.get((), values)
