"""Regions: connected as SciPy connects them, and told by kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import ndimage  # the oracle

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels.segmentation import regions
from tests.labels.segmentation.drawn import drawn


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (17, 23)])
def test_pixels_are_connected_as_scipy_connects_them(shape: tuple[int, int]) -> None:
    """Break: leave out the neighbour above right; do not join two roots that meet."""
    rng = np.random.default_rng(1)
    for share in (0.3, 0.6, 0.9):
        values = np.where(rng.random(shape) < share, 0, rng.integers(-1, 3, shape)).astype(np.int32)
        numbers = np.empty(values.size, np.int32)
        count = regions.connect(values.ravel(), *shape, numbers)
        expected = np.full(shape, -1)
        total = 0
        for value in range(3):
            found, some = ndimage.label(values == value, np.ones((3, 3)))
            expected[found > 0] = found[found > 0] + total
            total += some
        assert count == total
        # The same up to the numbers, which count first pixels.
        pairs = {(int(ours), int(theirs)) for ours, theirs in zip(numbers, expected.ravel(), strict=True)}
        assert len(pairs) == total + bool((values < 0).any())
        firsts = [int(np.flatnonzero(numbers == number)[0]) for number in range(count)]
        assert firsts == sorted(firsts)


def scene() -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Four images of 40 x 40: an object that the mask misses, one that is not there, one of the wrong class, one that is shifted."""
    truth = np.zeros((4, 40, 40), np.uint8)
    truth[0, 10:20, 10:20] = 1
    truth[2, 10:20, 10:20] = 1
    truth[3, 10:20, 10:20] = 1
    given = np.zeros_like(truth)
    given[1, 10:20, 10:20] = 1
    given[2, 10:20, 10:20] = 2
    given[3, 12:22, 10:20] = 1
    probabilities = np.full((4, 3, 40, 40), 0.05)
    np.put_along_axis(probabilities, truth[:, None].astype(int), 0.9, axis=1)
    # So that each class has a threshold.
    given[:, 30:, 30:], given[:, 30:, :10] = 1, 2
    np.put_along_axis(probabilities[:, :, 30:, 30:], np.ones((4, 1, 10, 10), int), 0.9, axis=1)
    probabilities[:, 0, 30:, 30:] = probabilities[:, 0, 30:, :10] = 0.05
    probabilities[:, 2, 30:, :10] = 0.9
    return given, probabilities


def test_what_is_wrong_where_is_told() -> None:
    """Break: measure the share of the predicted region by the given one's area; count the box's last row in."""
    given, probabilities = scene()
    found = labels.analyse_masks(given, probabilities, classes=["sky", "car", "tree"])
    rows = sorted(found.regions().rows(), key=lambda row: (row["image"], row["top"]))
    told = [(row["image"], row["kind"], row["given"], row["predicted"], row["area"]) for row in rows]
    assert told == [
        (0, "missing region", "sky", "car", 100),
        (1, "extra region", "car", "sky", 100),
        (2, "wrong class", "tree", "car", 100),
        (3, "boundary", "sky", "car", 20),
        (3, "boundary", "car", "sky", 20),
    ]
    assert [(row["top"], row["left"], row["bottom"], row["right"]) for row in rows[2:4]] == [
        (10, 10, 20, 20),
        (10, 10, 12, 20),
    ]
    assert rows[0]["given_area"] == 1600 - 200
    assert rows[0]["predicted_area"] == 100
    evidence = found.regions()["evidence"]
    assert (np.diff(evidence) <= 0).all()
    assert found.regions(least_area=21)["area"].tolist() == [100, 100, 100]
    assert set(found.worst(3).tolist()) == {0, 1, 2}
    assert found.confused.rows(1)[0] | {"share": 0} == {"given": "sky", "predicted": "car", "issues": 120, "share": 0}


def test_void_parts_no_predicted_region_and_is_in_no_area() -> None:
    """Break: number the predicted regions of labelled pixels alone: then a void line makes two objects of one."""
    given, probabilities = scene()
    given[0, 14:16, 10:20] = 255
    row = next(
        row for row in labels.analyse_masks(given, probabilities, void=255).regions().rows() if row["image"] == 0
    )
    assert (row["area"], row["predicted_area"], row["kind"]) == (40, 80, "missing region")


def test_regions_of_the_second_pass_and_of_one_more_are_the_same() -> None:
    """Break: keep the regions of fewer pixels than were asked for, or lose what the other pass found."""
    masks, probabilities = drawn(3, images=7)
    before = labels.analyse_masks(masks, probabilities, least_area=2, threads=2)
    after = labels.analyse_masks(masks, probabilities)
    assert before.regions(4).to_csv() == after.regions(4).to_csv()
    assert len(after.regions(4)) == 3
    assert np.array_equal(before.scores("worst_component"), after.scores("worst_component"))
    assert after.scores("worst_component").max() < 0
    with pytest.raises(InvalidInput, match="whole images"):
        labels.analyse_masks(masks, probabilities, downsample=2).regions()


def test_tables_go_to_arrow_and_csv() -> None:
    """Break: write names as numbers; leave NumPy's scalars in rows."""
    given, probabilities = scene()
    table = labels.analyse_masks(given, probabilities, classes=["sky", "car", "tree"]).regions()
    arrow = table.to_arrow()
    assert arrow.schema.field("kind").type == pa.string()
    assert arrow.schema.field("evidence").type == pa.float64()
    assert arrow.to_pylist() == table.rows()
    assert {type(value) for value in table.rows()[0].values()} == {int, str, float}
    assert table.to_csv().splitlines()[0].startswith("image,kind,given,predicted,area,evidence,top,left,bottom,right,")
    assert len(table.to_csv().splitlines()) == len(table) + 1
