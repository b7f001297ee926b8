"""Settings of numeric libraries that are in this process: which kernels, how exact, deterministic or not."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def torch_module(*, load: bool) -> ModuleType | None:
    """torch where this process has it, or once imported where `load` is set; None where it is not installed."""
    found = sys.modules.get("torch")
    if found is None and load:
        try:
            import torch as found
        except ImportError:
            return None
    # A program that is importing torch at this moment, or that failed to, has a module without its parts.
    return found if hasattr(found, "backends") and hasattr(found, "version") else None


def facts(torch: ModuleType | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if torch is not None:
        found["torch"] = _of_torch(torch)
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "show_config"):
        found["numpy"] = _of_numpy(numpy)
    jax = sys.modules.get("jax")
    if jax is not None and hasattr(jax, "config"):
        found["jax"] = {
            name: str(getattr(jax.config, name, None))
            for name in ("jax_enable_x64", "jax_default_matmul_precision", "jax_threefry_partitionable")
        }
    return found


def _of_torch(torch: ModuleType) -> dict[str, Any]:
    backends = torch.backends
    found: dict[str, Any] = {
        "build": torch.__config__.show(),
        "git": torch.version.git_version,
        "cpu_capability": backends.cpu.get_cpu_capability(),
        "default_dtype": str(torch.get_default_dtype()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "deterministic_warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill_uninitialized_memory": torch.utils.deterministic.fill_uninitialized_memory,
        "cudnn_benchmark": backends.cudnn.benchmark,
        "cudnn_deterministic": backends.cudnn.deterministic,
        "cudnn_enabled": backends.cudnn.enabled,
        "mkldnn_enabled": backends.mkldnn.enabled,
        "flush_denormal": bool(torch.tensor(1e-40, dtype=torch.float32).mul(1.0) == 0),
    }
    for name, place in (("matmul_precision", "cuda.matmul"), ("convolution_precision", "cudnn.conv")):
        found[name] = _precision(backends, place)
    return found


def _precision(backends: Any, place: str) -> str:
    """TF32 or not: `fp32_precision` where torch has it, else the older switch. torch refuses to answer both ways in one process."""
    one = backends
    for part in place.split("."):
        one = getattr(one, part, None)
    try:
        new = getattr(one, "fp32_precision", None)
        if new is not None:
            return str(new)
        old = (backends.cuda.matmul if place.startswith("cuda") else backends.cudnn).allow_tf32
    except (RuntimeError, AttributeError) as error:
        return f"unknown: {type(error).__name__}"
    return "tf32" if old else "ieee"


def _of_numpy(numpy: ModuleType) -> dict[str, Any]:
    """The BLAS that numpy was built with, and the vector instructions that it found in this processor."""
    try:
        config = numpy.show_config(mode="dicts")
    except TypeError:  # before 1.26
        return {}
    parts = config.get("Build Dependencies", {})
    simd = config.get("SIMD Extensions", {})
    return {
        "blas": " ".join(str(parts.get("blas", {}).get(key, "")) for key in ("name", "version")).strip(),
        "simd": sorted([*simd.get("baseline", []), *simd.get("found", [])]),
    }
