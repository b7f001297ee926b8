"""Named pipes of lazy inputs: a file's bytes are read from the store when the step opens it, and only then.

The engine holds each pipe open for writing, so that a reader's open succeeds at once, and inotify tells of it. Before a pipe
is filled it is replaced by a new one, so that a file can be opened again, and by several processes; only two that open it
within the same instant would share one pipe.

Where no more files may be held open, or there is no inotify, the pipes are tried one after another: to open one for writing
without waiting works exactly when a reader waits at it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import struct
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from pedigree.store import alone

if TYPE_CHECKING:
    from pedigree.pipeline.workplace import Workplace
    from pedigree.store.objects import Objects

CHUNK_BYTES = 1 << 16

#: Files that all workplaces together may hold open, if the machine lets them.
MOST_HELD = 1 << 16
#: Left to the rest of this process.
SPARE_FILES = 512

#: The pause between two looks at pipes that are not held, in seconds, and how many times as long as the look it is at least.
PAUSE_S = 0.001
PAUSE_LOOKS = 2

_IN_OPEN, _IN_Q_OVERFLOW, _IN_ISDIR = 0x20, 0x4000, 0x40000000
_HEAD = struct.Struct("iIII")

_guard = threading.Lock()
_held = 0
#: The limits on open files that this process began with, once they were raised; steps get these.
files_limit: tuple[int, int] | None = None


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
        self._digests = {f"{place.path}/pfs/{name}": entry.digest for name, entry in place.pipes.items()}
        self._spare = f"{place.path}/pipe"
        self._objects = objects
        self._failure: BaseException | None = None
        self._writers: dict[str, int] = {}
        self._loose: list[str] = []
        self._folders: dict[int, str] = {}
        self._active: dict[int, _Writer] = {}
        self._notes = -1

    def __enter__(self) -> Filling:
        if self._digests:
            self._ended, self._end = os.pipe2(os.O_CLOEXEC)
            self._hold()
            self._thread = threading.Thread(target=self._run, name="lazy inputs")
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        if not self._digests:
            return
        os.close(self._end)
        self._thread.join()
        os.close(self._ended)
        if self._notes >= 0:
            os.close(self._notes)
        _give(len(self._writers))
        for fd in self._writers.values():
            os.close(fd)
        if self._failure is not None and value is None:
            raise self._failure

    def _hold(self) -> None:
        """Open what may be opened, and ask to be told of readers. Pipes are held before the command can open them."""
        paths = list(self._digests)
        folders = sorted({os.path.dirname(path) for path in paths})
        number = _take(len(paths))
        for path in paths[:number]:
            self._writers[path] = _writing_end(path)
        # Only now: our own opening is not to be told.
        self._notes = _watch(folders, self._folders)
        if self._notes < 0:
            for fd in self._writers.values():
                os.close(fd)
            self._writers.clear()
            _give(number)
            number = 0
        self._loose = paths[number:]

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # raised in the thread of the step, which waits for this one
            self._failure = error
        finally:
            for writer in self._active.values():
                writer.close()

    def _serve(self) -> None:
        self._poller = select.poll()
        self._poller.register(self._ended, select.POLLIN)
        if self._notes >= 0:
            self._poller.register(self._notes, select.POLLIN)
        look_at = time.monotonic()
        while True:
            wait_ms = None
            if self._loose:
                now = time.monotonic()
                if now >= look_at:
                    for path in self._loose:
                        self._try(path)
                    took = time.monotonic() - now
                    look_at = now + took + max(PAUSE_S, PAUSE_LOOKS * took)
                wait_ms = max(0.0, look_at - time.monotonic()) * 1000
            for fd, _ in self._poller.poll(wait_ms):
                if fd == self._ended:
                    return
                if fd == self._notes:
                    for path in self._opened():
                        self._renew(path)
                elif self._active[fd].go_on():
                    self._poller.unregister(fd)
                    self._active.pop(fd).close()

    def _opened(self) -> list[str]:
        """The held pipes that were opened, as often as they were."""
        found: list[str] = []
        data = os.read(self._notes, 1 << 16)
        while data:
            watch, mask, _, length = _HEAD.unpack_from(data)
            name = data[_HEAD.size : _HEAD.size + length].rstrip(b"\0")
            data = data[_HEAD.size + length :]
            if mask & _IN_Q_OVERFLOW:
                # Too many to be told one by one: those that have a reader now. Without one, poll reports an error.
                poller = select.poll()
                paths = {fd: path for path, fd in self._writers.items()}
                for fd in paths:
                    poller.register(fd, select.POLLOUT)
                found += [paths[fd] for fd, what in poller.poll(0) if not what & select.POLLERR]
            elif not mask & _IN_ISDIR:
                path = f"{self._folders.get(watch, '')}/{os.fsdecode(name)}"
                if path in self._writers:
                    found.append(path)
        return found

    def _try(self, path: str) -> None:
        """`_renew` a pipe that is not held, if a reader waits at it."""
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.EINTR):
                return
            raise
        self._renew(path, fd)

    def _renew(self, path: str, fd: int = -1) -> None:
        """Put a new pipe in place of one that has a reader, and begin to fill the old one: through `fd`, or the end held."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._spare)
        make(self._spare)
        if fd < 0:
            fd, self._writers[path] = self._writers[path], _writing_end(self._spare)
        try:
            os.replace(self._spare, path)  # not the store's, and gone with the step: nothing to make durable
            writer = _Writer(fd, self._objects.open(self._digests[path]))
        except BaseException:
            os.close(fd)
            raise
        self._active[fd] = writer
        self._poller.register(fd, select.POLLOUT)


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


def _writing_end(path: str) -> int:
    """The pipe open for writing. A reader must be there for that, if only for a moment: it is ourselves."""
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    finally:
        os.close(reader)


def _take(number: int) -> int:
    """How many of so many files may be held open; `_give` them back."""
    global _held, files_limit
    with _guard:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _held + number + SPARE_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            most = MOST_HELD if hard == resource.RLIM_INFINITY else min(hard, MOST_HELD)
            if most > soft:
                files_limit = files_limit or (soft, hard)
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
                soft = most
        room = number if soft == resource.RLIM_INFINITY else max(0, min(number, soft - SPARE_FILES - _held))
        _held += room
        return room


def _give(number: int) -> None:
    global _held
    with _guard:
        _held -= number


def _watch(folders: list[str], numbers: dict[int, str]) -> int:
    """A descriptor that tells of opened files in these folders, `numbers` filled; -1 where there is none to be had."""
    import ctypes
    import sys

    if sys.platform != "linux":
        return -1
    libc = ctypes.CDLL(None, use_errno=True)
    fd = int(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    if fd < 0:
        return -1
    for folder in folders:
        number = libc.inotify_add_watch(fd, os.fsencode(folder), _IN_OPEN)
        if number < 0:
            os.close(fd)
            return -1
        numbers[number] = folder
    return fd
