"""The environment that steps run in: interpreter, installed distributions, platform, settings; and its fingerprint.

What is here is what every step can see and what may change its result. The hardware is recorded beside it, not in the
fingerprint: the same work on another machine of the same kind is the same work.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pedigree import canonical
from pedigree.pipeline import code, view

if TYPE_CHECKING:
    from pedigree.pipeline.model import Pipeline

_MEMORY_FORMAT = 1
#: A folder changed less than this long ago may change again within one tick of the clock, in nanoseconds.
_RACY_NS = 50_000_000

#: Files that an installer writes for itself: they differ between pip and uv, or name the machine's folders.
_INSTALLERS_OWN = (
    "/INSTALLER",
    "/REQUESTED",
    "/RECORD",
    "/direct_url.json",
    "/uv_cache.json",
    "/uv_build.json",
)

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
    """`facts` are JSON values, and `fingerprint` is their digest; `hardware` stands beside them."""

    fingerprint: str
    facts: dict[str, Any]
    hardware: dict[str, Any] = field(compare=False)


def capture(*, cache: Path | None = None) -> Environment:
    """The environment of this interpreter, in which steps run.

    `cache` is a folder that remembers it with the stamps of the folders that hold distributions; then it costs under a
    millisecond. Installing, upgrading or removing a distribution changes those stamps.
    """
    stamp = _stamp()
    memory = None if cache is None else cache / "environment.json"
    facts = _recall(memory, stamp)
    if facts is None:
        before = time.time_ns()
        facts = {
            "python": {
                "implementation": sys.implementation.name,
                "version": sys.version,
                "flags": getattr(sys, "abiflags", ""),
            },
            "platform": _platform(),
            "distributions": dict(sorted(_distributions())),
            "variables": {name: value for name, value in FIXED.items() if name != "PYTHONPATH"},
        }
        _remember(memory, stamp, facts, before)
    return Environment(canonical.digest_of("environment", facts), facts, hardware())


def variables(pipeline: Pipeline) -> dict[str, str]:
    """The variables that a step of the pipeline is given besides Pachyderm's and its own.

    Threads are the cores of `resource_limits.cpu`, rounded up, and one without it: sums depend on the number of threads,
    so it must not depend on the machine.
    """
    limits = pipeline.resource_limits
    cores = 1 if limits is None or not limits.cpu else max(1, -int(-limits.cpu // 1))
    found = {**FIXED, "PATH": search_path(), **dict.fromkeys(THREADS, str(cores))}
    extra = view.extra_paths()
    if extra:
        found["PYTHONPATH"] = ":".join((FIXED["PYTHONPATH"], *extra))
    found["PYTHONNOUSERSITE"] = "1"
    if sys.prefix != sys.base_prefix:
        found["VIRTUAL_ENV"] = sys.prefix
    if pipeline.seed is not None:
        found["PEDIGREE_SEED"] = str(pipeline.seed)
    return found


@lru_cache(maxsize=1)
def search_path() -> str:
    """PATH of every step: the programs of this interpreter's environment first."""
    folders = [os.path.dirname(sys.executable), f"{sys.prefix}/bin"]
    folders += ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return ":".join(dict.fromkeys(folders))


def hardware() -> dict[str, Any]:
    """What computes: processor, cores that this process may use, memory in bytes. Cheap; asks no driver."""
    found: dict[str, Any] = {"machine": os.uname().machine, "processor": "", "memory_bytes": 0}
    found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in ("model name", "Hardware"):
                    found["processor"] = value.strip()
                    break
        found["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        pass  # not Linux: what is known without them
    gpus = list(_names("/proc/driver/nvidia/gpus"))
    if gpus:
        found["gpus"] = len(gpus)
    return found


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


def _sites() -> list[str]:
    """Folders of distributions on the path of this interpreter, in its order."""
    return [path for path in dict.fromkeys(sys.path) if path.endswith(("site-packages", "dist-packages"))]


def _distributions() -> Iterator[tuple[str, dict[str, str]]]:
    """Name, and version with the digest of the installed files; the first on the path counts.

    Editable installations are left out: their files are in no step's view, except as code.
    """
    seen: set[str] = set()
    for site in _sites():
        for entry in sorted(_names(site)):
            if not entry.endswith((".dist-info", ".egg-info")):
                continue
            name, version, editable, record = _distribution(f"{site}/{entry}")
            key = name.lower().replace("_", "-").replace(".", "-")
            if key and key not in seen:
                seen.add(key)
                if not editable:
                    yield key, {"version": version, "files": record}


def _distribution(folder: str) -> tuple[str, str, bool, str]:
    """Name, version, whether it is editable, and the digest of what RECORD says of its files."""
    name = version = record = ""
    metadata = f"{folder}/METADATA" if folder.endswith(".dist-info") else f"{folder}/PKG-INFO"
    for line in _read(metadata).split("\n\n", 1)[0].splitlines():
        if line.startswith("Name:") and not name:
            name = line[5:].strip()
        elif line.startswith("Version:") and not version:
            version = line[8:].strip()
    listed = _read(f"{folder}/RECORD")
    if listed:
        lines = []
        for line in listed.splitlines():
            path, _, rest = line.partition(",")
            # Byte code has no digest and scripts in bin begin with the path of this very interpreter.
            if not path.endswith((".pyc", *_INSTALLERS_OWN)) and not path.startswith("../"):
                lines.append(f"{path},{rest}")
        record = canonical.digest("\n".join(sorted(lines)).encode())
    direct = _read(f"{folder}/direct_url.json")
    editable = '"editable": true' in direct or '"editable":true' in direct
    return name, version, editable, record


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _stamp() -> list[Any]:
    stamp: list[Any] = [_MEMORY_FORMAT, sys.version, sys.executable, sys.prefix, list(os.uname()[:1])]
    for path in (sys.executable, "/etc/os-release", *_sites()):
        try:
            found = os.stat(path)
            stamp.append([path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns])
        except OSError:
            stamp.append([path])
    return stamp


def _recall(memory: Path | None, stamp: list[Any]) -> dict[str, Any] | None:
    if memory is None:
        return None
    try:
        value = json.loads(memory.read_bytes())
        return dict(value["facts"]) if value["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent, torn or foreign


def _remember(memory: Path | None, stamp: list[Any], facts: dict[str, Any], before_ns: int) -> None:
    if memory is None or any(
        isinstance(item, list) and len(item) == 4 and max(item[2:]) > before_ns - _RACY_NS for item in stamp
    ):
        return
    temporary = memory.with_suffix(f".{os.getpid()}")
    try:
        temporary.write_bytes(json.dumps({"stamp": stamp, "facts": facts}).encode())
        os.replace(temporary, memory)
    except OSError:
        return  # a cache that cannot be written costs time, nothing else
