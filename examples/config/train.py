"""Fits a network to images and reports how often it is right: a small program, so that the configuration is the subject.

    python train.py data=voc training.epochs=10

The images are drawn, not fetched: one blurred template for each class, and noise. The network is a stack of residual blocks
with fixed random weights and a head that learns, by gradient descent on the cross-entropy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from models import Data, Experiment, Momentum, ResNetV3, Training

from pedigree import config

PIXELS = 64
Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def images(data: Data, random: np.random.Generator) -> Arrays:
    """Images, one a row, and the class of each."""
    templates = random.normal(size=(data.classes, PIXELS))
    labels = random.integers(data.classes, size=data.images)
    return templates[labels] + random.normal(scale=2.0, size=(data.images, PIXELS)), labels


def features(pixels: np.ndarray[Any, Any], model: ResNetV3, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """What the head sees: `new_context` numbers for each image."""
    width = model.new_context
    found = pixels @ random.normal(scale=PIXELS**-0.5, size=(PIXELS, width))
    for _ in range(model.depth):
        found = found + np.tanh(found @ random.normal(scale=width**-0.5, size=(width, width)))
    return found


def fitted(inputs: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], training: Training) -> np.ndarray[Any, Any]:
    """The weights of the head after all epochs."""
    optimizer = training.optimizer
    decay = optimizer.momentum if isinstance(optimizer, Momentum) else 0.0
    weights = np.zeros((inputs.shape[1], targets.shape[1]))
    step = np.zeros_like(weights)
    smooth = targets * (1 - training.smoothing) + training.smoothing / targets.shape[1]
    for _ in range(training.epochs):
        for start in range(0, len(inputs), training.batch):
            batch = inputs[start : start + training.batch]
            scores = batch @ weights
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            wrong = odds / odds.sum(axis=1, keepdims=True) - smooth[start : start + training.batch]
            step = decay * step - optimizer.lr * batch.T @ wrong / inputs.shape[1]
            weights += step
    return weights


@config.main(Experiment)
def train(settings: Experiment) -> float:
    """Trains one network and prints its accuracy on images that it has not seen."""
    place = config.DistEnv.from_env()
    # Each process draws the same images and fits its own share: no two do the same work.
    random = np.random.default_rng(settings.seed)
    pixels, labels = images(settings.data, random)
    seen = features(pixels, settings.model, random)
    half = len(seen) // 2
    mine = np.arange(half)[place.rank :: place.world_size]
    targets = np.eye(settings.data.classes)[labels]
    weights = fitted(seen[mine], targets[mine], settings.training)
    if 0 < settings.training.keep < weights.nbytes:
        raise SystemExit(f"the weights have {weights.nbytes} bytes, and {settings.training.keep} may be kept")
    accuracy = float(np.mean((seen[half:] @ weights).argmax(axis=1) == labels[half:]))
    token = settings.data.token
    if token is not None and not token.get_secret_value():
        raise SystemExit(f"{token.reference} is empty")
    print(f"rank {place.rank} of {place.world_size}: {settings.name}, {len(mine)} images, accuracy {accuracy:.2f}")
    return round(accuracy, 2)


if __name__ == "__main__":
    train()
