"""Frozen configurations: resolved, validated and redacted values with their digests, kept in a file that explains itself."""

from __future__ import annotations

from pedigree.config.frozen.differences import Change, Differences, diff
from pedigree.config.frozen.files import read
from pedigree.config.frozen.freezing import freeze
from pedigree.config.frozen.record import Frozen

__all__ = ["Change", "Differences", "Frozen", "diff", "freeze", "read"]
