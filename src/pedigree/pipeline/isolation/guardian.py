"""The guardian: a small shell that outlives the engine by a moment and kills what the engine had running.

bwrap asks the kernel to be killed with its parent only some milliseconds after it has begun, and its first process in the
sandbox later still. An engine killed in between left the step running (38 of 40 times when it was aimed at). It reads the pids of
running sandboxes from a pipe whose other end only the engine has; at the end of the pipe the engine is dead, and it kills
the group of each.

What is left: an engine killed in the moment between the start of bwrap and telling its pid leaves a bwrap that waits for
ever and runs nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading

_SCRIPT = """
running=' '
while read -r what pid; do
  case $what in
    +) running="$running$pid " ;;
    -) case $running in *" $pid "*) running="${running%% $pid *} ${running#* $pid }" ;; esac ;;
  esac
done
for pid in $running; do kill -9 "-$pid"; done
"""

_lock = threading.Lock()
_pipe: int | None = None
_owner = 0
_watched: set[int] = set()


def ready() -> None:
    """Have a guardian, before anything starts that it must know of."""
    with _lock:
        _tell("")


def watch(pid: int) -> None:
    """Have the group of `pid` killed should this process die. Call it before `pid` gets its orders."""
    with _lock:
        _watched.add(pid)
        _tell(f"+ {pid}\n")


def forget(pid: int) -> None:
    """Say that `pid` has ended; call it as soon as it was reaped, since its number may be used again."""
    with _lock:
        if pid in _watched:
            _watched.discard(pid)
            _tell(f"- {pid}\n")


def _tell(line: str) -> None:
    global _pipe, _owner
    if _pipe is None or _owner != os.getpid():
        _pipe, _owner = _start(), os.getpid()
    try:
        os.write(_pipe, line.encode())
    except BrokenPipeError:
        # Somebody killed it. A new one must know of everything that runs.
        os.close(_pipe)
        _pipe = _start()
        with contextlib.suppress(BrokenPipeError):
            os.write(_pipe, "".join(f"+ {pid}\n" for pid in sorted(_watched)).encode())


def _start() -> int:
    """Start a guardian in a session of its own, where no Ctrl-C reaches it; the end of its pipe."""
    out, into = os.pipe2(os.O_CLOEXEC)
    null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.posix_spawn(
            "/bin/sh",
            ["pedigree-guardian", "-c", _SCRIPT],
            {},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, out, 0),
                (os.POSIX_SPAWN_DUP2, null, 1),
                (os.POSIX_SPAWN_DUP2, null, 2),
            ],
            setsid=True,
        )
    finally:
        os.close(out)
        os.close(null)
    return into
