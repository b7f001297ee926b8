"""A short training and a prediction for PyTorch modules, where the caller brings none."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pedigree.errors import InvalidInput
from pedigree.training.sampling import order
from pedigree.training.streams import derive


def fit_classifier(
    module: torch.nn.Module,
    X: Any,  # noqa: N803  # as in scikit-learn
    y: NDArray[np.int64],
    *,
    seed: int,
    epochs: int = 10,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
) -> None:
    """Train the module in place with Adam on the cross-entropy, a new order of samples each epoch, where its parameters are.

    For simple cases: `functools.partial(fit_classifier, epochs=30)` is a `fit` for cross_validated, and a function of yours with the
    same first four arguments is another. A last batch of one joins the one before. Floating-point features become float32.
    """
    features, labels = _tensor(X), torch.as_tensor(y)
    device, last = _device(module), int(labels.max())
    optimizer = torch.optim.Adam(module.parameters(), lr=learning_rate)
    module.train()
    for epoch in range(epochs):
        for at in _batches(torch.from_numpy(order(len(labels), derive(seed, "fit"), epoch)), batch_size):
            optimizer.zero_grad()
            logits = _logits(module, features[at].to(device))
            if logits.shape[1] <= last:
                raise InvalidInput(
                    f"The module has {logits.shape[1]} outputs, and there are labels up to {last}.",
                    remedy="Give it one output per class, in the order of `classes`; of two classes one output will do.",
                )
            torch.nn.functional.cross_entropy(logits, labels[at].to(device)).backward()  # type: ignore[no-untyped-call]  # as above
            optimizer.step()


def _batches(rows: torch.Tensor, size: int) -> list[torch.Tensor]:
    """A last batch of one sample joins the one before: batch normalisation has no variance of one."""
    sizes = [size] * (len(rows) // size) + [len(rows) % size] * (len(rows) % size > 0)
    if len(sizes) > 1 and sizes[-1] == 1 < size:
        sizes[-2:] = [size + 1]
    return list(torch.split(rows, sizes))


@torch.inference_mode()
def predicted(module: torch.nn.Module, X: Any, batch_size: int = 512) -> NDArray[np.float32]:  # noqa: N803  # as above
    """(n, K) softmax of the module's outputs in evaluation mode, batch by batch; one output is the logit of class 1 of two."""
    features, device = _tensor(X), _device(module)
    module.eval()
    found = []
    for part in features.split(batch_size):  # type: ignore[no-untyped-call]  # torch's
        found.append(torch.softmax(_logits(module, part.to(device)).float(), 1).cpu())
    return np.asarray(torch.cat(found).numpy(), np.float32)


def _logits(module: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = module(features)
    if found.ndim == 1 or found.shape[-1] == 1:
        one = found.reshape(-1)
        return torch.stack((torch.zeros_like(one), one), 1)
    return found


def _tensor(values: Any) -> torch.Tensor:
    made = values if isinstance(values, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(values))
    return made.float() if made.is_floating_point() else made


def _device(module: torch.nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
