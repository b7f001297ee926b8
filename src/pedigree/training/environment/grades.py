"""How much a difference between two environments matters to the bits of a result, and why.

Rules, not measurements of this result: the first rule that fits decides. "likely" is for what is known to choose other kernels or
other algorithms, "may" for what does so in some programs, "unlikely" for what no numeric library looks at. Only `pedigree verify`
answers for a given result.
"""

from __future__ import annotations

import fnmatch
from typing import Literal, get_args

Grade = Literal["likely", "may", "unlikely"]

#: From what matters most.
ORDER: tuple[Grade, ...] = get_args(Grade)

WORDS: dict[Grade, str] = {
    "likely": "likely to change results",
    "may": "may change results",
    "unlikely": "unlikely to change results",
}

#: Libraries that compute: with another version, other kernels or other defaults are the rule.
NUMERIC = (
    "torch", "torchvision", "torchaudio", "numpy", "scipy", "jax", "jaxlib", "tensorflow", "keras", "triton", "nvidia-*",
    "mkl", "intel-openmp", "scikit-learn", "numba", "llvmlite", "numexpr", "cupy*", "onnxruntime*", "xgboost", "lightgbm",
    "pillow", "opencv-*", "scikit-image", "kornia", "albumentations", "imageio", "pandas", "polars*", "pyarrow", "tokenizers",
    "transformers", "lightning", "pytorch-lightning", "optuna", "umap-learn", "ml-dtypes",
)  # fmt: skip

#: Tools of those who write the program, which the program does not import.
TOOLS = (
    "pip", "setuptools", "wheel", "uv", "hatchling", "build", "twine", "pytest*", "hypothesis", "coverage", "tox", "nox", "ruff",
    "mypy*", "black", "isort", "flake8", "pylint", "pyright", "pre-commit", "sphinx*", "mkdocs*", "ipython*", "jupyter*",
    "notebook", "types-*", "import-linter", "debugpy", "virtualenv", "tqdm", "rich", "pygments", "moto",
)  # fmt: skip

#: Instructions that numeric libraries ask for when they choose their code, as Linux spells them.
VECTOR_FLAGS = (
    "sse*",
    "ssse3",
    "avx*",
    "fma*",
    "f16c",
    "amx*",
    "vnni*",
    "asimd*",
    "sve*",
    "sme*",
    "neon",
    "fphp",
    "bf16",
    "i8mm",
)

_SUMS = "sums are split among threads, so their order and their last bits can change with the number"
_RULES: tuple[tuple[str, Grade, str], ...] = (
    ("code.commit", "may", "other code"),
    ("code.diff*", "may", "other code, not committed"),
    ("code.untracked*", "may", "files that git does not know can be imported or read"),
    ("code.why", "unlikely", "only whether git could tell"),
    ("interpreter.hash_seed", "may", "sets of texts are walked in another order"),
    ("interpreter.optimize", "may", "assertions and __debug__ blocks do not run"),
    ("interpreter.gil", "may", "threads interleave otherwise"),
    ("interpreter.version", "may", "the standard library changes between versions, random.shuffle and hashes of floats included"),
    ("interpreter.implementation", "likely", "another interpreter orders and rounds in its own way"),
    ("interpreter.byte_order", "likely", "bytes of arrays are in another order"),
    ("interpreter.hash_algorithm", "may", "sets of texts are walked in another order"),
    ("interpreter.*", "unlikely", "how Python was built or started, and it computes floats as IEEE 754 says either way"),
    ("system.libc*", "may", "exp, log, sin and pow of the C library differ in last bits between versions"),
    ("system.machine", "likely", "another instruction set"),
    ("system.name", "likely", "another operating system has other libraries of mathematics"),
    ("system.distribution", "may", "its libraries of mathematics may differ"),
    ("system.container.*", "may", "an image brings libraries of the system that pip does not know"),
    ("system.encoding.*", "may", "text files may be read otherwise"),
    ("system.locale", "may", "sorting and numbers in text follow it where a program asks for it"),
    ("system.timezone", "unlikely", "only what reads the clock"),
    ("system.kernel", "unlikely", "the kernel computes nothing; the order of folders may change"),
    ("cpu.flags.vector", "likely", "libraries choose other kernels by these instructions"),
    ("cpu.flags.other", "unlikely", "no library chooses its kernels by these"),
    ("cpu.vendor", "may", "MKL and others choose kernels by the maker"),
    ("cpu.model", "may", "libraries choose block sizes and kernels by the model"),
    ("cpu.family", "may", "libraries choose block sizes and kernels by the model"),
    ("cpu.number", "may", "libraries choose block sizes and kernels by the model"),
    ("cpu.stepping", "unlikely", "a revision of the same processor"),
    ("cpu.microcode", "unlikely", "mends faults; the results of instructions are specified"),
    ("cpu.cores*", "may", f"the default number of threads follows it, and {_SUMS}"),
    ("cpu.quota", "may", f"some libraries take their number of threads from it, and {_SUMS}"),
    ("cpu.memory_bytes", "unlikely", "size alone changes nothing, unless batches are chosen by it"),
    ("gpu.driver", "may", "it compiles PTX for the card, and chooses among algorithms"),
    ("gpu.devices*.name", "likely", "kernels are chosen by the card"),
    ("gpu.devices*.capability", "likely", "kernels are chosen by the card's architecture"),
    ("gpu.devices*.memory_mib", "may", "cuDNN chooses algorithms by the memory that is free"),
    ("gpu.devices*.mig", "may", "a part of a card has fewer multiprocessors, by which sums are split"),
    ("gpu.devices*.*", "unlikely", "computes the same"),
    ("gpu.devices*", "likely", "another number of cards"),
    ("gpu.torch.cuda", "likely", "other cuBLAS and other kernels"),
    ("gpu.torch.cudnn", "likely", "other convolution algorithms"),
    ("gpu.torch.nccl", "may", "sums over several cards are taken in another order"),
    ("gpu.torch", "may", "one process had not imported torch when it was captured, so what it brought is not known"),
    ("gpu.torch.sees", "may", "one process used CUDA and the other not yet, or they see other cards"),
    ("gpu.*", "likely", "another GPU library or card"),
    ("threads.pools.*.threads", "may", _SUMS),
    ("threads.pools.*.architecture", "likely", "the BLAS uses kernels of another processor"),
    ("threads.pools.*", "may", "another library computes, or one was not loaded yet when the environment was captured"),
    ("threads.*", "may", _SUMS),
    ("numerics.torch.build", "may", "torch was built otherwise"),
    ("numerics.torch.cpu_capability", "likely", "torch uses kernels of other vector instructions"),
    ("numerics.torch.default_dtype", "likely", "numbers have another precision"),
    ("numerics.torch.deterministic*", "may", "operations take another algorithm, or one whose result varies"),
    ("numerics.torch.cudnn_benchmark", "likely", "cuDNN times its algorithms and takes the fastest of the day"),
    ("numerics.torch.*_precision", "likely", "TF32 rounds inputs to 10 bits of fraction"),
    ("numerics.torch.fill_uninitialized_memory", "unlikely", "matters only to a program that reads memory before writing it"),
    ("numerics.*", "may", "a numeric library is set otherwise, or was not imported yet when the environment was captured"),
    ("variables.PYTHONHASHSEED", "may", "sets of texts are walked in another order"),
    ("variables.*THREADS*", "may", _SUMS),
    ("variables.OMP_*", "may", "OpenMP splits work otherwise"),
    ("variables.MKL_*", "likely", "MKL takes other code paths"),
    ("variables.ATEN_CPU_CAPABILITY", "likely", "torch uses kernels of other vector instructions"),
    ("variables.CUBLAS*", "likely", "cuBLAS chooses algorithms by its workspace"),
    ("variables.NVIDIA_TF32_OVERRIDE", "likely", "TF32 rounds inputs to 10 bits of fraction"),
    ("variables.*_VISIBLE_DEVICES", "may", "other cards, or another number of them"),
    ("variables.KMP_DUPLICATE_LIB_OK", "unlikely", "importing torch sets it"),
    ("variables.LANG*", "may", "sorting and numbers in text follow it where a program asks for it"),
    ("variables.LC_*", "may", "sorting and numbers in text follow it where a program asks for it"),
    ("variables.TZ", "unlikely", "only what reads the clock"),
    ("variables.SOURCE_DATE_EPOCH", "unlikely", "only times written into files"),
    ("variables.*", "may", "a setting that libraries read"),
)  # fmt: skip


def grade(path: str) -> tuple[Grade, str]:
    """Grade and reason for a fact by its path, such as `gpu.devices[0].name`. Packages have `grade_package`."""
    for pattern, found, reason in _RULES:
        # Brackets stand for sets of characters in patterns; in paths they hold positions.
        if fnmatch.fnmatchcase(path.replace("[", "<").replace("]", ">"), pattern):
            return found, reason
    return "may", "nothing is known about it"


def grade_package(name: str, *, same_version: bool) -> tuple[Grade, str]:
    """Grade and reason for a distribution that differs."""
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in TOOLS):
        return "unlikely", "a tool that programs do not import"
    if same_version:
        return "may", "one version with other bytes: another build, or files edited after installing"
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in NUMERIC):
        return "likely", "it computes, and kernels or defaults change between versions"
    return "may", "a program may import it"


def is_vector(flag: str) -> bool:
    return any(fnmatch.fnmatchcase(flag, pattern) for pattern in VECTOR_FLAGS)
