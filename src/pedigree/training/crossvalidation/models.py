"""One fold: a new model, trained on some samples, asked about the others."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.checkpoint import randomness
from pedigree.training.crossvalidation.fitting import fit_classifier, predicted
from pedigree.training.streams import derive, torch_generator

#: A row may miss 1 by this much.
_TOLERANCE = 1e-3


class Task:
    """What all folds share: how a model is made, trained and asked, the features, the labels and their numbers."""

    def __init__(
        self,
        make_model: Any,
        features: Any,
        labels: NDArray[Any],
        numbers: NDArray[np.int64],
        classes: tuple[Any, ...],
        fit: Callable[..., Any] | None,
        predict: Callable[..., Any] | None,
    ) -> None:
        self.make_model, self.fit, self.predict = make_model, fit, predict
        self.features, self.labels, self.numbers, self.classes = features, labels, numbers, classes
        #: The module of the fold before: held, so that no new one can have its place in memory.
        self.last: torch.nn.Module | None = None
        if isinstance(make_model, torch.nn.Module):
            raise InvalidInput(
                f"make_model is a {type(make_model).__name__}, one module for all folds.",
                remedy="Give a function that builds a new one each time: `lambda: Net(...)`.",
            )

    def fold(self, train: NDArray[np.int64], test: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """(len(test), K) probabilities by a model trained on `train`; a class that is not among its labels has 0.

        The global random generators are seeded for it and put back. Errors as cross_validated.
        """
        with seeded(seed):
            model = self._made(seed)
            own, other = taken(self.features, train), taken(self.features, test)
            if isinstance(model, torch.nn.Module):
                model = (self.fit or fit_classifier)(model, own, self.numbers[train], seed=seed) or model
                rows = np.asarray((self.predict or predicted)(model, other))
                names: Any = range(len(self.classes))
            else:
                if self.fit is None:
                    model.fit(own, self.labels[train])
                else:
                    model = self.fit(model, own, self.labels[train], seed=seed) or model
                rows = np.asarray(model.predict_proba(other) if self.predict is None else self.predict(model, other))
                known = getattr(model, "classes_", None)
                known = np.unique(self.labels[train]) if known is None else np.asarray(known)
                place = {name: at for at, name in enumerate(self.classes)}
                names = [place.get(name, -1) for name in known.tolist()]
                if rows.ndim == 2 and rows.shape[1] == len(self.classes) != len(names):
                    names = range(len(self.classes))
        return self._placed(rows, names, test)

    def _made(self, seed: int) -> Any:
        if callable(self.make_model) and (isinstance(self.make_model, type) or not hasattr(self.make_model, "fit")):
            model = self.make_model()
        else:
            model = _copied(self.make_model)
        if isinstance(model, torch.nn.Module):
            if model is self.last:
                raise InvalidInput(
                    "make_model gave the same module twice, so a fold would know what the one before was trained on.",
                    remedy="Build it inside the function.",
                )
            self.last = model
        if not isinstance(model, torch.nn.Module) and self.predict is None and not hasattr(model, "predict_proba"):
            raise InvalidInput(
                f"{type(model).__name__} has no predict_proba, so it gives no probabilities.",
                remedy="Wrap it in CalibratedClassifierCV, or say `predict=` for what gives them.",
            )
        if hasattr(model, "get_params") and hasattr(model, "set_params"):
            for name, value in sorted(model.get_params().items()):
                if value is None and name.rpartition("__")[2] == "random_state":
                    # scikit-learn takes 32 bits.
                    model.set_params(**{name: derive(seed, "random_state", name) & 0x7FFFFFFF})
        return model

    def _placed(self, rows: NDArray[Any], columns: Any, test: NDArray[np.int64]) -> NDArray[np.float32]:
        if rows.shape != (len(test), len(columns)) or min(columns, default=0) < 0:
            raise InvalidInput(
                f"The model gave probabilities of shape {rows.shape} for {len(test)} samples of {len(self.classes)} classes.",
                remedy="Give one output per class, in the order of `classes`.",
            )
        found = np.zeros((len(test), len(self.classes)), np.float32)
        found[:, list(columns)] = rows
        wrong = ~((found >= 0).all(axis=1) & (np.abs(found.sum(axis=1, dtype=np.float64) - 1.0) <= _TOLERANCE))
        if wrong.any():
            at = test[wrong]
            raise InvalidInput(
                f"The model gave {len(at)} of {len(test)} samples no probabilities (values from 0, sum 1): "
                f"sample {int(at[0])} has {found[wrong][0][:4].tolist()}.",
                remedy="Look whether its training diverged, and that `predict` gives probabilities and not logits.",
                rows=at[:5].tolist(),
            )
        return found


def _copied(estimator: Any) -> Any:
    """A new estimator with the same parameters, whatever it was fitted to."""
    if hasattr(estimator, "get_params"):
        try:
            from sklearn.base import clone
        except ImportError:  # another library's estimator
            return copy.deepcopy(estimator)
        return clone(estimator)
    return copy.deepcopy(estimator)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The global generators of `random`, NumPy and torch, from this seed, and afterwards as they were."""
    states = randomness.of_process()
    try:
        random.seed(derive(seed, "python"))
        np.random.seed([derive(seed, "numpy", part) & 0xFFFFFFFF for part in range(4)])
        torch.manual_seed(derive(seed, "torch"))
        torch.default_generator.set_state(torch_generator(seed, "global").get_state())
        yield
    finally:
        randomness.set_process(states)


def taken(values: Any, rows: NDArray[np.int64]) -> Any:
    """These rows of an array, tensor, sparse matrix, data frame or list."""
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if isinstance(values, torch.Tensor):
        return values[torch.from_numpy(rows)]
    if hasattr(values, "shape"):
        return values[rows]
    return [values[row] for row in rows.tolist()]
