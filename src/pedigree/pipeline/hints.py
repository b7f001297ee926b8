"""What to do about a step that failed: the last lines that it printed, read for a file that was not there, or a GPU."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline

_MODULE = re.compile(r"No module named '([A-Za-z0-9_.]+)'")
_PATHS = (
    re.compile(r"can't open file '([^'\n]+)'"),
    re.compile(r"No such file or directory: '([^'\n]+)'"),
    re.compile(
        r"(?:^|[\s:'\"`])([^\s:'\"`]+)['\"`]?: (?:No such file or directory|not found|cannot open)",
        re.MULTILINE,
    ),
)


def forbidden_gpu(printed: str) -> str:
    """One sentence where CUDA was kept from starting, as it is under Landlock (seen on an H100, driver 580), or ""."""
    if "cudaGetDeviceCount" in printed and "Error 304" in printed:
        return (
            "CUDA does not start under Landlock: `pedigree doctor` says what bubblewrap or unshare need here; "
            "`pedigree run --isolation rewriting` works too, and keeps less out."
        )
    return ""


def missing_file(printed: str, pipeline: Pipeline, project: Path) -> str:
    """One sentence on which file of the project to give to the step, or ""."""
    root = os.path.normpath(project / pipeline.base / pipeline.code.root)
    module = _MODULE.findall(printed)
    if module:
        return _module(module[-1], root, str(project))
    for pattern in _PATHS:
        found = pattern.findall(printed)
        if found:
            return _path(found[-1], root, str(project))
    return ""


def _module(name: str, root: str, project: str) -> str:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        stem = "/".join(parts[:count])
        for place in dict.fromkeys((root, f"{root}/src", os.path.dirname(root), project, f"{project}/src")):
            for path in (f"{place}/{stem}.py", f"{place}/{stem}/__init__.py"):
                if os.path.isfile(path):
                    return _add(path if path.endswith(f"{parts[0]}.py") else f"{place}/{parts[0]}", root)
    return (
        f"The module {name!r} is neither in the step's code nor installed in {sys.prefix}: "
        "install it there, or add its files to code.include in the spec."
    )


def _path(name: str, root: str, project: str) -> str:
    if name.startswith("/pfs/"):
        return f"{name} is not in this datum: look at the input's glob and at the path."
    inside = name.removeprefix("/code/")
    inside = inside.removeprefix("./")
    for path in (inside if inside.startswith("/") else f"{root}/{inside}", f"{project}/{inside}"):
        path = os.path.normpath(path)
        if path.startswith((project + "/", root + "/")) and os.path.exists(path):
            return _add(path, root)
    if name.startswith("/") and os.path.exists(name):
        return (
            f"{name} exists on this machine, but a step sees only its inputs, its code and its environment: "
            "put it into a repository and make that an input."
        )
    return ""


def _add(path: str, root: str) -> str:
    shown = os.path.relpath(path, root)
    if shown.startswith(".."):
        return (
            f"{path} lies outside of the code's root {root}: set code.root in the spec to a folder above both, "
            "and add the file to code.include."
        )
    return f"{shown} exists in the project but not for this step: add it to the spec as code.include: [{shown}]."
