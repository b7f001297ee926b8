"""What the jobs of these tests do, as functions that another process finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pedigree.config import launching
from tests.config.launching.frozen import values


def square(path: str) -> float:
    return float(values(path)["x"]) ** 2


def do(path: str) -> Any:
    """What the point says under `what`."""
    what = values(path)["what"]
    print(f"doing {what}")
    if what == "raise":
        raise ValueError("the data is bad")
    if what == "exit":
        sys.exit(7)
    if what == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "lose":
        os.kill(os.getppid(), signal.SIGKILL)  # the supervisor
        time.sleep(60)
    if what == "sleep":
        time.sleep(60)
    if what == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        launching.report({"pids": [os.getpid(), child.pid]})
        time.sleep(60)
    if what == "text":
        return "fine"
    return {"what": what}


def mended(path: str) -> str:
    """Fails until the file `mended` lies beside the sweep."""
    if not (Path(os.environ["PEDIGREE_JOB"]).parents[2] / "mended").exists():
        raise ValueError("not mended yet")
    return "mended"


def counted(path: str) -> float:
    """Leaves a line for its start, and one for its end."""
    trace = Path(os.environ["PEDIGREE_JOB"]) / "trace"
    with trace.open("a") as file:
        file.write("start\n")
    time.sleep(0.15)
    with trace.open("a") as file:
        file.write("end\n")
    return float(values(path)["x"])


def told(path: str) -> dict[str, Any]:
    """What the process knows of itself."""
    place = launching.DistEnv.from_env()
    return {
        "rank": place.rank,
        "world": place.world_size,
        "launcher": place.launcher,
        "node": os.environ.get("RAY_RAYLET_PID"),
        "device": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "config": os.environ["PEDIGREE_CONFIG"] == path,
    }


def told_after_a_while(path: str) -> dict[str, Any]:
    """The same, after long enough for the workers of a second node to be there."""
    time.sleep(3)
    return told(path)


def quadratic(path: str) -> dict[str, float]:
    found = values(path)
    return {"loss": (float(found["x"]) - 2) ** 2 + (found.get("opt") == "b")}


def partly(path: str) -> Any:
    """Fails below -5, has no value from there to 0, and is nan above 5."""
    x = float(values(path)["x"])
    if x < -5:
        raise ValueError("diverged")
    if x < 0:
        return {"other": 1}
    return {"loss": float("nan") if x > 5 else x}


def all_reduce(path: str) -> list[float]:
    """The sum over all ranks of rank + 1, by gloo."""
    import torch
    import torch.distributed as dist

    place = launching.DistEnv.from_env()
    dist.init_process_group("gloo")
    one = torch.tensor([float(place.rank + 1)])
    dist.all_reduce(one)
    dist.destroy_process_group()
    print(f"rank {place.rank} of {place.world_size}, local {place.local_rank}, {values(path)['x']}")
    return [one.item(), float(values(path)["x"])]


def last_rank_fails(path: str) -> None:
    place = launching.DistEnv.from_env()
    Path(os.environ["PEDIGREE_JOB"], f"pid{place.rank}").write_text(str(os.getpid()))
    if place.rank == place.world_size - 1:
        time.sleep(0.3)
        raise ValueError("rank gone wrong")
    time.sleep(60)
