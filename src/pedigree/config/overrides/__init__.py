"""Overrides: Hydra's whole grammar, sweeps, and edits of lists, parsed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.config.overrides.edits import ListEdit
from pedigree.config.overrides.parser import parse, parse_all
from pedigree.config.overrides.spelling import spell
from pedigree.config.overrides.sweeps import count, points, values
from pedigree.config.overrides.values import Choice, Glob, Interval, Operation, Override, Quoted, Range, Sweep

if TYPE_CHECKING:
    from pedigree.config.overrides.completion import Context, context

__all__ = [
    "Choice",
    "Context",
    "Glob",
    "Interval",
    "ListEdit",
    "Operation",
    "Override",
    "Quoted",
    "Range",
    "Sweep",
    "context",
    "count",
    "parse",
    "parse_all",
    "points",
    "spell",
    "values",
]


def __getattr__(name: str) -> object:
    # Nobody but a shell asks what is being typed.
    if name in {"Context", "context"}:
        from pedigree.config.overrides import completion

        return getattr(completion, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
