"""MentorNet's predefined curriculum: how much each sample of a batch counts, from its loss and from how the losses stand.

Source: Jiang et al. 2018, "MentorNet: Learning data-driven curriculum for very deep neural networks on corrupted labels"
(arXiv:1712.05055). The weights minimise its objective for the regulariser G(v) = sum of width / 2 * v^2 - (width + level) * v;
`level` is its lambda_1, `width` its lambda_2. The moving percentile, burn-in and dropout are those of its training of a student.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pedigree.errors import InvalidInput
from pedigree.training.philox import sample_uniforms
from pedigree.training.robust.checks import at_least, finite_losses, fraction, per_sample, same_length
from pedigree.training.robust.selection import same_settings
from pedigree.training.streams import checked


def curriculum(excess: torch.Tensor, width: float) -> torch.Tensor:
    """v = 1 - excess / width, cut to [0, 1], where the excess is a loss less the level; with width 0, v = 1 where excess <= 0.

    So what is below the level counts fully, what is above it by `width` or more counts nothing, and between it falls linearly.
    """
    if width == 0.0:
        return (excess <= 0.0).to(excess.dtype)
    return (1.0 - excess / width).clamp(0.0, 1.0)


class MentorWeights:
    """The weights of a batch's samples:

        weigh = MentorWeights(percentile=0.6, seed=1)
        ...
        losses = cross_entropy(net(inputs), labels, reduction="none")
        weights = weigh(losses, rows, epoch)
        ((weights * losses).sum() / weights.sum().clamp(min=1e-6)).backward()

    The level is a moving average, over the batches, of the loss below which a share `percentile` of the batch lies: take 1 less the
    expected share of wrong labels. It starts at the first batch's own, and moves by 1 - `decay`. In the first `burn_in` epochs every
    sample counts fully; afterwards `curriculum` decides. In both a share of the weights is dropped to 0, `burn_in_dropout`
    and `dropout` of them, so that no sample is trained on in every epoch while the net still learns what is easy.

    What is dropped is a function of (seed, epoch, row) and of nothing else: not of the batch, nor of where training was resumed. Kept between
    batches is one number, the level; `state_dict` holds it and the settings.
    """

    def __init__(
        self,
        percentile: float = 0.7,
        *,
        seed: int,
        width: float = 1.0,
        burn_in: int = 3,
        decay: float = 0.9,
        burn_in_dropout: float = 0.5,
        dropout: float = 0.05,
    ) -> None:
        self.percentile = fraction("percentile", percentile, one=True)
        self.width, self.burn_in, self.seed = float(width), at_least("burn_in", burn_in, 0), checked("seed", seed)
        self.decay = fraction("decay", decay)
        self.burn_in_dropout, self.dropout = fraction("burn_in_dropout", burn_in_dropout), fraction("dropout", dropout)
        if not 0.0 <= self.width < math.inf:
            raise InvalidInput(f"width must be from 0 on, got {width!r}.", remedy="It has the unit of the loss: 1.0.")
        #: The moving percentile of the losses (lambda_1); None before the first batch.
        self.level: float | None = None

    def __call__(self, losses: torch.Tensor, rows: torch.Tensor | Sequence[int], epoch: int) -> torch.Tensor:
        """The weights in [0, 1] of the samples `rows` with these losses; they move the level. Raises NonFinite and InvalidInput."""
        losses = per_sample(losses, "losses")
        same_length(len(losses), "losses", len(rows), "rows")
        finite_losses(losses, rows=rows)
        now = float(torch.quantile(losses.double(), self.percentile))
        self.level = now if self.level is None else self.decay * self.level + (1.0 - self.decay) * now
        burning = at_least("epoch", epoch, 0) < self.burn_in
        weights = torch.ones_like(losses) if burning else curriculum(losses - self.level, self.width)
        rate = self.burn_in_dropout if burning else self.dropout
        if rate:
            numbers = rows.cpu().numpy() if isinstance(rows, torch.Tensor) else np.asarray(rows)
            kept = sample_uniforms(self.seed, "mentor dropout", epoch, numbers, 1)[:, 0] >= rate
            weights = weights * torch.from_numpy(kept).to(weights)
        return weights

    def state_dict(self) -> dict[str, Any]:
        return {"level": self.level, "settings": self._settings()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises InvalidInput where the settings were others."""
        same_settings("MentorWeights", state["settings"], self._settings())
        self.level = state["level"]

    def _settings(self) -> dict[str, Any]:
        names = ("percentile", "seed", "width", "burn_in", "decay", "burn_in_dropout", "dropout")
        return {name: getattr(self, name) for name in names}
