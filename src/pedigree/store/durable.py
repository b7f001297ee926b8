"""Durability: the one module that syncs, renames, unlinks and locks the store's files.

The order of writes that keeps the promises (docs/reliability.md tests it): bytes under a temporary name,
barrier, rename to the final name, barrier, and only then the database transaction that mentions them. So a
row never names bytes that a power cut can take away. A failed sync is never tried again: Linux may have
marked the lost pages clean and would report success.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pedigree.errors import Busy, DiskFull, StorageFailure

if TYPE_CHECKING:
    from pathlib import Path

#: Up to this many files are synced one by one. Beyond it one `syncfs` is cheaper (8 ms a file against one
#: flush of the disk), but it also waits for whatever else the machine has written there, so a small commit
#: avoids it.
FEW_FILES = 4


# ---------------------------------------------------------------------------------------------------- errors


def failure(error: OSError, path: str | Path, needed_bytes: int | None = None) -> StorageFailure:
    """What a failed call on one of the store's files means: which disk, how much is free, how much was
    needed."""
    disk = disk_of(path)
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        # A new name needs a block at most; whoever writes bytes says how many.
        need = _amount(needed_bytes or 4096)
        return DiskFull(
            f"The disk at {disk} is full ({reason}): {_free(disk)} free, at least {need} more needed. "
            f"Writing {path} failed; the store is as it was before.",
            remedy=f"Free some space on {disk} (`pedigree gc` shows what the store can spare) and try again.",
            disk=disk,
            needed_bytes=needed_bytes,
        )
    return StorageFailure(
        f"The disk at {disk} refused a call on {path}: {reason}. The store is as it was before.",
        remedy="Check the permissions of that path, the disk and the kernel log (`dmesg`), then try again.",
        disk=disk,
        needed_bytes=needed_bytes,
    )


@contextmanager
def guarded(path: str | Path, needed_bytes: int | None = None) -> Iterator[None]:
    """Turn any OSError of the block into the StorageFailure or DiskFull that `failure` makes of it."""
    try:
        yield
    except StorageFailure:
        raise
    except OSError as error:
        raise failure(error, path, needed_bytes) from error


def disk_of(path: str | Path) -> str:
    """Where the disk that holds `path` is mounted."""
    place = os.path.abspath(path)
    while not os.path.ismount(place) and place != "/":
        place = os.path.dirname(place)
    return place


def _free(disk: str) -> str:
    try:
        status = os.statvfs(disk)
    except OSError:
        return "an unknown amount"
    return _amount(status.f_bavail * status.f_frsize)


def _amount(size_bytes: int | None) -> str:
    value = float(size_bytes or 0)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


# --------------------------------------------------------------------------------------------------- syncing


def sync_file(path: str | Path) -> None:
    """Make a file's bytes, or a folder's names, durable."""
    with guarded(path):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _sync(fd)
        finally:
            os.close(fd)


def _sync(fd: int) -> None:
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves the bytes in the disk's cache
    if full is None:
        os.fsync(fd)
    else:
        fcntl.fcntl(fd, full)


def sync_filesystem(path: str | Path) -> bool:
    """Make everything written so far to the file system of `path` durable. False where the system has no
    `syncfs`.

    Since Linux 5.8 it reports write-back errors of any file since the folder was opened.
    """
    syncfs = getattr(libc(), "syncfs", None)
    if syncfs is None:
        return False
    import ctypes

    with guarded(path):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if syncfs(ctypes.c_int(fd)) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))
        finally:
            os.close(fd)
    return True


def begin_writing(fd: int, offset: int, size: int) -> None:
    """Ask the system to start carrying these bytes to the disk, so that the barrier later has little left to do.

    Promises nothing, waits for nothing and reports nothing: a failure to write is still there for the sync to find.
    """
    begin = getattr(libc(), "sync_file_range", None)
    if begin is not None:
        import ctypes

        write = 2  # SYNC_FILE_RANGE_WRITE
        begin(ctypes.c_int(fd), ctypes.c_int64(offset), ctypes.c_int64(size), ctypes.c_uint(write))


def libc() -> Any:
    """The C library, for the two calls that Python does not wrap."""
    import ctypes  # 6 ms of CPU: loaded only by a commit of many files and by `init`

    return ctypes.CDLL(None, use_errno=True)


def publish(moves: Sequence[tuple[str, str]]) -> None:
    """Give files their final names: barrier, renames, barrier. Afterwards bytes and names survive a power
    cut.

    Folders of the final names are made as needed. After an error some may be renamed and others not; none is
    named by the database, and the bytes of those renamed are durable.
    """
    if not moves:
        return
    one_by_one = len(moves) <= FEW_FILES
    if one_by_one or not sync_filesystem(os.path.dirname(moves[0][0])):
        one_by_one = True
        for temporary, _ in moves:
            sync_file(temporary)
    changed: dict[str, None] = {}
    for temporary, final in moves:
        folder = os.path.dirname(final)
        with guarded(final):
            if folder not in changed and not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)
                changed[os.path.dirname(folder)] = None
            os.rename(temporary, final)
        changed[folder] = None
    if one_by_one:
        for folder in changed:
            sync_file(folder)
    else:
        sync_filesystem(os.path.dirname(moves[0][1]))


def remove(paths: Iterable[str | Path]) -> int:
    """Unlink files, those already gone included; returns how many were there."""
    removed = 0
    for path in paths:
        with guarded(path):
            try:
                os.unlink(path)
                removed += 1
            except FileNotFoundError:
                pass
    return removed


def remove_quietly(paths: Iterable[str | Path]) -> None:
    """Unlink temporary files on the way out of an error; what cannot be removed now, `gc` removes."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue


def create_temporary(folder: str | Path, prefix: str) -> tuple[int, str]:
    """A new empty file in `folder`, open for reading and writing, and its path. The caller closes and removes
    it."""
    while True:
        path = f"{folder}/{prefix}-{os.getpid()}-{os.urandom(6).hex()}"
        with guarded(path):
            try:
                return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path
            except FileExistsError:
                continue


def write(
    fd: int,
    data: bytes | memoryview,
    path: str,
    *,
    offset: int | None = None,
    needed_bytes: int | None = None,
) -> None:
    """Write all of `data` at `offset`, or where the file stands.

    `needed_bytes` is what the caller still has to write, for the message of a full disk.
    """
    with guarded(path, needed_bytes or len(data)):
        rest = memoryview(data)
        while rest:
            if offset is None:
                rest = rest[os.write(fd, rest) :]
            else:
                count = os.pwrite(fd, rest, offset)
                offset, rest = offset + count, rest[count:]


def take(path: str, dir_fd: int | None, folder: str | Path, prefix: str) -> str | None:
    """Move a file that the engine owns to a temporary name in `folder`. None where it lies on another file
    system."""
    target = f"{folder}/{prefix}-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        os.rename(path, target, src_dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.EXDEV:
            return None
        raise failure(error, path) from error
    return target


# --------------------------------------------------------------------------------------------------- locking


class Lock:
    """The store's lock: shared by everything that adds objects, exclusive for what removes them.

    It is `flock` on one file, so the kernel drops it with the last process that holds it: no PIDs, no
    timeouts, no stale locks. Every Lock on the same file in one process is the same lock; it is re-entrant
    and threads share it: any number hold it shared, or one holds it exclusively (and may take it again,
    shared or exclusively).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)

    @contextmanager
    def shared(self, *, wait_s: float = 600.0) -> Iterator[None]:
        """Hold the lock against removal. Waits for a running `gc` (seconds); raises Busy after `wait_s`
        seconds."""
        state = _state(self.path)
        state.acquire(fcntl.LOCK_SH, wait_s)
        try:
            yield
        finally:
            state.release(fcntl.LOCK_SH)

    @contextmanager
    def exclusive(self, *, wait_s: float = 10.0) -> Iterator[None]:
        """Hold the lock alone. Raises Busy when others still hold it after `wait_s` seconds."""
        state = _state(self.path)
        state.acquire(fcntl.LOCK_EX, wait_s)
        try:
            yield
        finally:
            state.release(fcntl.LOCK_EX)


class _State:
    """What this process holds of one lock file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.changed = threading.Condition()
        self.fd: int | None = None
        self.sharers = 0
        self.owner: int | None = None  # thread that holds it exclusively
        self.depth = 0  # how often that thread holds it
        self.taking = False  # a thread is waiting for the kernel on everybody's behalf

    def acquire(self, mode: int, wait_s: float) -> None:
        me = threading.get_ident()
        deadline = time.monotonic() + wait_s
        with self.changed:
            while True:
                if self.owner == me:
                    self.depth += 1
                    return
                if self.owner is None and not self.taking:
                    if mode == fcntl.LOCK_SH and self.sharers:
                        self.sharers += 1
                        return
                    if not self.sharers:
                        break
                if not self.changed.wait(max(0.0, deadline - time.monotonic())):
                    raise self._busy(mode, wait_s)
            self.taking = True
        # Other threads may go on releasing and asking while this one waits for other processes.
        try:
            fd = self._flock(mode, deadline, wait_s)
        except BaseException:
            with self.changed:
                self.taking = False
                self.changed.notify_all()
            raise
        with self.changed:
            self.taking = False
            self.fd = fd
            if mode == fcntl.LOCK_SH:
                self.sharers = 1
            else:
                self.owner, self.depth = me, 1
            self.changed.notify_all()

    def _flock(self, mode: int, deadline: float, wait_s: float) -> int:
        with guarded(self.path):
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        pause = 0.001
        try:
            while True:
                try:
                    fcntl.flock(fd, mode | fcntl.LOCK_NB)
                except BlockingIOError:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise self._busy(mode, wait_s) from None
                    # flock has no time limit of its own, and an alarm would belong to the main thread.
                    time.sleep(min(pause, left))
                    pause = min(pause * 1.5, 0.05)
                except OSError as error:
                    raise failure(error, self.path) from error
                else:
                    return fd
        except BaseException:
            os.close(fd)
            raise

    def release(self, mode: int) -> None:
        with self.changed:
            if self.owner is not None and self.owner == threading.get_ident():
                self.depth -= 1
                if self.depth:
                    return
                self.owner = None
            elif mode == fcntl.LOCK_SH:
                self.sharers -= 1
                if self.sharers:
                    return
            fd, self.fd = self.fd, None
            if fd is not None:
                os.close(fd)
            self.changed.notify_all()

    def _busy(self, mode: int, wait_s: float) -> Busy:
        doing = "is removing objects (`pedigree gc`)" if mode == fcntl.LOCK_SH else "is writing to the store"
        return Busy(
            f"Another process or thread {doing}: it held {self.path} for more than {wait_s:g} seconds.",
            remedy=f"See which with `fuser -v {self.path}`; wait for it or stop it, then try again.",
            path=self.path,
        )


_states: dict[str, _State] = {}
_states_guard = threading.Lock()


def _state(path: str) -> _State:
    key = os.path.realpath(path)
    with _states_guard:
        return _states.setdefault(key, _State(key))


def _forget_after_fork() -> None:
    # A forked child shares its parent's open lock files but not its threads. Closing them here drops nothing:
    # the kernel keeps a lock while the parent has it open. The guard is renewed because another thread of the
    # parent may have held it at the moment of the fork.
    global _states_guard
    for state in _states.values():
        if state.fd is not None:
            os.close(state.fd)
            state.fd = None
    _states.clear()
    _states_guard = threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
