"""What the labels of neighbours say of a label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pedigree import labels
from pedigree.errors import InvalidInput

#: On a line: three at the left, three at the right, one alone at the far right.
PLACES = np.array([0.0, 1.0, 2.5, 10.0, 11.0, 12.5, 30.0])


def test_scores_of_a_hand_made_line() -> None:
    """Break: divide by k where neighbours have no label; or let the example itself vote."""
    graph = labels.neighbours(PLACES, 2)
    found = labels.agreement(graph, [0, 1, 1, 0, 0, -1, 1], void=-1)
    # 0: 1 and 2 are both 1. 1: 0 (0), 2 (1). 2: 1 (1), 0 (0). 3: 4 (0), 5 (none). 4: 3 (0), 5 (none). 6: 5 (none), 4 (0).
    assert found.agreement.tolist()[:5] == [0, 0.5, 0.5, 1, 1]
    assert np.isnan(found.agreement[5])
    assert found.agreement[6] == 0
    assert found.vote.tolist() == [1, 0, 1, 0, 0, 0, 0]
    assert np.flatnonzero(found.issues).tolist() == [0, 1, 6]
    np.testing.assert_allclose(found.similarity[:5], [0, 0.5**0.5, 0.5**0.5, 1, 1])
    # 1: the other at 1, the same at 1.5. 3: the same at 1, no other among them, so at 2.5.
    np.testing.assert_allclose(found.ratio[[1, 3]], [1 / (1 + 1.5**2), 2.5**2 / (1 + 2.5**2)])
    assert found.counts.tolist() == [[2, 2], [3, 2]]
    np.testing.assert_allclose(found.overlap, [[0.5, 0.5], [0.6, 0.4]])


def test_the_only_example_of_a_class_is_not_judged() -> None:
    """Break: leave out what sets them to NaN."""
    found = labels.agreement(labels.neighbours(PLACES, 2), list("aabbbac"))
    for rank in ("similarity", "agreement", "ratio"):
        scores = found.scores(rank)
        assert np.isnan(scores[6])
        assert not np.isnan(scores[:6]).any()
    assert not found.issues[6]
    assert found.names == ("a", "b", "c")


@pytest.mark.parametrize("gap", [np.nan, None, pd.NA])
def test_what_is_missing_is_no_class(gap: Any) -> None:
    """Breaks: take the names of classes from all labels; make a text of the NaN in a list (`np.asarray`)."""
    graph = labels.neighbours(PLACES, 2)
    for given in ([*"abbaa", gap, "b"], np.array([*"abbaa", gap, "b"], object)):
        found = labels.agreement(graph, given, void=float("nan"))
        assert found.names == ("a", "b")
        assert found.labels.tolist() == [0, 1, 1, 0, 0, -1, 1]
        with pytest.raises(InvalidInput, match=r"1 of 7 labels are no class: .* in row 5\."):
            labels.agreement(graph, given)
    numbers = labels.agreement(graph, [0, 2, 2, 0, 0, gap, 2], void=float("nan"))
    assert numbers.names == (0, 1, 2)
    assert numbers.labels.tolist() == [0, 2, 2, 0, 0, -1, 2]


def test_labels_that_were_turned_come_first() -> None:
    """Break: rank by the share of the neighbours that differ."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 600)
    values = np.eye(3)[true] * 5 + rng.standard_normal((600, 3))
    given = true.copy()
    turned = rng.choice(600, 60, replace=False)
    given[turned] = (true[turned] + 1) % 3
    found = labels.agreement(labels.neighbours(values), given)
    for rank in ("similarity", "agreement", "ratio"):
        worst = np.argsort(found.scores(rank), kind="stable")[:60]
        assert len(set(worst) & set(turned)) >= (40 if rank == "ratio" else 50), rank
    assert found.mixed_up[0][2] < 0.5


def test_classes_that_lie_in_each_other_are_named_first() -> None:
    """Break: sort by the counts of neighbours, without what chance gives."""
    rng = np.random.default_rng(1)
    given = np.repeat([0, 1, 2, 3], [400, 400, 40, 40])
    centre = np.array([[0, 0], [3, 0], [20, 0], [20, 0]])[given]
    found = labels.agreement(labels.neighbours(centre + rng.standard_normal((880, 2))), given)
    left, right, strength = found.mixed_up[0]
    assert (left, right) == (2, 3)
    assert strength > 5
    assert found.overlap.sum(axis=1) == pytest.approx(1)


def test_labels_that_cannot_be_judged_are_refused() -> None:
    """Break: leave out the check of lengths, or of classes."""
    graph = labels.neighbours(PLACES, 2)
    with pytest.raises(InvalidInput, match="7 examples in the graph and labels of the shape"):
        labels.agreement(graph, [0, 1])
    with pytest.raises(InvalidInput, match="all labels are 1"):
        labels.agreement(graph, [1] * 7)
    with pytest.raises(InvalidInput, match="1 of 7 labels are no class: 'x' in row 2") as caught:
        labels.agreement(graph, list("abxabab"), classes=["a", "b"])
    assert list(caught.value.objects["rows"]) == [2]
    with pytest.raises(InvalidInput, match="no rank 'best'"):
        labels.agreement(graph, [0, 1] * 3 + [0]).scores("best")
