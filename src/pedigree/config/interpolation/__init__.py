"""Interpolations, `${...}`: OmegaConf's grammar and meaning on plain dictionaries, with safe expressions beside it."""

from pedigree.config.interpolation.resolution import Bounds
from pedigree.config.interpolation.resolved import Origin, Resolved, resolve, resolve_at
from pedigree.config.interpolation.resolvers import Resolvers
from pedigree.config.interpolation.views import DictView, ListView, Site

__all__ = ["Bounds", "DictView", "ListView", "Origin", "Resolved", "Resolvers", "Site", "resolve", "resolve_at"]
