"""How the scores of all samples are spread, for the page's pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from pedigree.labels.report.review import Review

BINS = 48


def histograms(review: Review) -> list[dict[str, Any]]:
    """For each score: its name, the edges `low` and `high`, and the samples per bin, all and those that are issues."""
    found = []
    labelled = review.analysis.data.labels >= 0
    for name, values in review.scores.items():
        kept = values[labelled]
        low, high = float(kept.min()), float(kept.max())
        # Scores that differ in their last digits only fill one bin: between two floats there is no room for edges.
        edges = (low, high) if high - low > 1e-6 * max(1.0, abs(low)) else (low - 0.5, low + 0.5)
        every, _ = np.histogram(kept, BINS, edges)
        issues, _ = np.histogram(values[review.flagged], BINS, edges)
        found.append(
            {"name": name, "low": edges[0], "high": edges[1], "all": every.tolist(), "issues": issues.tolist()}
        )
    return found
