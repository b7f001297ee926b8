"""Connected regions of one image, compiled: where they are, how large, and what speaks against them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_compiled: Any = njit(cache=True, nogil=True, fastmath=False)

#: What a region is, by its share of the given region that it is in and of the predicted one.
KINDS = ("wrong class", "missing region", "extra region", "boundary")
#: A region is most of another from this share of its pixels on.
MOST = 0.5
#: Given regions that are smaller than this share of the image do not decide which of them is the worst.
LEAST_SHARE = 0.002


class Found(NamedTuple):
    """Regions of an image in the order of their first pixels. `box` (r, 4): top, left, bottom and right, the last two exclusive;
    `given_area` and `predicted_area` are of the regions of one given and of one predicted class that each is part of."""

    kind: Ints
    given: Ints
    predicted: Ints
    area: Ints
    box: Ints
    evidence: NDArray[np.float64]
    given_area: Ints
    predicted_area: Ints


def find(
    labels: NDArray[np.int32], predicted: NDArray[np.int32], evidence: NDArray[np.float32], classes: int
) -> tuple[Found, float]:
    """The regions of an image (h, w) in which one class is given and one other is predicted; and the largest mean evidence of a
    given region (0 of an image that is all void).

    Pixels are neighbours in all eight directions. Void pixels belong to no given region, but do not part a predicted one.
    """
    height, width = labels.shape
    given, other = labels.reshape(-1), predicted.reshape(-1)
    codes = np.where((given >= 0) & (given != other), given * np.int32(classes) + other, np.int32(-1))
    numbers, of_given, of_predicted = (np.empty(given.size, np.int32) for _ in range(3))
    count = connect(codes, height, width, numbers)
    given_areas, sums = _measured(of_given, connect(given, height, width, of_given), given, evidence, width)[:2]
    predicted_areas = _measured(of_predicted, connect(other, height, width, of_predicted), given, evidence, width)[0]
    area, sum_, box, first = _measured(numbers, count, given, evidence, width)
    given_area, predicted_area = given_areas[of_given[first]], predicted_areas[of_predicted[first]]
    whole, all_ = area >= MOST * given_area, area >= MOST * predicted_area
    kind = np.where(whole, np.where(all_, 0, 2), np.where(all_, 1, 3))
    found = Found(
        kind, given[first].astype(np.int64), other[first].astype(np.int64), area, box, sum_, given_area, predicted_area
    )
    large = given_areas >= max(1, LEAST_SHARE * given.size)
    return found, float((sums[large] / given_areas[large]).max(initial=0.0))


def _measured(
    numbers: NDArray[np.int32], count: int, given: NDArray[np.int32], evidence: NDArray[np.float32], width: int
) -> tuple[Ints, NDArray[np.float64], Ints, Ints]:
    """Of each region its pixels with a label, their evidence, its box and its first pixel."""
    area, sums = np.zeros(count, np.int64), np.zeros(count)
    box, first = np.zeros((count, 4), np.int64), np.zeros(count, np.int64)
    measure(numbers, given, evidence, width, area, sums, box, first)
    return area, sums, box, first


@_compiled
def connect(values: Any, height: int, width: int, numbers: Any) -> int:
    """Number the regions of equal values in the order of their first pixels; -1 for pixels whose value is below 0."""
    parents = np.empty(height * width, np.int32)
    for row in range(height):
        for column in range(width):
            pixel = row * width + column
            parents[pixel] = pixel
            value = values[pixel]
            if value < 0:
                continue
            root = pixel
            for step in range(4):
                # Left, and the three above.
                if step == 0:
                    if column == 0:
                        continue
                    other = pixel - 1
                else:
                    shift = step - 2
                    if row == 0 or column + shift < 0 or column + shift >= width:
                        continue
                    other = pixel - width + shift
                if values[other] != value:
                    continue
                while parents[other] != other:
                    parents[other] = parents[parents[other]]
                    other = parents[other]
                # The root of a region is its first pixel.
                if other < root:
                    parents[root] = other
                    root = other
                elif other > root:
                    parents[other] = root
    count = 0
    for pixel in range(height * width):
        if values[pixel] < 0:
            numbers[pixel] = -1
            continue
        root = pixel
        while parents[root] != root:
            root = parents[root]
        if root == pixel:
            numbers[pixel] = count
            count += 1
        else:
            numbers[pixel] = numbers[root]
    return count


@_compiled
def measure(numbers: Any, given: Any, evidence: Any, width: int, area: Any, sums: Any, box: Any, first: Any) -> None:
    """Add up each region's pixels that have a label, and their evidence; find its box (of all its pixels) and first pixel."""
    for number in range(len(first)):
        first[number] = -1
    for pixel in range(len(numbers)):
        number = numbers[pixel]
        if number < 0:
            continue
        row, column = pixel // width, pixel % width
        if first[number] < 0:
            first[number] = pixel
            box[number, 0], box[number, 1] = row, column
        box[number, 1] = min(box[number, 1], column)
        box[number, 2] = max(box[number, 2], row + 1)
        box[number, 3] = max(box[number, 3], column + 1)
        if given[pixel] >= 0:
            area[number] += 1
            sums[number] += evidence[pixel]


def some(found: Found, least_area: int) -> Found:
    """Those of so many pixels that have evidence."""
    kept = (found.area >= least_area) & (found.evidence > 0)
    columns: list[Any] = [column[kept] for column in found]
    return Found(*columns)
