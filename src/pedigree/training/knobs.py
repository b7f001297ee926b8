"""The switches of torch and its libraries that determinism turns: how each is read, set, and put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from pedigree.training.settings import PRECISIONS

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
#: The two values with which cuBLAS is deterministic: 8 buffers of 4 MiB, or of 16 KiB. The first is as fast as the default.
CUBLAS_VALUES = (":4096:8", ":16:8")


@contextmanager
def turned(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute, set for as long as this is open; nothing where this version of torch has none of that name."""
    if not hasattr(owner, name):
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def called(setter: Callable[[Any], object], before: Any, value: Any) -> Iterator[None]:
    """A setting with a function to set it, set for as long as this is open."""
    setter(value)
    try:
        yield
    finally:
        setter(before)


@contextmanager
def algorithms(warn_only: bool) -> Iterator[None]:
    """Deterministic algorithms; without one, an operation raises or (`warn_only`) warns."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable, for this process's libraries and for its children."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


@contextmanager
def precision(tf32: bool) -> Iterator[None]:
    """Float32 products and convolutions with TF32 (10 bits of mantissa) or in full, on every backend.

    Set by the older functions, which keep torch's newer ones (2.9, `fp32_precision`) in step; set by the newer ones, the
    older cannot be read any more, and libraries read them. Put back by both, since "none" is a value of the newer ones only.
    """
    fine = _fine()
    with ExitStack() as stack:
        matmul, cudnn = torch.get_float32_matmul_precision(), _cudnn_tf32()
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        stack.callback(_put_back, matmul, cudnn, fine)
        yield


def _cudnn_tf32() -> bool | None:
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:  # the newer functions have set convolutions and recurrent layers apart
        return None


def _put_back(matmul: str, cudnn: bool | None, fine: dict[tuple[str, str], str]) -> None:
    torch.set_float32_matmul_precision(matmul)
    if cudnn is not None:
        torch.backends.cudnn.allow_tf32 = cudnn
    for (backend, kind), value in fine.items():
        if torch._C._get_fp32_precision_getter(backend, kind) != value:
            torch._C._set_fp32_precision_setter(backend, kind, value)


def _fine() -> dict[tuple[str, str], str]:
    if not hasattr(torch._C, "_get_fp32_precision_getter"):  # before torch 2.9
        return {}
    return {pair: torch._C._get_fp32_precision_getter(*pair) for pair in PRECISIONS}
