"""What a training showed of every sample, as a table in Parquet and in CSV."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from pedigree.labels.dynamics.cartography import REGIONS, regions
from pedigree.labels.dynamics.signals import Signals
from pedigree.labels.names import SIGNAL_RANKS

NAMES = ("signals.parquet", "signals.csv")


def write(signals: Signals, folder: str, *, by: str = "aum") -> None:
    """Write `signals.parquet` and `signals.csv` into the folder, a row per sample that was presented, the worst by `by` first.

    Samples without such a score come last, by index: those first presented after the epochs that `el2n` looks at.

    Columns: rank (from 1), index (position in the data set), given (the label), is_issue, region, presentations, first_learnt, variability, and
    each of `SIGNAL_RANKS` as a score, low where the label is likely wrong. The same signals give the same bytes.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    scored = signals.worst(by=by)
    order = np.concatenate((scored, np.setdiff1d(np.flatnonzero(signals.labels >= 0), scored)))
    names = np.array([*map(str, signals.names), ""], object)
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(order) + 1),
        "index": order,
        "given": pa.array(names[signals.labels[order]], pa.string()),
        "is_issue": signals.issues()[order],
        "region": pa.array(np.array([*REGIONS, ""], object)[regions(signals)[order]], pa.string()),
        "presentations": signals.presentations[order],
        "first_learnt": signals.first_learnt[order],
        "variability": signals.variability[order],
    }
    columns |= {name: signals.scores(name)[order] for name in SIGNAL_RANKS}
    table = pa.table(columns)
    pyarrow.parquet.write_table(table, os.path.join(folder, NAMES[0]), compression="zstd")
    pyarrow.csv.write_csv(table, os.path.join(folder, NAMES[1]))


def summary(signals: Signals, *, by: str = "aum") -> dict[str, Any]:
    """What the table comes to, as plain JSON values."""
    found = signals.issues()
    region = regions(signals)
    known = signals.labels >= 0
    return {
        "samples": len(signals),
        "never_presented": int((~known).sum()),
        "never_learnt": int((known & (signals.first_learnt < 0)).sum()),
        "issues": int(found.sum()),
        "rank": by,
        "regions": {name: int((region == number).sum()) for number, name in enumerate(REGIONS)},
        "classes": [
            {
                "class": str(name),
                "given": int((signals.labels == at).sum()),
                "issues": int((found & (signals.labels == at)).sum()),
            }
            for at, name in enumerate(signals.names)
        ],
    }
