"""What several annotators and a model make of the examples, as tables and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pedigree.labels.annotators.active import NextLabels
from pedigree.labels.annotators.consensus import Consensus
from pedigree.labels.report import columns


def write(found: Consensus, scores: NextLabels | None, folder: str) -> list[str]:
    """Write the tables into the folder, which exists, as Parquet and CSV; their names.

    - `consensus`: one row per example in its order: index, id, consensus, quality, agreement, annotations, and next_score (the
      lowest are to be labelled first) where there are probabilities.
    - `annotators`: one row per annotator, the worst first: annotator, quality, agreement, worst_class, annotations.
    - `annotations`: one row per label that was given: index, id, annotator, label, quality.
    """
    given = found.given
    classes = np.array([*map(str, _names(found)), ""], object)
    ids = np.empty(len(given), object)
    ids[:] = [str(name) for name in given.examples]
    examples: dict[str, Any] = {
        "index": np.arange(len(given)),
        "id": ids,
        "consensus": classes[found.labels],
        "quality": found.quality,
        "agreement": found.agreement,
        "annotations": given.counts,
    }
    if scores is not None:
        examples["next_score"] = scores.labelled
    names = columns.write(folder, "consensus", examples)
    table = found.annotators
    order = table.worst()
    people = np.array([*map(str, given.annotator_names)], object)
    rows = {
        "annotator": people[order],
        "quality": table.quality[order],
        "agreement": table.agreement[order],
        "worst_class": classes[table.worst_class[order]],
        "annotations": table.counts[order],
    }
    names += columns.write(folder, "annotators", rows)
    each = {
        "index": given.rows,
        "id": ids[given.rows],
        "annotator": people[given.annotators],
        "label": classes[given.labels],
        "quality": found.label_quality,
    }
    return names + columns.write(folder, "annotations", each)


def summary(found: Consensus) -> dict[str, Any]:
    """The numbers: how many examples, annotators and labels, and what they were weighed with."""
    given, table = found.given, found.annotators
    order = table.worst()
    numbers: dict[str, Any] = {
        "method": found.method,
        "examples": len(given),
        "annotators": len(given.annotator_names),
        "annotations": len(given.labels),
        "classes": [str(name) for name in _names(found)],
        "without_annotation": int((given.counts == 0).sum()),
        "disputed": int((found.agreement < 1).sum()),
        "mean_quality": float(np.nanmean(found.quality)),
        "worst_annotators": [
            {"annotator": str(given.annotator_names[at]), "quality": float(table.quality[at])}
            for at in order[:10].tolist()
        ],
    }
    if found.weights is not None:
        numbers["model_weights"] = found.weights.models.tolist()
        numbers["mean_annotator_weight"] = found.weights.mean_annotator
        numbers["temperatures"] = list(found.temperatures)
    return numbers


def _names(found: Consensus) -> list[Any]:
    """The classes; columns of probabilities beyond those that annotators use are numbers."""
    names = list(found.given.classes)
    return names + list(range(len(names), found.posterior.shape[1]))
