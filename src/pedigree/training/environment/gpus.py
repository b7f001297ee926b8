"""Graphics processors, their driver, and the CUDA libraries that torch brought."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

#: What nvidia-smi is asked, and our names. Serial numbers are not asked: another card of one model computes the same.
_ASKED = {
    "name": "name",
    "driver_version": "driver",
    "memory.total": "memory_mib",
    "compute_cap": "capability",
    "vbios_version": "vbios",
    "ecc.mode.current": "ecc",
    "mig.mode.current": "mig",
}
_SECONDS = 10


def facts(torch: ModuleType | None) -> dict[str, Any]:
    """`devices` as the driver lists them, `driver`, and of torch `cuda`, `cudnn`, `nccl`, `hip` and what it `sees`.

    torch is not made to start CUDA: it `sees` devices only once the process uses them.
    """
    found: dict[str, Any] = {"devices": [], "driver": ""}
    answer = _nvidia_smi()
    if answer:
        found["devices"] = of_listing(answer)
        found["driver"] = found["devices"][0]["driver"] if found["devices"] else ""
    else:
        found |= of_proc()
    for device in found["devices"]:
        device.pop("driver", None)
    if torch is not None:
        found["torch"] = _of_torch(torch)
    return found


def of_listing(text: str) -> list[dict[str, str]]:
    """Devices from nvidia-smi's CSV without header; what a card does not have reads `[N/A]` there and is left out."""
    devices = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == len(_ASKED):
            pairs = zip(_ASKED.values(), cells, strict=True)
            devices.append({name: cell for name, cell in pairs if not cell.startswith("[") and cell != "N/A"})
    return devices


def _nvidia_smi() -> str:
    import subprocess

    asked = ["nvidia-smi", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def of_proc(folder: str = "/proc/driver/nvidia") -> dict[str, Any]:
    """`devices` and `driver` without asking the driver: in less than a millisecond, and where there is no nvidia-smi."""
    devices = []
    try:
        for name in sorted(os.listdir(f"{folder}/gpus")):
            with open(f"{folder}/gpus/{name}/information", encoding="utf-8", errors="replace") as file:
                lines = dict(line.strip().partition(":")[::2] for line in file)
            devices.append({"name": lines.get("Model", "").strip()})
        with open(f"{folder}/version", encoding="utf-8", errors="replace") as file:
            words = file.readline().split()
    except OSError:
        return {"devices": devices, "driver": ""}
    return {"devices": devices, "driver": next((word for word in words if word[:1].isdigit()), "")}


def system_cuda(folder: str = "/usr/local/cuda") -> str:
    """The version of the toolkit that is installed for the whole machine; empty where none is."""
    try:
        with open(f"{folder}/version.json", encoding="utf-8") as file:
            return str(json.load(file)["cuda"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _of_torch(torch: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = {"cuda": torch.version.cuda, "hip": getattr(torch.version, "hip", None)}
    if torch.version.cuda is not None:
        found["cudnn"] = torch.backends.cudnn.version()
        nccl = getattr(torch.cuda, "nccl", None)
        try:
            found["nccl"] = ".".join(map(str, nccl.version())) if nccl is not None else ""
        except (RuntimeError, AttributeError):
            found["nccl"] = ""  # a build without it
    if torch.version.cuda is not None and torch.cuda.is_initialized():
        properties = [torch.cuda.get_device_properties(place) for place in range(torch.cuda.device_count())]
        found["sees"] = [
            {
                "name": one.name,
                "capability": f"{one.major}.{one.minor}",
                "multiprocessors": one.multi_processor_count,
                "memory_bytes": one.total_memory,
            }
            for one in properties
        ]
    return found
