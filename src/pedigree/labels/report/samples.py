"""Samples with their labels, from a table (CSV, TSV, Parquet, JSON Lines), an array (.npy) or a folder of classes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pedigree import canonical
from pedigree.errors import InvalidInput
from pedigree.labels.report import files

Layout = Literal["table", "array", "folder"]

#: Columns that are looked for when none is named, in this order.
LABEL_COLUMNS = ("label", "given", "given_label", "class", "target", "y")
#: Of a table without a column of texts so many others are shown.
MOST_SHOWN = 12
ID_COLUMNS = ("id", "path", "file", "filename")


@dataclass(frozen=True, eq=False)
class Samples:
    """What is known of n samples. `given` are whole numbers or texts; `ids`, `images`, `annotators`, `splits` are texts or None.

    `digest` is BLAKE3-256 of the file; of a folder, of its sample paths in order, each ended by a line feed. `label_column` and
    `id_column` are those of a table, None elsewhere; without ids a sample's id is the number of its row, from 0.
    """

    given: NDArray[Any]
    digest: str
    layout: Layout
    label_column: str | None = None
    id_column: str | None = None
    ids: NDArray[Any] | None = None
    images: NDArray[Any] | None = None
    annotators: NDArray[Any] | None = None
    splits: NDArray[Any] | None = None
    shown: Any = None

    def __len__(self) -> int:
        return len(self.given)

    def identity(self, row: int) -> str:
        """The id of the sample in that row."""
        return str(row) if self.ids is None else str(self.ids[row])

    def text(self, row: int) -> str:
        """What people are shown of the sample: the text of one column, or `name: value` lines of several; empty where none are."""
        if self.shown is None:
            return ""
        values = [files.as_text(column[row].as_py()) for column in self.shown.columns]
        if len(values) == 1:
            return values[0]
        return "\n".join(f"{name}: {value}" for name, value in zip(self.shown.column_names, values, strict=True))


def samples(
    path: str,
    *,
    label_column: str | None = None,
    id_column: str | None = None,
    text_column: str | None = None,
    image_column: str | None = None,
    annotator_column: str | None = None,
    split_column: str | None = None,
) -> Samples:
    """The samples of a table, of a `.npy` file of labels, or of a folder with one folder per class.

    Columns that are not named are guessed: the label is `label` (or another of LABEL_COLUMNS, or the only column), the id is
    `id` (or another of ID_COLUMNS). Raises NotFound, and InvalidInput for a column that is not there or an id that is used twice.
    """
    if os.path.isdir(path):
        return of_folder(_files(path))
    files.there(path)
    if path.endswith(".npy"):
        return Samples(files.array(path), files.file_digest(path), "array")
    table = files.table(path, texts=True)
    names = table.column_names
    label = files.column(names, label_column, LABEL_COLUMNS, "label", path, only=True)
    assert label is not None
    identity = files.column([name for name in names if name != label], id_column, ID_COLUMNS, "id", path)
    others = {
        "images": files.named_column(names, image_column, path),
        "annotators": files.named_column(names, annotator_column, path),
        "splits": files.named_column(names, split_column, path),
    }
    found = {what: None if name is None else files.texts(table.column(name)) for what, name in others.items()}
    shown = (
        [text_column]
        if files.named_column(names, text_column, path)
        else [name for name in names if name not in {label, identity, *others.values()}][:MOST_SHOWN]
    )
    ids = None if identity is None else files.texts(table.column(identity))
    if ids is not None:
        check_ids(ids, f"column {identity!r} of {os.path.basename(path)}")
    given = _labels(table.column(label), label)
    return Samples(
        given,
        files.file_digest(path),
        "table",
        label,
        identity,
        ids,
        **found,
        shown=table.select(shown) if shown else None,
    )


def of_folder(paths: Iterable[str]) -> Samples:
    """The samples of a folder that has one folder per class: `cat/1.png` is labelled `cat`, and its path is its id and picture.

    Files that lie in no class, and those with a part that begins with a dot, are no samples.
    """
    kept = sorted(path for path in paths if "/" in path and not any(part.startswith(".") for part in path.split("/")))
    if not kept:
        raise InvalidInput(
            "The folder holds no file in a folder of its class.",
            remedy="Lay them out as CLASS/FILE, or name a table of labels.",
        )
    strange = [path for path in kept if not _is_text(path)]
    if strange:
        raise InvalidInput(
            f"{len(strange)} file names are no UTF-8: {files.listed(strange)}.", remedy="Rename these files."
        )
    ids = files.objects(kept)
    given = files.objects([path.partition("/")[0] for path in kept])
    return Samples(given, folder_digest(kept), "folder", ids=ids, images=ids)


def folder_digest(paths: Iterable[str]) -> str:
    """BLAKE3-256 of the sample paths of a folder of classes, in order, each ended by a line feed: the digest of its labels."""
    hasher = canonical.hasher()
    for path in paths:
        hasher.update(path.encode() + b"\n")
    return str(hasher.hexdigest())


def _files(folder: str) -> Iterable[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(place, name), folder)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _labels(column: Any, name: str) -> NDArray[Any]:
    """Whole numbers where every label is one, written as people write it; else texts."""
    import pyarrow as pa

    if column.null_count:
        rows = np.flatnonzero(column.is_null().to_numpy())
        raise InvalidInput(
            f"{column.null_count} of {len(column)} rows have no {name!r}; the first is row {rows[0]}.",
            remedy="Leave samples without a label out, or mark them and say --void.",
            rows=[int(row) for row in rows[: files.NAMED]],
        )
    if pa.types.is_integer(column.type) and column.type != pa.uint64():  # those may be too large: told by their texts
        return np.asarray(column.to_numpy(), np.int64)
    texts = files.texts(column)
    distinct = set(texts.tolist())
    if distinct and all(map(files.is_whole, distinct)):
        return np.array([int(text) for text in texts.tolist()], np.int64)
    return texts


def check_ids(
    ids: NDArray[Any], where: str, *, remedy: str = "Ids name one sample each; choose another column with --id-column."
) -> None:
    """Raise InvalidInput where an id is there twice or empty."""
    distinct = set(ids.tolist())
    if "" in distinct:
        rows = [row for row, name in enumerate(ids.tolist()) if not name][: files.NAMED]
        raise InvalidInput(f"Row {rows[0]} of {where} has no id.", remedy=remedy, rows=rows)
    if len(distinct) == len(ids):
        return
    first: dict[Any, int] = {}
    for row, name in enumerate(ids.tolist()):
        if name in first:
            raise InvalidInput(
                f"The id {name!r} is in rows {first[name]} and {row} of {where}.",
                remedy=remedy,
                rows=[first[name], row],
            )
        first[name] = row
