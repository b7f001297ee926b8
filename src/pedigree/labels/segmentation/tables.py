"""Regions and images as tables: columns of one length, for Arrow, CSV and rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import MissingExtra
from pedigree.labels.segmentation.regions import KINDS, Found


class Table:
    """Columns by name, in order; `len` is the number of rows."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def rows(self, count: int | None = None) -> list[dict[str, Any]]:
        """The first rows, of plain values; all unless a count is given."""
        lists = {name: _listed(column[:count]) for name, column in self.columns.items()}
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]

    def to_arrow(self) -> Any:
        """A pyarrow.Table."""
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingExtra(
                "Arrow tables are made by pyarrow, which is not installed.",
                remedy="`pip install 'pedigree-ml[labels]'`.",
            ) from None
        return pa.table({name: _listed(column) for name, column in self.columns.items()})

    def to_csv(self) -> str:
        """The table as text, with a line of names; numbers as Python writes them, so that they read back the same."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*map(_listed, self.columns.values()), strict=True))
        return text.getvalue()


def of_regions(found: Sequence[Found], names: Sequence[Any], least_area: int) -> Table:
    """One row for each region of `least_area` pixels or more that has evidence, the worst first.

    `image`; `kind`; `given` and `predicted` (the class it should probably be); `area` in pixels that have a label; `evidence`, the sum
    over them, which rows are sorted by, ties by image and place; `top`, `left`, `bottom`, `right`, the last two exclusive; and the
    area of the given and of the predicted region that it is part of.
    """
    images = np.repeat(np.arange(len(found)), [len(one.kind) for one in found])
    columns: list[Any] = [np.concatenate([one[at] for one in found]) for at in range(len(Found._fields))]
    whole = Found(*columns)
    kept = np.flatnonzero((whole.area >= least_area) & (whole.evidence > 0))
    order = kept[np.argsort(-whole.evidence[kept], kind="stable")]
    top, left, bottom, right = whole.box[order].T
    return Table(
        {
            "image": images[order],
            "kind": [KINDS[kind] for kind in whole.kind[order]],
            "given": [names[number] for number in whole.given[order]],
            "predicted": [names[number] for number in whole.predicted[order]],
            "area": whole.area[order],
            "evidence": whole.evidence[order],
            "top": top,
            "left": left,
            "bottom": bottom,
            "right": right,
            "given_area": whole.given_area[order],
            "predicted_area": whole.predicted_area[order],
        }
    )


def of_pairs(pairs: NDArray[np.int64], label_counts: NDArray[np.int64], names: Sequence[Any]) -> Table:
    """One row for each pair of a given and a predicted class that has issues, the most frequent first, ties by class.

    `issues` in pixels, `share` of the pixels that are labelled as `given`.
    """
    given, predicted = np.nonzero(pairs)
    counts = pairs[given, predicted]
    order = np.argsort(-counts, kind="stable")
    return Table(
        {
            "given": [names[number] for number in given[order]],
            "predicted": [names[number] for number in predicted[order]],
            "issues": counts[order],
            "share": counts[order] / label_counts[given[order]],
        }
    )


def _listed(column: Any) -> list[Any]:
    """Plain values; NaN, which stands for an image without labels, as None."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "f":
            return [None if value != value else value for value in column.tolist()]
        return list(column.tolist())
    return list(column)
