"""Fitting values to a model: its migration first, then its validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.origins import Origins, Value

if TYPE_CHECKING:
    from pedigree.config.interpolation import Origin as Interpolated

Path = tuple[Any, ...]


class Fitted(NamedTuple):
    """`instance` of the model; `values` and `origins` with defaults, secrets as references, whose paths `secrets` are;
    `migrated` are the values in between, `steps` what the migration did, `old_names` what it renamed."""

    instance: Any
    values: Value
    origins: Origins
    secrets: tuple[Path, ...]
    migrated: Value
    steps: tuple[str, ...]
    old_names: Mapping[Path, Path]


def fitted(model: Any, values: Value, origins: Origins, interpolations: Mapping[Path, Interpolated]) -> Fitted:
    """Raises InvalidConfig with every problem. `interpolations` are by the paths that values have before migration."""
    from pedigree.config.models.validation import validate
    from pedigree.config.versions.shapes import holds_versions

    if any(one.variables for one in interpolations.values()):
        from pedigree.config.models.secrets import mark_environment

        # A migration validates the old version too, where a secret may be read from the environment as in the new.
        values = mark_environment(values, interpolations)
    if not holds_versions(model):  # most have none, and need nothing that migrates
        found = validate(model, values, origins, interpolations=interpolations)
        return Fitted(found.instance, found.values, found.origins, found.secrets, values, (), {})
    from pedigree.config.versions.migration import migrate

    migrated = migrate(values, origins, model)
    names = migrated.old_names
    if names and interpolations:
        now = {new: interpolations[old] for new, old in names.items() if old in interpolations}
        interpolations = {**interpolations, **now}
    found = validate(model, migrated.values, migrated.origins, old_names=names, interpolations=interpolations)
    return Fitted(
        found.instance,
        found.values,
        found.origins,
        found.secrets,
        migrated.values,
        tuple(step.text for step in migrated.steps),
        names,
    )


def redacted(overrides: tuple[str, ...], secrets: tuple[Path, ...]) -> tuple[str, ...]:
    """The overrides without what was typed for a secret."""
    if not secrets or not overrides:
        return overrides
    from pedigree.config.models import redact

    found: tuple[str, ...] = redact(overrides, secrets)
    return found
