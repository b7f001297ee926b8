"""Early-learning regularisation: a loss that holds a net to what it thought of a sample before it began to memorise."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (as everybody calls it)

from pedigree.errors import InvalidInput
from pedigree.training.robust.checks import at_least, finite_losses, fraction

#: 1 - <p, t> counts as this at least: at a net that is certain of its target the logarithm would be infinite.
LEAST = 1e-4


class EarlyLearningLoss(nn.Module):
    """Cross-entropy plus strength * mean log(1 - <p, t>), where t is a running mean of what the net said of the sample.

        loss = EarlyLearningLoss(len(labels), classes=10)
        ...
        loss(net(inputs), labels[rows], rows).backward()

    p is the softmax of the logits, and t <- momentum * t + (1 - momentum) * p, from 0, once per call and before it is used;
    no gradient flows through t. The new term pulls p towards t: a sample whose label contradicts what the net learnt early
    keeps its early answer, and the pull of its label is cancelled. `strength` is the paper's lambda (3 for 10 classes, 7 for
    100), `momentum` its beta (0.7; 0.9 for 100 classes). 0 is plain cross-entropy.

    `targets`, (size, classes) float32, is a buffer: it moves with `.to(device)`, and a checkpoint keeps it. In eval mode
    it is read and not changed. Everything is computed in float32. 1 - <p, t> counts as 1e-4 at least.
    Source: Liu et al. 2020, "Early-learning regularization prevents memorization of noisy labels" (arXiv:2007.00151).
    """

    targets: torch.Tensor

    def __init__(self, size: int, classes: int, *, strength: float = 3.0, momentum: float = 0.7) -> None:
        super().__init__()
        self.strength, self.momentum = float(strength), fraction("momentum", momentum)
        if not 0.0 <= self.strength < float("inf"):
            raise InvalidInput(f"strength must be from 0 on, got {strength!r}.", remedy="3 suits ten classes.")
        shape = at_least("size", size, 1), at_least("classes", classes, 2)
        self.register_buffer("targets", torch.zeros(shape))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The mean over the batch. `rows` says which sample of the data set each is; labels are class numbers.

        Raises InvalidInput for a row or a label outside, and for a sample that is twice in the batch; NonFinite for logits
        that are no numbers.
        """
        rows = rows.to(self.targets.device)
        self._check(logits, labels, rows)
        logits = logits.float()
        chances = logits.softmax(dim=1)
        target = self.targets[rows]
        if self.training:
            target = self.momentum * target + (1.0 - self.momentum) * chances.detach()
            self.targets[rows] = target
        agreement = (chances * target).sum(dim=1)
        pull = (1.0 - agreement).clamp(min=LEAST).log()
        return F.cross_entropy(logits, labels.to(logits.device)) + self.strength * pull.mean()

    def extra_repr(self) -> str:
        size, classes = self.targets.shape
        return f"size={size}, classes={classes}, strength={self.strength}, momentum={self.momentum}"

    def _check(self, logits: torch.Tensor, labels: torch.Tensor, rows: torch.Tensor) -> None:
        size, classes = self.targets.shape
        if logits.ndim != 2 or logits.shape[1] != classes or len(labels) != len(logits) or len(rows) != len(logits):
            raise InvalidInput(
                f"Logits of shape {tuple(logits.shape)}, {len(labels)} labels and {len(rows)} rows do not fit a loss of {classes} classes.",
                remedy="Give one row of logits, one label and one row number for each sample.",
            )
        # A sum is one wait for the device, and is a number only if all are.
        if not bool(torch.isfinite(logits.detach().sum())):
            finite_losses(logits.detach().sum(dim=1), what="rows of logits", rows=rows)
        if len(rows) == 0:
            raise InvalidInput("The batch is empty.", remedy="Leave it out.")
        for what, values, limit in (("row", rows, size), ("label", labels, classes)):
            low, high = (int(end) for end in torch.aminmax(values))
            if low < 0 or high >= limit:
                raise InvalidInput(
                    f"A {what} of the batch is {low if low < 0 else high}.",
                    remedy=f"A {what} is 0 to {limit - 1} here.",
                )
        if len(torch.unique(rows)) != len(rows):
            raise InvalidInput(
                "A sample is twice in the batch, and its target would be updated once.",
                remedy="Draw samples without replacement.",
            )
