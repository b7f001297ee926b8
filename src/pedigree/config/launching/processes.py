"""Child processes that do not outlive what they belong to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

_PR_SET_PDEATHSIG = 1


def _prctl() -> Callable[[int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None  # elsewhere a job goes on when its sweep is killed, and a resumed sweep waits for it
    import ctypes

    found: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    return found


def end_with_parent(parent: int, number: signal.Signals) -> bool:
    """Have the kernel send this process `number` when the thread that started it is gone.

    False when `parent` is gone already. Linux only; elsewhere nothing is promised.
    """
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, int(number))
    return os.getppid() == parent


def start(
    command: Sequence[str], directory: str, environment: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a command as the leader of its own session, killed when this process is. Raises OSError.

    Only for a process of one thread: code runs between fork and exec.
    """
    prctl = _prctl()
    parent = os.getpid()

    def child() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != parent:
                os._exit(125)

    return subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=child,
    )


def signal_group(leader: int, number: signal.Signals) -> None:
    """To the leader and all that it started and that kept its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def told(code: int) -> str:
    """How a process ended, in words: `exit code 3`, `signal 9 (SIGKILL)`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
