"""What the methods find on annotators whose skill is known."""

from __future__ import annotations

import numpy as np
import pytest

from pedigree import labels
from pedigree.labels.annotators.dawid_skene import dawid_skene


def crowd(count: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True labels, labels by six annotators of falling skill, probabilities of a model that is right in 8 of 10."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, count)
    skill = np.array([0.95, 0.9, 0.8, 0.6, 0.4, 0.3])
    wide = np.where(rng.random((count, 6)) < skill, true[:, None], rng.integers(0, 4, (count, 6))).astype(float)
    wide[rng.random(wide.shape) < 0.5] = np.nan
    guess = np.where(rng.random(count) < 0.8, true, rng.integers(0, 4, count))
    probabilities = np.full((count, 4), 0.1)
    probabilities[np.arange(count), guess] = 0.7
    return true, wide, probabilities


def test_weighing_annotators_beats_counting_them() -> None:
    """Break: give every annotator the same weight."""
    true, wide, probabilities = crowd()
    right = {
        method: float(np.mean(labels.consensus(wide, matrix, method=method).labels == true))
        for method, matrix in (("majority_vote", None), ("dawid_skene", None), ("crowdlab", probabilities))
    }
    assert right["crowdlab"] > right["majority_vote"] + 0.03
    assert right["dawid_skene"] > right["majority_vote"] + 0.02
    found = labels.consensus(wide, probabilities)
    assert found.weights is not None
    assert (np.diff(found.weights.annotators) < 0).all()
    worst = found.annotators.worst().tolist()
    assert set(worst[:2]) == {4, 5}
    assert worst[-1] == 0


def test_dawid_and_skenes_model_is_the_one_written_out() -> None:
    """Against a dense loop over examples. Break: transpose a confusion matrix; or leave the prior out of the E step."""
    _, wide, _ = crowd(60)
    given = labels.annotation_matrix(wide)
    found = dawid_skene(given, smoothing=0.5)
    count, size, people = 60, 4, 6
    posterior = np.zeros((count, size))
    for row in range(count):
        for label in wide[row][~np.isnan(wide[row])].astype(int):
            posterior[row, label] += 1
        posterior[row] /= max(posterior[row].sum(), 1)
    for _ in range(found.rounds):
        prior = posterior.sum(axis=0) + 0.5
        prior /= prior.sum()
        confusion = np.full((people, size, size), 0.5)
        for row in range(count):
            for person in range(people):
                if not np.isnan(wide[row, person]):
                    confusion[person, :, int(wide[row, person])] += posterior[row]
        confusion /= confusion.sum(axis=2, keepdims=True)
        for row in range(count):
            value = prior.copy()
            for person in range(people):
                if not np.isnan(wide[row, person]):
                    value *= confusion[person, :, int(wide[row, person])]
            posterior[row] = value / value.sum()
        if np.isnan(wide).all(axis=1).any():
            posterior[np.isnan(wide).all(axis=1)] = 0
    used = ~np.isnan(wide).all(axis=1)
    np.testing.assert_allclose(found.posterior[used], posterior[used], atol=1e-9)
    np.testing.assert_allclose(found.confusion, confusion, atol=1e-9)


def test_who_shares_no_example_is_judged_by_the_models() -> None:
    """The peer gives NaN. Break: leave the NaN of the agreement in the mean."""
    wide = np.full((6, 3), np.nan)
    wide[:4, :2] = [[0, 0], [1, 1], [0, 1], [1, 1]]
    wide[4:, 2] = [0, 1]
    probabilities = np.full((6, 2), 0.5)
    probabilities[4:] = [[0.9, 0.1], [0.8, 0.2]]
    found = labels.consensus(wide, probabilities)
    assert found.annotators.quality[2] == pytest.approx(found.label_quality[-2:].mean())


def test_where_every_example_has_one_label_the_models_judge_it() -> None:
    """The peer refuses. Break: leave out the case of no example with two labels."""
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
    found = labels.consensus([[0, None], [None, 0], [1, None]], probabilities)
    assert found.labels.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.quality, [0.9, 0.3, 0.8])
    np.testing.assert_allclose(found.annotators.quality, [0.85, 0.3])


def test_the_first_to_label_are_those_with_the_lowest_scores() -> None:
    """Break: put the pools one after the other."""
    found = labels.next_labels([[0, 0], [0, 1], [1, 1]], [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], [[0.5, 0.5], [1.0, 0.0]])
    first = found.first(5)
    assert first[:2] == [("labelled", 1), ("unlabelled", 0)]
    assert sorted(first) == [("labelled", 0), ("labelled", 1), ("labelled", 2), ("unlabelled", 0), ("unlabelled", 1)]
    scores = [getattr(found, pool)[at] for pool, at in first]
    assert scores == sorted(scores)


def test_a_tie_that_nothing_breaks_goes_to_the_lowest_class() -> None:
    """The peer draws it by chance, or fails. Break: keep the later of equal ones."""
    found = labels.consensus([[1, 0], [0, 1], [1, 0]], method="majority_vote")
    assert found.labels.tolist() == [0, 0, 0]
