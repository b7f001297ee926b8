"""Labels in every form mean the same, and what is wrong with them is said with the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels.multilabel.inputs import cells

NAMES = ("cat", "dog", "bird")
LISTS: list[list[int]] = [[0, 2], [], [1], [0, 1, 2]]
MATRIX = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
P = np.array([[0.9, 0.2, 0.7], [0.1, 0.3, 0.2], [0.2, 0.8, 0.1], [0.6, 0.7, 0.9]])


@pytest.mark.parametrize(
    "given",
    [
        LISTS,
        [tuple(row) for row in LISTS],
        [set(row) for row in LISTS],
        [np.array(row, np.int64) for row in LISTS],
        [[NAMES[at] for at in row] for row in LISTS],
        np.array([[NAMES[at] for at in row] for row in LISTS], object),
        pa.array(LISTS),
        MATRIX,
        MATRIX.astype(bool),
        MATRIX.astype(np.float32),
        torch.from_numpy(MATRIX),
        pl.DataFrame(MATRIX),
        pl.Series(LISTS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_lists_names_and_matrices_are_the_same_labels(given: Any) -> None:
    """Break: names looked up in the order of their spelling."""
    assert (cells(given, P, classes=NAMES).given == MATRIX).all()


def test_unknown_cells_are_void_in_every_spelling() -> None:
    """Break: NaN taken for absent."""
    holed = MATRIX.astype(float)
    holed[0, 1] = np.nan
    holed[2] = -1
    expected = MATRIX.copy()
    expected[0, 1], expected[2] = -1, -1
    assert (cells(holed, P).given == expected).all()
    assert (cells(np.where(expected < 0, 255, expected), P, void=255).given == expected).all()
    assert (cells([[0], None, [0, 1, 2], []], P).given[1] == -1).all()


def test_void_cells_have_no_score_no_issue_and_no_weight() -> None:
    """Break: the counts of `sums` taken over all rows."""
    rng = np.random.default_rng(0)
    given = (rng.random((300, 3)) < 0.4).astype(np.int8)
    probabilities = np.clip(np.where(given == 1, 0.8, 0.2) + rng.normal(0, 0.15, given.shape), 0, 1)
    given[:30] ^= 1
    holed = np.vstack([given, np.full((200, 3), -1)])
    found = labels.analyse_multilabel(holed, np.vstack([probabilities, rng.random((200, 3))]))
    alone = labels.analyse_multilabel(given, probabilities)
    assert (found.thresholds == alone.thresholds).all()
    assert (found.joint == alone.joint).all()
    assert (found.issues("prune_by_noise_rate")[:300] == alone.issues("prune_by_noise_rate")).all()
    assert not found.issues("prune_by_noise_rate")[300:].any()
    assert np.isnan(found.scores("threshold_margin")[300:]).all()
    assert np.isnan(found.example_scores("moving_average")[300:]).all()
    assert len(found.worst()) == 300
    assert not found.issues("co_occurrence")[300:].any()


@pytest.mark.parametrize(
    ("given", "probabilities", "message", "rows"),
    [
        ([[0], [1], [7], [2]], P, "1 labels are no class: 7 in row 2.\nClasses are 0 to 2.", [2]),
        ([[0], [1.5], [1], [2]], P, "1 labels are no class: 1.5 in row 1.", [1]),
        ([[0], ["cow"], [1], []], P, "1 labels are no class: 'cow' in row 1.", [1]),
        ([[0], [1, 2, 1], [1], []], P, "Class 1 stands twice in the labels of row 1.", [1]),
        ([[0], 3, [1], []], P, "The labels of row 1 are 3, which is no list of classes.", [1]),
        ([[0], "cat", [1], []], P, "The labels of row 1 are 'cat', which is no list of classes.", [1]),
        (LISTS[:3], P, "There are labels of 3 examples and probabilities of 4.", None),
        (MATRIX[:, :2], P, "Labels must have the shape (examples, 3) or be lists of classes, got (4, 2).", None),
        (
            MATRIX + 1,
            P,
            "6 cells of the labels are neither 0 nor 1: 2 in row 0, column 0, 2 in row 0, column 2, ",
            [0, 2, 3],
        ),
        (MATRIX, P + 0.2, "2 probabilities are not in [0, 1]: 1.1 in row 0, column 0, 1.1 in row 3, column 2.", [0, 3]),
        (MATRIX, np.where(P == 0.8, np.nan, P), "1 probabilities are not in [0, 1]: nan in row 2, column 1.", [2]),
        (
            MATRIX,
            P[0],
            "Probabilities must have the shape (examples, classes) with two classes at least, got (3,).",
            None,
        ),
        (MATRIX, P > 0.5, "Probabilities must be float16, float32 or float64, got bool.", None),
    ],
)
def test_bad_input_is_named_with_its_rows(given: Any, probabilities: Any, message: str, rows: list[int] | None) -> None:
    """Break: `>` and `<` for the negated check of the range, which NaN passes."""
    with pytest.raises(InvalidInput) as raised:
        labels.analyse_multilabel(given, probabilities)
    assert str(raised.value).startswith(message)
    if rows is not None:
        assert raised.value.objects["rows"] == rows


def test_a_class_that_all_have_or_none_has_is_named_and_has_no_issues() -> None:
    """Break: without the mask of one-sided classes in the filters."""
    rng = np.random.default_rng(1)
    given = (rng.random((50, 4)) < 0.5).astype(int)
    given[:, 1], given[:, 2] = 0, 1
    with pytest.warns(UserWarning, match=r"about 2 of 4 classes, which no example has or none lacks: 'b', 'c'\."):
        found = labels.analyse_multilabel(given, rng.random((50, 4)), classes="abcd")
    for by in ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"):
        assert not found.issues(by)[:, 1:3].any()
        assert found.issues(by)[:, [0, 3]].any()
    assert not found.issues()[:, 1:3].any()
    assert np.isnan(found.scores()[:, 1:3]).all()
    assert np.isfinite(found.example_scores()).all()


def test_a_matrix_given_as_lists_is_told_apart() -> None:
    """Of two classes its rows are read as lists of both. Break: leave out the hint; give it for every class that all have."""
    two = np.array([[0.9, 0.2], [0.3, 0.8]])
    with pytest.warns(
        UserWarning, match=r"2 of 2 classes, .*: 0, 1\. A matrix of 0 and 1 is given as an array, not as lists\.$"
    ):
        cells([[1, 0], [0, 1]], two)
    with pytest.warns(UserWarning, match=r"1 of 2 classes, which no example has or none lacks: 0\.$"):
        cells([[0, 1], [0]], two)


def test_labels_do_not_change_with_the_array_that_they_came_in() -> None:
    """Break: keep a view of a matrix of booleans."""
    given = MATRIX.astype(bool)
    found = cells(given, P)
    given[:] = False
    assert (found.given == MATRIX).all()


def test_one_class_alone_will_do() -> None:
    """Break: a check for two columns."""
    given = np.array([[1]] * 10 + [[0]] * 10)
    probabilities = np.where(given == 1, 0.9, 0.1)
    probabilities[0] = 0.05
    found = labels.analyse_multilabel(given, probabilities)
    assert np.argwhere(found.issues("prune_by_class")).tolist() == [[0, 0]]
    assert found.worst(1).tolist() == [0]


def test_a_mapped_file_and_a_table_give_the_same_as_the_array(tmp_path: Path) -> None:
    """Break: the path read as text."""
    rng = np.random.default_rng(2)
    given = (rng.random((200, 3)) < 0.3).astype(int)
    probabilities = rng.random((200, 3)).astype(np.float32)
    np.save(tmp_path / "p.npy", probabilities)
    found = labels.analyse_multilabel(given, tmp_path / "p.npy")
    assert not found.data.probabilities.flags.writeable
    assert (found.issues() == labels.analyse_multilabel(given, probabilities).issues()).all()
    table = pa.table({str(at): probabilities[:, at] for at in range(3)})
    assert (found.issues() == labels.analyse_multilabel(given, table).issues()).all()
    (tmp_path / "no.npy").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"no\.npy is no \.npy file"):
        labels.analyse_multilabel(given, tmp_path / "no.npy")
