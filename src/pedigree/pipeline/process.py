"""One command in one sandbox, from its start until nothing of it is left."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from pedigree.pipeline import pipes
from pedigree.pipeline.isolation import guardian
from pedigree.pipeline.sandbox import SEALED, Isolation, Launch, Started

if TYPE_CHECKING:
    from pedigree.pipeline.limits import Limits

#: Bytes taken from the step's output at once, and the size asked for its pipe.
CHUNK_BYTES = 1 << 18
#: Words of more than one pipe's worth of orders would block; the system allows this much to every user.
ORDERS_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `exit_code` is None when it was killed from outside, and `killed` says why.

    A command that died of signal N has exit code 128 + N. `executed` is False when the sandbox or the command could
    not be started; what it printed says why. `max_rss_bytes` is the largest resident set of any one process.
    """

    exit_code: int | None
    killed: str
    executed: bool
    seconds: float
    cpu_seconds: float
    max_rss_bytes: int


class Printed(Protocol):
    def write(self, data: bytes) -> object: ...


class Kept:
    """The first 64 KiB of what a command printed."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        if len(self.data) < 1 << 16:
            self.data += data


class Stop:
    """A switch shared by many commands: once thrown, those that run are killed and no other starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, signal.Signals] = {}
        self._thrown = False

    @property
    def thrown(self) -> bool:
        return self._thrown

    def throw(self) -> None:
        """Kill at once. Idempotent."""
        self._thrown = True
        # No lock: this may run in a signal handler of the thread that holds it. A pid leaves the set before it is
        # reaped, and one that enters it now finds the switch thrown.
        for pid, number in self._running.copy().items():
            _kill(pid, number)

    def enter(self, started: Started) -> None:
        with self._lock:
            self._running[started.pid] = started.kill
        if self._thrown:
            _kill(started.pid, started.kill)

    def leave(self, pid: int) -> None:
        with self._lock:
            self._running.pop(pid, None)


def run(
    isolation: Isolation,
    launch: Launch,
    *,
    stdin: bytes = b"",
    printed: Printed,
    timeout_s: float | None = None,
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Ended:
    """Run a command to its end. Afterwards nothing that it started is alive, and all that it printed is in `printed`.

    Raises OSError when no process could be started.
    """
    started_at = time.monotonic()
    stop = Stop() if stop is None else stop
    with _adopting():
        if stdin and isolation.level not in SEALED:
            stdin = isolation.adapt(stdin.decode("utf-8", "surrogateescape"), launch.view).encode(
                "utf-8", "surrogateescape"
            )
        input_fd = _input(stdin)
        output_fd, write_end = os.pipe2(os.O_CLOEXEC)
        try:
            started = isolation.start(launch, input_fd, write_end)
        except BlockingIOError:
            os.close(output_fd)
            return Ended(None, "crowd", False, time.monotonic() - started_at, 0.0, 0)
        except BaseException:
            os.close(output_fd)
            raise
        finally:
            os.close(input_fd)
            os.close(write_end)
        fence = None
        killed = ""
        try:
            stop.enter(started)
            if limits is not None:
                fence = limits.fence(started.pid)
            if pipes.files_limit is not None:
                resource.prlimit(started.pid, resource.RLIMIT_NOFILE, pipes.files_limit)
            _open_gate(started)
            killed = _watch(started, output_fd, printed, None if timeout_s is None else started_at + timeout_s)
        finally:
            # Also on the way out of an error: no child may outlive this call.
            stop.leave(started.pid)
            child_status, cpu, rss, executed, command_code = _reap(started)
            _drain(output_fd, printed)
            os.close(output_fd)
            memory = fence.close() if fence is not None else ""
    seconds = time.monotonic() - started_at
    if stop.thrown and not killed:
        killed = "stopped"
    if memory and (command_code is None or command_code >= 128):
        killed = killed or memory
    code: int | None
    if command_code is not None:
        code = command_code
    else:
        code = os.waitstatus_to_exitcode(child_status)
        code = code if code >= 0 else 128 - code
    return Ended(None if killed else code, killed, executed, seconds, cpu, rss)


def interact(isolation: Isolation, launch: Launch) -> int:
    """Run a command on the caller's own standard input, output and error; its exit code."""
    with _adopting():
        started = isolation.start(launch, 0, 1)
        _open_gate(started)
        # Ctrl-C is for the shell inside, which is in the same process group.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status, _, _, _, code = _reap(started)
        finally:
            signal.signal(signal.SIGINT, before)
    return os.waitstatus_to_exitcode(status) if code is None else code


def _input(data: bytes) -> int:
    """A descriptor that reads as `data`. In memory: a step that does not read it disturbs nobody."""
    if not data:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("stdin", os.MFD_CLOEXEC)
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _open_gate(started: Started) -> None:
    view = memoryview(started.orders)
    try:
        if len(view) > 1 << 16:
            import fcntl

            fcntl.fcntl(started.gate, fcntl.F_SETPIPE_SZ, ORDERS_BYTES)
        while view:
            view = view[os.write(started.gate, view) :]
    except BrokenPipeError:
        pass  # it died before it read them; what it printed says why
    finally:
        os.close(started.gate)


def _watch(started: Started, output: int, printed: Printed, deadline: float | None) -> str:
    """Copy what the step prints until it exits. Returns why it was killed, or ""."""
    poller = select.poll()
    poller.register(output, select.POLLIN)
    watched = os.pidfd_open(started.pid)
    poller.register(watched, select.POLLIN)
    killed = ""
    try:
        while True:
            wait_ms = None
            if deadline is not None and not killed:
                wait_ms = max(0.0, deadline - time.monotonic()) * 1000
            ready = poller.poll(wait_ms)
            if not ready and not killed:
                killed = "timeout"
                _kill(started.pid, started.kill)
            ended = False
            for fd, _ in ready:
                if fd == watched:
                    ended = True
                else:
                    data = os.read(output, CHUNK_BYTES)
                    if data:
                        printed.write(data)
                    else:
                        poller.unregister(output)
            if ended:
                return killed
    finally:
        if not killed:
            _kill_unless_ended(poller, watched, started)
        os.close(watched)


def _kill_unless_ended(poller: select.poll, watched: int, started: Started) -> None:
    if not any(fd == watched for fd, _ in poller.poll(0)):
        _kill(started.pid, started.kill)


def _reap(started: Started) -> tuple[int, float, int, bool, int | None]:
    """Wait for the sandbox and for its whole pid namespace: exit status, CPU seconds, resident bytes, executed, code."""
    # Its number is still its own until it is reaped.
    os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
    # bwrap that is killed a moment after its first fork has told nobody of the child, which waits for it for ever.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(started.pid, signal.SIGKILL)
    _, status, usage = os.wait4(started.pid, 0)
    guardian.forget(started.pid)
    cpu = usage.ru_utime + usage.ru_stime
    rss = 0
    os.set_blocking(started.status, False)
    try:
        said = os.read(started.status, 4096)
    except BlockingIOError:
        said = b""
    finally:
        os.close(started.status)
    first = None
    code = None
    for line in said.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        first = value.get("child-pid", first)
        code = value.get("exit-code", code)
        rss = value.get("max-rss-kib", 0) * 1024 or rss
    if first is not None:
        # bwrap ends as soon as the command does and leaves the first process of the namespace to us (_adopting). Its
        # death takes all others with it, and it is reaped only after the last of them.
        try:
            reaped, _, inner = os.wait4(first, os.WNOHANG)
            if not reaped:
                # Ours and not yet reaped, so the number cannot have become another process's.
                os.kill(first, signal.SIGKILL)
                _, _, inner = os.wait4(first, 0)
            cpu += inner.ru_utime + inner.ru_stime
            # Not of bwrap itself: between vfork and exec that counts this process's own memory.
            rss = inner.ru_maxrss * 1024
        except ChildProcessError:
            pass  # it died before bwrap did, which reaped it
    else:
        with suppress(ChildProcessError):
            while True:
                os.waitpid(-started.pid, 0)
    return status, cpu, rss, code is not None, code


def _drain(output: int, printed: Printed) -> None:
    os.set_blocking(output, False)
    try:
        while data := os.read(output, CHUNK_BYTES):
            printed.write(data)
    except BlockingIOError:
        return  # only without a pid namespace: a process that escaped still holds the other end


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


_adoption = threading.Lock()
_adopters = 0


@contextmanager
def _adopting() -> Iterator[None]:
    """While inside, orphans of our children become our children, so that their end can be waited for."""
    global _adopters
    with _adoption:
        _adopters += 1
        if _adopters == 1:
            _subreaper(1)
    try:
        yield
    finally:
        with _adoption:
            _adopters -= 1
            if _adopters == 0:
                _subreaper(0)


def _subreaper(on: int) -> None:
    prctl = _prctl()
    if prctl is not None:
        prctl(36, on, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


@lru_cache(maxsize=1)
def _prctl() -> Callable[..., int] | None:
    import sys

    if sys.platform != "linux":
        return None
    import ctypes

    return cast("Callable[..., int]", ctypes.CDLL(None).prctl)
