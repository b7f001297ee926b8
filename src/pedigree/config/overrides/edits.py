"""Edits of a list: `tags=append(x)` and its like, which Hydra 1.3 has not.

Each is written as the call of a function that Hydra refuses as unknown, so nothing that Hydra accepts means
something else here; `tags=append` without brackets is the text it always was.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pedigree.errors import InvalidInput


class Edit(NamedTuple):
    parameters: tuple[str, ...]
    usage: str


EDITS: dict[str, Edit] = {
    "append": Edit(("item",), "append(item)"),
    "prepend": Edit(("item",), "prepend(item)"),
    "insert": Edit(("index", "item"), "insert(index, item)"),
    "extend": Edit(("items",), "extend([item, …])"),
    "remove": Edit(("item",), "remove(item)"),
    "remove_at": Edit(("index",), "remove_at(index)"),
    "clear": Edit((), "clear()"),
}


class ListEdit(NamedTuple):
    """One edit: the name of the function and its plain arguments in order."""

    name: str
    arguments: tuple[Any, ...]

    def apply(self, items: Any) -> list[Any]:
        """A new list with the edit made; the one given stays as it is.

        Indices count from 0, negative ones from the end, as in Python. `remove` takes the first item that is
        equal and of the same type: `1`, `1.0` and `true` are three. Raises InvalidInput when `items` is no
        list, the index is outside it, or the item is not in it.
        """
        if type(items) is not list:
            raise _invalid(
                f"{self} edits a list, and the value there is {_shown(items)}", "Give a whole value instead."
            )
        result = list(items)
        name, arguments = self.name, self.arguments
        if name == "append":
            result.append(arguments[0])
        elif name == "prepend":
            result.insert(0, arguments[0])
        elif name == "extend":
            result.extend(arguments[0])
        elif name == "insert":
            if not -len(result) <= arguments[0] <= len(result):
                raise _outside(self, result)
            result.insert(arguments[0], arguments[1])
        elif name == "remove":
            for index, item in enumerate(result):
                if same(item, arguments[0]):
                    del result[index]
                    break
            else:
                raise _invalid(
                    f"{self}: the list has no such item; it is {_shown(items)}", "Remove an item that is there."
                )
        elif name == "remove_at":
            if not -len(result) <= arguments[0] < len(result):
                raise _outside(self, result)
            del result[arguments[0]]
        else:
            result.clear()
        return result

    def __str__(self) -> str:
        return f"{self.name}({', '.join(_shown(argument) for argument in self.arguments)})"


def same(left: Any, right: Any) -> bool:
    """Whether two plain values are equal, types included; NaN is equal to itself."""
    if type(left) is not type(right):
        return False
    if type(left) is list:
        return len(left) == len(right) and all(map(same, left, right))
    if type(left) is dict:
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    return bool(left == right or (left != left and right != right))


def _outside(edit: ListEdit, items: list[Any]) -> InvalidInput:
    size = f"{len(items)} item{'' if len(items) == 1 else 's'}"
    return _invalid(f"{edit}: the index is outside the list, which has {size}", "Count from 0, or from -1 at the end.")


def _invalid(message: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"{message}.", remedy=remedy)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
