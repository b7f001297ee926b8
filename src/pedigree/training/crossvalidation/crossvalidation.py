"""Cross-validated probabilities: seeded, stratified, grouped, and gone on with after a kill."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pedigree import canonical
from pedigree.errors import InvalidInput
from pedigree.training.splits.folds import assign_folds, listed
from pedigree.training.streams import checked, derive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pedigree.training.crossvalidation.keeping import Kept
    from pedigree.training.crossvalidation.models import Task
    from pedigree.training.splits.assignment import Key

#: Told how many folds are done, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class FoldScore:
    """How the model of one fold did on what it had not seen; the loss in nats, a probability counting as 1e-12 at least."""

    repetition: int
    fold: int
    trained: int
    tested: int
    accuracy: float
    log_loss: float
    #: Classes that none of its training labels had: their columns are 0.
    missing: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidated:
    """`probabilities` (n, K) float32 by models that had not seen the sample, `folds` (repeats, n), `classes` the columns, `scores` per fold.

    It counts as its probabilities where an array is wanted: `labels.analyse(y, found)`. `path` is their file where a folder was given.
    """

    probabilities: NDArray[np.float32]
    folds: NDArray[np.int64]
    classes: tuple[Any, ...]
    scores: tuple[FoldScore, ...]
    path: str | None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.probabilities, dtype) if copy else np.asarray(self.probabilities, dtype)


def cross_validated(
    make_model: Any,
    X: Any,  # noqa: N803  # as in scikit-learn
    y: Any,
    *,
    folds: int = 5,
    seed: int = 0,
    groups: Iterable[Key | None] | None = None,
    keys: Iterable[Key] | None = None,
    classes: Sequence[Any] | None = None,
    void: Any = None,
    repeats: int = 1,
    fit: Callable[..., Any] | None = None,
    predict: Callable[..., Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    configuration: Any = None,
    progress: Progress | bool | None = None,
) -> CrossValidated:
    """Probabilities for every sample from models that were not trained on it, nor on any of its group.

    `make_model` is a scikit-learn estimator, which is cloned (parameters named `random_state` that are None are seeded), or a function
    or class that gives a new model: one with `fit` and `predict_proba`, or a PyTorch module, whose outputs are logits of the classes.
    `fit(model, X, y, seed=...)` trains it, in place or returning another; for modules y are class numbers and the default is
    `fit_classifier`. `predict(model, X)` gives probabilities. `X` is an array, tensor, sparse matrix, data frame or list, `y` its n labels.

    `folds`, `seed`, `groups`, `keys` are those of `assign_folds`: stratified, and a group never on both sides. `repeats` deals the folds anew so often and
    averages. `classes` orders the columns (default: the sorted labels). A sample with the label `void` is predicted and never trained on.

    `folder` keeps each fold. Killed anywhere and called again, it goes on and ends with the same bytes as one that was never killed; a fold is
    found again only where data, labels, folds, seed, number of threads, versions and everything that makes the model are the same.
    What a function calls in installed packages counts by their version; for what can be told in no way (a file that it reads), say `configuration=`.

    Law: every model is a function of its training samples and of `derive(seed, ...)`; the global random generators are seeded for each fold, and afterwards
    are as they were. `progress` is told (done, of how many), True draws a bar, None draws it on terminals only.

    Warns of a class with fewer samples than folds, and of columns that are 0 because no training label had the class. Raises InvalidInput for
    lengths that differ, features that are not finite (unless the estimator says it takes them), labels of one class, a model without
    probabilities, and rows that are none; InvalidSplit as assign_folds.
    """
    from pedigree.training.crossvalidation.models import Task

    given, numbers, names = _labels(y, classes, void)
    seed, repeats = checked("seed", seed), checked("number of repeats", repeats)
    if not repeats:
        raise InvalidInput("Cross-validation is repeated 0 times.", remedy="Say repeats=1.")
    _check_features(make_model, X, len(given))
    drawn = [seed if number == 0 else derive(seed, "repetition", number) for number in range(repeats)]
    shared = None if groups is None else listed(groups)
    keyed = None if keys is None else listed(keys)
    parts = np.array([assign_folds(numbers, folds, seed=one, groups=shared, keys=keyed) for one in drawn])
    _warn_of_rare(numbers, names, folds)

    task = Task(make_model, X, given, numbers, names, fit, predict)
    kept = None if folder is None else _kept(folder, task, parts, seed, configuration)
    total = np.zeros((len(given), len(names)), np.float64 if repeats > 1 else np.float32)
    scores = []
    with _told(progress, repeats * folds) as tell:
        for repetition, part in enumerate(parts):
            for fold in range(folds):
                tell(repetition * folds + fold)
                train, test = np.flatnonzero((part != fold) & (numbers >= 0)), np.flatnonzero(part == fold)
                missing = tuple(name for at, name in enumerate(names) if not (numbers[train] == at).any())
                rows = kept.fold(repetition, fold, (len(test), len(names))) if kept else None
                if rows is None:
                    rows = task.fold(train, test, derive(seed, "fold", repetition, fold))
                    if kept:
                        kept.keep(repetition, fold, rows)
                total[test] += rows
                scores.append(_score(repetition, fold, rows, numbers[test], len(train), missing))
        tell(repeats * folds)
    _warn_of_missing(scores)
    found = (total / repeats).astype(np.float32) if repeats > 1 else total.astype(np.float32, copy=False)
    path = None
    if kept:
        about = {"classes": [str(name) for name in names], "folds": folds, "repeats": repeats, "seed": seed}
        path = kept.finish(
            found, {**about, "scores": [{**asdict(one), "missing": [*map(str, one.missing)]} for one in scores]}
        )
    return CrossValidated(found, parts, names, tuple(scores), path)


def _labels(
    y: Any, classes: Sequence[Any] | None, void: Any
) -> tuple[NDArray[Any], NDArray[np.int64], tuple[Any, ...]]:
    """Labels as an array, as class numbers (-1 for void), and the classes."""
    given = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
    if given.ndim != 1 or (given.dtype.kind == "f" and not np.isfinite(given).all()):
        raise InvalidInput(
            f"Labels must be one class per sample, got {given.shape} {given.dtype}"
            + (" with values that are not finite." if given.ndim == 1 else "."),
            remedy="Give plain numbers or texts; mark samples without a label by one value and say `void=`.",
        )
    empty = np.zeros(len(given), np.bool_) if void is None else np.asarray(given == void)
    names = tuple(_sorted(given, empty) if classes is None else classes)
    place = {name: at for at, name in enumerate(names)}
    numbers = np.array([place.get(label, -1) for label in given.tolist()], np.int64)
    numbers[empty] = -1
    wrong = np.flatnonzero((numbers < 0) & ~empty)
    if len(wrong):
        raise InvalidInput(
            f"{len(wrong)} of {len(given)} labels are no class: {given[wrong[0]]!r} in row {int(wrong[0])}.",
            remedy="Name every class in `classes`, or say `void=` for what marks a sample without a label.",
            rows=wrong[:5].tolist(),
        )
    if len(names) < 2 or len(np.unique(numbers[numbers >= 0])) < 2:
        raise InvalidInput("The labels are all of one class.", remedy="A classifier needs samples of two at least.")
    return given, numbers, names


def _sorted(given: NDArray[Any], empty: NDArray[np.bool_]) -> list[Any]:
    try:
        return list(np.unique(given[~empty]).tolist())
    except TypeError:
        kinds = [type(label) for label in given.tolist()]
        present = np.flatnonzero(~empty)
        usual = max((kinds[at] for at in present), key=[kinds[at] for at in present].count)
        odd = [int(at) for at in present if kinds[at] is not usual]
        raise InvalidInput(
            f"Labels of different types have no order: {len(odd)} are no {usual.__name__}, {given[odd[0]]!r} in row {odd[0]}."
            if odd
            else f"Labels of type {usual.__name__} have no order.",
            remedy="Give labels of one type; mark samples without a label by one value and say `void=`, or name `classes`.",
            rows=odd[:5],
        ) from None


def _check_features(make_model: Any, features: Any, count: int) -> None:
    length = features.shape[0] if hasattr(features, "shape") else len(features)
    if length != count:
        raise InvalidInput(
            f"There are {count} labels and {length} samples.",
            remedy="Give one label for each sample, in the same order.",
        )
    sparse = hasattr(features, "indptr")
    values = features.data if sparse else features
    if hasattr(values, "detach"):
        # NumPy has no bfloat16; as float32 all of its values are the same.
        values = values.detach().cpu()
        values = (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
    values = values.to_numpy() if hasattr(values, "iloc") else values
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fc" or _takes_nan(make_model):
        return
    bad = ~np.isfinite(values).reshape(len(values), math.prod(values.shape[1:])).all(axis=1)
    if bad.any():
        at = np.flatnonzero(bad)
        if sparse:
            found = features.tocoo()
            rows = np.unique(found.row[~np.isfinite(found.data)])
        else:
            rows = at
        shown = ", ".join(map(str, rows[:5].tolist())) + (", …" if len(rows) > 5 else "")
        raise InvalidInput(
            f"{len(rows)} of {count} samples have features that are not finite: rows {shown}.",
            remedy="Fill in what is missing or leave these samples out; estimators that say they take NaN are given it.",
            rows=rows[:5].tolist(),
        )


def _takes_nan(make_model: Any) -> bool:
    tags = getattr(make_model, "__sklearn_tags__", None)
    if tags is None or isinstance(make_model, type):
        return False
    return bool(tags().input_tags.allow_nan)


def _warn_of_rare(numbers: NDArray[np.int64], names: tuple[Any, ...], folds: int) -> None:
    counts = np.bincount(numbers[numbers >= 0], minlength=len(names))
    rare = [f"{names[at]!r} ({counts[at]})" for at in np.flatnonzero((counts > 0) & (counts < folds))]
    if rare:
        warnings.warn(
            f"{len(rare)} classes have fewer samples than the {folds} folds: {', '.join(rare[:5])}{', …' if len(rare) > 5 else ''}. "
            "Their probabilities come from one or a few examples.",
            stacklevel=3,
        )


def _warn_of_missing(scores: list[FoldScore]) -> None:
    lacking = [one for one in scores if one.missing]
    if lacking:
        one = lacking[0]
        warnings.warn(
            f"In {len(lacking)} folds a class has no training sample, so that its column is 0: class {one.missing[0]!r} in fold {one.fold} of "
            f"repetition {one.repetition}. Its labels there look wrong whatever they are.",
            stacklevel=3,
        )


def _kept(folder: str | os.PathLike[str], task: Task, parts: NDArray[np.int64], seed: int, configuration: Any) -> Kept:
    import torch

    from pedigree.training.crossvalidation.identity import fingerprint
    from pedigree.training.crossvalidation.keeping import Kept

    strict = configuration is None
    identity = {
        "features": fingerprint(task.features, strict=True),
        "labels": fingerprint([task.labels, task.numbers, list(task.classes)], strict=True),
        "folds": fingerprint(parts, strict=True),
        "seed": seed,
        "model": fingerprint([task.make_model, task.fit, task.predict], strict=strict),
        "configuration": fingerprint(configuration, strict=True),
        "threads": torch.get_num_threads(),
        "versions": [
            str(getattr(sys.modules.get(name), "__version__", "")) for name in ("numpy", "pedigree", "sklearn", "torch")
        ],
    }
    return Kept(folder, canonical.digest_of("pedigree.cross-validation/1", identity))


def _score(
    repetition: int,
    fold: int,
    rows: NDArray[np.float32],
    numbers: NDArray[np.int64],
    trained: int,
    missing: tuple[Any, ...],
) -> FoldScore:
    known = numbers >= 0
    rows, numbers = rows[known], numbers[known]
    own = np.maximum(rows[np.arange(len(rows)), numbers].astype(np.float64), 1e-12)
    accuracy = float((rows.argmax(axis=1) == numbers).mean()) if len(rows) else 0.0
    loss = float(-np.log(own).mean()) if len(rows) else 0.0
    return FoldScore(repetition, fold, trained, len(known), accuracy, loss, missing)


@contextmanager
def _told(progress: Progress | bool | None, total: int) -> Iterator[Callable[[int], None]]:
    if callable(progress):
        yield lambda done: progress(done, total)
        return
    if progress is False or (progress is None and not sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("folds", total=total)
        yield lambda done: bars.update(bar, completed=done)
