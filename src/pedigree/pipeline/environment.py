"""The environment that steps run in: interpreter, installed distributions, platform, settings; and its fingerprint.

What is here is what every step can see and what may change its result. The hardware is recorded beside it, not in the
fingerprint: the same work on another machine of the same kind is the same work.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.pipeline import code, installed, interpreter, tripwire, view

if TYPE_CHECKING:
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.pipeline.model import Pipeline

_MEMORY_FORMAT = 3
#: A file changed less than this long ago may change again within one tick of the clock, in nanoseconds.
_RACY_NS = 50_000_000

#: Variables that count threads, for every library that reads one.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)

#: Variables of every step, the same on every machine.
FIXED = {
    "HOME": view.HOME,
    "USER": "user",
    "LOGNAME": "user",
    "SHELL": "/bin/sh",
    "TMPDIR": view.TMP,
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "SOURCE_DATE_EPOCH": "0",
    "PYTHONHASHSEED": "0",
    # /code and the environment are read-only: do not even try.
    "PYTHONDONTWRITEBYTECODE": "1",
    # What a step prints before it is killed is in its log, in the order of printing.
    "PYTHONUNBUFFERED": "1",
    "PYTHONPATH": code.SEARCH_PATH,
    # Two runs of one CUDA program need this for equal sums (cuBLAS, "Results reproducibility").
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """`facts` are JSON values, and `fingerprint` is their digest."""

    fingerprint: str
    facts: dict[str, Any]

    @property
    def hardware(self) -> dict[str, Any]:
        """What computes, of this machine. It stands beside the facts, and is looked at when it is asked for."""
        return hardware()


def capture(*, cache: Path | None = None, python: Interpreter | None = None) -> Environment:
    """The environment in which steps run: that of the running interpreter, or of `python`.

    `cache` is a folder that remembers it. Then only the times of the installed files are looked at, and their contents again
    when one of them changed since: an installation, but also an edit in site-packages. Of another interpreter every
    file is read, and what installers wrote of them is not believed.
    """
    this = python or interpreter.running()
    stamp = _stamp(this)
    memory = None if cache is None else f"{cache}/{tripwire.MEMORY}"
    found = None if memory is None else tripwire.recall(memory, stamp)
    if not isinstance(found, dict):
        before = time.time_ns()
        found = {
            "python": {
                "implementation": this.implementation,
                "version": this.version,
                "flags": this.flags,
            },
            "platform": _platform(),
            **installed.facts(this.sites, this.library, trusting=python is None),
            **installed.data(this.prefix),
            "variables": {name: value for name, value in FIXED.items() if name != "PYTHONPATH"},
        }
        if memory is not None:
            folders = [*this.sites, this.library, *installed.data_folders(this.prefix)]
            without = installed.others(this.sites, this.library)
            moment = before - _RACY_NS
            tripwire.remember(memory, stamp, found, moment_ns=moment, folders=folders, without=without)
    return Environment(canonical.digest_of("environment", found), found)


def variables(pipeline: Pipeline, python: Interpreter | None = None) -> dict[str, str]:
    """The variables that a step of the pipeline is given besides Pachyderm's and its own, run by `python`.

    Threads are the cores of `resource_limits.cpu`, rounded up, and one without it: sums depend on the number of threads,
    so it must not depend on the machine.
    """
    limits = pipeline.resource_limits
    cores = 1 if limits is None or not limits.cpu else max(1, -int(-limits.cpu // 1))
    this = python or interpreter.running()
    found = {**FIXED, "PATH": search_path(this), **dict.fromkeys(THREADS, str(cores))}
    extra = view.extra_paths(python)
    if extra:
        found["PYTHONPATH"] = ":".join((FIXED["PYTHONPATH"], *extra))
    found["PYTHONNOUSERSITE"] = "1"
    if this.prefix != this.base_prefix:
        found["VIRTUAL_ENV"] = this.prefix
    if pipeline.seed is not None:
        found["PEDIGREE_SEED"] = str(pipeline.seed)
    return found


def search_path(this: Interpreter) -> str:
    """PATH of every step: the programs of the interpreter's environment first."""
    folders = [os.path.dirname(this.executable), f"{this.prefix}/bin"]
    folders += ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join(dict.fromkeys(folders))


def hardware() -> dict[str, Any]:
    """What computes: processor and its flags, cores that this process may use and its share of them, memory in bytes, GPUs.

    Cheap: asks no driver and loads no library. The CUDA and cuDNN that a step uses are distributions (`nvidia-cudnn-cu13`) or
    part of torch's, so the facts have them; `cuda` is that of the system, where it has one.
    """
    from pedigree.training.environment import gpus, processors

    cpu = processors.facts()
    found: dict[str, Any] = {
        "machine": os.uname().machine,
        "processor": cpu["model"],
        "flags": cpu["flags"],
        "memory_bytes": cpu["memory_bytes"],
        "cores": cpu["cores_usable"],
    }
    if "quota" in cpu:
        found["quota"] = cpu["quota"]
    cards = gpus.of_proc()
    if cards["devices"]:
        found["gpus"] = [device["name"] for device in cards["devices"]]
    more = {"driver": cards["driver"], "cuda": gpus.system_cuda()}
    return found | {name: value for name, value in more.items() if value}


def _platform() -> dict[str, str]:
    name = os.uname()
    found = {"system": name.sysname, "machine": name.machine}
    try:
        found["libc"] = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        found["libc"] = ""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            lines = dict(line.strip().partition("=")[::2] for line in file if "=" in line)
        found["distribution"] = " ".join(lines.get(key, "").strip('"') for key in ("ID", "VERSION_ID")).strip()
    except OSError:
        found["distribution"] = ""
    return found


def _stamp(this: Interpreter) -> list[Any]:
    stamp: list[Any] = [
        _MEMORY_FORMAT,
        this.version,
        this.executable,
        this.prefix,
        list(os.uname()[:1]),
        list(this.sites),
    ]
    for path in (this.executable, "/etc/os-release"):
        try:
            found = os.stat(path)
            stamp.append([path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns])
        except OSError:
            stamp.append([path])
    return stamp
