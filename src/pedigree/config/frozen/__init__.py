"""Frozen configurations: resolved, validated and redacted values with their digests, kept in a file that explains itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.config.frozen.files import read
from pedigree.config.frozen.freezing import freeze
from pedigree.config.frozen.record import Frozen

if TYPE_CHECKING:
    from pedigree.config.frozen.differences import Change, Differences, diff

__all__ = ["Change", "Differences", "Frozen", "diff", "freeze", "read"]


def __getattr__(name: str) -> object:
    # Whoever runs a script compares nothing.
    if name in {"Change", "Differences", "diff"}:
        from pedigree.config.frozen import differences

        return getattr(differences, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
