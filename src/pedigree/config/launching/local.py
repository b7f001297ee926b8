"""The launcher of this machine: a pool of processes."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pedigree.config.launching.contract import Order
from pedigree.config.launching.processes import told
from pedigree.errors import InvalidConfig

SUPERVISOR = (sys.executable, "-P", "-m", "pedigree.config.launching.supervisor")


@dataclass(eq=False, slots=True)
class LocalHandle:
    process: subprocess.Popen[bytes]
    device: str | None = None
    said: bytes = b""
    problem: str | None = None


@dataclass(slots=True)
class Local:
    """`jobs` jobs at once on this machine, each in processes of its own.

    When this process is killed, the kernel has the jobs ended as well (on Linux). With `devices`, each job under way
    has one of them for itself in CUDA_VISIBLE_DEVICES: give at least as many as jobs.
    """

    jobs: int | None = 1
    devices: Sequence[str] = ()
    name: str = field(default="local", init=False)
    _free: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if self.jobs is None or self.jobs < 1:
            raise InvalidConfig(f"A pool of {self.jobs} jobs at once runs nothing.", remedy="Give 1 or more.")
        if self.devices and len(self.devices) < self.jobs:
            raise InvalidConfig(
                f"{self.jobs} jobs at once cannot have one of {len(self.devices)} devices each.",
                remedy="Run fewer jobs at once.",
            )

    def __enter__(self) -> Local:
        self._free = list(self.devices)
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def submit(self, order: Order) -> LocalHandle:
        device = self._free.pop(0) if self._free else None
        environment = order.environment if device is None else {**order.environment, "CUDA_VISIBLE_DEVICES": device}
        order = replace(order, parent=os.getpid(), environment=environment)
        return LocalHandle(start_supervisor(order), device)

    def finished(self, handles: Sequence[LocalHandle], timeout_s: float) -> list[LocalHandle]:
        # A supervisor's output is a pipe that nobody else holds: it closes when the supervisor ends, however it ends.
        with selectors.DefaultSelector() as selector:
            done = []
            for handle in handles:
                assert handle.process.stdout is not None
                if handle.process.stdout.closed:
                    done.append(handle)  # Ctrl-C came between its end and its report
                else:
                    selector.register(handle.process.stdout, selectors.EVENT_READ, handle)
            if done:
                return done
            for key, _ in selector.select(timeout_s):
                handle = key.data
                data = os.read(key.fd, 65536)
                if data:
                    handle.said += data
                    continue
                handle.problem = problem_of(handle.process.wait(), handle.said)
                handle.process.stdout.close()
                if handle.device is not None:
                    self._free.append(handle.device)
                done.append(handle)
            return done

    def stop(self, handles: Sequence[LocalHandle], *, kill: bool = False) -> None:
        for handle in handles:
            handle.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)


def start_supervisor(order: Order) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C in the terminal reaches only whoever runs the sweep."""
    return subprocess.Popen(
        [*SUPERVISOR, order.text()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def problem_of(code: int, said: bytes) -> str | None:
    """Why a supervisor that ended so may have left no outcome."""
    if code == 0:
        return None
    if code == 3:
        return "it was stopped before the job began"
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return told(code) + (f", {lines[-1]}" if lines else "")
