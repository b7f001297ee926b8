"""Nested state as JSON with tensors beside it, and back: `decode(encode(value)) == value`, in types, order and bits.

What JSON has stays what it is: None, booleans, integers, finite floats, texts, lists, and dictionaries from text. All else
is a dictionary with one key that starts with `$`:

    {"$tensor": NAME}    a tensor; beside it "dtype" (complex), "stride" (not the usual one), "device" (not the CPU)
    {"$array": NAME}     a NumPy array; "order": "F" where its memory is in columns
    {"$scalar": NAME}    a NumPy number
    {"$float": "nan" | "inf" | "-inf"}, {"$complex": [re, im]}, {"$bytes": base64}
    {"$tuple": [...]}, {"$size": [...]} (torch.Size), {"$dict": [[key, value], ...]} (keys that are no text, or start with `$`)
    {"$counter": [[key, count], ...]}, {"$ordered": [[key, value], ...]}, {"$deque": [...], "maxlen": n}
    {"$dtype": "float32"}, {"$device": "cuda:0"}

A dictionary keeps its order, which the canonical encoding would not: what training writes next may depend on it.
"""

from __future__ import annotations

import base64
import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pedigree.errors import UnsupportedState
from pedigree.training.checkpoint.arena import PARTS, Arena

#: Gives the stored tensor of this name.
Fetch = Callable[[str], torch.Tensor]


def encode(value: Any, arena: Arena, where: str) -> Any:
    """The JSON form of a value; its tensors and arrays go to the arena, named by their way there: `where/key/key`.

    Raises UnsupportedState, with that way, for anything that is not listed above.
    """
    return _encode(value, arena, where, ())


def _encode(value: Any, arena: Arena, where: str, above: tuple[int, ...]) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, torch.Tensor):
        return _tensor(value, arena, where)
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(value, arena, where)
    if kind is complex:
        return {"$complex": [encode(value.real, arena, where), encode(value.imag, arena, where)]}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is torch.dtype:
        return {"$dtype": str(value).removeprefix("torch.")}
    if kind is torch.device:
        return {"$device": str(value)}
    if kind not in _CONTAINERS:
        raise UnsupportedState(
            f"{where} is a {kind.__module__}.{kind.__qualname__}, which a checkpoint cannot hold: {_short(value)}.",
            remedy="A checkpoint holds None, numbers, texts, bytes, lists, tuples, dictionaries, tensors and arrays; give one of these, "
            "or an object with state_dict and load_state_dict as a part of its own.",
            where=where,
        )
    if id(value) in above:
        raise UnsupportedState(
            f"{where} contains itself.", remedy="Break the circle; a checkpoint is a tree.", where=where
        )
    above = (*above, id(value))
    if kind in (list, tuple, torch.Size, deque):
        items = [_encode(item, arena, f"{where}/{index}", above) for index, item in enumerate(value)]
        if kind is deque:
            return {"$deque": items, "maxlen": value.maxlen}
        return items if kind is list else {"$size" if kind is torch.Size else "$tuple": items}
    if kind is dict and all(type(key) is str and not key.startswith("$") for key in value):
        return {key: _encode(item, arena, f"{where}/{key}", above) for key, item in value.items()}
    pairs = [
        [_encode(key, arena, f"{where}/key", above), _encode(item, arena, f"{where}/{key}", above)]
        for key, item in value.items()
    ]
    return {"$counter" if kind is Counter else "$ordered" if kind is OrderedDict else "$dict": pairs}


_CONTAINERS = frozenset({list, tuple, torch.Size, deque, dict, Counter, OrderedDict})


def _tensor(tensor: torch.Tensor, arena: Arena, where: str) -> dict[str, Any]:
    sign: dict[str, Any] = {"$tensor": arena.take(tensor, where)}
    if tensor.dtype in PARTS:
        sign["dtype"] = str(tensor.dtype).removeprefix("torch.")
    # Where rows are not rows in memory (channels last), kernels may take other paths; so the strides are part of the state.
    if not tensor.is_contiguous() and torch.ops.aten.is_non_overlapping_and_dense(tensor):
        sign["stride"] = list(tensor.stride())
    if tensor.device.type != "cpu":
        sign["device"] = str(tensor.device)
    return sign


def _array(value: Any, arena: Arena, where: str) -> dict[str, Any]:
    array = np.asarray(value)
    try:
        # A copy, for torch warns of arrays that cannot be written, and has no negative strides.
        tensor = torch.from_numpy(np.array(array, order="C"))
    except (TypeError, ValueError):  # no such type; another byte order
        raise UnsupportedState(
            f"{where} is a NumPy value of type {array.dtype}, which a checkpoint cannot hold.",
            remedy="Convert it to numbers of the machine's own byte order, or to a list of texts.",
            where=where,
        ) from None
    name = arena.take(tensor, where)
    sign: dict[str, Any] = {"$array" if isinstance(value, np.ndarray) else "$scalar": name}
    if tensor.dtype in PARTS:
        sign["dtype"] = str(tensor.dtype).removeprefix("torch.")
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        sign["order"] = "F"
    return sign


def decode(value: Any, fetch: Fetch) -> Any:
    """The value whose JSON form this is. A tensor that was on a device that is not here comes on the CPU."""
    if isinstance(value, list):
        return [decode(item, fetch) for item in value]
    if not isinstance(value, dict):
        return value
    sign = next(iter(value), "")
    if not sign.startswith("$"):
        return {key: decode(item, fetch) for key, item in value.items()}
    content = value[sign]
    if sign in ("$tensor", "$array", "$scalar"):
        return _fetched(sign, value, fetch)
    if sign in ("$dict", "$counter", "$ordered"):
        pairs = [(decode(key, fetch), decode(item, fetch)) for key, item in content]
        # A Counter takes pairs for things to count, so it is given a dictionary.
        made = dict(pairs)
        return Counter(made) if sign == "$counter" else OrderedDict(made) if sign == "$ordered" else made
    if sign in ("$tuple", "$size", "$deque"):
        items = [decode(item, fetch) for item in content]
        if sign == "$deque":
            return deque(items, value["maxlen"])
        return tuple(items) if sign == "$tuple" else torch.Size(items)
    if sign == "$float":
        return float(content)
    if sign == "$complex":
        return complex(*(decode(part, fetch) for part in content))
    if sign == "$bytes":
        return base64.b64decode(content)
    if sign == "$dtype":
        return _dtype(content)
    if sign == "$device":
        return torch.device(content)
    raise UnsupportedState(
        f"The checkpoint has a value of the unknown kind {sign!r}.",
        remedy="Read it with the version of Pedigree that wrote it.",
    )


def _fetched(sign: str, value: dict[str, Any], fetch: Fetch) -> Any:
    tensor = fetch(value[sign])
    if "dtype" in value:
        tensor = torch.view_as_complex(tensor)
    if sign == "$array":
        return np.array(tensor.numpy(), order=value.get("order", "C"))
    if sign == "$scalar":
        return tensor.numpy()[()]
    if "stride" in value:
        tensor = torch.empty_strided(tensor.shape, value["stride"], dtype=tensor.dtype).copy_(tensor)
    if "device" in value and available(value["device"]):
        tensor = tensor.to(value["device"])
    return tensor


def available(device: str) -> bool:
    """Whether this process could put a tensor there."""
    name, _, index = device.partition(":")
    if name == "cpu":
        return True
    module = getattr(torch, name, None)
    return module is not None and module.is_available() and int(index or 0) < module.device_count()


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name)
    assert isinstance(found, torch.dtype)
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
