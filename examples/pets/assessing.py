"""Assessing probabilities: how good they are, over all pixels, over one pet, and by how sure they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from reliability import binned
from scores import confusion, scores
from torch import Tensor


class Seen(NamedTuple):
    """What probabilities (n, classes, h, w) say of every pixel, each (n, h, w).

    `predicted` is the likeliest class, int64, the first where several are; `confidence` its probability, float32;
    `right` whether it is the true one; `surprise` minus the logarithm of the true class's probability, float32.
    """

    predicted: Tensor
    confidence: Tensor
    right: Tensor
    surprise: Tensor


def look(probabilities: Tensor, truth: Tensor) -> Seen:
    """What the probabilities say, beside the true classes, int64 (n, h, w)."""
    confidence, predicted = probabilities.max(dim=1)
    given = probabilities.gather(1, truth.unsqueeze(1)).squeeze(1)
    # float32 rounds to 0 what is less likely than 1e-45; one such pixel would make the mean infinite.
    surprise = -given.to(torch.float64).clamp(min=1e-12).log()
    return Seen(predicted, confidence.to(torch.float32), predicted == truth, surprise.to(torch.float32))


def join(parts: Sequence[Seen]) -> Seen:
    """The parts one after the other, on the CPU."""
    return Seen(*(torch.cat([one.cpu() for one in column]) for column in zip(*parts, strict=True)))


def measure(seen: Seen, truth: Tensor, names: Sequence[str], bins: int) -> dict[str, Any]:
    """`scores` of the predictions, and beside it precision of each class, loss, confidence and calibration error.

    *Precision* of a class is TP / (TP + FP), None where it was never predicted; the mean leaves that out. *Loss* is the
    mean log loss of a pixel in nats: 0 is best, log(classes) what one gets by guessing. *ece* is the expected
    calibration error (Naeini et al. 2015; Guo et al. 2017, equation 3) over `bins` bins of equal width, in [0, 1].
    """
    table = confusion(seen.predicted, truth, len(names))
    right, predicted = table.diagonal().tolist(), table.sum(0).tolist()
    precision = {name: r / p if p else None for name, r, p in zip(names, right, predicted, strict=True)}
    known = [value for value in precision.values() if value is not None]
    rows = reliability(seen, bins)
    return {
        **scores(table, names),
        "precision": precision,
        "mean_precision": sum(known) / len(known),
        "loss": float(seen.surprise.to(torch.float64).mean()),
        "confidence": float(seen.confidence.to(torch.float64).mean()),
        "ece": sum(row["pixels"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / seen.right.numel(),
    }


def reliability(seen: Seen, bins: int) -> list[dict[str, float]]:
    """How often pixels were right, by how sure the prediction was: one row for each bin that has pixels.

    A bin holds confidences above `above` and up to `up_to`, the first one 0 too. Perfect calibration: accuracy equals confidence in each.
    """
    confidence = seen.confidence.reshape(-1).to(torch.float64)
    counts, hits, sure = binned(confidence.numpy(), seen.right.reshape(-1).numpy(), bins)
    return [
        {
            "above": at / bins,
            "up_to": (at + 1) / bins,
            "pixels": int(counts[at]),
            "confidence": float(sure[at] / counts[at]),
            "accuracy": float(hits[at] / counts[at]),
        }
        for at in range(bins)
        if counts[at]
    ]


def rank(ious: Sequence[float | None], names: Sequence[str]) -> list[int]:
    """Indices from the best IoU to the worst, ties by name; None, a pet that is neither there nor predicted, is last."""
    return sorted(range(len(names)), key=lambda at: (1.0 if (iou := ious[at]) is None else -iou, names[at]))
