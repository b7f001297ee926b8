"""All tensors of a checkpoint, copied into one piece of memory that is byte for byte the data of its safetensors file.

One copy, and no second one to write it: a background thread hashes and writes the arena while training goes on. The arena is used again for
the next checkpoint, for fresh memory costs more (a page fault every 4 KiB) than the copy itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import torch

from pedigree.errors import UnsupportedState

#: The file format's names of what torch has. Complex numbers lie there as pairs of their parts.
DTYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}
PARTS = {torch.complex32: torch.float16, torch.complex64: torch.float32, torch.complex128: torch.float64}


class Arena:
    """Takes tensors under names, then copies all of them at once; `chunks` gives the bytes of the file.

    A tensor that is taken twice (tied weights) is kept once: the same place in memory, shape, strides and type.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, torch.Tensor] = {}
        self._known: dict[tuple[Any, ...], str] = {}
        self._memory = torch.empty(0, dtype=torch.uint8)
        self._header = b""

    def clear(self) -> None:
        """Forget the tensors; the memory stays for the next ones."""
        self._tensors, self._known = {}, {}

    def take(self, tensor: torch.Tensor, where: str) -> str:
        """The name under which this tensor will be in the file: `where`, unless it is there already."""
        check(tensor, where)
        tensor = tensor.detach()
        place = identity(tensor)
        if place is not None and place in self._known:
            return self._known[place]
        name, tries = where, 1
        while name in self._tensors or name == "__metadata__":
            tries += 1
            name = f"{where}~{tries}"
        self._tensors[name] = tensor
        if place is not None:
            self._known[place] = name
        return name

    def copy(self) -> int:
        """Copy everything taken, from wherever it is; gives the bytes copied. The tensors may change from then on."""
        # Widest elements first, so that each tensor starts at a multiple of its element's size.
        names = sorted(self._tensors, key=lambda name: (-self._tensors[name].element_size(), name))
        sizes = [self._tensors[name].numel() * self._tensors[name].element_size() for name in names]
        total = sum(sizes)
        on_gpu = any(tensor.is_cuda for tensor in self._tensors.values())
        if self._memory.numel() != total or (on_gpu and not self._memory.is_pinned()):
            self._memory = torch.empty(total, dtype=torch.uint8, pin_memory=on_gpu and total > 0)
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        start = 0
        for name, size in zip(names, sizes, strict=True):
            tensor = self._tensors[name]
            shape = list(tensor.shape)
            if tensor.dtype in PARTS:
                header[name] = {"dtype": DTYPES[PARTS[tensor.dtype]], "shape": [*shape, 2]}
            else:
                header[name] = {"dtype": DTYPES[tensor.dtype], "shape": shape}
            header[name]["data_offsets"] = [start, start + size]
            if size:
                self._memory[start : start + size].view(tensor.dtype).view(shape).copy_(tensor, non_blocking=True)
            start += size
        if on_gpu:
            torch.cuda.synchronize()
        self.clear()
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._header = len(text).to_bytes(8, "little") + text
        return total

    def chunks(self, size_bytes: int = 1 << 22) -> Iterator[memoryview]:
        """The bytes of the file, in order; a chunk fits a processor's cache, so that hashing and writing it read memory once."""
        yield memoryview(self._header)
        memory = memoryview(self._memory.numpy())  # type: ignore[arg-type]  # an array of bytes is a buffer
        for start in range(0, len(memory), size_bytes):
            yield memory[start : start + size_bytes]


def check(tensor: torch.Tensor, where: str) -> None:
    """Raises UnsupportedState for a tensor that has no plain values: sparse, quantised, on no device, or of a class of its own."""
    kind = type(tensor).__name__
    if torch.nn.parameter.is_lazy(tensor):
        raise UnsupportedState(
            f"{where} is not initialised yet: its shape comes with the first batch.",
            remedy="Run one batch through the model before the first checkpoint is saved or loaded.",
        )
    if tensor.layout is not torch.strided:
        raise UnsupportedState(
            f"{where} is a sparse tensor ({str(tensor.layout).removeprefix('torch.')}), which a safetensors file cannot hold.",
            remedy="Keep it dense, or keep its indices() and values() as tensors of their own.",
        )
    if tensor.is_meta:
        raise UnsupportedState(
            f"{where} is on the meta device: it has a shape and no values.",
            remedy="Move the model to a real device first.",
        )
    if (
        not isinstance(tensor, torch.nn.Parameter)
        and type(tensor) is not torch.Tensor
        and not isinstance(tensor, torch.nn.Buffer)
    ):
        raise UnsupportedState(
            f"{where} is a {kind}, a tensor class whose values a safetensors file cannot hold.",
            remedy="Keep a plain torch.Tensor of its values: its to_local(), dequantize() or as_subclass(torch.Tensor).",
        )
    if tensor.is_quantized or (tensor.dtype not in DTYPES and tensor.dtype not in PARTS):
        raise UnsupportedState(
            f"{where} has the type {tensor.dtype}, which a safetensors file cannot hold.",
            remedy="Keep its int_repr(), scale and zero point, or its dequantize(), instead.",
        )


def identity(tensor: torch.Tensor) -> tuple[Any, ...] | None:
    """Equal for two tensors exactly when they are the same elements of the same memory; None where there are no elements."""
    if not tensor.numel():
        return None
    return (
        tensor.device,
        tensor.data_ptr(),
        tensor.dtype,
        tensor.shape,
        tensor.stride(),
        tensor.is_conj(),
        tensor.is_neg(),
    )
