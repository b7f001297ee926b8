"""Composing: a primary configuration, the options of its groups and overrides become one tree, as in Hydra.

`sources` finds and reads files, `defaults` reads one defaults list, `packages` says where a file's values go, `expansion` turns
the defaults lists into the order of files, `merging` lays them over one another, `changes` applies overrides of values.
"""

from pedigree.config.composing.composition import Dialect, compose
from pedigree.config.composing.sources import Sources

__all__ = ["Dialect", "Sources", "compose"]
