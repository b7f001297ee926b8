"""The counts as people read them add up, and the pictures show them."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels import pictures, tables
from tests.labels.matrices import drawn


def found(classes: int = 6, count: int = 600) -> labels.Analysis:
    given, matrix = drawn(count, classes)
    names = [f"class {at}" for at in range(classes)]
    return labels.analyse([names[label] for label in given], matrix, classes=names)


def test_the_rows_of_classes_add_up() -> None:
    """Break: take the missed from the row of the joint."""
    analysis = found()
    rows = tables.class_rows(analysis)
    assert [row.name for row in rows] == list(analysis.data.names)
    assert sum(row.examples for row in rows) == 600
    assert sum(row.errors for row in rows) == sum(row.missed for row in rows) == analysis.errors > 0
    for at, row in enumerate(rows):
        others = np.arange(6) != at
        assert row.missed == analysis.joint[others, at].sum()
        assert row.noise == pytest.approx(1 - analysis.noise.inverse[at, at])
        assert row.inverse_noise == pytest.approx(1 - analysis.noise.noise[at, at])


@pytest.mark.filterwarnings("ignore::pedigree.labels.doubts.RareClass")
def test_a_class_without_examples_has_no_rates() -> None:
    """Break: divide by at least one."""
    given, matrix = drawn(300, 4)
    row = tables.class_rows(labels.analyse(given % 3, matrix))[3]
    assert (row.examples, row.errors) == (0, 0)
    assert math.isnan(row.noise)
    assert math.isnan(row.threshold)


def test_the_most_confused_pairs_come_first() -> None:
    """Break: list the diagonal; forget that ties go in the order of the classes."""
    analysis = found()
    pairs = tables.confused_pairs(analysis)
    joint = analysis.joint
    assert [(-pair.examples, pair.given, pair.true) for pair in pairs] == sorted(
        (-int(joint[s, y]), f"class {s}", f"class {y}") for s in range(6) for y in range(6) if s != y and joint[s, y]
    )
    assert sum(pair.examples for pair in pairs) == analysis.errors
    assert len(tables.confused_pairs(analysis, 3)) == 3


def test_the_summary_says_the_totals() -> None:
    """Break: count void labels among the labels."""
    given, matrix = drawn(200, 3)
    given[:5] = -9
    text = labels.analyse(given, matrix, void=-9).summary()
    assert text.startswith("195 labels of 3 classes, 5 void: about ")
    assert "most confused:" in text


@pytest.mark.parametrize("classes", [2, 60])
def test_pictures_are_drawn_without_a_display(classes: int) -> None:
    """Break: import pyplot; name more classes than there are ticks."""
    import sys

    analysis = found(classes)
    for figure in (pictures.joint(analysis), pictures.confused(analysis), pictures.histogram(analysis, cut=-1.0)):
        file = io.BytesIO()
        figure.savefig(file, dpi=50)
        assert len(Image.open(file).convert("RGB").getcolors(100_000) or ()) > 20
    assert "matplotlib.pyplot" not in sys.modules or sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_the_histogram_counts_every_label_once() -> None:
    """Break: drop the labels outside the percentiles."""
    analysis = found()
    axes = pictures.histogram(analysis, "self_confidence", cut=0.25, issues="both").axes[0]
    legend = axes.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    flagged = int(analysis.issues("both").sum())
    below = int((analysis.scores("self_confidence") < 0.25).sum())
    assert words == [f"{flagged} issues", f"{600 - flagged} others", f"{below} below 0.25"]
    with pytest.raises(InvalidInput, match="1 bins make no histogram"):
        pictures.histogram(analysis, bins=1)
