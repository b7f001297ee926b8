"""A label that was turned is found, and the counts say into what."""

from __future__ import annotations

import numpy as np

from pedigree import labels


def test_the_labels_that_were_turned_are_found() -> None:
    """Break: compare with the largest probability of all classes, the given one included, in the survey's ratio."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 300)
    probabilities = np.full((300, 3), 0.1)
    probabilities[np.arange(300), true] = 0.8
    given = true.copy()
    given[:30] = (true[:30] + 1) % 3
    found = labels.analyse(given, probabilities)
    assert np.flatnonzero(found.issues()).tolist() == list(range(30))
    assert set(found.worst(30)) == set(range(30))
    assert found.errors == 30
