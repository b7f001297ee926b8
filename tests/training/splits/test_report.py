"""The report of classes and splits, against tables and by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pedigree.errors import InvalidSplit
from pedigree.training import split_report
from pedigree.training.splits.report import _survival

LABELS = ["cat"] * 6 + ["dog"] * 4
SPLITS = ["train"] * 4 + ["test"] * 2 + ["train"] * 3 + ["test"]


def test_counts_fractions_and_distances_are_those_by_hand() -> None:
    """train has 4 cats and 3 dogs, test 2 and 1; all 6 and 4. Break: compare with the other splits instead of all samples."""
    report = split_report(LABELS, SPLITS)
    assert report.counts == {"test": {"cat": 2, "dog": 1}, "train": {"cat": 4, "dog": 3}}
    assert (report.total, report.size("train"), report.fraction("train")) == (10, 7, 0.7)
    assert report.distance("train") == pytest.approx((abs(4 / 7 - 0.6) + abs(3 / 7 - 0.4)) / 2, rel=1e-15)
    assert report.distance("test") == pytest.approx(1 / 15, rel=1e-14)
    # 2 x 2: n (ad - bc)^2 / (row and column sums), 10 (4 x 1 - 3 x 2)^2 / (7 x 3 x 6 x 4)
    statistic, degrees, p_value = report.chi_square
    assert statistic == pytest.approx(40 / 504, rel=1e-14)
    assert degrees == 1
    assert p_value == pytest.approx(math.erfc(math.sqrt(40 / 504 / 2)), rel=1e-14)


@pytest.mark.parametrize(
    ("degrees", "p_value", "statistic"),
    # Abramowitz and Stegun 1964, table 26.8, percentage points of the chi-square distribution (six figures).
    [
        (1, 0.05, 3.84146),
        (2, 0.05, 5.99147),
        (3, 0.01, 11.3449),
        (7, 0.5, 6.34581),
        (10, 0.95, 3.94030),
        (30, 0.005, 53.6720),
    ],
)
def test_p_values_are_those_of_the_table(degrees: int, p_value: float, statistic: float) -> None:
    """Tolerance: the table's six figures. Break: start the odd sum a term later."""
    assert _survival(statistic, degrees) == pytest.approx(p_value, rel=2e-5)


def test_p_values_hold_where_terms_overflow_and_vanish() -> None:
    """A statistic of 3,000 with 3,000 degrees is about the median; one of 1e6 has no chance. Break: multiply the terms up instead of adding logarithms."""
    assert 0.49 < _survival(3000.0, 3000) < 0.51
    assert 0.49 < _survival(3001.0, 3001) < 0.51
    assert _survival(1e6, 10) == 0.0
    assert _survival(0.0, 3) == 1.0


def test_a_class_missing_from_a_split_is_found_and_refused_when_asked() -> None:
    """The report shows it, and `check` raises with the names. Break: look at classes that the split has only."""
    report = split_report(
        [0, 1, 2, 10, 0], ["train", "train", "train", "train", "test"], fractions={"train": 0.8, "test": 0.2}
    )
    assert report.classes == ("0", "1", "2", "10")
    assert report.missing == {"test": ("1", "2", "10")}
    with pytest.raises(InvalidSplit, match="Classes without a sample in a split: test: 1, 2, 10.") as caught:
        report.check()
    assert caught.value.objects["missing"] == report.missing
    assert "no sample in test: 1, 2, 10" in str(report)
    full = split_report(LABELS, SPLITS)
    assert full.check() is full


def test_a_split_that_got_nothing_and_a_class_that_nobody_has_are_missing() -> None:
    """Break: take splits and classes from the samples alone."""
    report = split_report(["a"], ["train"], fractions={"train": 0.9, "val": 0.1}, classes=["a", "b"])
    assert report.missing == {"train": ("b",), "val": ("a", "b")}
    assert math.isnan(report.distance("val"))
    assert report.chi_square == (0.0, 0, 1.0)
    assert json.loads(report.json())["splits"]["val"]["distance"] is None


def test_groups_on_both_sides_are_found() -> None:
    """Break: remember only the last split of a group."""
    report = split_report("aabb", ["x", "y", "x", "y"], groups=["g", "g", "h", None])
    assert report.straddling == {"g": ("x", "y")}
    with pytest.raises(InvalidSplit, match=r"1 groups have samples in more than one split: g \(x, y\)"):
        report.check()


def test_text_and_json_say_the_same() -> None:
    """Every count of the object is in both. Break: leave the wanted fractions out of the JSON."""
    report = split_report(np.array([0, 1, 0, 1]), np.array(["a", "a", "b", "a"]), fractions={"a": 0.75, "b": 0.25})
    assert report.to_json() == json.loads(report.json())
    assert report.to_json()["splits"]["a"] == {
        "count": 3,
        "fraction": 0.75,
        "wanted": 0.75,
        "distance": pytest.approx(1 / 6),
        "classes": {"0": 1, "1": 2},
        "missing": [],
    }
    assert str(report).splitlines()[:4] == [
        "class          a       b  all",
        "0              1       1    2",
        "1              2       0    2",
        "all            3       1    4",
    ]


def test_lengths_that_differ_and_nothing_at_all_are_told() -> None:
    """Break: zip to the shorter."""
    with pytest.raises(InvalidSplit, match="There are 2 labels, 1 splits."):
        split_report("ab", ["x"])
    with pytest.raises(InvalidSplit, match="2 splits and 1 groups"):
        split_report("ab", ["x", "y"], groups=["g"])
    with pytest.raises(InvalidSplit, match="no samples"):
        split_report([], [])
