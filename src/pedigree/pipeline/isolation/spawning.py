"""Starting the first process of a sandbox, with a gate before its orders and a channel for its status."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pedigree.pipeline.sandbox import Started

#: Python ignores the first two, and an engine may handle the others; a step must not inherit that.
_DEFAULT = (
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGCHLD,
)


def spawn(
    path: str,
    argv: Callable[[int, int], Sequence[str]],
    orders: bytes,
    stdin: int,
    output: int,
    *,
    terminal: bool,
    kill: signal.Signals = signal.SIGKILL,
) -> Started:
    """Start the program at `path`; `argv` makes its words from the descriptors of its gate and its status.

    It has no environment variables, no descriptors besides these five, and the mask 022. Unless `terminal`, it has a session of its own, without a terminal: Ctrl-C is for
    the engine to handle, and all that it starts in the session can be killed by its group.
    """
    gate_out, gate_in = os.pipe2(os.O_CLOEXEC)
    status_out, status_in = os.pipe2(os.O_CLOEXEC)
    try:
        actions = [
            (os.POSIX_SPAWN_DUP2, stdin, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
            # Onto itself: clears close-on-exec.
            (os.POSIX_SPAWN_DUP2, gate_out, gate_out),
            (os.POSIX_SPAWN_DUP2, status_in, status_in),
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()),
        ]
        words = list(argv(gate_out, status_in))
        with _mask():
            if terminal:
                pid = os.posix_spawn(path, words, {}, file_actions=actions, setsigmask=[], setsigdef=_DEFAULT)
            else:
                pid = os.posix_spawn(
                    path, words, {}, file_actions=actions, setsid=True, setsigmask=[], setsigdef=_DEFAULT
                )
    except BaseException:
        os.close(gate_in)
        os.close(status_out)
        raise
    finally:
        os.close(gate_out)
        os.close(status_in)
    return Started(pid, gate_in, orders, status_out, kill)


def _inherited() -> list[int]:
    """Descriptors that this process was started with (`pedigree run 3<notes.txt`): a way in that no step may have.

    All that Python opens closes itself on exec.
    """
    found = []
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:
            continue  # the descriptor of the listing itself
    return found


_masking = threading.Lock()


@contextmanager
def _mask() -> Iterator[None]:
    """The mask 022 for a moment: it decides which output files are executable, and no user's may be another's result.

    What the engine makes meanwhile lies in .pedigree, which keeps the modes that it was made with.
    """
    with _masking:
        before = os.umask(0o022)
        try:
            yield
        finally:
            os.umask(before)
