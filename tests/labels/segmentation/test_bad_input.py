"""What is wrong with masks and probabilities is said with the image and the pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pedigree import labels
from pedigree.errors import InvalidInput
from tests.labels.segmentation.drawn import drawn


def _with(values: Any, at: Any, value: Any) -> Any:
    values = values.copy()
    values[at] = value
    return values


MASKS, P = drawn(0, images=3, classes=3, height=8, width=7)

CASES: list[tuple[str, Any, Any, dict[str, Any], str]] = [
    ("a mask of another size", [*MASKS[:2], MASKS[2, :7]], P, {}, r"Image 2: the mask is 7 x 7 and the .* are 3 x 8 x 7"),
    ("fewer masks", MASKS[:2], P, {}, r"There are 2 masks and probabilities of 3 images"),
    ("a class that is none", _with(MASKS, (1, 4, 5), 9), P, {}, r"Image 1: the pixel in row 4, column 5 is labelled 9"),
    ("void that is not said", _with(MASKS, (0, 0, 0), 255), P, {}, r"Image 0: .* row 0, column 0 is labelled 255"),
    ("a negative label", _with(MASKS.astype(int), (2, 7, 6), -1), P, {}, r"Image 2: .* row 7, column 6 is labelled -1"),
    ("NaN", MASKS, _with(P, (1, 2, 3, 4), np.nan), {}, r"Image 1: .* row 3, column 4 are .*nan"),
    ("below 0", MASKS, _with(_with(P, (2, 0, 1, 1), -0.5), (2, 1, 1, 1), 1.5 - P[2, 2, 1, 1]), {}, r"Image 2: .* row 1, column 1"),
    ("sums of 1.1", MASKS, P * 1.1, {}, r"Image 0: .* row 0, column 0 .* sum 1.1"),
    ("fractions as labels", MASKS + 0.5, P, {}, r"Image 0: the mask holds float64"),
    ("one class", MASKS * 0, P, {}, r"labels of one class: every label is 0"),
    ("all void", MASKS * 0, P, {"void": 0}, r"there are no labels"),
    ("one-hot masks", P, P, {}, r"The masks have the shape \(3, 3, 8, 7\)"),
    ("a generator", MASKS, (one for one in P), {}, r"probabilities can be gone through only once"),
    ("a function alone", lambda number: MASKS[number], lambda number: P[number], {}, r"nothing says for how many"),
    ("too many names", MASKS, P, {"classes": ["a", "b", "c", "d"]}, r"Image 0: .* 3 x 8 x 7"),
    ("whole numbers as probabilities", MASKS, P.round().astype(int), {}, r"float16, float32 or float64, got int64"),
    ("no images", MASKS[:0], P[:0], {}, r"There are no images"),
    ("no pixels", [*MASKS[:2], MASKS[2, :0]], [*P[:2], P[2, :, :0]], {}, r"Image 2 has no pixels"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("masks", "probabilities", "how", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_first_offender_is_named(masks: Any, probabilities: Any, how: dict[str, Any], message: str) -> None:
    """Break: number the pixels from 1; leave the sum unchecked; look at the label after its use."""
    with pytest.raises(InvalidInput, match=message) as caught:
        labels.analyse_masks(masks, probabilities, **how)
    assert caught.value.remedy


def test_rounded_and_half_precision_probabilities_are_taken() -> None:
    """Break: a tolerance of 1e-5."""
    for values in (P.astype(np.float16), P * 1.0009, P.astype(np.float32) * np.float32(0.9992)):
        assert len(labels.analyse_masks(MASKS, values)) == 3


def test_a_class_that_no_pixel_has_is_no_error() -> None:
    """Break: give it the threshold 0, and every pixel has endless evidence for it."""
    masks = MASKS.copy()
    masks[masks == 2] = 1
    found = labels.analyse_masks(masks, P, classes=["road", "sky", "tree"])
    assert found.remarks == ["No pixel is labelled 'tree'."]
    assert found.thresholds[2] == 2.0
    assert found.pairs[:, 2].sum() > 0
    assert found.scores("evidence").min() > -4 * 56
