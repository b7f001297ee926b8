"""Classes that come together tell on each other: what the refit learns, what it leaves alone, and that it repeats."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from pedigree import labels
from pedigree.errors import InvalidInput
from pedigree.labels.multilabel import cooccurrence, doubt, logistic
from pedigree.labels.multilabel.inputs import cells


def composites(seed: int, *, together: bool = True) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """True labels of 800 examples of 6 classes, a weak model's probabilities, and labels with 30 % left out and 1 % added.

    Classes come in three pairs that go together, or else each by itself.
    """
    rng = np.random.default_rng(seed)
    true = rng.random((800, 6)) < 0.3
    if together:
        true[:, 3:] = np.where(rng.random((800, 3)) < 0.95, true[:, :3], true[:, 3:])
    evidence = np.where(true, 0.6, -0.6) + rng.normal(0, 1, true.shape)
    probabilities = 1 / (1 + np.exp(-(1.2 * evidence + np.log(0.21 / 0.79))))
    given = (true & (rng.random(true.shape) >= 0.3)) | (~true & (rng.random(true.shape) < 0.01))
    return true.astype(np.int8), probabilities, given.astype(np.int8)


def test_the_regression_is_that_of_scikit_learn() -> None:
    """Breaks: a ridge on the intercept; the ridge left out of the gradient."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 8))
    target = (features[:, 0] - features[:, 5] + rng.normal(size=300) > 1).astype(np.int8)
    columns = np.array([0, 2, 5, 7])
    weights = np.zeros(5)
    logistic.fit(features, columns, target, np.zeros(300, np.int64), -1, 10.0, weights)
    peer = LogisticRegression(C=0.1, tol=1e-12, max_iter=1000).fit(features[:, columns], target)
    np.testing.assert_allclose(weights, [*peer.coef_[0], *peer.intercept_], atol=1e-6)


def test_what_an_example_was_given_says_nothing_of_itself() -> None:
    """Break: the fold that is left out fitted to as well."""
    rng = np.random.default_rng(1)
    features, target = rng.normal(size=(60, 3)), rng.integers(0, 2, 60).astype(np.int8)
    fold = np.arange(60) % 5
    fold[55:] = -1
    columns = np.arange(3)
    before, after = np.empty(60), np.empty(60)
    logistic.cross_fitted(features, columns, target, fold, 5, 1.0, before)
    turned = target.copy()
    turned[[7, 12]] ^= 1  # both in fold 2
    logistic.cross_fitted(features, columns, turned, fold, 5, 1.0, after)
    same = fold == 2
    np.testing.assert_allclose(before[same], after[same], atol=1e-7)
    assert np.abs(before - after)[~same].min() > 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_classes_that_come_together_find_what_is_missing(seed: int) -> None:
    """Breaks: the regression without the other given labels; the model's own logits alone; odds of extra and missing exchanged."""
    true, probabilities, given = composites(seed)
    found = labels.analyse_multilabel(given, probabilities)
    wrong, absent = given != true, given == 0
    alone = -found.scores("self_confidence")

    def precision(where: NDArray[np.bool_], values: NDArray[Any]) -> float:
        return float(average_precision_score(wrong[where], values[where]))

    assert precision(absent, -found.scores()) > precision(absent, alone) + 0.1
    assert precision(absent | ~absent, -found.scores()) > precision(absent | ~absent, alone) + 0.2
    examples = wrong.any(axis=1)
    average = float(average_precision_score(examples, -found.example_scores()))
    assert average > average_precision_score(examples, -found.example_scores("moving_average")) + 0.1
    missing = found.missing()
    assert (true[missing.examples, missing.columns] == 1).mean() > 0.5
    assert len(missing) > 0.3 * (wrong & absent).sum()


def test_classes_by_themselves_keep_the_probabilities_of_the_model() -> None:
    """Break: every class refitted."""
    _, probabilities, given = composites(3, together=False)
    # Better than the model cannot be done: its probabilities are those by which the labels were drawn.
    given = (np.random.default_rng(4).random(given.shape) < probabilities).astype(np.int8)
    given[:, 5] = 0
    given[:4, 5] = 1  # too few for five folds
    found = cooccurrence.refit(cells(given, probabilities))
    assert found.refitted.sum() <= 2
    assert not found.refitted[5]
    assert np.isnan(found.losses[5]).all()
    kept = ~found.refitted
    assert (found.logits[:, kept] == cooccurrence.logits_of(probabilities)[:, kept]).all()
    assert (found.losses[:5, 1] < found.losses[:5, 0]).tolist() == found.refitted[:5].tolist()


def test_of_many_classes_those_that_go_together_are_taken() -> None:
    """Break: the first so many classes taken."""
    rng = np.random.default_rng(5)
    given = (rng.random((300, 50)) < 0.3).astype(np.int8)
    given[:, 0] = given[:, 44]
    features = np.hstack([rng.normal(size=given.shape), given - given.mean(axis=0)])
    columns = cooccurrence._neighbours(features, given[:, 0], 0, 50)
    assert len(columns) == 1 + 2 * cooccurrence.MOST_OTHERS
    assert columns[0] == 0
    assert {44, 94} <= set(columns.tolist())
    assert 50 not in columns  # what was given for the class itself


def test_the_rates_of_extra_classes_are_learnt() -> None:
    """Break: the fifth with the highest log-odds looked at."""
    rng = np.random.default_rng(6)
    true = rng.random((4000, 4)) < 0.2
    logits = np.where(true, 4.0, -4.0) + rng.normal(0, 1, true.shape)
    given = (true | (rng.random(true.shape) < [0.02, 0.02, 0.02, 0.2])).astype(np.int8)
    rates = doubt.extra_rates(logits, given, np.ones(4, np.bool_))
    # Half of what is found, and drawn to the mean of all.
    assert (rates[:3] < 0.02).all()
    assert 0.07 < rates[3] < 0.1


def test_an_example_is_right_where_all_its_cells_are() -> None:
    """Break: the lowest cell alone counted."""
    wrong = np.array([[0.1, 0.2, np.nan], [0.5, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    found = doubt.together(np.log((1 - wrong) / wrong))
    np.testing.assert_allclose(found[:2], [np.log(0.72 / 0.28), 0.0], atol=1e-12)
    assert np.isnan(found[2])


def test_a_model_that_knows_nothing_finds_no_more_missing_than_the_rate_implies() -> None:
    """Break: without the bound."""
    given = np.zeros((100, 1), np.int8)
    given[:50] = 1
    found = labels.analyse_multilabel(given, np.full((100, 1), 0.5), missing_rate=0.2)
    assert found.missing().examples.tolist() == list(range(50, 62))


def test_the_seed_decides_and_the_rate_is_checked() -> None:
    """Break: folds from the global generator."""
    _, probabilities, given = composites(7)
    first, again, other = (
        labels.analyse_multilabel(given, probabilities, seed=seed).scores().tobytes() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    with pytest.raises(InvalidInput, match=r"missing_rate is 1\.5, not between 0 and 1"):
        labels.analyse_multilabel(given, probabilities, missing_rate=1.5)


_CHILD = """
import sys, numpy as np, hashlib
from pedigree import labels
rng = np.random.default_rng(0)
true = rng.random((3000, 40)) < 0.2
p = (1 / (1 + np.exp(-np.where(true, 1, -1) - rng.normal(0, 1, true.shape)))).astype(np.float32)
given = (true ^ (rng.random(true.shape) < 0.05)).astype(np.int8)
found = labels.analyse_multilabel(given, np.asfortranarray(p) if sys.argv[1] == "columns" else p)
digest = hashlib.sha256()
for part in (found.scores(), found.example_scores(), found.issues(), found.issues("both"), found.joint, found.thresholds):
    digest.update(np.ascontiguousarray(part).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_threads_and_layouts_do_not_show() -> None:
    """Break: an unseeded split of the examples."""
    digests = set()
    for threads, layout in (("1", "rows"), ("2", "rows"), ("2", "columns")):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, layout], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2
