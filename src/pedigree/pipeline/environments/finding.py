"""The Python that an environment was recorded with, among those that are installed here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping

from pedigree.errors import EnvironmentUnavailable
from pedigree.pipeline.interpreter import Interpreter, ask, release, running


def find(recorded: Mapping[str, str]) -> Interpreter:
    """An interpreter, none of a virtual environment, of the release that `recorded` names (facts "python").

    Looked for: the running one's base; python, python3 and pythonX.Y on PATH; those of pyenv and uv. One of the very build that
    is recorded wins; with another build of the same release the environment differs in that. Raises EnvironmentUnavailable.
    """
    wanted = release(recorded["version"])
    same: Interpreter | None = None
    seen: dict[str, None] = {}
    for path in dict.fromkeys(_places(wanted)):
        found = ask(path)
        if found is None:
            continue
        if found.prefix != found.base_prefix:
            found = ask(found.base_executable)
            if found is None or found.prefix != found.base_prefix:
                continue
        seen[f"{found.release} ({found.executable})"] = None
        alike = (found.implementation, found.flags) == (recorded["implementation"], recorded["flags"])
        if alike and found.version == recorded["version"]:
            return found
        if alike and found.release == wanted:
            same = same or found
    if same is None:
        kind = "Python" if recorded["implementation"] == "cpython" else recorded["implementation"]
        raise EnvironmentUnavailable(
            f"The environment has {kind} {wanted}{_flags(recorded['flags'])}, which is not installed here; "
            f"found: {', '.join(seen) or 'none'}.",
            remedy=f"Install it, for example with `uv python install {wanted}` or `pyenv install {wanted}`, and verify again.",
            version=wanted,
        )
    return same


def _flags(flags: str) -> str:
    return f" built with the flags {flags}" if flags else ""


def _places(wanted: str) -> Iterator[str]:
    """Paths that may be such a Python. Those whose folder names another release are not among them."""
    yield running().base_executable
    minor = ".".join(wanted.split(".")[:2])
    home = os.path.expanduser("~")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        # pyenv's shims are scripts that take 100 ms and start what is in versions/, below.
        if folder.startswith("/") and not folder.endswith("/shims"):
            yield from _programs(folder, minor)
    pyenv = os.environ.get("PYENV_ROOT") or f"{home}/.pyenv"
    data = os.environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR") or f"{data}/uv/python"
    for folder in (f"{pyenv}/versions", uv):
        for name in _names(folder):
            # 3.11.7, pypy3.10-7.3, cpython-3.11.7-linux-x86_64-gnu
            if re.search(rf"(?<![\d.]){re.escape(minor)}(?!\d)", name):
                yield from _programs(f"{folder}/{name}/bin", minor)


def _programs(folder: str, minor: str) -> Iterator[str]:
    for name in (f"python{minor}", "python3", "python"):
        path = f"{folder}/{name}"
        if os.access(path, os.X_OK) and path != sys.executable:
            yield path
            return


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
