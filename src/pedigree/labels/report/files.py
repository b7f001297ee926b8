"""Tables and arrays in files, as Arrow and NumPy hold them, and the digests of files."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree import canonical
from pedigree.errors import InvalidInput, NotFound, meant

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
NAMED = 5
_READ_BYTES = 1 << 20


def table(path: str, *, texts: bool | Collection[str]) -> Any:
    """The table at that path; of a CSV or TSV file every column is text with `texts`, or those that it names and that are there.

    Raises InvalidInput for a table that cannot be read or has two columns of one name.
    """
    import pyarrow as pa

    suffix = os.path.splitext(path)[1].lower()
    kind = SUFFIXES.get(suffix)
    if kind is None:
        raise InvalidInput(
            f"{path} is of no kind that is read here ({suffix or 'no ending'}).",
            remedy=f"Give {', '.join(SUFFIXES)} or .npy.",
        )
    try:
        if kind == "parquet":
            import pyarrow.parquet

            with pyarrow.parquet.ParquetFile(path) as file:
                found = file.read()
        elif kind == "jsonl":
            found = _json_lines(path, texts is True)
        else:
            found = _csv(path, "\t" if suffix == ".tsv" else ",", texts)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Mend the file.") from error
    twice = [name for name in dict.fromkeys(found.column_names) if found.column_names.count(name) > 1]
    if twice:
        raise InvalidInput(f"{path} has more than one column {listed(twice)}.", remedy="Give each a name of its own.")
    return found


def _json_lines(path: str, texts: bool) -> Any:
    """Read by Python's own parser: Arrow's would take a text that looks like a time for one."""
    import pyarrow as pa

    with open(path, "rb") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f"{path} has lines that are no JSON objects.", remedy="Write one object a line.")
    if not texts:
        return pa.Table.from_pylist(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [None if row.get(name) is None else as_text(row[name]) for row in rows] for name in names}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def as_text(value: Any) -> str:
    """A value of a table as the text that stands for it in decisions: `3`, `true`, `cat`. Bytes are read as UTF-8."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The value {value[:40]!r} is no text in UTF-8.", remedy="Write texts.") from error
    return str(value).lower() if isinstance(value, bool) else str(value)


def _csv(path: str, delimiter: str, texts: bool | Collection[str]) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    names = texts
    if isinstance(names, bool):
        if not names:
            return pyarrow.csv.read_csv(path, parse_options=parse)
        with pyarrow.csv.open_csv(path, parse_options=parse) as reader:
            names = reader.schema.names
    # Kept as text, so that `007` and `1e3` stay what they are and an empty cell is an empty text.
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)


def array(path: str) -> NDArray[Any]:
    """The array in a `.npy` file; texts as objects. Raises InvalidInput for what holds Python objects."""
    with open(path, "rb") as file:
        try:
            found = np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            raise InvalidInput(
                f"{path} is no array of plain values: {error}.", remedy="Write numbers or texts with numpy.save."
            ) from error
    if found.dtype.kind == "S" and found.ndim == 1:
        return objects([as_text(label) for label in found.tolist()])
    return np.asarray(found.astype(object) if found.dtype.kind == "U" else found)


def mapped(path: str) -> NDArray[Any]:
    """The array in a `.npy` file, mapped and not read. Raises InvalidInput for what is none, NotFound."""
    there(path)
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise InvalidInput(
            f"{path} is no array of plain values: {error}.", remedy="Write it with numpy.save."
        ) from error


def file_digest(path: str) -> str:
    """BLAKE3-256 of a file's bytes."""
    hasher = canonical.hasher()
    with open(path, "rb") as file:
        while piece := file.read(_READ_BYTES):
            hasher.update(piece)
    return str(hasher.hexdigest())


def there(path: str) -> None:
    """Raise NotFound where no file is."""
    if not os.path.isfile(path):
        raise NotFound(f"There is no file {path}.", remedy="Name a file, or a place in a commit as REPO@REF:/PATH.")


def column(
    names: Sequence[str], named: str | None, guesses: Sequence[str], what: str, path: str, *, only: bool = False
) -> str | None:
    """The column that is named, else the first of the guesses that is there, else None; with `only` it has to be one."""
    if named is not None:
        return named_column(names, named, path)
    for guess in guesses:
        if guess in names:
            return guess
    if not only:
        return None
    if len(names) == 1:
        return names[0]
    raise InvalidInput(
        f"Which column of {path} holds the {what}? It has {listed(list(names))}.",
        remedy=f"Name it: --{what}-column NAME.",
    )


def named_column(names: Sequence[str], named: str | None, path: str) -> str | None:
    """The name itself. Raises InvalidInput, with the nearest, where the table has no such column."""
    if named is None or named in names:
        return named
    raise InvalidInput(
        f"{path} has no column {named!r}; it has {listed(list(names))}.",
        remedy=f"{meant(named, names)}Name one of its columns.",
    )


def texts(column: Any) -> NDArray[Any]:
    """A column of Arrow as an array of Python texts; what is missing is an empty one."""
    import pyarrow as pa

    if (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) and not column.null_count:
        return np.asarray(column.to_numpy(), object)
    return objects([as_text(value) for value in column.to_pylist()])


def objects(values: Sequence[str]) -> NDArray[Any]:
    """The texts as an array that holds each as it is, of any length."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def is_whole(text: str) -> bool:
    """Whether the text is a whole number from -1 to 2^63 - 1, as people write it: `007` is a text."""
    if text == "-1":
        return True
    return len(text) < 20 and text.isascii() and text.isdecimal() and int(text) < 1 << 63 and str(int(text)) == text


def listed(names: Sequence[Any]) -> str:
    """The first few names, to stand in a message."""
    return ", ".join(repr(name) for name in names[:NAMED]) + (", …" if len(names) > NAMED else "")
