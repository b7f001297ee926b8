"""Messages without the secrets that somebody typed: terminals are recorded, and logs of jobs are read by others."""

from __future__ import annotations

from collections.abc import Iterable


def hidden(text: str, overrides: Iterable[str]) -> str:
    """The text with `***` for the value of each override whose key speaks of a secret, wherever the value stands."""
    from pedigree.config.launching.naming import masked

    for override in overrides:
        shown = masked(override)
        if shown != override:
            text = text.replace(override, shown)
            value = override.partition("=")[2]
            if len(value) >= 4 and not value.endswith(":"):  # shorter ones stand in words by chance, `env:` in ours
                text = text.replace(value, "***")
    return text
