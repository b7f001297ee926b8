"""The Python that runs: which, built how, started how."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from functools import lru_cache
from typing import Any

from pedigree import canonical

#: What was chosen when Python was built and changes how it computes, hashes or counts references.
_BUILD = ("CONFIG_ARGS", "OPT", "PY_CFLAGS", "Py_DEBUG", "Py_GIL_DISABLED", "WITH_PYMALLOC")
_CHUNK_BYTES = 1 << 20


def facts() -> dict[str, Any]:
    """`hash_seed` is PYTHONHASHSEED as it works: a number, or "random", with which sets of texts have another order every time."""
    flags = sys.flags
    return {
        "implementation": sys.implementation.name,
        "version": platform.python_version(),
        "build": " ".join(platform.python_build()),
        "compiler": platform.python_compiler(),
        "executable": _digest(os.path.realpath(sys.executable)),
        "build_flags": {name: _text(sysconfig.get_config_var(name)) for name in _BUILD},
        "byte_order": sys.byteorder,
        "hash_algorithm": sys.hash_info.algorithm,
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random") if not flags.hash_randomization else _seed(),
        "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "optimize": flags.optimize,
        "dev_mode": flags.dev_mode,
        "utf8_mode": flags.utf8_mode,
        "isolated": flags.isolated,
        "int_max_str_digits": flags.int_max_str_digits,
    }


def _seed() -> str:
    # With a seed above 0 Python still calls its hashing randomised; `-I` and `-E` ignore the variable.
    seed = os.environ.get("PYTHONHASHSEED", "random") or "random"
    return "random" if sys.flags.ignore_environment else seed


@lru_cache(maxsize=4)
def _digest(path: str) -> str:
    hasher = canonical.hasher()
    try:
        with open(path, "rb") as file:
            while data := file.read(_CHUNK_BYTES):
                hasher.update(data)
    except OSError:
        return ""
    return hasher.hexdigest()


def _text(value: Any) -> str:
    """Without the folders in which Python was built and lies: they differ between equal builds, and may hold a user's name."""
    return " ".join(word for word in ("" if value is None else str(value)).split() if "/" not in word)
