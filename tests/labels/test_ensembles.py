"""Several models at once: means of probabilities without a matrix, and means of scores as the peer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cleanlab import rank as peer_rank

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels import ensembles
from tests.labels.matrices import Ints, drawn


def models(kind: Any = np.float64) -> tuple[Ints, list[Any]]:
    """Three models of one set of labels, the second sharper, the third worse than the first."""
    given, first = drawn(600, 5, seed=1, kind=np.float64)
    sharper = first**2 / (first**2).sum(1, keepdims=True)
    return given, [one.astype(kind) for one in (first, sharper, 0.5 * first + 0.1)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_mean_is_a_matrix_like_any_other(kind: Any, tmp_path: Path) -> None:
    """Also of a map of float16, and whatever the chunks. Break: leave the last model out; add in the members' precision."""
    given, matrices = models(kind)
    np.save(tmp_path / "third.npy", matrices[2].astype(np.float16))
    third = matrices[2].astype(np.float16).astype(kind)
    weights = np.array([1.0, 2.0, 3.0]) / 6
    whole = ensembles.mean([matrices[0], matrices[1], str(tmp_path / "third.npy")], [1, 2, 3])
    expected = matrices[0] * weights[0] + matrices[1] * weights[1] + third * weights[2]
    np.testing.assert_array_equal(np.asarray(whole), expected.astype(kind))
    np.testing.assert_array_equal(whole[3], expected.astype(kind)[3])
    digest = labels.analyse(given, expected.astype(kind)).digest()
    assert {labels.analyse(given, whole, chunk_rows=rows).digest() for rows in (None, 1, 7, 600, 10_000)} == {digest}


@pytest.mark.parametrize("by", ["self_confidence", "normalized_margin", "confidence_weighted_entropy"])
@pytest.mark.parametrize("weights", ["uniform", "accuracy", "log_loss", "custom"])
def test_scores_are_averaged_as_the_peer_does(by: str, weights: Any) -> None:
    """Break: weigh by the accuracy of the other models; take the highest T."""
    given, matrices = models()
    names = {"log_loss": "log_loss_search"}
    theirs = peer_rank.get_label_quality_ensemble_scores(
        given,
        matrices,
        method=by,
        weight_ensemble_members_by=names.get(weights, weights),
        custom_weights=np.array([0.5, 0.25, 0.25]) if weights == "custom" else None,
        verbose=False,
    )
    ours = ensembles.scores(given, matrices, by, weights=np.array([2, 1, 1]) if weights == "custom" else weights)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_models_that_agree_with_no_label_count_the_same() -> None:
    """Their accuracies of 0 were refused as weights that nobody gave. Break: give shares of 0 to `_weights`."""
    given = np.array([0, 1, 0, 1])
    wrong = np.array([[0.2, 0.8], [0.9, 0.1]])[given]
    matrices = [wrong, 0.5 * wrong + 0.25]
    expected = ensembles.scores(given, matrices, weights="uniform")
    np.testing.assert_array_equal(ensembles.scores(given, matrices), expected)


def test_averaged_ranks_do_not_depend_on_scales() -> None:
    """Break: average the scores; give equal scores other ranks."""
    given, matrices = models()
    one = ensembles.scores(given, matrices[:1], "self_confidence", ranks=True)
    assert np.array_equal(
        np.argsort(one, kind="stable"), labels.analyse(given, matrices[0]).worst(by="self_confidence")
    )
    assert one.min() > 0
    assert one.max() < 1
    monotone = ensembles.scores(given, [matrices[0], 0.5 * matrices[0] + 0.1], "self_confidence", ranks=True)
    np.testing.assert_allclose(monotone, one, atol=1e-12)


def test_models_vote() -> None:
    """Break: count a model twice; flag from more votes than asked for on."""
    given, matrices = models()
    masks = np.array([labels.analyse(given, one).issues("prune_by_class") for one in matrices])
    for votes in (1, 2, 3):
        found = ensembles.issues(given, matrices, "prune_by_class", votes=votes)
        np.testing.assert_array_equal(found, masks.sum(0) >= votes)
    averaged = labels.analyse(given, np.mean(matrices, axis=0)).issues()
    np.testing.assert_array_equal(ensembles.issues(given, matrices), averaged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given, all_: ensembles.mean([]), "There are no models."),
        (
            lambda given, all_: ensembles.mean([all_[0], all_[1][:5]]),
            r"Model 1 has probabilities of the shape \(5, 5\), model 0",
        ),
        (lambda given, all_: ensembles.mean(all_, [1, -1, 1]), "weights for 3 models"),
        (lambda given, all_: ensembles.mean(all_, [0, 0, 0]), "not all 0"),
        (
            lambda given, all_: ensembles.scores(given, all_, weights="best"),  # type: ignore[arg-type]  # what is tested
            "no weighting 'best'",
        ),
        (lambda given, all_: ensembles.scores(given, all_, "luck"), "no rank 'luck'"),
        (lambda given, all_: ensembles.issues(given, all_, votes=4), "4 of 3 models cannot vote"),
    ],
)
def test_what_makes_no_ensemble_is_said(change: Any, message: str) -> None:
    """Break: take the shape of the last model for that of all."""
    with pytest.raises(InvalidInput, match=message):
        change(*models())
