"""Overrides: Hydra's whole grammar, sweeps, and edits of lists, parsed by hand."""

from __future__ import annotations

from pedigree.config.overrides.completion import Context, context
from pedigree.config.overrides.edits import ListEdit
from pedigree.config.overrides.parser import parse, parse_all
from pedigree.config.overrides.spelling import spell
from pedigree.config.overrides.sweeps import count, points, values
from pedigree.config.overrides.values import Choice, Glob, Interval, Operation, Override, Quoted, Range, Sweep

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
