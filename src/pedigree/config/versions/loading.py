"""Loading: migrate, then validate, with one kind of error for both."""

from __future__ import annotations

from typing import Any

from pedigree.config.origins import Origins, Value
from pedigree.config.versions.migration import Migrated, migrate
from pedigree.config.versions.mistakes import explained, refusal


def load(values: Value, origins: Origins | None, model: Any) -> tuple[Any, Migrated]:
    """The model's instance for a configuration of any version, and what its migration did.

    Raises InvalidConfig as `migrate`, and for what the model refuses: every problem by the key that the file has, with its
    place and, where a version renamed it, both names.
    """
    migrated = migrate(values, origins, model)
    error, instance = refusal(model, migrated.values)
    if error is not None:
        raise explained(error, migrated, model) from None
    return instance, migrated
