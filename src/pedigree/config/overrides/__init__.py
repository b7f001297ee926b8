"""Overrides: Hydra's whole grammar, sweeps, and edits of lists, parsed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree import lazy
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

# Nobody but a shell asks what is being typed.
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(("Context", "context"), "completion"))
