"""IoU, F1 and accuracy, counted over pixels from one confusion table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def confusion(predicted: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Pixels by (true class, predicted class), int64 (classes, classes); both arguments hold class indices."""
    pairs = truth.reshape(-1).to(torch.int64) * classes + predicted.reshape(-1).to(torch.int64)
    return torch.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def scores(table: Tensor, names: Sequence[str]) -> dict[str, Any]:
    """IoU and F1 of each class, their means, and the accuracy, all in [0, 1].

    A class that neither the truth nor the prediction has gets None and is left out of the means. IoU and F1 of a
    class are micro averages: they are counted over all pixels of all images at once.
    """
    right, true, predicted = table.diagonal().tolist(), table.sum(1).tolist(), table.sum(0).tolist()
    iou = {name: _ratio(r, t + p - r) for name, r, t, p in zip(names, right, true, predicted, strict=True)}
    f1 = {name: _ratio(2 * r, t + p) for name, r, t, p in zip(names, right, true, predicted, strict=True)}
    present = [name for name in names if iou[name] is not None]
    return {
        "accuracy": _ratio(sum(right), sum(true)),
        "iou": iou,
        "f1": f1,
        "mean_iou": _ratio(sum(iou[name] or 0.0 for name in present), len(present)),
        "mean_f1": _ratio(sum(f1[name] or 0.0 for name in present), len(present)),
        "pixels": sum(true),
    }
