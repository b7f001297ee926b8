"""Probabilities of a model that saw the labels are told from honest ones, on real images."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier

from pedigree import labels
from tests.labels.matrices import drawn

DATA = Path(__file__).parents[3] / "shared/data"


def images(
    name: str, count: int, *, classes: tuple[int, ...] = tuple(range(10)), noise: float = 0.0
) -> tuple[Any, Any]:
    path = DATA / name / f"{name.replace('-', '_')}.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with np.load(path) as arrays:  # noqa: TID251 - plain arrays, and allow_pickle is off
        pictures, given = arrays["x_train"].reshape(-1, 784) / 255.0, arrays["y_train"].astype(int)
    kept = np.flatnonzero(np.isin(given, classes))[:count]
    rng = np.random.default_rng(0)
    given = np.searchsorted(classes, given[kept])
    turned = rng.random(len(kept)) < noise
    return pictures[kept], np.where(turned, rng.integers(0, len(classes), len(kept)), given)


FOREST = RandomForestClassifier(40, random_state=0)
NET = MLPClassifier((256,), max_iter=160, tol=0, n_iter_no_change=200, random_state=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", [FOREST, NET])
def test_a_model_that_learnt_a_fifth_of_wrong_labels_by_heart_is_noticed(model: Any) -> None:
    """Break: expect twenty times as many others."""
    pictures, given = images("mnist", 2000, noise=0.2)
    model.fit(pictures, given)
    with pytest.warns(labels.SeenLabels, match="trained on these very labels: .*cross-validation"):
        labels.analyse(given, model.predict_proba(pictures))


@pytest.mark.slow
@pytest.mark.filterwarnings("error::UserWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "model",
    [
        FOREST,
        MLPClassifier((64,), max_iter=15, random_state=0),
    ],
)
@pytest.mark.parametrize(
    ("name", "classes", "noise"),
    [("fashion-mnist", (1, 9), 0.0), ("mnist", tuple(range(10)), 0.2)],
)
def test_honest_probabilities_of_easy_images_are_not(
    name: str, classes: tuple[int, ...], noise: float, model: Any
) -> None:
    """Also of models that know less than they could. Break: let a tenth of the expected others be too few."""
    pictures, given = images(name, 2000, classes=classes, noise=noise)
    labels.analyse(given, cross_val_predict(model, pictures, given, cv=3, method="predict_proba"))


def test_one_label_that_a_forest_did_not_learn_hides_the_others_no_longer() -> None:
    """A forest is sure of nothing, so a fifth of the labels should be others. Break: ask that not one is another."""
    matrix = np.full((1500, 4), 0.07)
    given = np.arange(1500) % 4
    matrix[np.arange(1500), given] = 0.79
    with pytest.warns(labels.SeenLabels, match="1 do not, where by the same probabilities about 315 should not"):
        labels.analyse(np.r_[given[:1] + 1, given[1:]], matrix)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels.analyse(np.r_[(given[:4] + 1) % 4, given[4:]], matrix)


def test_the_signs_are_said_in_numbers() -> None:
    """Break: take any label for one of the largest p; blame a line of ours."""
    given, matrix = drawn(2000, 5, noise=0.0)
    seen = matrix.copy()
    seen[np.arange(2000), given] += 0.9
    seen /= seen.sum(1, keepdims=True)
    others = int((seen.argmax(1) != given).sum())
    expected = (1 - seen.max(1)).sum()
    assert others <= 0.02 * expected
    with pytest.warns(labels.SeenLabels) as caught:
        labels.analyse(given, seen)
    said = f"{2000 - others:,} of 2,000 labels have the largest probability and {others} do not, where by the same"
    assert f"{said} probabilities about {expected:,.0f} should not" in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels.analyse(given, matrix)
        labels.analyse(given, np.eye(5)[given])
