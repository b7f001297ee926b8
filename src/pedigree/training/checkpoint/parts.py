"""The parts of a training that have state: how each is taken, compared with what is there, and put back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch.optim import Optimizer

from pedigree.errors import UnsupportedState
from pedigree.training.checkpoint import randomness
from pedigree.training.checkpoint.arena import DTYPES, PARTS, Arena, check, identity
from pedigree.training.checkpoint.nested import decode, encode


class Tensors(Protocol):
    """The tensors of a checkpoint that is being read."""

    def __call__(self, name: str) -> torch.Tensor: ...

    def kind(self, sign: Mapping[str, Any]) -> str:
        """Shape and type of what a sign stands for, such as `[3, 4] float32`, without reading it."""


def take(name: str, part: Any, arena: Arena, gradients: bool) -> dict[str, Any]:
    """The record of one part: its kind, its class, and its state with the tensors in the arena."""
    if isinstance(part, randomness.GENERATORS):
        return {
            "kind": "generator",
            "class": randomness.kind_of(part),
            "state": encode(randomness.state_of(part), arena, name),
        }
    if isinstance(part, torch.nn.Module):
        return _take_module(name, part, arena, gradients)
    if not callable(getattr(part, "state_dict", None)) or not callable(getattr(part, "load_state_dict", None)):
        raise UnsupportedState(
            f"The part {name!r} is a {type(part).__name__}, which has no state_dict() and load_state_dict().",
            remedy="A part is a model, an optimiser, a scheduler, a scaler, a sampler, a random generator, or any object with these two "
            "methods; plain values go to save(..., user=...).",
            part=name,
        )
    state = part.state_dict()
    record = {"kind": "state", "class": type(part).__qualname__, "state": encode(state, arena, name)}
    if isinstance(part, Optimizer):
        record["kind"] = "optimizer"
        record["parameters"] = _shapes(part)
    return record


def _take_module(name: str, module: torch.nn.Module, arena: Arena, gradients: bool) -> dict[str, Any]:
    state = module.state_dict()
    record: dict[str, Any] = {
        "kind": "module",
        "class": type(module).__qualname__,
        "state": encode(dict(state), arena, name),
        "ties": _ties(state),
        # Buffers that the model keeps out of its state dict are state all the same.
        "buffers": encode(_hidden(module, state), arena, name),
    }
    if gradients:
        kept = {key: p.grad for key, p in module.named_parameters() if p.grad is not None}
        record["gradients"] = encode(kept, arena, f"{name}/gradients")
    return record


def problems(name: str, part: Any, record: Mapping[str, Any], tensors: Tensors) -> list[str]:
    """Why this record is not one of this part: sentences, the empty list when it fits. Changes nothing."""
    if isinstance(part, randomness.GENERATORS):
        return _named(name, record, "generator", randomness.kind_of(part))
    if isinstance(part, torch.nn.Module):
        if record["kind"] != "module":
            return _named(name, record, "module", type(part).__qualname__)
        return _module_problems(name, part, record, tensors)
    if isinstance(part, Optimizer):
        found = _named(name, record, "optimizer", type(part).__qualname__)
        return found or _optimizer_problems(name, part, record)
    return _named(name, record, "state", type(part).__qualname__)


def put(part: Any, record: Mapping[str, Any], tensors: Tensors) -> None:
    """Give the part the state of its record, for which `problems` has found none."""
    state = decode(record["state"], tensors)
    if isinstance(part, randomness.GENERATORS):
        randomness.set_state(part, state)
    elif isinstance(part, torch.nn.Module):
        part.load_state_dict(state, strict=True)
        for key, value in decode(record["buffers"], tensors).items():
            _put_buffer(part, key, value)
        if "gradients" in record:
            kept = decode(record["gradients"], tensors)
            for key, parameter in part.named_parameters():
                parameter.grad = kept[key].to(parameter.device) if key in kept else None
    else:
        part.load_state_dict(state)
        if isinstance(part, Optimizer):
            _mend_types(part, state)


# --------------------------------------------------------------------------------------------------- models


def _hidden(module: torch.nn.Module, state: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in module.named_buffers(remove_duplicate=False) if key not in state}


def _ties(state: Mapping[str, Any]) -> list[list[str]]:
    """Names that are one tensor, in groups of two or more."""
    groups = defaultdict(list)
    for key, value in state.items():
        if isinstance(value, torch.Tensor) and (place := identity(value)) is not None:
            groups[place].append(key)
    return [keys for keys in groups.values() if len(keys) > 1]


def _module_problems(name: str, module: torch.nn.Module, record: Mapping[str, Any], tensors: Tensors) -> list[str]:
    state, saved = module.state_dict(), record["state"]
    for key, value in state.items():
        if isinstance(value, torch.Tensor):
            check(value, f"{name}/{key}")
    there = {key: _told(value, tensors) for key, value in saved.items()}
    here = {key: _described(value) for key, value in state.items()}
    differ = [
        f"`{key}` is {there[key]} there and {here[key]} here"
        for key in here
        if key in there and here[key] != there[key]
    ]
    differ += [f"`{key}` ({here[key]}) is only here" for key in here if key not in there]
    differ += [f"`{key}` ({there[key]}) is only there" for key in there if key not in here]
    if differ:
        more = f"; and {len(differ) - 3} more" if len(differ) > 3 else ""
        wrapped = _wrapped(list(there), list(here))
        return [
            f"{name}: it is of another model: {len(differ)} of {len({*here, *there})} entries differ: {'; '.join(differ[:3])}{more}{wrapped}"
        ]
    if sorted(map(sorted, ties := _ties(state))) != sorted(map(sorted, record["ties"])):
        one = next(group for group in [*ties, *record["ties"]] if (group in ties) != (group in record["ties"]))
        where = "here, and two there" if one in ties else "there, and two here"
        return [f"{name}: other weights are tied: {' and '.join(f'`{key}`' for key in one)} are one tensor {where}"]
    return []


def _wrapped(there: list[str], here: list[str]) -> str:
    for prefix, wrapper in (("module.", "DataParallel"), ("_orig_mod.", "torch.compile")):
        for names, others, side in ((there, here, "when it was saved"), (here, there, "here")):
            if names and [key.removeprefix(prefix) for key in names] == others != names:
                return f" (the model was wrapped by {wrapper} {side} only: give the model inside as the part)"
    return ""


def _told(sign: Any, tensors: Tensors) -> str:
    return tensors.kind(sign) if isinstance(sign, dict) and "$tensor" in sign else "no tensor"


def _described(value: Any) -> str:
    return describe(list(value.shape), value.dtype) if isinstance(value, torch.Tensor) else "no tensor"


def describe(shape: list[int], dtype: torch.dtype) -> str:
    assert dtype in DTYPES or dtype in PARTS
    return f"{shape} {str(dtype).removeprefix('torch.')}"


def _put_buffer(module: torch.nn.Module, key: str, value: torch.Tensor) -> None:
    path, _, name = key.rpartition(".")
    owner = module.get_submodule(path)
    now = owner._buffers.get(name)
    if now is not None and now.shape == value.shape and now.dtype == value.dtype:
        with torch.no_grad():
            now.copy_(value)
    else:  # a cache that grows as it is used
        owner.register_buffer(name, value.to(now.device) if now is not None else value, persistent=False)


# ---------------------------------------------------------------------------------------------- optimisers


def _shapes(optimizer: Optimizer) -> list[list[str]]:
    """Shape and type of every parameter, by group."""
    return [[_described(parameter) for parameter in group["params"]] for group in optimizer.param_groups]


def _optimizer_problems(name: str, optimizer: Optimizer, record: Mapping[str, Any]) -> list[str]:
    there, here = record["parameters"], _shapes(optimizer)
    if [len(group) for group in there] != [len(group) for group in here]:
        return [
            (
                f"{name}: its groups have {', '.join(str(len(group)) for group in there)} parameters there and "
                f"{', '.join(str(len(group)) for group in here)} here"
            )
        ]
    differ = [
        f"parameter {index} of group {number} is {one} there and {other} here"
        for number, (ours, theirs) in enumerate(zip(here, there, strict=True))
        for index, (other, one) in enumerate(zip(ours, theirs, strict=True))
        if one != other
    ]
    more = f"; and {len(differ) - 3} more" if len(differ) > 3 else ""
    return [f"{name}: {len(differ)} parameters differ: {'; '.join(differ[:3])}{more}"] if differ else []


def _mend_types(optimizer: Optimizer, saved: Mapping[str, Any]) -> None:
    """torch gives an optimiser's state the type of its parameter as it loads it, so float32 moments of a bfloat16 weight would be rounded.

    Gives each tensor its own type again.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, values in saved["state"].items():
        if isinstance(index, int) and parameters[index] in optimizer.state:
            state = optimizer.state[parameters[index]]
            for key, value in values.items():
                state[key] = _mended(state.get(key), value)


def _mended(now: Any, saved: Any) -> Any:
    if isinstance(now, torch.Tensor) and isinstance(saved, torch.Tensor):
        return now if now.dtype == saved.dtype else saved.to(now.device)
    if isinstance(now, dict) and isinstance(saved, dict):
        return {key: _mended(value, saved[key]) if key in saved else value for key, value in now.items()}
    if isinstance(now, (list, tuple)) and isinstance(saved, (list, tuple)) and len(now) == len(saved):
        return type(now)([_mended(one, other) for one, other in zip(now, saved, strict=True)])
    return now


def _named(name: str, record: Mapping[str, Any], kind: str, kind_here: str) -> list[str]:
    if record["kind"] == kind and record["class"] == kind_here:
        return []
    return [f"{name}: it is the state of {record['class']} there and of {kind_here} here"]
