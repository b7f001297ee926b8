"""Processors and memory, for captured environments and for jobs: what numeric libraries look at when they choose their code."""

from __future__ import annotations

import os
import sys
from typing import Any

from pedigree.training.environment import records

#: Lines of /proc/cpuinfo, on x86 and ARM.
_NAMES = {
    "model name": "model",
    "vendor_id": "vendor",
    "cpu family": "family",
    "model": "number",
    "stepping": "stepping",
    "microcode": "microcode",
    "CPU implementer": "vendor",
    "CPU part": "number",
    "CPU variant": "stepping",
    "flags": "flags",
    "Features": "flags",
}


def facts() -> dict[str, Any]:
    """`cores_usable` are those that this process may run on, `quota` the control group's share in cores; sizes in bytes."""
    found: dict[str, Any] = {"model": "", "flags": []}
    found |= of_cpuinfo("".join(records.head("/proc/cpuinfo"))) if sys.platform == "linux" else _elsewhere()
    found["cores"] = os.cpu_count() or 0
    found["cores_usable"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else found["cores"]
    quota = of_quota(_read("/sys/fs/cgroup/cpu.max"))
    if quota is not None:
        found["quota"] = quota
    found["memory_bytes"] = _memory()
    return found


def of_cpuinfo(text: str) -> dict[str, Any]:
    """The first processor's facts; flags sorted."""
    found: dict[str, Any] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        name = _NAMES.get(key.strip())
        if name is not None:
            found.setdefault(name, sorted(value.split()) if name == "flags" else value.strip())
    return found


def of_quota(text: str) -> float | None:
    """Cores from `quota period` in microseconds of cpu.max; None for `max` and for no such file."""
    words = text.split()
    if len(words) != 2 or not words[0].isdigit() or not words[1].isdigit() or words[1] == "0":
        return None
    return int(words[0]) / int(words[1])


def _elsewhere() -> dict[str, Any]:
    import platform
    import subprocess

    try:
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        model = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        model = ""
    return {"model": model or platform.processor()}


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
