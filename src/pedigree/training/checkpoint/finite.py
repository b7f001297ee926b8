"""A loss that is no longer a number, told where it happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pedigree.errors import NonFinite

if TYPE_CHECKING:
    import torch


def check_finite(
    loss: Any, step: int, *, last: float | None = None, name: str = "loss", model: torch.nn.Module | None = None
) -> float:
    """The loss as a float when it is finite; else raises NonFinite, before the damage reaches the weights.

    Call it between the forward pass and `optimizer.step()`, and keep what it gives as `last` for the next call, which is then told.
    With the `model`, the message names the parameters and gradients that are infinite or undefined, at no cost while all is well. A loss on a
    GPU is waited for, as `loss.item()` would.
    """
    value = float(loss.detach() if hasattr(loss, "detach") else loss)  # torch warns of a loss that has a graph
    if math.isfinite(value):
        return value
    before = "no finite value was given before" if last is None else f"the last finite value was {last:.9g}"
    bad = [] if model is None else _bad(model)
    if model is None:
        found = ""
        look = f"Pass model=... to check_finite to learn which weights are affected. {_LOOK}"
    elif bad:
        found = f" Not finite in the model: {', '.join(bad[:5])}" + (
            f" and {len(bad) - 5} more." if len(bad) > 5 else "."
        )
        look = f"The weights went wrong in an earlier step: load a checkpoint before it, and look there first. {_LOOK}"
    else:
        found = " Every weight and gradient of the model is finite."
        look = f"It arose in this forward pass: look at this batch and at the loss itself first. {_LOOK}"
    raise NonFinite(
        f"The {name} is {value} at step {step}; {before}.{found}",
        remedy=look,
        step=step,
        value=value,
        last=last,
        tensors=tuple(bad),
    )


_LOOK = (
    "Then: inputs and targets of this batch (NaN, infinity, empty masks), logarithms, divisions and roots at 0, the learning rate, clipping of "
    "gradients, and overflow of float16."
)


def _bad(model: torch.nn.Module) -> list[str]:
    import torch

    found = []
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter.detach()).all()):
            found.append(name)
        if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
            found.append(f"{name}.grad")
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point() and not bool(torch.isfinite(buffer).all()):
            found.append(name)
    return found
