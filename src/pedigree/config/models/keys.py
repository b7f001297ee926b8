"""Which keys a model has, so that overrides may set what no file does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def has_key(model: Any) -> Callable[[Sequence[str]], bool]:
    """Tells of the parts of a path whether fields of the model, and items of lists, lead there.

    A key of a plain mapping is no field: nothing says which ones are meant, so none is set by an override alone.
    """

    def found(parts: Sequence[str]) -> bool:
        from pedigree.config.models.prepared import prepare

        shape = prepare(model).shape
        path: tuple[Any, ...] = ()
        for part in parts:
            names = {name for field in shape.fields(path).values() for name in field.names}
            if part not in names and not part.isdecimal():
                return False
            path = (*path, part if part in names else int(part))
        return bool(path) and isinstance(path[-1], str)

    return found
