"""Missing and extra classes are listed apart, the worst first, and counted for each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pedigree import labels


def noisy() -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.int8]]:
    """400 examples of 3 classes: 40 of class 0 lost it, 25 were given class 2 that they have not."""
    rng = np.random.default_rng(0)
    true = (rng.random((400, 3)) < 0.5).astype(np.int8)
    given = true.copy()
    given[np.flatnonzero(true[:, 0] == 1)[:40], 0] = 0
    given[np.flatnonzero(true[:, 2] == 0)[:25], 2] = 1
    # The wrong cells stand out a little, each by another measure.
    aside = np.where(given == true, 0.0, rng.random(true.shape) * 0.05)
    probabilities = np.where(true == 1, 0.9 + aside, 0.1 - aside)
    return given, probabilities, true


def test_what_is_missing_and_what_is_too_much_are_listed_apart() -> None:
    """Breaks: the two lists exchanged; the list in the order of rows."""
    given, probabilities, true = noisy()
    found = labels.analyse_multilabel(given, probabilities, classes=["road", "car", "sky"])
    by = "prune_by_noise_rate"
    missing, extra = found.missing(by=by), found.extra(by=by)
    assert sorted(cell[:2] for cell in missing) == [
        (row, "road") for row in np.flatnonzero(given[:, 0] < true[:, 0]).tolist()
    ]
    assert sorted(cell[:2] for cell in extra) == [
        (row, "sky") for row in np.flatnonzero(given[:, 2] > true[:, 2]).tolist()
    ]
    for cells in (missing, extra):
        assert (np.diff(cells.scores) > 0).all()
    assert list(found.missing(3, by=by)) == list(missing)[:3]
    wrong = np.flatnonzero((given != true).any(axis=1))
    assert set(found.worst(len(wrong))) == set(wrong)


def test_the_table_of_classes_counts_what_was_done_to_them() -> None:
    """Break: the rates divided by the sums of given labels."""
    given, probabilities, true = noisy()
    road, car, sky = labels.analyse_multilabel(given, probabilities, classes=["road", "car", "sky"]).per_class
    assert (road.name, road.present, road.absent, road.void) == ("road", given[:, 0].sum(), 400 - given[:, 0].sum(), 0)
    assert [each.estimated_missing for each in (road, car, sky)] == [40, 0, 0]
    assert [each.estimated_extra for each in (road, car, sky)] == [0, 0, 25]
    assert road.missing_rate == 40 / true[:, 0].sum()
    assert sky.extra_rate == 25 / (true[:, 2] == 0).sum()
