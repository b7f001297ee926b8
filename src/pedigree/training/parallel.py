"""Results on the CPU that do not depend on the number of threads.

Three things make them differ (measured with torch 2.13; the guide on reproducible training has the table):
MKL's matrix products, unless MKL_CBWR is AVX2,STRICT or AUTO,STRICT; convolutions in the backward pass; and torch's own loops, which cut a tensor where the threads meet: full sums add in another order, and functions whose vector form
rounds otherwise than the scalar form at the ends (pow, sigmoid, softplus, ...) take the latter in other places.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

#: On processors that are not Intel's MKL takes this as AUTO,STRICT, which does the same there.
CBWR = "AVX2,STRICT"
_STRICT = 0x10000

#: Operations that keep all threads, for PLAIN types. Each output element is one exact IEEE operation or a copy, whichever
#: thread makes it.
EXACT = frozenset(
    {
        "_to_copy",
        "cat",
        "clamp",
        "clone",
        "constant_pad_nd",
        "copy_",
        "div",
        "hardtanh",
        "hardtanh_",
        "hardtanh_backward",
        "max_pool2d_with_indices",
        "mul",
        "relu",
        "relu_",
        "sqrt",
        "threshold_backward",
        "upsample_nearest2d",
    }
)

#: Products by MKL, which are the same on any number of threads once MKL_CBWR says so.
PRODUCTS = frozenset({"addmm", "bmm", "mm"})

#: Complex numbers multiply with sums inside; products of half precision are oneDNN's, which MKL_CBWR does not reach.
PLAIN = frozenset({torch.float32, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool})


class OneThread(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's gap
    """While on, every operation outside EXACT and (`products`) PRODUCTS runs on one thread, in the backward pass too.

    Convolutions among them: oneDNN's weight gradients depend on the threads, and so do torch's own convolutions of the
    backward pass (with 3 and 4 threads, which a test of 1 and 2 does not see), at twice the time of oneDNN on one.
    Not under torch.compile.
    """

    def __init__(self, products: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's gap
        self.parallel = EXACT | PRODUCTS if products else EXACT

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = func.overloadpacket.__name__ in self.parallel
        if named and all(one.dtype in PLAIN for one in args if isinstance(one, torch.Tensor)):
            return func(*args, **(kwargs or {}))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            torch.set_num_threads(threads)


def strict_mkl() -> bool | None:
    """Whether MKL gives the same bits on any number of threads; None where torch has no MKL to ask.

    Asking settles it: MKL reads MKL_CBWR once, when it is first used, and this is a use.
    """
    asked = _asker()
    return None if asked is None else bool(asked(-1) & _STRICT)


def mkl_cbwr_set() -> bool:
    """Whether the environment asks for it, which says nothing about whether MKL has seen it."""
    return "STRICT" in os.environ.get("MKL_CBWR", "").upper()


@functools.cache
def _asker() -> Any:
    if not torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]  # torch's gap
        return None
    folder = os.path.join(os.path.dirname(torch.__file__), "lib")
    for name in ("libtorch_cpu.so", "libtorch_cpu.dylib"):
        try:
            # MKL is linked into this library; loaded already, so that this only finds the symbol.
            asked = ctypes.CDLL(os.path.join(folder, name)).mkl_serv_cbwr_get
        except (OSError, AttributeError):
            continue
        asked.argtypes, asked.restype = [ctypes.c_int], ctypes.c_int
        return asked
    return None
