"""Named pipes of lazy inputs: a file's bytes are read from the store when the step opens it, and only then.

The kernel tells nobody that a reader waits at a pipe, so a thread tries them all now and then: to open one for writing without
waiting works exactly when it has a reader. Before it is filled, the pipe is replaced by a new one, so that a file can be opened
again, and by several processes; only two that open it within the same millisecond would share one pipe.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from pedigree.store import alone

if TYPE_CHECKING:
    from pedigree.pipeline.workplace import Workplace
    from pedigree.store.objects import Objects

CHUNK_BYTES = 1 << 16

#: Pauses between two looks at all pipes, in seconds: while files are being opened, and while none is.
BUSY_S, QUIET_S = 0.001, 0.01
#: How long after the last opened file the short pause is kept.
LINGER_S = 0.2


def make(path: str, dir_fd: int | None = None) -> None:
    """A new named pipe that everybody may read, with the time of every input."""
    os.mkfifo(path, 0o444, dir_fd=dir_fd)
    os.chmod(path, 0o444, dir_fd=dir_fd)
    os.utime(path, ns=(alone.STAMP_NS, alone.STAMP_NS), dir_fd=dir_fd)


class Filling:
    """Fills the pipes of a workplace while a command runs in it. A context manager; without pipes it does nothing.

    Leaving it raises what kept a file from being read, in which case the step saw that file cut short.
    """

    def __init__(self, place: Workplace, objects: Objects) -> None:
        self._pipes = {f"{place.path}/pfs/{name}": entry.digest for name, entry in place.pipes.items()}
        self._spare = f"{place.path}/pipe"
        self._objects = objects
        self._failure: BaseException | None = None
        self._active: dict[int, _Writer] = {}

    def __enter__(self) -> Filling:
        if self._pipes:
            self._ended, self._end = os.pipe2(os.O_CLOEXEC)
            self._thread = threading.Thread(target=self._run, name="lazy inputs")
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        if not self._pipes:
            return
        os.close(self._end)
        self._thread.join()
        os.close(self._ended)
        if self._failure is not None and value is None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # raised in the thread of the step, which waits for this one
            self._failure = error
        finally:
            for writer in self._active.values():
                writer.close()

    def _serve(self) -> None:
        poller = select.poll()
        poller.register(self._ended, select.POLLIN)
        last_opened = look_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= look_at:
                for path, digest in self._pipes.items():
                    writer = self._opened(path, digest)
                    if writer is not None:
                        last_opened = now
                        self._active[writer.fd] = writer
                        poller.register(writer.fd, select.POLLOUT)
                took = time.monotonic() - now
                # Of thousands of pipes one look takes milliseconds: it may take a fifth of a core, not all of one.
                look_at = now + took + max(BUSY_S if now - last_opened < LINGER_S else QUIET_S, 4 * took)
            pause_ms = max(0.0, look_at - time.monotonic()) * 1000
            for fd, _ in poller.poll(pause_ms):
                if fd == self._ended:
                    return
                if self._active[fd].go_on():
                    poller.unregister(fd)
                    self._active.pop(fd).close()

    def _opened(self, path: str, digest: str) -> _Writer | None:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.EINTR):
                return None  # nobody reads it
            raise
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._spare)
            make(self._spare)
            os.replace(self._spare, path)  # not the store's, and gone with the step: nothing to make durable
            return _Writer(fd, self._objects.open(digest))
        except BaseException:
            os.close(fd)
            raise


class _Writer:
    """One file on its way into one pipe."""

    def __init__(self, fd: int, source: BinaryIO) -> None:
        self.fd = fd
        self._source = source
        self._rest = memoryview(b"")

    def go_on(self) -> bool:
        """Write what fits; whether that was the end, of the file or of the reader's interest."""
        try:
            while True:
                if not self._rest:
                    self._rest = memoryview(self._source.read(CHUNK_BYTES))
                    if not self._rest:
                        return True
                self._rest = self._rest[os.write(self.fd, self._rest) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            return True

    def close(self) -> None:
        os.close(self.fd)
        self._source.close()
