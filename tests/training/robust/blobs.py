"""A small problem with wrong labels, and a net with dropout and batch normalisation for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pedigree import training

SIZE, CLASSES = 240, 3
TRUTH = training.rng(1, "blob").integers(0, CLASSES, SIZE)
INPUTS = (np.eye(CLASSES)[TRUTH] * 3 + training.rng(1, "spread").normal(size=(SIZE, CLASSES))).astype(np.float32)
WRONG = training.rng(1, "wrong").random(SIZE) < 0.3
LABELS = np.where(WRONG, (TRUTH + 1) % CLASSES, TRUTH)


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(CLASSES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, CLASSES))


def recipe(**changes: Any) -> training.Recipe:
    options: dict[str, Any] = {"seed": 5, "epochs": 4, "batch_size": 50, "schedule": halved}
    return training.Recipe(**(options | changes))


def halved(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)


Fit = Callable[..., training.Fitted]

#: Every ready training, with what it needs besides the net, the inputs and the labels.
WAYS: dict[str, tuple[Fit, dict[str, Any]]] = {
    "plain": (training.fit_plain, {}),
    "weighted": (training.fit_plain, {"weights": training.rng(1, "weights").random(SIZE)}),
    "pruned": (training.fit_pruned, {"issues": WRONG}),
    "relabelled": (training.fit_relabelled, {"issues": WRONG, "suggestions": TRUTH}),
    "co-teaching": (training.fit_coteaching, {"tau": 0.3, "ramp": 2}),
    "early learning": (training.fit_early_learning, {}),
    "mentor": (training.fit_mentor, {"burn_in": 1}),
    "incv": (training.fit_incv, {"rounds": 2, "selection_epochs": 2}),
}


def fitted(
    way: str, *, labels: Any = LABELS, inputs: Any = INPUTS, build: Any = net, **changes: Any
) -> training.Fitted:
    fit, options = WAYS[way]
    more = {name: changes.pop(name) for name in ("test", "truth") if name in changes}
    return fit(build, inputs, labels, recipe(**changes), **options, **more)


def digest(found: training.Fitted) -> str:
    """Of all that a training gives: weights of the nets, history, what each sample counted, and the state of its parts."""
    from blake3 import blake3

    hasher = blake3(found.history.to_csv().encode())
    hasher.update(found.weights.tobytes())
    states = [one.state_dict() for one in found.nets]
    states += [part.state_dict() for part in found.parts.values() if hasattr(part, "state_dict")]
    for state in states:
        for name, value in sorted(state.items()):
            hasher.update(name.encode())
            hasher.update(value.cpu().numpy().tobytes() if isinstance(value, torch.Tensor) else repr(value).encode())
    return hasher.hexdigest()
