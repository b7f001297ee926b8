"""Where torch computes: the processor, or a GPU that the step was given."""

from __future__ import annotations

import sys

import torch


def chosen(name: str, settings: str) -> torch.device:
    """The device that `settings` (the file's name, for the error) asks for: cpu, cuda or cuda:N.

    Never "whatever is there": a GPU rounds otherwise than a processor, so the device is a number of the recipe. Ends the
    step where it is missing.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        sys.exit(f"{settings}: device {name!r} is none. Write cpu, cuda or cuda:N")
    if device.type not in ("cpu", "cuda"):
        sys.exit(f"{settings}: device {name!r} is not known to give the same bits twice. Write cpu, cuda or cuda:N")
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        sys.exit(
            f"{settings}: device {name!r}, but this step sees {count} GPUs. Write device: cpu, or let the step have one: "
            "`resourceLimits: {gpu: {type: nvidia.com/gpu, number: 1}}` in pets.yaml, and a torch that is built for it"
        )
    return device
