"""Every random state: of the process, and of generators that were handed in."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

#: What a script may hand in; each is restored in place.
GENERATORS = (torch.Generator, np.random.Generator, random.Random)


def cuda_in_use() -> bool:
    """Whether this process has started CUDA: to ask for anything else starts it, which takes seconds and half a gigabyte."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]  # torch's


def of_process() -> dict[str, Any]:
    """The states of Python's `random`, NumPy's legacy `numpy.random`, torch on the CPU, and on each CUDA device if CUDA was used."""
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
    }
    if cuda_in_use():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def set_process(states: dict[str, Any]) -> list[str]:
    """Put the process where it was; gives what could not be, as sentences."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    saved = states.get("cuda", [])
    here = torch.cuda.device_count() if saved or cuda_in_use() else 0
    for index, state in enumerate(saved[:here]):
        torch.cuda.set_rng_state(state, index)
    return cuda_gap(len(saved), here)


def cuda_gap(saved: int, here: int) -> list[str]:
    """What differs between the CUDA devices that a checkpoint has states of and those here, as sentences."""
    if saved > here:
        return [f"it has random states of {saved} CUDA devices, and there are {here} here"]
    if here > saved:
        return [f"it has random states of {saved} CUDA devices, and {here} are in use here"]
    return []


def kind_of(generator: Any) -> str:
    """One word for its algorithm and place, equal exactly when the state of one fits the other."""
    if isinstance(generator, torch.Generator):
        return f"torch.Generator on {generator.device.type}"
    if isinstance(generator, np.random.Generator):
        return f"numpy.random.Generator over {type(generator.bit_generator).__name__}"
    return f"random.{type(generator).__name__}"


def state_of(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate()


def set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.setstate(state)
