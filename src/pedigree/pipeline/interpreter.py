"""A Python that steps run with: where it lies and what it can import. The running one, or one that was asked."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

#: What another Python is asked to print, as JSON: everything that `Interpreter` says of the running one.
_QUESTION = """
import json, os, sys
print(json.dumps({
    "executable": sys.executable, "prefix": sys.prefix, "exec_prefix": sys.exec_prefix, "base_prefix": sys.base_prefix,
    "base_exec_prefix": sys.base_exec_prefix, "base_executable": getattr(sys, "_base_executable", sys.executable),
    "implementation": sys.implementation.name, "version": sys.version, "flags": getattr(sys, "abiflags", ""),
    "sites": [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))],
    "library": os.path.dirname(os.__file__),
}))
"""
_SECONDS = 30


class Interpreter(NamedTuple):
    """`sites` are its folders of distributions, in the order of its path; `library` is that of the standard library.

    `version` is `sys.version`, which names the build too; `flags` is `sys.abiflags`.
    """

    executable: str
    prefix: str
    exec_prefix: str
    base_prefix: str
    base_exec_prefix: str
    base_executable: str
    implementation: str
    version: str
    flags: str
    sites: tuple[str, ...]
    library: str

    @property
    def release(self) -> str:
        """`3.11.7`."""
        return release(self.version)


def release(version: str) -> str:
    """The number at the start of `sys.version`."""
    return version.split(" ", 1)[0].rstrip("+")


def running() -> Interpreter:
    """This one, as it is now: what was added to `sys.path` meanwhile counts."""
    return Interpreter(
        sys.executable,
        sys.prefix,
        sys.exec_prefix,
        sys.base_prefix,
        sys.base_exec_prefix,
        getattr(sys, "_base_executable", sys.executable),
        sys.implementation.name,
        sys.version,
        getattr(sys, "abiflags", ""),
        tuple(path for path in dict.fromkeys(sys.path) if path.endswith(("site-packages", "dist-packages"))),
        os.path.dirname(os.__file__),
    )


def ask(executable: str) -> Interpreter | None:
    """The Python at that path; None for what is no Python, does not start, or does not answer."""
    import json
    import subprocess

    # -I: neither this process's variables nor the current folder decide what it says of itself.
    command = [executable, "-I", "-c", _QUESTION]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL, cwd="/"
        )
        said = json.loads(done.stdout)
        return Interpreter(**{**said, "sites": tuple(dict.fromkeys(said["sites"]))})
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError):
        return None
