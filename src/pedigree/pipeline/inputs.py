"""The rules of an input tree that need no data: how it is sorted, and which names it may use.

Both are Pachyderm's (shared pachyderm-semantics, section 3), so that a datum's id does not depend on the
order in which somebody wrote the operands of a join.
"""

from __future__ import annotations

from collections.abc import Iterator

from pedigree.pipeline.model import COMBINATIONS, Combined, CronInput, Input, PfsInput, walk

__all__ = ["COMBINATIONS", "branches", "input_name", "name_clash", "sorted_input"]

#: /pfs/out is where a step writes, so no input may be called so.
RESERVED = "out"


def input_name(node: Input) -> str:
    """The name that an operand is sorted by: its own, or that of its first leaf."""
    return input_name(node.inputs[0]) if isinstance(node, Combined) else node.name


def sorted_input(node: Input) -> Input:
    """The same input with the operands of every combination in the order of their names, inner ones first.

    Operands of equal name keep their order.
    """
    if not isinstance(node, Combined):
        return node
    operands = sorted((sorted_input(item) for item in node.inputs), key=input_name)
    return Combined(node.kind, tuple(operands))


def name_clash(node: Input | None) -> str | None:
    """The first input name that one datum could meet twice, or None.

    Operands of a union never meet in one datum, so they may share a name; whatever the union is combined with
    may use none of its names.
    """
    return None if node is None else _clash(node, set())


def _clash(node: Input, names: set[str]) -> str | None:
    if not isinstance(node, Combined):
        if node.name in names:
            return node.name
        names.add(node.name)
        return None
    seen: set[str] = set()
    for item in node.inputs:
        mine = set(names) if node.kind == "union" else names
        found = _clash(item, mine)
        if found is not None:
            return found
        seen |= mine
    names |= seen
    return None


def branches(node: Input | None) -> Iterator[tuple[str, str]]:
    """(repository, branch) of every leaf, each once, in the order of the spec: what a pipeline depends on."""
    leaves: Iterator[PfsInput] = (item.files() if isinstance(item, CronInput) else item for item in walk(node))
    yield from dict.fromkeys((leaf.repo, leaf.branch) for leaf in leaves)
