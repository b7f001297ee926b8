"""What a sweep needs of a frozen configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Point(Protocol):
    """A configuration composed, validated and frozen in full. `config.frozen.Frozen` is one."""

    @property
    def digest(self) -> str:
        """Of everything that it says."""

    @property
    def overrides(self) -> Sequence[str]:
        """As they were given; they make the name of its job."""

    def write(self, path: Any) -> Any:
        """Put it into this file, from which it can be read back."""
