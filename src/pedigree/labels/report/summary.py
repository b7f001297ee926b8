"""What a review comes to, in numbers: the contents of `summary.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pedigree.labels.report.decisions import Subject, first_line
from pedigree.labels.report.review import Review
from pedigree.labels.tables import class_rows, confused_pairs

#: Version of the summary's layout.
VERSION = 1
PAIRS = 20
MOST_CLASSES = 200


def summary(
    review: Review, inputs: Mapping[str, Mapping[str, Any]], subject: Subject, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """The counts, the joint, the noise, the classes and the inputs with their digests, ready for JSON.

    `joint[s][y]` counts given label s by true class y, `noise[s][y]` is P(s | y) and `inverse_noise[y][s]` P(y | s); above MOST_CLASSES
    classes these matrices are left out. `decisions` is the first line of a file of decisions about these labels. Nothing in it tells
    when or where it was made.
    """
    analysis = review.analysis
    labels = analysis.data.labels
    noise = analysis.noise
    return {
        "version": VERSION,
        "samples": len(labels),
        "unlabelled": int((labels < 0).sum()),
        "classes": list(review.names),
        **({} if review.titles is None else {"titles": list(review.titles)}),
        "filter": review.filter,
        "rank": review.rank,
        "issues": int(review.flagged.sum()),
        "issues_by_filter": {name: int(flags.sum()) for name, flags in review.issues.items()},
        "estimated_errors": analysis.errors,
        "thresholds": [None if cut > 1 else float(cut) for cut in analysis.thresholds],
        "prior": _numbers(noise.prior),
        **_matrices(review),
        "per_class": per_class(review),
        "confused": confused(review),
        **({} if review.samples.annotators is None else {"per_annotator": per_annotator(review)}),
        "warnings": list(warnings),
        "inputs": {name: dict(value) for name, value in inputs.items()},
        "decisions": first_line(subject),
    }


def to_json(value: dict[str, Any]) -> bytes:
    """The bytes of `summary.json`."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _matrices(review: Review) -> dict[str, Any]:
    if len(review.names) > MOST_CLASSES:
        return {}
    analysis = review.analysis
    return {
        "confident_joint": analysis.confident_joint.tolist(),
        "joint": analysis.joint.tolist(),
        "noise": _numbers(analysis.noise.noise),
        "inverse_noise": _numbers(analysis.noise.inverse),
    }


def per_class(review: Review) -> list[dict[str, Any]]:
    """For each class: the labels, how many of them are issues, how many issues are suggested to be of it; what the joint estimates."""
    size, flags = len(review.names), review.flagged
    issues = np.bincount(review.analysis.data.labels[flags], minlength=size)
    suggested = np.bincount(review.suggested[flags], minlength=size)
    return [
        {
            "class": str(row.name),
            "given": row.examples,
            "issues": int(issues[at]),
            "suggested": int(suggested[at]),
            "estimated_errors": row.errors,
            "estimated_missed": row.missed,
            "threshold": row.threshold if row.examples else None,
        }
        for at, row in enumerate(class_rows(review.analysis))
    ]


def confused(review: Review, most: int = PAIRS) -> list[dict[str, Any]]:
    """The pairs of classes that the joint says are confused most: given, true, how many samples; the largest first."""
    return [
        {"given": str(pair.given), "true": str(pair.true), "samples": pair.examples}
        for pair in confused_pairs(review.analysis, most)
    ]


def per_annotator(review: Review) -> list[dict[str, Any]]:
    """For each annotator, by name: how many labels, how many of them are issues."""
    assert review.samples.annotators is not None
    # Sorted as objects: an array of texts would hold each as wide as the longest.
    names, numbers = np.unique(review.samples.annotators, return_inverse=True)
    labelled = review.analysis.data.labels >= 0
    given = np.bincount(numbers[labelled], minlength=len(names))
    issues = np.bincount(numbers[review.flagged], minlength=len(names))
    return [
        {"annotator": str(name), "given": int(given[at]), "issues": int(issues[at])} for at, name in enumerate(names)
    ]


def _numbers(values: Any) -> list[Any]:
    return list(np.asarray(values, np.float64).tolist())
