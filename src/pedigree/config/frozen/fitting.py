"""Fitting values to a model: its migration first, then its validation."""

from __future__ import annotations

from typing import Any, NamedTuple

from pedigree.config.origins import Origins, Value


class Fitted(NamedTuple):
    """`instance` of the model; `values` and `origins` with defaults, secrets as references; `migrated` are the values
    in between, and `steps` what the migration did."""

    instance: Any
    values: Value
    origins: Origins
    migrated: Value
    steps: tuple[Any, ...]


def fitted(model: type[Any], values: Value, origins: Origins) -> Fitted:
    """Raises InvalidConfig with every problem."""
    from pedigree.config.models import validate  # type: ignore[import-not-found, unused-ignore]  # of the same wave
    from pedigree.config.versions import migrate  # type: ignore[import-not-found, unused-ignore]  # of the same wave

    migrated = migrate(values, origins, model)
    found = validate(model, migrated.values, migrated.origins, old_names=migrated.old_names)
    return Fitted(found.instance, found.values, found.origins, migrated.values, tuple(migrated.steps))
