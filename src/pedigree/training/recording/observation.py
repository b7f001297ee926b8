"""What one batch shows of its samples, computed where its logits are, without waiting for the device."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Observation(NamedTuple):
    """`columns` (batch, 4) float32: margin, loss, probability of the given label, error norm (0 where not asked for).

    `rows` (batch, classes) float32: the probabilities, or None where not asked for.
    """

    columns: torch.Tensor
    rows: torch.Tensor | None


@torch.no_grad()
def observe(logits: torch.Tensor, labels: torch.Tensor, *, norms: bool, rows: bool) -> Observation:
    """Of the logits (batch, classes) of any float type and the labels (batch,) on their device, in float32.

    The margin is the logit of the label less the largest other (Pleiss et al. 2020, section 3.1); the loss the cross-entropy in
    nats; the error norm the Euclidean distance of the probabilities from the label's unit vector (EL2N: Paul et al. 2021).
    A label that is no class counts as the nearest one: whether there is one is only asked when the numbers are on the CPU.
    """
    logits = logits.detach().float()
    at = labels.clamp(0, logits.shape[1] - 1).unsqueeze(1)
    own = logits.gather(1, at)
    margin = own - logits.scatter(1, at, -torch.inf).amax(1, keepdim=True)
    loss = torch.logsumexp(logits, 1, keepdim=True) - own
    norm = torch.zeros_like(loss)
    probabilities = torch.softmax(logits, 1) if norms or rows else None
    if norms and probabilities is not None:
        errors = probabilities.scatter_add(1, at, torch.full_like(own, -1.0))
        norm = torch.linalg.vector_norm(errors, dim=1, keepdim=True)
    columns = torch.cat((margin, loss, torch.exp(-loss), norm), 1)
    return Observation(columns, probabilities if rows else None)
