"""A large object that lies alone in a file: its size, its stamp, its blocks.

Such a file is given one fixed modification time. Anything that writes to it changes that, and the file is
then hashed again before its next use; while the stamp stands, opening a file of any size takes constant time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from blake3 import blake3

from pedigree.store import durable

#: Objects of this size and larger lie alone: a sandbox can mount them and a file system can share them.
MINIMUM_BYTES = 1 << 20

#: The modification time of every object that lies alone: 2001-09-09T01:46:40Z, in nanoseconds.
STAMP_NS = 1_000_000_000 * 1_000_000_000

_BLOCK_BYTES = 8 << 20


def settle(fd: int, path: str) -> None:
    """Make a complete file read-only and stamp it."""
    with durable.guarded(path):
        os.fchmod(fd, 0o444)
        os.utime(fd, ns=(STAMP_NS, STAMP_NS))


def vouched(fd: int, path: str, digest: str, size: int) -> bool:
    """Whether the open file holds that object, by its stamp or else by hashing it, which renews the stamp."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    if status.st_mtime_ns == STAMP_NS:
        return True
    if hashed(fd, path) != digest:
        return False
    try:
        os.utime(fd, ns=(STAMP_NS, STAMP_NS))
    except OSError:
        return True  # somebody else's store, or one on a read-only disk: the next reader hashes again
    return True


def hashed(fd: int, path: str) -> str:
    """Digest of an open file from its start, in 8 MiB blocks on all cores. Does not move the file's
    position."""
    hasher = blake3(max_threads=blake3.AUTO)
    with durable.guarded(path):
        buffer = bytearray(min(_BLOCK_BYTES, os.fstat(fd).st_size + 1))
        view = memoryview(buffer)
        offset = 0
        while count := os.preadv(fd, [buffer], offset):
            hasher.update(view[:count])
            offset += count
    return hasher.hexdigest()


def blocks(source: BinaryIO) -> Iterator[bytes | memoryview]:
    """The rest of a file in blocks of up to 8 MiB; each is valid until the next is asked for."""
    fill = getattr(source, "readinto", None)
    if fill is None:
        while block := source.read(_BLOCK_BYTES):
            yield block
        return
    buffer = bytearray(_BLOCK_BYTES)
    view = memoryview(buffer)
    while count := fill(buffer):
        yield view[:count]
