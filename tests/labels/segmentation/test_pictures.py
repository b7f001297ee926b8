"""Overlays show what is given, what is predicted and which pixels are issues, where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pedigree.errors import InvalidInput
from pedigree.labels.segmentation import pictures


def parts() -> tuple[Any, Any, Any, Any]:
    image = np.full((40, 60, 3), 128, np.uint8)
    given, predicted = np.zeros((40, 60), int), np.zeros((40, 60), int)
    given[:, 30:] = 1
    predicted[:, 40:] = 1
    given[:5] = -1
    issues = (given != predicted) & (given >= 0)
    return image, given, predicted, issues


def near(pixels: Any, colour: str, far: float = 12) -> Any:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (np.abs(pixels.astype(float) - wanted) <= far).all(axis=-1)


def test_the_overlay_marks_borders_and_issues_in_their_places() -> None:
    """Break: draw the predicted outline whole; swap the outlines; mark the pixels that are no issue."""
    image, given, predicted, issues = parts()
    picture = np.asarray(pictures.overlay(image, given, predicted, issues, ["sky", "road"], title="Image 7"))
    factor = pictures.SIDE // 60
    top, left = pictures._TEXT + 8 + pictures._TEXT + 8, pictures._GAP
    panel = picture[top : top + 40 * factor, left : left + 60 * factor]
    line = near(panel[7 * factor :, 29 * factor : 31 * factor], pictures.GIVEN).any(axis=1)
    assert line.all()
    dashes = near(panel[7 * factor :, 39 * factor : 41 * factor], pictures.PREDICTED).any(axis=1)
    assert 0.3 < dashes.mean() < 1
    inside = panel[10 * factor : 30 * factor, 32 * factor : 38 * factor].astype(float)
    outside = panel[10 * factor : 30 * factor, 10 * factor : 20 * factor].astype(float)
    assert (inside[..., 0] - inside[..., 2]).mean() > 60
    assert np.abs(outside[..., 0] - outside[..., 2]).max() == 0
    # Void is darker, and no issue.
    assert panel[2 * factor, 35 * factor].mean() < outside.mean()
    # The masks stand beside it, in the colours of their classes.
    for place, border in ((1, 30), (2, 40)):
        mask = picture[top : top + 40 * factor, left + place * (60 * factor + pictures._GAP) :]
        assert near(mask[20 * factor, (border - 2) * factor], pictures.COLOURS[0])
        assert near(mask[20 * factor, (border + 2) * factor], pictures.COLOURS[1])


def test_a_contact_sheet_holds_pictures_of_several_sizes() -> None:
    """Break: take the height of the first picture for its row."""
    image, given, predicted, issues = parts()
    tall = tuple(None if one is None else np.swapaxes(one, 0, 1) for one in (None, given, predicted, issues))
    sheet = pictures.contact_sheet([(image, given, predicted, issues), tall, tall], ["a", "b" * 400, "c"], columns=2)
    side = pictures.SIDE * 3 // 4
    assert sheet.width == 2 * (side + pictures._GAP) + pictures._GAP
    pixels, line = np.asarray(sheet), pictures._TEXT + 8
    cell, below = side + pictures._GAP, side + line + pictures._GAP
    first = pixels[pictures._GAP + line :, pictures._GAP + cell :][:side, : side * 2 // 3]
    second = pixels[pictures._GAP + line + below :, pictures._GAP :][:side, : side * 2 // 3]
    assert np.array_equal(first, second)
    with pytest.raises(InvalidInput, match="1 pictures and 2 captions"):
        pictures.contact_sheet([(image, given, predicted, issues)], ["a", "b"])


def test_an_image_of_another_size_is_refused() -> None:
    """Break: stretch it."""
    image, given, predicted, issues = parts()
    with pytest.raises(InvalidInput, match=r"shape \(40, 59, 3\) and its mask \(40, 60\)"):
        pictures.overlay(image[:, :59], given, predicted, issues, ["sky", "road"])
    for other in (image[..., 0], image / 255.0, None):
        assert pictures.overlay(other, given, predicted, issues, ["sky", "road"]).mode == "RGB"


def test_classes_beyond_the_palette_have_colours_of_their_own() -> None:
    """Break: begin the palette anew without a darker shade."""
    assert len({pictures._colour(number) for number in range(24)}) == 24
