"""Labels with gaps in every form that they are handed over in, and what is said of those that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pedigree import labels
from pedigree.errors import InvalidInput

WIDE = [[0, 1, None], [2, None, 2], [None, None, None], [1, 1, 1]]


@pytest.mark.parametrize(
    "given",
    [
        WIDE,
        np.array(WIDE, float),
        np.array(WIDE, object),
        np.ma.masked_less(np.array([[0, 1, -1], [2, -1, 2], [-1, -1, -1], [1, 1, 1]]), 0),
        pd.DataFrame(WIDE, dtype="Int64"),
        pd.DataFrame(WIDE),
    ],
    ids=["lists", "floats", "objects", "masked", "pandas Int64", "pandas"],
)
def test_gaps_are_gaps_in_every_form(given: Any) -> None:
    """Break: leave out the mask, or the NA of pandas."""
    found = labels.annotation_matrix(given)
    assert found.starts.tolist() == [0, 2, 4, 4, 7]
    assert found.annotators.tolist() == [0, 1, 0, 2, 0, 1, 2]
    assert found.labels.tolist() == [0, 1, 2, 2, 1, 1, 1]
    assert found.classes == (0, 1, 2)
    assert found.per_annotator.tolist() == [3, 2, 2]
    np.testing.assert_array_equal(found.wide(), np.array(WIDE, float))


@pytest.mark.parametrize("gap", [float("nan"), None, pd.NA])
def test_a_gap_among_texts_is_no_class(gap: Any) -> None:
    """A NaN in a list was the class 'nan'. Breaks: `np.asarray` in either function; compare NA with `void` (`table == void`)."""
    wide = labels.annotation_matrix([["a", gap], ["b", "?"]], void="?")
    assert wide.classes == ("a", "b")
    assert wide.per_annotator.tolist() == [2, 0]
    long = labels.annotation_table([0, 0, 1], ["x", "y", "x"], ["a", gap, "b"])
    assert long.classes == ("a", "b")
    assert long.annotator_names == ("x",)


def test_names_are_kept() -> None:
    """Break: number the texts by their place."""
    table = pd.DataFrame({"ann": ["cat", None], "ben": ["dog", "cat"]}, index=["x.png", "y.png"])
    found = labels.annotation_matrix(table)
    assert found.classes == ("cat", "dog")
    assert found.labels.tolist() == [0, 1, 0]
    assert found.annotator_names == ("ann", "ben")
    assert found.examples == ("x.png", "y.png")
    assert labels.annotation_matrix([["b", "?"]], classes=["b", "a"], void="?").labels.tolist() == [0]


def test_a_long_table_follows_the_order_of_the_probabilities() -> None:
    """Break: sort the examples although their order was given."""
    found = labels.annotation_table(["b", "a", "b"], [7, 7, 3], [1, 0, 1], examples=["c", "b", "a"])
    assert found.starts.tolist() == [0, 0, 2, 3]
    assert found.annotators.tolist() == [0, 1, 1]
    assert found.annotator_names == (3, 7)
    assert len(labels.annotation_table([2, 0], [0, 0], [1, np.nan], examples=4)) == 4


@pytest.mark.parametrize(
    ("given", "named", "message", "rows"),
    [
        (
            [[0, 1], [5, -1]],
            {"classes": range(3)},
            "2 of 4 labels are no class: 5 of annotator 0 in row 1; -1|2 of 4",
            [1, 1],
        ),
        ([[0, 1.5]], {}, "1 of 2 labels are no class: 1.5 of annotator 1 in row 0", [0]),
        ([["a", "b"], ["x", "a"]], {"classes": ["a", "b"]}, "'x' of annotator 0 in row 1", [1]),
        ([[None, None]], {}, "No annotator gave any label", None),
        ([0, 1], {}, "must be a matrix", None),
        ([[0, 1]], {"annotators": ["a"]}, "1 annotators and 2 columns", None),
    ],
)
def test_labels_that_are_none_are_refused(given: Any, named: Any, message: str, rows: list[int] | None) -> None:
    """Break: leave out any of the checks."""
    with pytest.raises(InvalidInput, match=message) as caught:
        labels.annotation_matrix(given, **named)
    if rows is not None:
        assert caught.value.objects["rows"] == rows


@pytest.mark.parametrize(
    ("columns", "named", "message"),
    [
        (([0, 1], [0, 0], [1]), {}, "columns of one length"),
        (
            ([0, 9], [0, 0], [1, 1]),
            {"examples": 3},
            "1 of 2 rows name an example that is none of those given: 9 in row 1",
        ),
        (
            ([0, 1, 0], ["p", "p", "p"], [1, 1, 0]),
            {},
            "1 of 3 rows label an example that the annotator had labelled: 'p' in row 2",
        ),
    ],
)
def test_tables_that_are_none_are_refused(columns: Any, named: Any, message: str) -> None:
    """Break: leave out any of the checks."""
    with pytest.raises(InvalidInput, match=message):
        labels.annotation_table(*columns, **named)


def test_probabilities_must_fit_the_labels() -> None:
    """Break: leave out any of the checks."""
    given = [[0, 1], [2, 2]]
    three = np.full((2, 3), 1 / 3)
    for probabilities, message in (
        (three[:1], "2 examples with labels and 1 rows of probabilities"),
        (np.full((2, 2), 0.5), "annotators use 3 classes, up to 2, and there are 2 columns"),
        (three * 1.2, "2 of 2 rows are no probabilities"),
        ([three, np.full((2, 4), 0.25)], "probabilities of different shapes"),
        (None, "no probabilities were given"),
    ):
        with pytest.raises(InvalidInput, match=message):
            labels.consensus(given, probabilities)
    with pytest.raises(InvalidInput, match="no method 'vote'"):
        labels.consensus(given, three, method="vote")
    with pytest.raises(InvalidInput, match="No probabilities were given"):
        labels.next_labels(given)
    with pytest.raises(InvalidInput, match="without their labels"):
        labels.next_labels(None, three)
    with pytest.raises(InvalidInput, match="1 models and 3 classes, unlabelled ones 1 and 2"):
        labels.next_labels(given, three, [[0.5, 0.5]])
