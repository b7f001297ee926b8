"""How kernels are compiled, and where the machine code is kept.

numba keeps it beside the source or below the user's cache folder, and refuses to start where it can write to neither. There
the code is compiled again in each process. A kept function is thrown away when its own file changes and not when another
does: so a kernel calls only kernels, and reads only constants, of its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from numba import njit

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def compiled(kernel: _Kernel) -> _Kernel:
    """Compiled as written: no sum is reordered."""
    return _kept(kernel, False)


def dividing(kernel: _Kernel) -> _Kernel:
    """As `compiled`, but a division by 0 is not looked for: with the look no vector instructions are made of a loop that divides."""
    return _kept(kernel, False, error_model="numpy")


def counting(kernel: _Kernel) -> _Kernel:
    """For sums in any order: of whole numbers, which are exact, or where the last bits are never seen."""
    return _kept(kernel, {"reassoc", "nsz"})


def _kept(kernel: _Kernel, fastmath: Any, error_model: Literal["python", "numpy"] = "python") -> _Kernel:
    try:
        found: Any = njit(cache=True, nogil=True, fastmath=fastmath, error_model=error_model)(kernel)
    except RuntimeError:  # "cannot cache function: no locator available"
        found = njit(nogil=True, fastmath=fastmath, error_model=error_model)(kernel)
    kept: _Kernel = found
    return kept
