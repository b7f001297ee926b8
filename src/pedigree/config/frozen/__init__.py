"""Frozen configurations: resolved, validated and redacted values with their digests, kept in a file that explains itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree import lazy
from pedigree.config.frozen.files import read
from pedigree.config.frozen.freezing import freeze
from pedigree.config.frozen.record import Frozen

if TYPE_CHECKING:
    from pedigree.config.frozen.differences import Change, Differences, diff

__all__ = ["Change", "Differences", "Frozen", "diff", "freeze", "read"]

# Whoever runs a script compares nothing.
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(("Change", "Differences", "diff"), "differences"))
