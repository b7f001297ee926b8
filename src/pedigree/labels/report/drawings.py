"""The pictures of a review as PNG, for its folder and its page."""

from __future__ import annotations

import io
from typing import Any

from pedigree.labels import pictures
from pedigree.labels.report.page import Picture
from pedigree.labels.report.review import Review


def drawings(review: Review) -> dict[str, Picture]:
    """By file name: the joint, the most confused pairs, and how the scores are spread."""
    analysis = review.analysis
    return {
        "joint.png": Picture(
            "The joint of given and true labels",
            f"A heat map of the calibrated joint: about {analysis.errors} labels lie off its diagonal.",
            _png(pictures.joint(analysis)),
        ),
        "confused.png": Picture(
            "The most confused pairs",
            "Bars: how many samples have one label and are truly of another class, as the table of confused pairs says.",
            _png(pictures.confused(analysis)),
        ),
        f"{review.rank}.png": Picture(
            f"Scores: {review.rank.replace('_', ' ')}",
            "A histogram of the scores, issues apart from the others.",
            _png(pictures.histogram(analysis, review.rank, issues=review.filter)),
        ),
    }


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
