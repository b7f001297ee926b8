"""What people hand over to robust training, looked at once: labels as class numbers, fractions, losses that are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pedigree.errors import InvalidInput, NonFinite
from pedigree.training.streams import whole

#: How many offending rows a message names.
NAMED = 5


def plain(values: Any) -> Any:
    """NumPy's array of what torch, Arrow, pandas or a list holds."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    if hasattr(values, "to_numpy"):
        try:
            return values.to_numpy(zero_copy_only=False)
        except TypeError:
            return values.to_numpy()
    return np.asarray(values)


def class_numbers(labels: Any, classes: int, *, what: str = "labels") -> torch.Tensor:
    """One class number per sample, int64 on the CPU. Raises InvalidInput, with the first rows, for what is none of 0 to classes - 1."""
    given = np.asarray(plain(labels))
    if given.ndim != 1 or given.dtype.kind not in "iufb":
        raise InvalidInput(
            f"The {what} must be one whole number per sample, got {given.dtype} of shape {given.shape}.",
            remedy="Number the classes from 0, for instance with numpy.unique(labels, return_inverse=True).",
        )
    wrong = ~((given >= 0) & (given < classes) & (given == np.floor(given)))
    if wrong.any():
        rows = np.flatnonzero(wrong)
        shown = ", ".join(f"{given[row].item()} in row {row}" for row in rows[:NAMED])
        raise InvalidInput(
            f"{len(rows)} of {len(given)} {what} are no class: {shown}{', …' if len(rows) > NAMED else ''}.",
            remedy=f"With {classes} classes they are 0 to {classes - 1}.",
            rows=rows[:NAMED].tolist(),
        )
    return torch.from_numpy(given.astype(np.int64))


def same_length(count: int, what: str, others: int, other: str = "samples") -> None:
    if count != others:
        raise InvalidInput(
            f"There are {count} {what} and {others} {other}.", remedy="Give one for each, in the same order."
        )


def fraction(what: str, value: Any, *, one: bool = False) -> float:
    """`value` as a float from 0 to below 1, or to 1 if `one`; raises InvalidInput for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (0.0 <= number < 1.0 or (one and number == 1.0)):
        raise InvalidInput(
            f"{what} must be from 0 to {'' if one else 'below '}1, got {value!r}.",
            remedy="It is a share of the samples: 0.2 for a fifth.",
        )
    return number


def at_least(what: str, value: Any, least: int) -> int:
    """`value` as a whole number that is not below `least`."""
    number = whole(value)
    if number is None or number < least:
        raise InvalidInput(f"{what} must be a whole number from {least} on, got {value!r}.", remedy="Write an int.")
    return number


def finite_losses(
    losses: torch.Tensor, *, what: str = "losses", rows: Sequence[int] | torch.Tensor | None = None
) -> None:
    """Raise NonFinite where one of the losses of a batch is no number: an order of them would mean nothing."""
    good = torch.isfinite(losses.detach())
    if bool(good.all()):
        return
    places = torch.nonzero(~good).flatten().tolist()
    named = places if rows is None else [int(rows[place]) for place in places]
    shown = ", ".join(
        f"{float(losses[place])} of {'sample' if rows is not None else 'place'} {name}"
        for place, name in list(zip(places, named, strict=True))[:NAMED]
    )
    raise NonFinite(
        f"{len(places)} of {len(losses)} {what} are not finite: {shown}{', …' if len(places) > NAMED else ''}.",
        remedy="Look at these samples (NaN, infinity) and at the learning rate; pedigree.training.check_finite says more.",
        rows=named[:NAMED],
    )


def per_sample(losses: torch.Tensor, what: str) -> torch.Tensor:
    """The losses of a batch without their graph; raises InvalidInput where there is not one number per sample."""
    if losses.ndim != 1 or not losses.is_floating_point():
        raise InvalidInput(
            f"The {what} must be one number per sample of the batch, got {losses.dtype} of shape {tuple(losses.shape)}.",
            remedy='Use cross_entropy(..., reduction="none").',
        )
    return losses.detach()
