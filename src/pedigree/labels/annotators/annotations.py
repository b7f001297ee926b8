"""Labels that several annotators gave, with gaps: the list of those that there are, by example and by annotator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.labels import inputs

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """The labels of n examples by m annotators, a in all, in the order of examples and then of annotators.

    The labels of example i are `labels[starts[i]:starts[i + 1]]` (int64 class numbers), by `annotators[…]` (int64, from 0 to m - 1).
    `examples`, `annotator_names` and `classes` are the names in the order of the numbers.
    """

    starts: Ints
    annotators: Ints
    labels: Ints
    examples: Sequence[Any]
    annotator_names: tuple[Any, ...]
    classes: tuple[Any, ...]

    def __len__(self) -> int:
        """Examples, those without a label included."""
        return len(self.starts) - 1

    @property
    def counts(self) -> Ints:
        """(n,): the labels of each example."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Ints:
        """(a,): the example of each label."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def per_annotator(self) -> Ints:
        """(m,): the labels of each annotator."""
        return np.bincount(self.annotators, minlength=len(self.annotator_names))

    def wide(self, values: Any = None) -> NDArray[np.float64]:
        """(n, m) float64 of the labels, or of one value per label, NaN where there is none. The one dense matrix here."""
        found = np.full((len(self), len(self.annotator_names)), np.nan)
        found[self.rows, self.annotators] = self.labels if values is None else values
        return found


def annotation_matrix(
    labels: Any, *, classes: Sequence[Any] | None = None, annotators: Sequence[Any] | None = None, void: Any = None
) -> Annotations:
    """The labels of a matrix, a row per example and a column per annotator.

    `labels` (n, m): NumPy, masked arrays, torch, lists or a pandas DataFrame (whose index and columns become names). NaN, None,
    NA, a masked cell and `void` are gaps. `classes` names the classes; without it whole numbers are their own class and texts
    are classes in their order. An example without labels stays, and so does an annotator without.

    Raises InvalidInput, with the first rows, for labels that are no class; and where there is no label at all.
    """
    named_rows, named_columns = getattr(labels, "index", None), getattr(labels, "columns", None)
    gaps = np.ma.getmaskarray(labels) if isinstance(labels, np.ma.MaskedArray) else None
    table = inputs.array_of(labels.data if gaps is not None else labels)
    if table.ndim != 2:
        raise InvalidInput(
            f"Labels of several annotators must be a matrix, a column for each, got the shape {table.shape}.",
            remedy="Of a table of (example, annotator, label) use `annotation_table`.",
        )
    names = tuple(range(table.shape[1])) if named_columns is None else tuple(named_columns)
    if annotators is not None:
        names = tuple(annotators)
        if len(names) != table.shape[1]:
            raise InvalidInput(
                f"There are {len(names)} annotators and {table.shape[1]} columns.", remedy="Name each column once."
            )
    given = ~(_empty(table, void) if gaps is None else gaps | _empty(table, void))
    rows, columns = np.nonzero(given)
    examples: Sequence[Any] = range(len(table))
    if named_rows is not None and not callable(named_rows):
        examples = tuple(named_rows)
    return _built(rows, columns, table[rows, columns], examples, names, classes)


def annotation_table(
    example: Any,
    annotator: Any,
    label: Any,
    *,
    examples: int | Sequence[Any] | None = None,
    classes: Sequence[Any] | None = None,
) -> Annotations:
    """The labels of a long table: three columns of one length, in any order. Rows whose label is NaN or None are left out.

    `examples`: their names in the order of the probabilities, or how many there are when they are called 0, 1, …; without it
    those of the table, sorted. Annotators are sorted. Raises InvalidInput with the first rows for lengths that differ, an
    example that is not among `examples`, an annotator who labelled an example twice, and labels that are no class.
    """
    columns = [inputs.array_of(column) for column in (example, annotator, label)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InvalidInput(
            f"Example, annotator and label must be columns of one length, got {[column.shape for column in columns]}.",
            remedy="Give one row for each label.",
        )
    kept = np.flatnonzero(~_empty(columns[2], None))
    tasks, people, values = (column[kept] for column in columns)
    names, people_at = np.unique(people, return_inverse=True)
    if examples is None:
        known, rows = np.unique(tasks, return_inverse=True)
        order: Sequence[Any] = known.tolist()
    else:
        order = range(examples) if isinstance(examples, int) else list(examples)
        place = {name: at for at, name in enumerate(order)}
        rows = np.array([place.get(name, -1) for name in tasks.tolist()], np.int64)
        _refuse(
            kept[rows < 0],
            columns[0],
            "name an example that is none of those given",
            "Name every example in `examples`.",
        )
    sequence = np.lexsort((people_at, rows))
    rows, people_at, values, kept = rows[sequence], people_at[sequence], values[sequence], kept[sequence]
    twice = np.flatnonzero((np.diff(rows) == 0) & (np.diff(people_at) == 0)) + 1
    _refuse(
        np.sort(kept[twice]), columns[1], "label an example that the annotator had labelled", "Keep one label of each."
    )
    return _built(rows, people_at, values, order, tuple(names.tolist()), classes)


def _built(
    rows: Ints,
    columns: Ints,
    values: NDArray[Any],
    examples: Sequence[Any],
    names: tuple[Any, ...],
    classes: Sequence[Any] | None,
) -> Annotations:
    if not len(values):
        raise InvalidInput("No annotator gave any label.", remedy="Give one label at least.")
    if values.dtype == object:
        values = np.array(values.tolist())
    known = _classes(values) if classes is None else tuple(inputs.plain(classes))
    place = {name: at for at, name in enumerate(known)}
    numbers = np.array([place.get(value, -1) for value in values.tolist()], np.int64)
    wrong = np.flatnonzero(numbers < 0)
    if len(wrong):
        shown = ", ".join(
            f"{values[at].item()!r} of annotator {names[columns[at]]!r} in row {rows[at]}"
            for at in wrong[: inputs.NAMED]
        )
        raise InvalidInput(
            f"{len(wrong)} of {len(values)} labels are no class: {shown}{', …' if len(wrong) > inputs.NAMED else ''}.",
            remedy="Name all classes in `classes`, or use whole numbers from 0; a gap is NaN, None or `void`.",
            rows=[int(row) for row in rows[wrong[: inputs.NAMED]]],
        )
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(examples)))))
    return Annotations(starts, columns.astype(np.int64), numbers, examples, names, known)


def _classes(values: NDArray[Any]) -> tuple[Any, ...]:
    if values.dtype.kind in "iufb":
        return tuple(range(int(max(values.max(), 1)) + 1))
    return tuple(np.unique(values).tolist())


def _empty(table: NDArray[Any], void: Any) -> NDArray[np.bool_]:
    """Where there is no label: NaN, None, pandas' NA, or `void`."""
    found = inputs.missing(table)
    return found if void is None else found | inputs.equal(table, void)


def _refuse(rows: Ints, column: NDArray[Any], what: str, remedy: str) -> None:
    if len(rows):
        shown = ", ".join(f"{column[row].item()!r} in row {row}" for row in rows[: inputs.NAMED])
        raise InvalidInput(
            f"{len(rows)} of {len(column)} rows {what}: {shown}{', …' if len(rows) > inputs.NAMED else ''}.",
            remedy=remedy,
            rows=[int(row) for row in rows[: inputs.NAMED]],
        )
