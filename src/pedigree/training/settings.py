"""The numeric settings of torch that a result depends on, as one frozen value."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import torch

#: Which float32 products and convolutions may be computed with fewer bits: torch's names for (backend, operation).
PRECISIONS = tuple((backend, kind) for backend in ("cuda", "mkldnn") for kind in ("matmul", "conv", "rnn"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What stood while a block, a function or a process was deterministic. `to_json` gives plain JSON values."""

    #: "full" or "close".
    level: str
    #: Whether results are independent of `threads` as well.
    across_threads: bool
    torch: str
    threads: int
    #: Between operations; torch fixes it when it first works, and the bits do not depend on it.
    interop_threads: int
    #: "error" or "warn": what an operation without a deterministic form does.
    without_deterministic_form: str
    fill_uninitialized_memory: bool
    cudnn_deterministic: bool
    cudnn_benchmark: bool
    mkldnn: bool
    mkldnn_deterministic: bool | None
    #: "highest" is float32 throughout; "high" lets products use TF32.
    float32_matmul_precision: str
    cudnn_tf32: bool
    reduced_precision_sums: bool
    cublas_workspace_config: str | None
    mkl_cbwr: str | None
    #: Device type to dtype, where autocast was on.
    autocast: dict[str, str]
    #: What could not be had, and why.
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self) | {"notes": list(self.notes)}


def present(level: str, across_threads: bool, notes: tuple[str, ...]) -> Settings:
    """The settings as they stand now, read back from torch and not from what was asked for."""
    products = torch.backends.cuda.matmul
    return Settings(
        level=level,
        across_threads=across_threads,
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        interop_threads=torch.get_num_interop_threads(),
        without_deterministic_form="warn" if torch.is_deterministic_algorithms_warn_only_enabled() else "error",
        fill_uninitialized_memory=bool(torch.utils.deterministic.fill_uninitialized_memory),  # type: ignore[attr-defined]  # a module that is a class
        cudnn_deterministic=torch.backends.cudnn.deterministic,
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        mkldnn=bool(torch.backends.mkldnn.enabled),
        mkldnn_deterministic=getattr(torch.backends.mkldnn, "deterministic", None),
        float32_matmul_precision=torch.get_float32_matmul_precision(),
        cudnn_tf32=torch.backends.cudnn.allow_tf32,
        reduced_precision_sums=bool(
            products.allow_fp16_reduced_precision_reduction or products.allow_bf16_reduced_precision_reduction
        ),
        cublas_workspace_config=os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        mkl_cbwr=os.environ.get("MKL_CBWR"),
        autocast={
            kind: str(torch.get_autocast_dtype(kind)).removeprefix("torch.")
            for kind in ("cpu", "cuda")
            if torch.is_autocast_enabled(kind)
        },
        notes=notes,
    )
