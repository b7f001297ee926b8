"""What the graph of neighbours says, as tables and numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pedigree.labels.neighbourhood.agreement import Agreement
from pedigree.labels.neighbourhood.duplicates import Duplicates
from pedigree.labels.neighbourhood.graph import Graph
from pedigree.labels.neighbourhood.outliers import Outliers
from pedigree.labels.report import columns


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """A graph and what was found with it; `agreement` is None without labels. `identity` names the example of a row."""

    graph: Graph
    outliers: Outliers
    duplicates: Duplicates
    agreement: Agreement | None
    identity: Callable[[int], str]


def write(found: Findings, folder: str) -> list[str]:
    """Write the tables into the folder, which exists, as Parquet and CSV, and the graph into `graph/`; their names.

    - `examples`: one row per example in its order: index, id, outlier_distance, outlier_score, outlier_tail, is_outlier,
      duplicate_score, is_duplicate, duplicate_set (the lowest index of its set, empty where it is alone), has_equal; with
      splits split and is_leak; with labels given, vote, is_label_issue, score_similarity, score_agreement, score_ratio.
    - `duplicates`: one row per pair of near-duplicates: first, second, their ids, ratio; the most alike first.
    - `overlap`, with labels: one row per pair of classes that are neighbours: one, other, strength; the most mixed up first.
    """
    found.graph.save(os.path.join(folder, "graph"))
    names = [f"graph/{name}" for name in ("indices.npy", "distances.npy", "equal.npy", "graph.json")]
    names += columns.write(folder, "examples", _examples(found))
    pairs = found.duplicates.pairs
    pair_columns = {
        "first": pairs[:, 0],
        "second": pairs[:, 1],
        "first_id": _ids(found, pairs[:, 0]),
        "second_id": _ids(found, pairs[:, 1]),
        "ratio": found.duplicates.ratios,
    }
    names += columns.write(folder, "duplicates", pair_columns)
    if found.agreement is not None:
        mixed = found.agreement.mixed_up
        one, other = (np.array([str(pair[side]) for pair in mixed], object) for side in (0, 1))
        strength = np.array([pair[2] for pair in mixed], np.float64)
        names += columns.write(folder, "overlap", {"one": one, "other": other, "strength": strength})
    return names


def summary(found: Findings) -> dict[str, Any]:
    """The numbers: how many of each, and what they were found with."""
    duplicates = found.duplicates
    numbers: dict[str, Any] = {
        "examples": len(found.graph),
        "neighbours": found.graph.k,
        "metric": found.graph.metric,
        "outliers": int(found.outliers.issues().sum()),
        "outlier_distance_above": found.outliers.fence(),
        "equal_sets": len(duplicates.exact_sets),
        "near_sets": len(duplicates.near_sets),
        "duplicates": int(duplicates.issues.sum()),
        "near_ratio_below": duplicates.threshold,
        "intrinsic_dimension": duplicates.dimension,
    }
    if duplicates.splits is not None:
        numbers["leaking_sets"] = len(duplicates.leaks)
        numbers["splits"] = {
            str(name): int(count) for name, count in zip(*np.unique(duplicates.splits, return_counts=True), strict=True)
        }
    if found.agreement is not None:
        numbers["label_issues"] = int(found.agreement.issues.sum())
        numbers["mixed_up"] = [
            {"one": str(one), "other": str(other), "strength": strength}
            for one, other, strength in found.agreement.mixed_up[:10]
        ]
    return numbers


def _examples(found: Findings) -> dict[str, Any]:
    count = len(found.graph)
    outliers, duplicates = found.outliers, found.duplicates
    alone = ~duplicates.issues
    equal = np.bincount(duplicates.equal, minlength=count)[duplicates.equal] > 1
    made: dict[str, Any] = {
        "index": np.arange(count),
        "id": _ids(found, np.arange(count)),
        "outlier_distance": outliers.distances,
        "outlier_score": outliers.scores,
        "outlier_tail": outliers.tails,
        "is_outlier": outliers.issues(),
        "duplicate_score": duplicates.scores,
        "is_duplicate": ~alone,
        "duplicate_set": np.where(alone, np.nan, duplicates.near),
        "has_equal": equal,
    }
    if duplicates.splits is not None:
        leaks = np.zeros(count, np.bool_)
        for members in duplicates.leaks:
            leaks[members] = True
        made |= {"split": np.array([str(name) for name in duplicates.splits], object), "is_leak": leaks}
    if found.agreement is not None:
        agreement = found.agreement
        names = np.array([*map(str, agreement.names), ""], object)
        made |= {
            "given": names[agreement.labels],
            "vote": names[agreement.vote],
            "is_label_issue": agreement.issues,
            "score_similarity": agreement.similarity,
            "score_agreement": agreement.agreement,
            "score_ratio": agreement.ratio,
        }
    return made


def _ids(found: Findings, rows: NDArray[Any]) -> NDArray[Any]:
    made = np.empty(len(rows), object)
    made[:] = [found.identity(row) for row in rows.tolist()]
    return made
