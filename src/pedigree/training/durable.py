"""Files that are on the disk when the call that wrote them returns, and what is said where they could not be written."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable

from pedigree import canonical
from pedigree.errors import DiskFull, StorageFailure


def write(path: str, chunks: Iterable[bytes | memoryview]) -> str:
    """Write and sync a new file; the digest of its bytes. Its name is on the disk once `sync_folder` was called."""
    hasher = canonical.hasher()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        for chunk in chunks:
            hasher.update(chunk)
            rest = memoryview(chunk).cast("B")
            while rest:  # a write may take less than it was given
                rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    return hasher.hexdigest()


def put(path: str, chunks: Iterable[bytes | memoryview], what: str) -> None:
    """Put a file there, whole or not at all, in place of what was there; `what` it is says the StorageFailure.

    Makes the folder. What a killed call left beside the file goes with the next one of the same process number.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".writing-{os.getpid()}-{name}")
    try:
        os.makedirs(folder or ".", exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        write(temporary, chunks)
        os.replace(temporary, path)
        sync_folder(folder or ".")
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise failure(error, what, path, "What was there is as it was.", "save again") from error


def sync_folder(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def failure(error: OSError, what: str, where: str, left: str, then: str) -> StorageFailure:
    """`what` could not be written; what is `left`, and what to do `then` when there is room again."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return (DiskFull if full else StorageFailure)(
        f"{what} could not be written to {where}: {reason}. {left}",
        remedy=f"Free some space, then {then}." if full else "Check the permissions of the folder and the disk.",
        path=where,
    )
