"""Labels in a `.npy` file: entries are replaced; none can go, for the rows of other arrays would no longer fit."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import numpy as np

from pedigree.errors import InvalidInput
from pedigree.labels.report import files
from pedigree.labels.report.editing.table import Edits


class Array:
    """The type of the entries stays; a text that is longer than the type allows is refused."""

    def __init__(self, data: bytes) -> None:
        try:
            self._labels = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        except ValueError as error:
            raise InvalidInput(f"The file is no array of plain values: {error}.", remedy="Mend it.") from error

    @property
    def ids(self) -> list[str]:
        return [str(row) for row in range(len(self._labels))]

    def labels(self) -> dict[str, str]:
        return {str(row): _told(label) for row, label in enumerate(self._labels.tolist())}

    def rewritten(self, edits: Edits) -> bytes:
        found = self._labels.copy()
        for name, label in edits.items():
            if not name.isdecimal() or int(name) >= len(found):
                continue
            if label is None:
                raise InvalidInput(
                    "A sample cannot go from an array of labels: the rows of other arrays would no longer fit.",
                    remedy="Say which label marks samples without one: --void -1.",
                )
            value: Any = None
            with suppress(ValueError, OverflowError):  # a text that is no number, a number that is too large
                value = np.array([_plain(label, found.dtype)]).astype(found.dtype)[0]
            if _told(value) != label:
                raise InvalidInput(f"The array of {found.dtype} cannot hold {label!r}.", remedy="Widen its type.")
            found[int(name)] = value
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, found, allow_pickle=False)
        return buffer.getvalue()


def _told(label: Any) -> str:
    """The text of an entry as `find` reads it: truth is True and False there, bytes are UTF-8."""
    return files.as_text(label) if isinstance(label, bytes) else str(label)


def _plain(label: str, kind: np.dtype[Any]) -> Any:
    """The label as a value that NumPy turns into that type: it takes every text but an empty one for true."""
    if kind.kind == "b":
        return {"True": True, "False": False}.get(label, label)
    return label.encode() if kind.kind == "S" else label
