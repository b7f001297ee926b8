"""One side of a comparison: something with a name and bytes that can be opened again and again."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from pedigree.errors import InvalidInput, PathNotFound, StorageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Read at once. Larger gains nothing once a call costs far less than its copy; two of these stay in the processor's cache.
CHUNK_BYTES = 1 << 19
#: A member of an archive up to this size is kept in memory while it is compared; a larger one in a temporary file.
_SPOOL_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """`open()` gives a new seekable binary file at its beginning; `size` is its length in bytes."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def buffered(self) -> IO[bytes]:
        """`open()` with a buffer, for reading by lines or small pieces. Closing it closes both."""
        file = self.open()
        return io.BufferedReader(file, CHUNK_BYTES) if isinstance(file, io.RawIOBase) else file

    def head(self, length: int) -> bytes:
        with self.open() as file:
            return file.read(length)


class Unreadable(Exception):
    """The bytes are not what their kind says. Caught where kinds are chosen, which then compares bytes and notes this text."""


def of_file(path: str, name: str = "") -> Source:
    """A regular file. Raises PathNotFound, InvalidInput for special files, StorageFailure where it may not be read."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise PathNotFound(f"There is no file {path!r} to compare.", remedy="Check the path.", path=path) from None
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise InvalidInput(
            f"{path!r} is {special(found.st_mode)}, which has no contents to compare.",
            remedy="Compare regular files or folders.",
            path=path,
        )

    def opened() -> IO[bytes]:
        try:
            return open(path, "rb", buffering=0)
        except OSError as error:
            raise unreadable(path, error) from error

    return Source(name or path, found.st_size, opened)


def unreadable(path: str, error: OSError) -> StorageFailure:
    return StorageFailure(
        f"{path!r} could not be read: {error.strerror or error}.",
        remedy="Give this user the right to read it, or leave it out with `ignore`.",
        path=path,
    )


def special(mode: int) -> str:
    """`a named pipe`, for what is neither file, folder nor link."""
    for test, words in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    ):
        if test(mode):
            return words
    return "a special file"


@contextmanager
def spooled(name: str, stream: IO[bytes], limit_bytes: int) -> Iterator[Source]:
    """The rest of a stream as a source, for as long as the context is open. Large ones lie in a temporary file.

    Raises Unreadable beyond the limit: a few bytes may unpack to more than any disk holds.
    """
    data = exactly(stream, _SPOOL_BYTES + 1)
    if len(data) <= _SPOOL_BYTES:
        yield of_bytes(name, data)
        return
    with tempfile.NamedTemporaryFile(prefix="pedigree-compare-") as kept:
        size = kept.write(data)
        while data := stream.read(CHUNK_BYTES):
            size += kept.write(data)
            if size > limit_bytes:
                raise Unreadable(f"it unpacks to more than {limit_bytes:,} bytes")
        kept.flush()
        yield of_file(kept.name, name)


def of_bytes(name: str, data: bytes) -> Source:
    return Source(name, len(data), lambda: io.BytesIO(data))


def exactly(file: IO[bytes], length: int) -> bytes:
    """So many bytes, or all that are left: unbuffered files and decompressors may give fewer at a time."""
    data = file.read(length)
    if not data or len(data) == length:
        return data
    parts = [data]
    left = length - len(data)
    while left and (data := file.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)
