"""The resolvers that a configuration may call: an immutable table, passed along, never global."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pedigree.config.interpolation.mistakes import nearest
from pedigree.errors import AlreadyExists, InvalidInput

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*")
_ASKED = ("_root_", "_parent_", "_node_")


class Resolver:
    """One function and how it is called.

    `asks` are the names of `_root_`, `_parent_`, `_node_` that it wants as keywords. A `native` resolver is ours: it
    is handed the resolution in progress, and containers unresolved.
    """

    __slots__ = ("asks", "cache", "deterministic", "function", "name", "native")

    def __init__(self, name: str, function: Callable[..., Any], deterministic: bool, cache: bool, native: bool) -> None:
        self.name = name
        self.function = function
        self.deterministic = deterministic
        self.cache = cache
        self.native = native
        self.asks = () if native else _asks(function)


class Resolvers:
    """A table of resolvers by name. Adding gives a new table, so that one may be shared by threads.

    >>> Resolvers.standard().adding("double", lambda number: 2 * number)
    """

    __slots__ = ("_table",)

    def __init__(self, table: Mapping[str, Resolver] | None = None) -> None:
        self._table: dict[str, Resolver] = dict(table or {})

    @staticmethod
    def standard() -> Resolvers:
        """OmegaConf's `oc.*`, Hydra's `now` and `hydra`, and our `len` and `expr`."""
        from pedigree.config.interpolation.standard import STANDARD

        return STANDARD

    def adding(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        deterministic: bool = True,
        cache: bool = False,
        replace: bool = False,
    ) -> Resolvers:
        """A table with one more resolver.

        The function gets the arguments, resolved, as plain values of its own, and gives a plain value: text, number,
        truth value, None, or lists, tuples and dicts of these. By keyword-only parameters it may ask for `_root_`
        and `_parent_` (read-only views that resolve what is read) and `_node_` (path, text and place of the value).
        `deterministic=False` says that equal arguments may give different values; `cache` calls it once for equal
        argument texts in a configuration. Raises InvalidInput for a bad name, AlreadyExists for one that is taken.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} is not the name of a resolver.",
                remedy="Use letters, digits, '_' and '-', not beginning with a digit, with dots between.",
                name=name,
            )
        if name in self._table and not replace:
            raise AlreadyExists(
                f"There is a resolver {name!r} already.",
                remedy="Choose another name, or pass replace=True.",
                name=name,
            )
        return Resolvers({**self._table, name: Resolver(name, function, deterministic, cache, native=False)})

    def get(self, name: str) -> Resolver | None:
        return self._table.get(name)

    def nearest(self, name: str) -> str | None:
        """The name of a resolver that was probably meant."""
        return nearest(name, self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def _asks(function: Callable[..., Any]) -> tuple[str, ...]:
    import inspect  # its import costs more than the rest of this package

    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return ()
    return tuple(
        name for name in _ASKED if name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    )
