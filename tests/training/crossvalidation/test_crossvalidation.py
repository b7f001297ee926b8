"""Cross-validated probabilities are of models that never saw the sample, the same bytes however often the work was killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from pedigree import labels
from pedigree.errors import InvalidInput, InvalidSplit
from pedigree.training import cross_validated, fit_classifier
from pedigree.training.crossvalidation.fitting import predicted

rng = np.random.default_rng(1)
Y = np.array(["cat", "dog", "eel"])[np.arange(90) % 3]
X = rng.normal(0, 1, (90, 4))
X[np.arange(90), np.arange(90) % 3] += 2.5


class Nearest(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Is sure of the label of a training sample with the same features, and knows nothing of others: it shows any leak."""

    def __init__(self, depth: int = 1, random_state: int | None = None) -> None:
        self.depth, self.random_state = depth, random_state

    def fit(self, features: NDArray[Any], y: NDArray[Any]) -> Nearest:
        calls.append((len(y), self.random_state))
        self.classes_ = np.unique(y)
        self.seen = {row.tobytes(): label for row, label in zip(features, y, strict=True)}
        return self

    def predict_proba(self, features: NDArray[Any]) -> NDArray[Any]:
        found = np.full((len(features), len(self.classes_)), 1 / len(self.classes_))
        for at, row in enumerate(features):
            if row.tobytes() in self.seen:
                found[at] = self.classes_ == self.seen[row.tobytes()]
        return found


class Wild(Nearest):
    def predict_proba(self, features: NDArray[Any]) -> NDArray[Any]:
        return np.full((len(features), 3), np.nan)


calls: list[tuple[int, int | None]] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def test_the_probabilities_are_scikit_learns_own_on_these_folds() -> None:
    """Break: train on the fold; hand columns over in the order of their first appearance."""
    found = cross_validated(LogisticRegression(), X, Y, seed=3)
    wanted = cross_val_predict(LogisticRegression(), X, Y, cv=PredefinedSplit(found.folds[0]), method="predict_proba")
    np.testing.assert_allclose(found.probabilities, wanted, rtol=1e-5, atol=1e-7)
    assert found.classes == ("cat", "dog", "eel")
    right = (np.array(found.classes)[found.probabilities.argmax(axis=1)] == Y).mean()
    assert np.average(
        [one.accuracy for one in found.scores], weights=[one.tested for one in found.scores]
    ) == pytest.approx(right)
    analysis = labels.analyse(Y, found, classes=found.classes)
    assert (np.asarray(analysis.data.probabilities) == found.probabilities).all()
    swapped = cross_validated(LogisticRegression(), X, Y, seed=3, classes=["eel", "cat", "dog"])
    assert (swapped.probabilities == found.probabilities[:, [2, 0, 1]]).all()


def test_no_sample_and_no_group_is_on_both_sides() -> None:
    """Every sample twice, as a group: a model that knows what it saw by heart is right of none.

    Break: deal the groups to no effect; train on all folds.
    """
    twice, y = np.repeat(X, 2, axis=0), np.repeat(Y, 2)
    together = np.repeat(np.arange(90), 2)
    found = cross_validated(Nearest(), twice, y, groups=together)
    np.testing.assert_allclose(found.probabilities, 1 / 3)
    apart = cross_validated(Nearest(), twice, y)
    assert (apart.probabilities.max(axis=1) == 1).mean() > 0.5, "without groups it leaks"
    assert {one.trained + one.tested for one in found.scores} == {180}


def test_seeds_reach_every_random_state_and_no_global_one() -> None:
    """Each fold has a seed of its own, also within a pipeline, and the generators of the process are as before.

    Break: one seed for all folds; leave the random_state of a step None; seed the process and leave it so.
    """
    cross_validated(make_pipeline(StandardScaler(), Nearest()), X, Y)
    seeds = {seed for _, seed in calls}
    assert len(seeds) == 5
    assert None not in seeds
    pipe = make_pipeline(StandardScaler(), RandomForestClassifier(5))
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # type: ignore[index]  # the legacy state is a tuple
    one = cross_validated(pipe, X, Y, repeats=2)
    np.random.rand()
    assert (random.getstate(), torch.get_rng_state().tolist()) == (before[0], before[2])
    assert (cross_validated(pipe, X, Y, repeats=2).probabilities == one.probabilities).all()
    assert (cross_validated(pipe, X, Y, repeats=2, seed=1).probabilities != one.probabilities).any()
    assert one.folds.shape == (2, 90)
    assert (one.folds[0] != one.folds[1]).any()
    first = cross_validated(pipe, X, Y)
    assert (first.folds[0] == one.folds[0]).all()


def net() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.2), torch.nn.ReLU(), torch.nn.Linear(8, 3))


def test_modules_are_trained_by_the_small_loop_or_by_a_function() -> None:
    """Break: predict in training mode (dropout); draw the weights before seeding; give the function texts."""
    numbers = np.arange(90) % 3
    fit = partial(fit_classifier, epochs=12, batch_size=16, learning_rate=0.03)
    found = cross_validated(net, torch.from_numpy(X), numbers, fit=fit)
    again = cross_validated(net, X.astype(np.float32), Y, fit=fit)
    assert (found.probabilities == again.probabilities).all()
    assert np.mean([one.accuracy for one in found.scores]) > 0.75
    module, features = net(), X.astype(np.float32)
    assert (predicted(module, features) == predicted(module, features)).all()
    seen = []

    def mine(module: torch.nn.Module, features: Any, y: NDArray[np.int64], *, seed: int) -> None:
        seen.append((y.dtype, len(features), seed))

    cross_validated(net, X, Y, fit=mine)
    assert [kind for kind, _, _ in seen] == [np.int64] * 5
    assert len({seed for _, _, seed in seen}) == 5
    binary = cross_validated(lambda: torch.nn.Linear(4, 1), X, Y == "cat")
    assert binary.probabilities.shape == (90, 2)


def test_one_module_for_all_folds_is_refused() -> None:
    """Break: train it again."""
    module = net()
    with pytest.raises(InvalidInput, match="gave the same module twice"):
        cross_validated(lambda: module, X, Y, fit=partial(fit_classifier, epochs=1))
    with pytest.raises(InvalidInput, match="make_model is a Linear"):
        cross_validated(torch.nn.Linear(4, 3), X, Y)


def test_a_last_batch_of_one_is_no_trouble_to_batch_normalisation() -> None:
    """Break: split by the size alone."""
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    fit_classifier(module, X[:9].astype(np.float32), np.arange(9) % 3, seed=1, epochs=1, batch_size=4)
    assert module[1].num_batches_tracked == 2, "4 and 5"


def test_odd_labels_and_features_are_taken_or_named() -> None:
    """Break: let np.unique fail; reshape(-1) of nothing; NumPy's view of bfloat16; take a column for a row."""
    mixed = np.array(Y, object)
    mixed[7] = None
    with pytest.raises(InvalidInput, match="1 are no str, None in row 7") as error:
        cross_validated(Nearest(), X, mixed)
    assert error.value.objects["rows"] == [7]
    cross_validated(LogisticRegression(), scipy.sparse.csr_matrix((90, 4)), Y)
    cross_validated(net, torch.tensor(X).bfloat16(), Y, fit=partial(fit_classifier, epochs=1))
    holes = X.copy()
    holes[[60, 3, 60], [0, 1, 2]] = np.nan
    for form in (scipy.sparse.csr_matrix, scipy.sparse.csc_matrix):
        with pytest.raises(InvalidInput, match="2 of 90 samples have features that are not finite: rows 3, 60"):
            cross_validated(LogisticRegression(), form(holes), Y)


def test_a_class_missing_from_a_fold_keeps_its_column() -> None:
    """One sample of a class: where it is held out, its column is 0. Break: squeeze the columns together; stay silent."""
    y = Y.copy()
    y[7] = "yak"
    with pytest.warns(UserWarning, match="class(es)? ha") as told:
        found = cross_validated(LogisticRegression(), X, y)
    assert found.classes == ("cat", "dog", "eel", "yak")
    assert found.probabilities[7, 3] == 0
    away = found.folds[0] != found.folds[0][7]
    assert (found.probabilities[away, 3] > 0).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert "1 classes have fewer samples than the 5 folds: 'yak' (1)" in str(told[0].message)
    assert "class 'yak' in fold" in str(told[1].message)
    assert [one.missing for one in found.scores].count(("yak",)) == 1


def test_samples_without_a_label_are_predicted_and_not_trained_on() -> None:
    """Break: train on void as one more class."""
    y = Y.copy()
    y[::10] = "?"
    found = cross_validated(Nearest(), X, y, void="?")
    assert found.classes == ("cat", "dog", "eel")
    assert sum(size for size, _ in calls) == 4 * 81
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


def made_of(depth: int) -> Any:
    def make() -> Nearest:
        return Nearest(depth)

    return make


def test_kept_folds_are_found_again_and_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained for the same inputs; everything for others, in data, label, seed, folds, parameter, closure, constant, group or version.

    Break: leave one of these out of the identity, in turn.
    """

    def trainings(make: Any = None, features: Any = X, y: Any = Y, **options: Any) -> int:
        calls.clear()
        cross_validated(make or Nearest(), features, y, folder=tmp_path, **options)
        return len(calls)

    assert trainings() == 5
    assert trainings() == 0
    assert trainings(Nearest(1, None)) == 0
    other = X.copy()
    other[3, 1] += 1e-9
    turned = Y.copy()
    turned[0], turned[1] = turned[1], turned[0]
    assert trainings(features=other) == 5
    assert trainings(y=turned) == 5
    assert trainings(y=np.where(Y == "cat", "ant", Y)) == 5, "the same folds and class numbers"
    halves = (np.arange(90) < 50).astype(int)
    assert trainings(groups=halves, folds=2) == 2
    assert trainings(groups=halves, folds=2, seed=1) == 2, "the same folds whatever the seed"
    assert trainings(seed=1) == 5
    assert trainings(folds=4) == 4
    assert trainings(Nearest(2)) == 5
    assert trainings(groups=np.arange(90) // 2) == 5
    assert trainings(made_of(3)) == 5
    assert trainings(made_of(3)) == 0
    assert trainings(made_of(4)) == 5
    assert trainings(lambda: Nearest(5)) == 5
    assert trainings(lambda: Nearest(6)) == 5
    assert trainings(lambda: Nearest(6)) == 0
    assert trainings(lambda: Nearest(DEPTH[0])) == 5
    DEPTH[0] += 1
    assert trainings(lambda: Nearest(DEPTH[0])) == 5
    assert trainings(configuration={"rate": 1}) == 5
    assert trainings(configuration={"rate": 2}) == 5
    assert trainings() == 0, "the first are still there"
    monkeypatch.setattr("pedigree.__version__", "0.0.1")
    assert trainings() == 5


DEPTH = [7]


def test_what_cannot_be_identified_asks_for_a_configuration(tmp_path: Path) -> None:
    """Break: take its class for all of it."""
    with open(os.devnull) as file:
        make = lambda: (Nearest(), file)[0]  # noqa: E731  # a closure over an open file
        with pytest.raises(InvalidInput, match="depends on a _io.TextIOWrapper.*\n.*configuration="):
            cross_validated(make, X, Y, folder=tmp_path)
        cross_validated(make, X, Y, folder=tmp_path, configuration="epoch 3")
        cross_validated(make, X, Y)


def test_a_damaged_fold_is_made_again(tmp_path: Path) -> None:
    """Cut short, of another shape, of other numbers, of rows that changed places. Break: take what is there; ask for sums of 1 alone."""
    whole = Path(str(cross_validated(Nearest(), X, Y, folder=tmp_path).path)).read_bytes()
    kept = sorted(tmp_path.glob("*/fold-0-*.npy"))
    kept[0].write_bytes(kept[0].read_bytes()[:-3])
    np.save(kept[1], np.zeros((18, 4), np.float32))
    np.save(kept[2], np.zeros((18, 3), np.float32))
    np.save(kept[3], np.eye(3, dtype=np.float32)[np.arange(18) % 3])
    calls.clear()
    assert Path(str(cross_validated(Nearest(), X, Y, folder=tmp_path).path)).read_bytes() == whole
    assert len(calls) == 4
    assert (
        np.lib.format.open_memmap(tmp_path / "probabilities.npy", mode="r") == cross_validated(Nearest(), X, Y)
    ).all()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((LinearSVC(), X, Y), InvalidInput, "LinearSVC has no predict_proba"),
        ((LogisticRegression(), X[:-1], Y), InvalidInput, "90 labels and 89 samples"),
        ((LogisticRegression(), X, ["cat"] * 90), InvalidInput, "all of one class"),
        (
            (LogisticRegression(), np.where(np.arange(90)[:, None] == 4, np.nan, X), Y),
            InvalidInput,
            "1 of 90 samples have features that are not finite: rows 4",
        ),
        (
            (net, torch.full((90, 4), torch.inf), Y),
            InvalidInput,
            "90 of 90 samples have features.*rows 0, 1, 2, 3, 4, …",
        ),
        ((LogisticRegression(), X, np.where(np.arange(90) == 2, np.nan, 1.0)), InvalidInput, "not finite"),
        ((LogisticRegression(), X, np.zeros((90, 3))), InvalidInput, "one class per sample, got \\(90, 3\\)"),
        ((lambda: torch.nn.Linear(4, 2), X, Y), InvalidInput, "2 outputs, and there are labels up to 2"),
        (
            (Wild(), X, Y),
            InvalidInput,
            "gave 18 of 18 samples no probabilities",
        ),
    ],
)
def test_mistakes_are_named(arguments: tuple[Any, ...], kind: type[Exception], message: str) -> None:
    """Break, one for each: leave its check out."""
    with pytest.raises(kind, match=message):
        cross_validated(*arguments)


def test_groups_that_make_no_folds_and_classes_that_are_none() -> None:
    """Break: train with an empty fold; count a label that is not in `classes` as void."""
    with pytest.raises(InvalidSplit, match="1 groups of 90 samples cannot fill 5 folds"):
        cross_validated(Nearest(), X, Y, groups=["film"] * 90)
    with pytest.raises(InvalidInput, match="30 of 90 labels are no class: .*'eel'.* in row 2"):
        cross_validated(Nearest(), X, Y, classes=["cat", "dog"])


def test_an_estimator_that_takes_nan_is_given_it() -> None:
    """Break: refuse them whatever the estimator says."""
    gaps = np.where(rng.random(X.shape) < 0.1, np.nan, X)
    found = cross_validated(HistGradientBoostingClassifier(max_iter=3), gaps, Y, folds=2)
    assert np.isfinite(found.probabilities).all()


def test_features_of_every_kind_give_the_same() -> None:
    """As an array, a data frame, a sparse matrix; and lists of texts. Break: take columns of a frame for rows; read a list by an array of numbers."""
    wanted = cross_validated(LogisticRegression(), X, Y).probabilities
    for features in (pd.DataFrame(X), scipy.sparse.csr_array(X)):
        np.testing.assert_allclose(cross_validated(LogisticRegression(), features, Y).probabilities, wanted, atol=1e-4)
    texts = [f"{label} {at % 7}" for at, label in enumerate(Y)]
    words = cross_validated(make_pipeline(CountVectorizer(), LogisticRegression()), texts, Y)
    assert min(one.accuracy for one in words.scores) == 1
    gap = pd.DataFrame(X)
    gap.iloc[5, 2] = np.nan
    with pytest.raises(InvalidInput, match="1 of 90 samples have features that are not finite: rows 5"):
        cross_validated(LogisticRegression(), gap, Y)


def test_progress_is_told() -> None:
    """Break: tell before the first fold only."""
    told: list[tuple[int, int]] = []
    cross_validated(Nearest(), X, Y, folds=3, repeats=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(7)]


SCRIPT = """
import os, signal, sys
import numpy as np, torch
torch.set_num_threads(1)
from pedigree.training import cross_validated, fit_classifier
from pedigree.training.crossvalidation.fitting import predicted
folder, kill_at = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
X, y = rng.normal(0, 1, (60, 5)).astype(np.float32), np.arange(60) % 3
made = [0]

def count():
    made[0] += 1
    if made[0] == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def net():
    return torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3))

def fit(module, X, y, *, seed):
    fit_classifier(module, X, y, seed=seed, epochs=3, batch_size=8)

def told(done, total):  # not a part of the model: what it counts does not enter the identity
    if done:
        count()

print(cross_validated(net, X, y, fit=fit, folder=folder, progress=told, repeats=2).path)
"""


@pytest.mark.slow
def test_killed_between_folds_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """By SIGKILL after folds 1, 2 and 4 of what was left; PyTorch, with dropout. Break: do not seed a fold by itself."""

    def run(name: str, kill_at: int) -> None:
        script = [sys.executable, "-c", SCRIPT, str(tmp_path / name), str(kill_at)]
        done = subprocess.run(script, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr

    run("whole", 0)
    for kill_at in (1, 2, 4):
        run("killed", kill_at)
        assert not (tmp_path / "killed" / "result.json").exists()
    run("killed", 0)
    files = sorted(
        str(path.relative_to(tmp_path / "whole")) for path in (tmp_path / "whole").rglob("*") if path.is_file()
    )
    assert len(files) == 22
    for name in files:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_warnings_point_at_the_call() -> None:
    """Break: let them point into our own module."""
    y = Y.copy()
    y[7] = "yak"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cross_validated(Nearest(), X, y)
    assert {Path(one.filename).name for one in told} == {Path(__file__).name}
