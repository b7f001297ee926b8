"""What every kind of table can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

#: What happens to samples by their id: a new label, or None for a sample that goes.
Edits = Mapping[str, str | None]


class Table(Protocol):
    """A table of labels in bytes. A sample's id is in the id column; without one it is the number of its row, from 0."""

    @property
    def ids(self) -> Sequence[str]:
        """Every sample's id, in order, as the table has it: `opened` sees to it that each is there once."""
        ...

    def labels(self) -> dict[str, str]:
        """Every sample's label as text, in order."""
        ...

    def rewritten(self, edits: Edits) -> bytes:
        """The table with the edits made, and what they do not touch as it was. Ids that it does not have change nothing."""
        ...
