"""The same numbers as cleanlab.multiannotator on random labels with gaps, and what is defined where it gives up."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from cleanlab import multiannotator as peer
from cleanlab.internal import multiannotator_utils
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pedigree import labels

Floats = NDArray[np.float64]


def drawn(
    seed: int, count: int, people: int, classes: int, models: int, gaps: float, step: float
) -> tuple[Floats, Floats]:
    """Labels (n, m) of annotators of different skill, NaN for gaps; probabilities (P, n, K) in steps, so that there are ties."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, count)
    skill = rng.uniform(0.4, 1.0, people)
    given_ = np.where(rng.random((count, people)) < skill, true[:, None], rng.integers(0, classes, (count, people)))
    wide = given_.astype(float)
    wide[rng.random(wide.shape) < gaps] = np.nan
    wide[np.arange(count), rng.integers(0, people, count)] = true  # one label each at least
    wide[rng.integers(0, count, people), np.arange(people)] = rng.integers(0, classes, people)
    wide[0, :2] = true[0]  # one example with two that agree
    wide[1, :2] = (true[0] + 1) % classes
    raw = rng.dirichlet(np.full(classes, 0.7), (models, count)) + np.eye(classes)[true] * rng.random()
    raw = np.round(raw / step) * step + step
    return wide, raw / raw.sum(axis=2, keepdims=True)


def shares(labels_: Floats, *, num_classes: int) -> NDArray[np.int64]:
    return np.bincount(np.asarray(labels_).astype(int), minlength=num_classes)


def quietly(function: Any, *args: Any, **named: Any) -> Any:
    """The peer without its talk, and with `value_counts` mended.

    Labels with gaps are floats there, which it takes for texts: it counts them into the first classes, whatever they are, and
    so tempers to a distribution that nobody gave (`test_the_peer_counts_into_the_wrong_classes`).
    """
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        mock.patch.object(multiannotator_utils, "value_counts", shares),
    ):
        warnings.simplefilter("ignore")
        return function(*args, **named)


SHAPES = (
    st.integers(0, 2**32),
    st.integers(6, 40),
    st.integers(2, 7),
    st.integers(2, 5),
    st.sampled_from([0.1, 0.5, 0.85]),
    st.sampled_from([1e-9, 0.25]),
)


@settings(deadline=None, max_examples=40)
@given(*SHAPES, st.sampled_from([1, 1, 3]), st.booleans())
def test_crowdlab_is_that_of_the_peer(
    seed: int, count: int, people: int, classes: int, gaps: float, step: float, models: int, calibrate: bool
) -> None:
    """Break: count examples with one label in the likelihood; or leave the root of the mean number of labels out."""
    wide, probabilities = drawn(seed, count, people, classes, models, gaps, step)
    function = peer.get_label_quality_multiannotator if models == 1 else peer.get_label_quality_multiannotator_ensemble
    theirs = quietly(
        function,
        wide,
        probabilities[0] if models == 1 else probabilities.copy(),
        calibrate_probs=calibrate,
        return_weights=True,
        verbose=False,
    )
    found = labels.consensus(wide, probabilities if models > 1 else probabilities[0], calibrate=calibrate)
    table = theirs["label_quality"]
    near = np.sort(found.posterior, axis=1)
    clear = (
        near[:, -1] - near[:, -2] > 1e-9
    )  # the peer adds in another order, so that what is equal here may differ there
    if not (found.labels == table["consensus_label"].to_numpy())[~clear].all():
        return
    assert (found.labels == table["consensus_label"].to_numpy()).all()
    np.testing.assert_allclose(found.quality, table["consensus_quality_score"], atol=1e-10)
    np.testing.assert_allclose(found.agreement, table["annotator_agreement"], atol=1e-10)
    assert found.weights is not None
    np.testing.assert_allclose(found.weights.models, np.atleast_1d(theirs["model_weight"]), atol=1e-10)
    np.testing.assert_allclose(found.weights.annotators, theirs["annotator_weight"], atol=1e-10)
    detailed = theirs["detailed_label_quality"].to_numpy()
    np.testing.assert_allclose(found.given.wide(found.label_quality), detailed, atol=1e-10)
    stats = theirs["annotator_stats"].sort_index()
    ours = found.annotators
    known = ~np.isnan(stats["annotator_quality"].to_numpy())
    np.testing.assert_allclose(ours.quality[known], stats["annotator_quality"].to_numpy()[known], atol=1e-10)
    np.testing.assert_allclose(ours.agreement, stats["agreement_with_consensus"], atol=1e-10)
    assert (ours.counts == stats["num_examples_labeled"].to_numpy()).all()
    assert (ours.worst_class == stats["worst_class"].to_numpy()).mean() > 0.99 or step > 0.1
    if known.all() and len(set(np.round(ours.quality, 9))) == people:
        assert ours.worst().tolist() == theirs["annotator_stats"].index.tolist()


@settings(deadline=None, max_examples=40)
@given(*SHAPES, st.booleans())
def test_the_majority_is_that_of_the_peer(
    seed: int, count: int, people: int, classes: int, gaps: float, step: float, judged: bool
) -> None:
    """Break: prefer the commoner class in a tie; or compare annotators before classes."""
    wide, probabilities = drawn(seed, count, people, classes, 1, gaps, step)
    matrix = probabilities[0] if judged else None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            theirs = peer.get_majority_vote_label(wide, matrix, verbose=False)
        except ValueError:  # its last resort has nothing to draw from when no vote is undisputed
            return
    drawn_by_chance = [str(one.message) for one in caught if "random selection" in str(one.message)]
    found = labels.consensus(wide, matrix, method="majority_vote")
    same = found.labels == theirs
    if not drawn_by_chance:
        assert same.all()
    else:
        assert (same | np.array([f"{at}" in drawn_by_chance[0] for at in range(count)])).all()
    agreement = (wide == found.labels[:, None]).sum(axis=1) / (~np.isnan(wide)).sum(axis=1)
    np.testing.assert_allclose(found.quality, agreement, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(*SHAPES, st.sampled_from([1, 1, 3]), st.booleans())
def test_what_to_label_next_is_that_of_the_peer(
    seed: int, count: int, people: int, classes: int, gaps: float, step: float, models: int, once: bool
) -> None:
    """Break: weigh 1/K by all annotators together; or take the untempered probabilities of the pool."""
    wide, probabilities = drawn(seed, count, people, classes, models, gaps, step)
    if once:
        first = np.argmax(~np.isnan(wide), axis=1)
        wide[np.arange(people)[first][:, None] != np.arange(people)] = np.nan
        wide = wide[:, ~np.isnan(wide).all(axis=0)]
    _, pool = drawn(seed + 1, 15, people, classes, models, gaps, step)
    function = peer.get_active_learning_scores if models == 1 else peer.get_active_learning_scores_ensemble
    pick = 0 if models == 1 else slice(None)
    handed, pooled = probabilities[pick].copy(), pool[pick].copy()
    if models > 1:
        try:
            theirs = quietly(function, wide, handed.copy(), pooled.copy())
        except ValueError:  # its vote of the models breaks a tie that has nothing left to compare
            return
    else:
        theirs = quietly(function, wide, handed.copy(), pooled.copy())
    found = labels.next_labels(wide, handed, pooled)
    assert (handed == probabilities[pick]).all()
    if (models == 1 and not once and clear_margin(wide, handed)) or once:
        np.testing.assert_allclose(found.labelled, theirs[0], atol=1e-10)
    if step < 0.1 and (once or clear_margin(wide, handed)):
        np.testing.assert_allclose(found.unlabelled, theirs[1], atol=1e-10)
    alone = labels.next_labels(unlabelled=pooled)
    if models == 1:
        np.testing.assert_allclose(alone.unlabelled, quietly(function, None, None, pooled.copy())[1], atol=1e-10)


def clear_margin(wide: Floats, probabilities: Floats) -> bool:
    near = np.sort(labels.consensus(wide, probabilities, calibrate=True).posterior, axis=1)
    return bool((near[:, -1] - near[:, -2] > 1e-9).all())


def test_a_long_table_is_the_matrix_of_the_peer() -> None:
    """Break: number the annotators in the order in which they turn up."""
    rng = np.random.default_rng(0)
    cells = rng.permutation(40 * 6)[:90]
    table = pd.DataFrame(
        {"task": cells // 6, "annotator": [f"p{one}" for one in cells % 6], "label": rng.integers(0, 3, 90)}
    )
    wide = peer.convert_long_to_wide_dataset(table)
    found = labels.annotation_table(table["task"], table["annotator"], table["label"])
    np.testing.assert_array_equal(found.wide(), wide.to_numpy(float))
    assert list(found.annotator_names) == wide.columns.tolist()
    assert list(found.examples) == wide.index.tolist()
    again = labels.annotation_matrix(wide)
    for name in ("starts", "annotators", "labels"):
        assert (getattr(again, name) == getattr(found, name)).all()
    assert again.annotator_names == found.annotator_names


@pytest.mark.parametrize("method", ["crowdlab", "majority_vote", "dawid_skene"])
def test_examples_and_annotators_without_labels_change_nothing_for_others(method: str) -> None:
    """Break: count every column in the mean weight of an annotator, or every row in the mean number of labels."""
    wide, probabilities = drawn(3, 30, 5, 3, 1, 0.5, 1e-9)
    matrix = probabilities[0]
    wider = np.full((32, 6), np.nan)
    wider[1:31, [0, 1, 3, 4, 5]] = wide
    more = np.concatenate((matrix[:1], matrix, matrix[:1]))
    plain, found = labels.consensus(wide, matrix, method=method), labels.consensus(wider, more, method=method)
    assert (found.labels[1:31] == plain.labels).all()
    np.testing.assert_allclose(found.quality[1:31], plain.quality, atol=1e-12)
    np.testing.assert_allclose(np.delete(found.annotators.quality, 2), plain.annotators.quality, atol=1e-12)
    assert np.isnan(found.annotators.quality[2])
    assert found.annotators.worst_class[2] == -1
    assert 2 not in found.annotators.worst()
    assert np.isnan(found.agreement[[0, 31]]).all()
    if method != "dawid_skene":
        assert found.labels[0] == np.argmax(matrix[0])
        assert found.quality[0] == pytest.approx(matrix[0].max())
    if method == "crowdlab":
        before, after = labels.next_labels(wide, matrix, matrix[:1]), labels.next_labels(wider, more)
        np.testing.assert_allclose(after.labelled[1:31], before.labelled, atol=1e-12)
        assert after.labelled[0] == pytest.approx(before.unlabelled[0], abs=1e-12)


def test_the_peer_counts_into_the_wrong_classes() -> None:
    """A model that is always right and annotators who agree call for the lowest temperature. Break: count labels by their order."""
    wide = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    probabilities = np.full((4, 3), 0.2)
    probabilities[np.arange(4), [1, 0, 1, 2]] = 0.6
    assert multiannotator_utils.find_best_temp_scaler(wide, probabilities) > 5
    assert labels.consensus(wide, probabilities, calibrate=True).temperatures == (0.1,)
