"""What people hand over in any form gives the same result, and what cannot be judged is said with its rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels import names as methods
from tests.labels.matrices import drawn

GIVEN, MATRIX = drawn(300, 4, kind=np.float32)
FORTH = {"numpy": GIVEN, "list": GIVEN.tolist(), "torch": torch.tensor(GIVEN), "arrow": pa.array(GIVEN)}
FORTH |= {
    "arrow chunks": pa.chunked_array([GIVEN[:100], GIVEN[100:]]),
    "pandas": pd.Series(GIVEN),
    "float": GIVEN * 1.0,
}


def in_forms(folder: Path) -> dict[str, Any]:
    rows = pa.FixedSizeListArray.from_arrays(pa.array(MATRIX.ravel()), 4)
    columns = {f"c{at}": MATRIX[:, at] for at in range(4)}
    np.save(folder / "p.npy", MATRIX)
    np.save(folder / "f.npy", np.asfortranarray(MATRIX))
    np.save(folder / "swapped.npy", MATRIX.astype(">f4"))
    return {
        "numpy": MATRIX,
        "list": torch.tensor(MATRIX),
        "every other column": np.repeat(MATRIX, 2, axis=1)[:, ::2],
        "by columns": np.asfortranarray(MATRIX),
        "path": str(folder / "p.npy"),
        "Path": folder / "p.npy",
        "map": np.load(folder / "p.npy", mmap_mode="r"),  # noqa: TID251 - a map holds no pickle
        "map by columns": folder / "f.npy",
        "map of the other byte order": folder / "swapped.npy",
        "arrow lists of one length": rows,
        "a column of them in chunks": pa.chunked_array([rows[:7], rows[7:]]),
        "arrow lists": pa.array(MATRIX.tolist(), pa.list_(pa.float32())),
        "a table of columns": pa.table(columns),
        "a table of one column": pa.table({"p": rows}),
        "pandas": pd.DataFrame(columns),
        "read-only": _frozen(MATRIX),
    }


def _frozen(values: Any) -> Any:
    found = values.copy()
    found.flags.writeable = False
    return found


def test_the_form_of_probabilities_does_not_matter(tmp_path: Path) -> None:
    """Nor do chunks. Breaks: add the sum of each chunk by itself; begin each chunk's rows at 0 again; drop the last row."""
    expected = labels.analyse(GIVEN, MATRIX).digest()
    for form, matrix in in_forms(tmp_path).items():
        for rows in (None, 64):
            assert labels.analyse(GIVEN, matrix, chunk_rows=rows).digest() == expected, (form, rows)
    wide = labels.analyse(GIVEN, MATRIX.astype(np.float64))
    assert labels.analyse(GIVEN, MATRIX.astype(np.float64).tolist()).digest() == wide.digest()


@pytest.mark.parametrize("form", FORTH)
def test_the_form_of_labels_does_not_matter(form: str) -> None:
    """Break: forget the chunks of a column."""
    np.testing.assert_array_equal(labels.analyse(FORTH[form], MATRIX).data.labels, GIVEN)


def test_half_precision_is_computed_as_single(tmp_path: Path) -> None:
    """Break: widen the whole map to float64; sum the thresholds in float16."""
    half = MATRIX.astype(np.float16)
    np.save(tmp_path / "p.npy", half)
    expected = labels.analyse(GIVEN, half.astype(np.float32)).digest()
    for matrix in (half, tmp_path / "p.npy", torch.tensor(half), pa.FixedSizeListArray.from_arrays(half.ravel(), 4)):
        assert labels.analyse(GIVEN, matrix, chunk_rows=11).digest() == expected


@pytest.mark.parametrize("names", [["cat", "dog", "newt", "owl"], [3, 5, 7, 9], pa.array(["a", "b", "c", "d"])])
def test_classes_have_names(names: Any) -> None:
    """Break: sort the names."""
    words = names.to_pylist() if isinstance(names, pa.Array) else names
    given = [words[at] for at in GIVEN]
    for form in (given, np.array(given), pa.array(given), pa.array(given).dictionary_encode(), pd.Categorical(given)):
        found = labels.analyse(form, MATRIX, classes=names)
        assert found.data.names == tuple(words)
        np.testing.assert_array_equal(found.data.labels, GIVEN)


@pytest.mark.parametrize(
    ("void", "marked"), [(-1, -1), (255, 255), (float("nan"), np.nan), ("?", "?"), (float("nan"), None), ("", "")]
)
def test_void_labels_take_no_part(void: Any, marked: Any) -> None:
    """Break: count void labels into a threshold, or as issues."""
    names = ["a", "b", "c", "d"] if marked is None or isinstance(marked, str) else None
    given: list[Any] = [label if names is None else names[label] for label in GIVEN]
    kept = labels.analyse(given[10:], MATRIX[10:], classes=names)
    found = labels.analyse([marked] * 10 + given[10:], MATRIX, classes=names, void=void)
    np.testing.assert_array_equal(found.thresholds, kept.thresholds)
    np.testing.assert_array_equal(found.joint, kept.joint)
    for by in methods.FILTERS:
        np.testing.assert_array_equal(found.issues(by), np.concatenate((np.zeros(10, bool), kept.issues(by))))
    for by in methods.RANKS:
        assert np.isnan(found.scores(by)[:10]).all()
        np.testing.assert_array_equal(found.scores(by)[10:], kept.scores(by))
    assert found.worst().min() >= 10
    assert len(found.worst()) == 290


@pytest.mark.parametrize(
    "kind", [list, tuple, lambda given: pd.Series(given, dtype=object), lambda given: np.array(given, object)]
)
@pytest.mark.parametrize("gap", [np.nan, np.float32(np.nan), None, pd.NA])
def test_what_is_missing_among_texts_is_void(gap: Any, kind: Any) -> None:
    """Breaks: make a text of the NaN in a list (`np.asarray`); ask pandas' NA whether it differs from itself."""
    names = ["a", "b", "c", "d"]
    given = kind([gap, *(names[at] for at in GIVEN[1:])])
    for void in (float("nan"), pd.NA):
        found = labels.analyse(given, MATRIX, classes=names, void=void)
        np.testing.assert_array_equal(found.data.labels, [-1, *GIVEN[1:]])
    with pytest.raises(InvalidInput, match=r"^1 of 300 labels are no class: (nan|None|<NA>) in row 0\."):
        labels.analyse(given, MATRIX, classes=names)
    with pytest.raises(InvalidInput, match=r"^\d+ of 300 labels are no class: (nan|None|<NA>) in row 0, 'a' in row"):
        labels.analyse(given, MATRIX, classes=["?", "b", "c", "d"], void="b")


def changed(row: int, column: int, value: float) -> Any:
    matrix = MATRIX.copy()
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("given", "matrix", "options", "message", "rows"),
    [
        (GIVEN[:299], MATRIX, {}, "There are 299 labels and 300 rows of probabilities.", [299]),
        (np.where(np.arange(300) % 100 == 7, 4, GIVEN), MATRIX, {}, "3 of 300 labels are no class: 4 in row 7, 4 in row 107, 4 in row 207.", [7, 107, 207]),
        (np.where(np.arange(300) > 200, -1, GIVEN), MATRIX, {}, "99 of 300 labels are no class: -1 in row 201, ", [201, 202, 203, 204, 205]),
        (GIVEN + 0.5, MATRIX, {}, "300 of 300 labels are no class: ", [0, 1, 2, 3, 4]),
        (["a"] * 300, MATRIX, {}, "300 of 300 labels are no class: 'a' in row 0", [0, 1, 2, 3, 4]),
        (GIVEN, changed(5, 0, np.nan), {}, "1 of 300 rows are no probabilities (values from 0, sum 1 within 0.001): row 5 is [nan, ", [5]),
        (GIVEN, changed(8, 1, np.inf), {}, "row 8 is ", [8]),
        (GIVEN, MATRIX * 1.01, {}, "300 of 300 rows are no probabilities", [0, 1, 2, 3, 4]),
        (GIVEN, np.log(MATRIX), {}, "300 of 300 rows are no probabilities", [0, 1, 2, 3, 4]),
        (np.zeros(300, int), MATRIX, {}, "Nothing can be said about labels of one class: all labels are 0.", None),
        (np.full(300, -1), MATRIX, {"void": -1}, "there are no labels", None),
        ([], np.empty((0, 4)), {}, "there are no labels", None),
        (GIVEN * 0, MATRIX[:, :1], {}, "with two classes at least, got (300, 1)", None),
        (GIVEN, MATRIX[:, 0], {}, "got (300,)", None),
        (MATRIX, MATRIX, {}, "Labels must be one per example, got an array of shape (300, 4).", None),
        (GIVEN, np.ones((300, 4), int), {}, "must be float16, float32 or float64, got int64", None),
        (GIVEN, MATRIX, {"classes": "abc"}, "There are 3 classes and 4 columns of probabilities.", None),
        (GIVEN, MATRIX, {"classes": ["a", "b", "a", "c"]}, "A class is named twice: 'a'.", None),
        (GIVEN, MATRIX, {"chunk_rows": 0}, "chunk_rows is 0.", None),
        (GIVEN, MATRIX, {"joint": "argmax"}, "There is no joint 'argmax'.", None),
        (GIVEN, pa.array([[0.5, 0.5], [1.0]]), {}, "Row 1 has 1 probabilities, row 0 has 2.", [1]),
        (GIVEN, pa.table({"a": [0.5], "b": ["x"]}), {}, "column 'b' is none", None),
        (GIVEN, __file__, {}, "is no .npy file.", None),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_said(given: Any, matrix: Any, options: Any, message: str, rows: Any) -> None:
    """With the first rows. Break: number the rows of the chunk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(InvalidInput) as raised:
            labels.analyse(given, matrix, **{"chunk_rows": 3, **options})
    assert message in raised.value.message
    assert raised.value.remedy
    assert raised.value.objects.get("rows") == rows


def test_sums_within_a_thousandth_are_taken_as_they_are() -> None:
    """The peer rejects 1.00002. Break: make rows sum to 1."""
    matrix = MATRIX.astype(np.float64) * 1.0009
    assert labels.analyse(GIVEN, matrix).scores("self_confidence").max() > MATRIX.max()
    certain = np.eye(4)[GIVEN] * 1.00002
    assert not labels.analyse(GIVEN, certain).issues().any()
    assert labels.analyse(GIVEN, certain - 1e-7).errors == 0


def test_a_class_with_hardly_an_example_is_named() -> None:
    """Break: count the void labels; name the classes that are fine."""
    given = np.where(GIVEN == 3, 0, GIVEN)
    with pytest.warns(labels.RareClass, match=r"^No label is 3, so none can be found to be that class\. Leave"):
        labels.analyse(given, MATRIX)
    given[17] = 3
    with pytest.warns(labels.RareClass, match=r"^Only one label each is 3 \(row 17\), whose threshold"):
        found = labels.analyse(given, MATRIX)
    assert found.thresholds[3] == np.float64(MATRIX[17, 3])
