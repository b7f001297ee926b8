"""Environment variables by an allow-list: those that are known to change results, and no others, since any other may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pedigree.errors import InvalidInput

NAMES = frozenset(
    {
        # Python
        "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONNOUSERSITE", "PYTHONDEVMODE",
        "PYTHONMALLOC", "PYTHON_GIL", "PYTHONINTMAXSTRDIGITS",
        # locale, time
        "LANG", "LANGUAGE", "TZ", "SOURCE_DATE_EPOCH",
        # the loader and the allocator
        "LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_ARENA_MAX", "MALLOC_PERTURB_",
        # threads, where no prefix below has them
        "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "TOKENIZERS_PARALLELISM",
        # kernels on the processor
        "ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NUMBA_CPU_NAME",
        "NUMBA_CPU_FEATURES", "BLIS_ARCH_TYPE", "BLIS_NUM_THREADS",
        # CUDA and what uses it
        "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "CUDA_DEVICE_MAX_CONNECTIONS",
        "CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE", "NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES",
        "CUDNN_DETERMINISTIC", "NCCL_ALGO", "NCCL_PROTO", "NCCL_MIN_NCHANNELS", "NCCL_MAX_NCHANNELS", "NCCL_NTHREADS",
        "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
        # torch
        "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_CUDNN_V8_API_DISABLED",
        "TORCH_BLAS_PREFER_CUBLASLT", "TORCH_COMPILE_DISABLE", "TORCHDYNAMO_DISABLE", "PYTORCH_ENABLE_MPS_FALLBACK",
        "WORLD_SIZE", "RANK", "LOCAL_RANK",
        # TensorFlow, JAX
        "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS", "XLA_FLAGS", "JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_PLATFORMS",
        "JAX_THREEFRY_PARTITIONABLE",
        # ours
        "PEDIGREE_SEED",
    }
)  # fmt: skip

#: Every variable with such a beginning is a documented setting of OpenMP, a BLAS, oneDNN or the locale.
PREFIXES = ("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "GOTO_", "NUMEXPR_", "DNNL_", "ONEDNN_", "LC_")

_SECRET = re.compile(
    r"SECRET|TOKEN(?!IZERS)|PASSW|CREDENTIAL|PRIVATE|AUTH|COOKIE|(^|_)(API|ACCESS|SSH|GPG|SIGNING|ENCRYPTION)?_?KEY(_|$)"
)


def facts(environ: Mapping[str, str], extra: Sequence[str] = ()) -> dict[str, str]:
    """The allowed variables that are set, by name. Raises InvalidInput for an extra name that sounds like a secret."""
    if isinstance(extra, str):
        raise InvalidInput(f"extra_variables={extra!r} is one text.", remedy="Give a list of names.")
    for name in extra:
        if _SECRET.search(name.upper()):
            raise InvalidInput(
                f"The variable {name!r} is called like a secret, and captured environments are stored and shown.",
                remedy="Leave it out; if its value is harmless, copy it to a variable with another name.",
                variable=name,
            )
    return {name: value for name, value in sorted(environ.items()) if name in extra or _allowed(name)}


def _allowed(name: str) -> bool:
    return name in NAMES or (name.startswith(PREFIXES) and not _SECRET.search(name))
