"""How many threads compute: sums are split among them, so their number can change the last bits."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any


def facts(torch: ModuleType | None) -> dict[str, Any]:
    """`pools` are the BLAS and OpenMP libraries that are loaded now, from threadpoolctl where it is installed."""
    found: dict[str, Any] = {"pools": pools()}
    if torch is not None:
        found["torch"] = {"intra_op": torch.get_num_threads(), "inter_op": torch.get_num_interop_threads()}
    numexpr = sys.modules.get("numexpr")
    if numexpr is not None:
        found["numexpr"] = numexpr.get_num_threads()
    return found


def pools() -> list[dict[str, Any]]:
    """Each library's kind, version, number of threads, and the processor whose kernels it chose, where it tells."""
    try:
        import threadpoolctl
    except ImportError:
        return []
    found = [
        {
            "api": one["user_api"],
            "library": one["internal_api"],
            # Wheels add a digest of the build to the name; the folder is the machine's own affair.
            "file": os.path.basename(one["filepath"]),
            "threads": one["num_threads"],
            **{key: one[key] for key in ("version", "threading_layer", "architecture") if one.get(key) is not None},
        }
        for one in threadpoolctl.threadpool_info()
    ]
    return sorted(found, key=lambda one: (one["library"], one["file"]))
