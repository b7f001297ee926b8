"""Images with labels that were made wrong, for `label_noise.py`: two kinds of noise, and a small network to judge them with."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

DATA = Path(os.environ.get("PEDIGREE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared/data"))
FILES = {"mnist": "mnist/mnist.npz", "fashion": "fashion-mnist/fashion_mnist.npz"}
CLASSES = 10
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Images:
    """Rows of 14 x 14 grey values in [0, 1], and their true classes."""

    train: Floats
    true: Ints
    test: Floats
    test_true: Ints


def images(name: str, count: int, rng: np.random.Generator) -> Images:
    """So many to train on and 2,000 to test with, drawn without replacement; 2 x 2 pixels are averaged."""
    train, true, test, test_true = _arrays(name)
    chosen, held = rng.permutation(len(train))[:count], rng.permutation(len(test))[:2000]
    return Images(
        _small(train[chosen]), true[chosen].astype(np.int64), _small(test[held]), test_true[held].astype(np.int64)
    )


@functools.cache
def _arrays(name: str) -> tuple[NDArray[np.uint8], ...]:
    with ZipFile(DATA / FILES[name]) as archive:
        return tuple(_array(archive, part) for part in ("x_train", "y_train", "x_test", "y_test"))


def _array(archive: ZipFile, name: str) -> NDArray[np.uint8]:
    with archive.open(f"{name}.npy") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _small(pixels: NDArray[np.uint8]) -> Floats:
    means = pixels.reshape(-1, 14, 2, 14, 2).mean((2, 4), dtype=np.float32)
    return means.reshape(len(pixels), -1) / np.float32(255)


def class_dependent(true: Ints, rate: float, rng: np.random.Generator) -> Ints:
    """Each class is taken for two or three others with chances of its own; `rate` of all labels are wrong."""
    shares = rng.dirichlet(np.full(3, 1.0), CLASSES)
    rates = rate * rng.uniform(0.5, 1.5, CLASSES)
    given = true.copy()
    for label in range(CLASSES):
        others = rng.permutation(np.delete(np.arange(CLASSES), label))[:3]
        members = np.flatnonzero(true == label)
        wrong = members[rng.random(len(members)) < rates[label]]
        given[wrong] = rng.choice(others, len(wrong), p=shares[label])
    return given


def human_like(data: Images, rate: float, rng: np.random.Generator) -> Ints:
    """Half of the errors on images that look like another class, as which they are taken, half out of carelessness.

    What looks like what is said by an annotator who has seen few images through 12 principal components.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    count = len(data.true)
    views = PCA(12, random_state=0).fit_transform(data.train)
    seen = rng.permutation(count)[: count // 8]
    looks = LogisticRegression(max_iter=200).fit(views[seen], data.true[seen]).predict_proba(views)
    rows = np.arange(count)
    doubt = 1.0 - looks[rows, data.true]
    chance = 0.5 * doubt / doubt.mean() + 0.5 * rng.exponential(size=count)
    wrong = np.argsort(rng.random(count) / chance, kind="stable")[: round(rate * count)]
    careless = np.stack([looks[data.true == label].mean(0) for label in range(CLASSES)])
    mixed = 0.6 * looks + 0.35 * careless[data.true] + 0.05
    mixed[rows, data.true] = 0.0
    edges = np.cumsum(mixed / mixed.sum(1, keepdims=True), axis=1)
    other = np.minimum((rng.random((count, 1)) > edges).sum(1), CLASSES - 1)
    given = data.true.copy()
    given[wrong] = other[wrong]
    return given


def probabilities(train: Floats, given: Ints, test: Floats, seed: int, steps: int = 200) -> Floats:
    """What a network with one hidden layer of 128 says of `test` after so many steps on 128 of `train`, however many those are."""
    import torch

    torch.manual_seed(seed)
    layers = (torch.nn.Linear(train.shape[1], 128), torch.nn.ReLU(), torch.nn.Linear(128, CLASSES))
    net = torch.nn.Sequential(*layers)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3, weight_decay=1e-5)
    inputs, targets = torch.from_numpy(train), torch.from_numpy(given)
    rounds = -(-steps * 128 // len(inputs))
    order = torch.cat([torch.randperm(len(inputs)) for _ in range(rounds)])
    for batch in order[: steps * 128].split(128):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs[batch]), targets[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        found: Any = torch.softmax(net(torch.from_numpy(test)), 1).numpy()
    return np.asarray(found, np.float32)


def held_out(train: Floats, given: Ints, seed: int, folds: int = 5) -> Floats:
    """For each row what a network says that was trained on the other folds."""
    fold = np.random.default_rng(seed).permutation(len(given)) % folds
    found = np.empty((len(given), CLASSES), np.float32)
    for number in range(folds):
        held = fold == number
        found[held] = probabilities(train[~held], given[~held], train[held], seed * folds + number)
    return found
