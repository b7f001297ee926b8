"""Tables of a few columns, as Parquet and as CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from pedigree.labels.report.tables import cell


def write(folder: str, name: str, columns: Mapping[str, Any]) -> list[str]:
    """Write NAME.parquet and NAME.csv into the folder; their names. The same columns give the same bytes.

    Columns are arrays of one length: numbers, truth values, or objects, which become texts. NaN is a gap. In the CSV file a
    text that a spreadsheet would run as a formula has a `'` in front.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    plain = {title: _plain(np.asarray(values)) for title, values in columns.items()}
    harmless = {
        title: [cell(text) for text in values] if isinstance(values, list) else values
        for title, values in plain.items()
    }
    pyarrow.parquet.write_table(
        pa.table({title: _arrow(values) for title, values in plain.items()}),
        os.path.join(folder, f"{name}.parquet"),
        compression="zstd",
    )
    pyarrow.csv.write_csv(
        pa.table({title: _arrow(values) for title, values in harmless.items()}), os.path.join(folder, f"{name}.csv")
    )
    return [f"{name}.parquet", f"{name}.csv"]


def _plain(values: Any) -> Any:
    return [str(value) for value in values.tolist()] if values.dtype.kind in "OU" else values


def _arrow(values: Any) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string()) if isinstance(values, list) else pa.array(values, from_pandas=True)
