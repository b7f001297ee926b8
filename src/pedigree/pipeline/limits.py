"""Limits on memory and cores: set on a sandbox before its command begins, inherited by everything in it.

A control group is the exact tool: it counts all processes of the step together, and the kernel says when it had to
kill. Where this user may not make one, memory is limited per process (RLIMIT_AS) and cores by affinity.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from dataclasses import dataclass
from functools import lru_cache

#: The most processes and threads that all steps may have together: enough for any program, too few for a fork bomb to
#: stop the machine.
MOST_PROCESSES = 8192
#: The same where control groups cannot count them: all processes of this user count then, not only the step's.
MOST_OF_USER = 16384

_PERIOD_US = 100_000
_numbers = itertools.count()


class Crowd:
    """Bounds the number of processes over all steps. A context manager; threads may share it, and they may be nested.

    To move a process into a control group makes the kernel wait for all others, 10 ms on a busy machine (measured). So
    this process moves itself, once, and its children are born there. That is done where the group counts processes and
    nothing else (version 1); elsewhere the user's limit on processes serves, which does not bind root.
    """

    def __enter__(self) -> Crowd:
        with _guard:
            _nested.append(_move_in() if not _nested else _nested[0])
        return self

    def __exit__(self, *_: object) -> None:
        with _guard:
            folder = _nested.pop()
            if folder and not _nested:
                _write(f"{os.path.dirname(folder)}/cgroup.procs", str(os.getpid()), optional=True)
                _remove_group(folder)

    def add(self, pid: int) -> None:
        """Bound the process, which has no children yet, and all that it will start."""
        if _nested and _nested[0]:
            return  # it was born in the group
        import resource

        if hasattr(resource, "prlimit"):
            _, hard = resource.prlimit(pid, resource.RLIMIT_NPROC)
            most = MOST_OF_USER if hard == resource.RLIM_INFINITY else min(hard, MOST_OF_USER)
            resource.prlimit(pid, resource.RLIMIT_NPROC, (most, most))


_guard = threading.Lock()
#: One entry per crowd in use: the group that this process is in, "" for none.
_nested: list[str] = []


def _move_in() -> str:
    parent = _parents().get("pids")
    if parent is None or os.path.exists(f"{parent}/cgroup.controllers"):
        return ""
    folder = f"{parent}/pedigree-{os.getpid()}-{next(_numbers)}"
    try:
        os.mkdir(folder)
        _write(f"{folder}/pids.max", str(MOST_PROCESSES))
        _write(f"{folder}/cgroup.procs", str(os.getpid()))
    except OSError:
        _remove_group(folder)
        return ""
    return folder


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one running datum; None sets no limit. `cpu` counts cores and may be a fraction."""

    memory_bytes: int | None = None
    cpu: float | None = None
    crowd: Crowd | None = None

    def fence(self, pid: int) -> Fence:
        """Put the process, which has no children yet, behind these limits."""
        if self.crowd is not None:
            self.crowd.add(pid)
        if self.memory_bytes is None and self.cpu is None:
            return Fence(self, None)
        groups = _make_groups(self, pid)
        if groups is None:
            _limit_process(self, pid)
        return Fence(self, groups)


class Fence:
    """Limits in force. `close` after the last process behind it is gone."""

    def __init__(self, limits: Limits, groups: dict[str, str] | None) -> None:
        self._limits = limits
        self._groups = groups

    def close(self) -> str:
        """Why the kernel killed a process behind the fence, or ""."""
        if self._groups is None:
            return ""
        killed = self._limits.memory_bytes is not None and _killed(self._groups["memory"])
        for folder in dict.fromkeys(self._groups.values()):
            _remove_group(folder)
        return "memory" if killed else ""


def describe(memory_bytes: int) -> str:
    """The amount with the largest unit that keeps it short: 512 MiB."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if memory_bytes >= size:
            return f"{memory_bytes / size:.4g} {unit}"
    return f"{memory_bytes} bytes"


def _make_groups(limits: Limits, pid: int) -> dict[str, str] | None:
    parents = _parents()
    needed = [name for name, value in (("memory", limits.memory_bytes), ("cpu", limits.cpu)) if value is not None]
    if any(name not in parents for name in needed):
        return None
    leaf = f"pedigree-{os.getpid()}-{next(_numbers)}"
    made: dict[str, str] = {}
    try:
        for name in needed:
            folder = f"{parents[name]}/{leaf}"
            if folder not in made.values():
                os.mkdir(folder)
            made[name] = folder
        _configure(limits, made)
        for folder in dict.fromkeys(made.values()):
            _write(f"{folder}/cgroup.procs", str(pid))
    except OSError:
        for folder in dict.fromkeys(made.values()):
            _remove_group(folder)
        return None
    return made


def _configure(limits: Limits, groups: dict[str, str]) -> None:
    if limits.memory_bytes is not None:
        folder, amount = groups["memory"], str(limits.memory_bytes)
        if os.path.exists(f"{folder}/memory.max"):
            _write(f"{folder}/memory.max", amount)
            _write(f"{folder}/memory.swap.max", "0", optional=True)
            # One process killed by the kernel is the end of the step, not a puzzle for the others.
            _write(f"{folder}/memory.oom.group", "1", optional=True)
        else:
            _write(f"{folder}/memory.limit_in_bytes", amount)
            _write(f"{folder}/memory.memsw.limit_in_bytes", amount, optional=True)
    if limits.cpu is not None:
        folder, quota = groups["cpu"], max(1000, round(limits.cpu * _PERIOD_US))
        if os.path.exists(f"{folder}/cpu.max"):
            _write(f"{folder}/cpu.max", f"{quota} {_PERIOD_US}")
        else:
            _write(f"{folder}/cpu.cfs_period_us", str(_PERIOD_US))
            _write(f"{folder}/cpu.cfs_quota_us", str(quota))


def _killed(folder: str) -> bool:
    for name, word in (("memory.events", "oom_kill"), ("memory.oom_control", "oom_kill")):
        try:
            with open(f"{folder}/{name}") as file:
                for line in file:
                    key, _, value = line.partition(" ")
                    if key == word:
                        return int(value) > 0
        except OSError:
            continue
    return False


@lru_cache(maxsize=1)
def _parents() -> dict[str, str]:
    """The folder per controller in which this process may make groups; a controller that it may not use is absent.

    Version 1 has a hierarchy per controller, version 2 one for all, where a group that holds processes cannot pass
    controllers on: there we make a sibling of our own group.
    """
    found: dict[str, str] = {}
    try:
        with open("/proc/self/cgroup") as file:
            lines = [line.strip().split(":", 2) for line in file]
    except OSError:
        return found
    for _, controllers, path in lines:
        for name in controllers.split(",") if controllers else ("",):
            if name in ("memory", "cpu", "pids"):
                for folder in (f"/sys/fs/cgroup/{name}{path}", f"/sys/fs/cgroup/{controllers}{path}"):
                    if os.access(folder, os.W_OK):
                        found[name] = folder.rstrip("/")
            elif name == "":
                for folder in (f"/sys/fs/cgroup{path}", f"/sys/fs/cgroup{os.path.dirname(path)}"):
                    for passed in _passed_on(folder.rstrip("/")):
                        if passed in ("memory", "cpu", "pids"):
                            found.setdefault(passed, folder.rstrip("/"))
    return found


def _passed_on(folder: str) -> list[str]:
    try:
        with open(f"{folder}/cgroup.subtree_control") as file:
            return file.read().split() if os.access(folder, os.W_OK) else []
    except OSError:
        return []


def _limit_process(limits: Limits, pid: int) -> None:
    import resource

    if limits.memory_bytes is not None and hasattr(resource, "prlimit"):
        resource.prlimit(pid, resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    if limits.cpu is not None and hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        count = min(len(mine), max(1, math.ceil(limits.cpu)))
        # Spread the steps over the cores that this process may use.
        start = next(_numbers) * count % len(mine)
        os.sched_setaffinity(pid, {mine[(start + offset) % len(mine)] for offset in range(count)})


def _remove_group(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        return  # an empty group left behind costs a kilobyte until the next boot


def _write(path: str, text: str, *, optional: bool = False) -> None:
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError:
        if not optional:
            raise
