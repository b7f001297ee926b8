"""A composed configuration: what composing gives, and validating, freezing and explaining start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pedigree.config.origins import Origins, Value

if TYPE_CHECKING:
    from datetime import datetime

    from pedigree.config.interpolation import Origin as Interpolated


class Composed(NamedTuple):
    """Plain values with the origin of each.

    `values` is the whole, interpolations resolved, and belongs to whoever asked for it. `raw` is the same before
    that; it shares with files read once and is never changed. `origins` has the shape of `raw`: what an interpolation
    brought along is found at the interpolation. `interpolations` says, for each path that was one, its text and
    what it read. `hydra` is what stood under `hydra:`, kept apart. `choices` maps each group, with `@package` where
    that is not its own, to the option taken. `files` are those read, in order, and `digests` the digest of each.
    `now` is the moment that `${now:…}` saw.
    """

    values: dict[Any, Value]
    raw: dict[Any, Value]
    origins: Origins
    name: str = ""
    directory: str | None = None
    overrides: tuple[str, ...] = ()
    choices: Mapping[str, Any] = {}
    files: tuple[str, ...] = ()
    digests: Mapping[str, str] = {}
    interpolations: Mapping[tuple[Any, ...], Interpolated] = {}
    hydra: Mapping[Any, Value] = {}
    warnings: tuple[str, ...] = ()
    now: datetime | None = None
