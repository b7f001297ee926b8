"""A pack file: many small objects, one after another, with a sorted index at the end.

    magic line      b"pedigree pack 1\\n"
    object bytes    back to back
    index           48 bytes an object, by digest: digest (32), offset (8), size (8), big-endian
    footer          offset of the index (8), objects (8), BLAKE3-256 of the index (32), b"packend\\n"

The file's name is the index's digest in hex, so equal names mean equal content: an index holds the digest and
the place of every byte that counts.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from blake3 import blake3

from pedigree.errors import CorruptObject
from pedigree.store import durable

MAGIC = b"pedigree pack 1\n"
END = b"packend\n"
_ENTRY = struct.Struct(">32sQQ")
_FOOTER = struct.Struct(">QQ32s8s")

#: A pack that has reached this size is finished and the next one begun.
FULL_BYTES = 256 << 20

#: A pack's entry as sorting sees it: comparing 32 bytes costs a third of comparing the whole.
_digest = itemgetter(0)


class Packed(NamedTuple):
    """Where one object lies in a pack; `digest` is 32 bytes."""

    digest: bytes
    offset: int
    size: int


class Writer:
    """One pack being written under a temporary name. Not thread-safe."""

    def __init__(self, folder: str) -> None:
        """`folder` is where temporary files go."""
        self._fd, self.path = durable.create_temporary(folder, "pack")
        self.entries: list[Packed] = []
        self.name: str | None = None  # known once finished
        self._end = 0
        try:
            self._write([MAGIC])
        except BaseException:
            self.close()
            durable.remove_quietly([self.path])
            raise

    @property
    def full(self) -> bool:
        return self._end >= FULL_BYTES

    @property
    def size_bytes(self) -> int:
        return self._end

    def add(self, objects: Sequence[tuple[bytes, bytes]]) -> list[Packed]:
        """Append objects, each (digest, bytes), none of which this pack holds yet; where each lies now."""
        pieces = [data for _, data in objects]
        sizes = list(map(len, pieces))
        keys = [digest for digest, _ in objects]
        # `_make` from zipped columns takes a third of the time of one call of the class per object.
        entries = list(map(Packed._make, zip(keys, accumulate(sizes, initial=self._end), sizes, strict=False)))
        self._write(pieces)
        self.entries += entries
        return entries

    def read(self, entry: Packed) -> bytes:
        """Bytes of an object added before, unverified."""
        return _read(self._fd, entry.offset, entry.size, self.path)

    def finish(self) -> str:
        """Write index and footer; returns the pack's name. Nothing can be added afterwards.

        Sorts `entries` by digest, which is the order that the database takes them fastest in.
        """
        self.entries.sort(key=_digest)
        name, end = ending(self.entries, self._end)
        self._write([end])
        with durable.guarded(self.path):
            os.fchmod(self._fd, 0o444)
        self.name = name
        return name

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, pieces: list[bytes]) -> None:
        data = b"".join(pieces)
        # At a stated offset, so that a caller who frees space after an error may simply go on.
        durable.write(self._fd, data, self.path, offset=self._end)
        self._end += len(data)


class Reader:
    """An open pack file. Threads may share it; it closes itself when the last of them lets go."""

    def __init__(self, path: str) -> None:
        """Raises FileNotFoundError when there is no such pack, StorageFailure when it cannot be opened."""
        self.path = path
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise durable.failure(error, path) from error

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`; fewer when the file ends before."""
        return _read(self._fd, offset, size, self.path)

    def size_bytes(self) -> int:
        return os.fstat(self._fd).st_size

    def index(self) -> list[Packed]:
        """The pack's index, sorted by digest, checked against its own digest and the file's name.

        Raises CorruptObject when magic, footer, index or name do not agree.
        """
        total = self.size_bytes()
        footer = self.read(max(0, total - _FOOTER.size), _FOOTER.size)
        if len(footer) == _FOOTER.size and self.read(0, len(MAGIC)) == MAGIC:
            start, count, checksum, end = _FOOTER.unpack(footer)
            if end == END and start + count * _ENTRY.size + _FOOTER.size == total:
                index = self.read(start, count * _ENTRY.size)
                name = os.path.basename(self.path).removesuffix(".pack")
                if blake3(index).digest() == checksum and checksum.hex() == name:
                    return list(self._entries(index))
        raise CorruptObject(
            f"The pack {self.path} ({total} bytes) is damaged: its index does not match its name.",
            remedy="`pedigree fsck` lists everything affected; restore that file from a backup.",
            path=self.path,
        )

    @staticmethod
    def _entries(index: bytes) -> Iterator[Packed]:
        for entry in _ENTRY.iter_unpack(index):
            yield Packed(*entry)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


def ending(entries: Sequence[Packed], offset: int) -> tuple[str, bytes]:
    """Name, and index with footer, of the pack that holds these entries, sorted by digest, and whose index is at `offset`."""
    index = b"".join([_ENTRY.pack(*entry) for entry in entries])
    checksum = blake3(index)
    return checksum.hexdigest(), index + _FOOTER.pack(offset, len(entries), checksum.digest(), END)


def contents(data: bytes, name: str) -> list[Packed] | None:
    """The entries of a whole pack in memory, by digest; None unless this is, byte for byte, how a pack of that name begins
    and ends, with its objects one after another in that order.
    """
    if len(data) < len(MAGIC) + _FOOTER.size or data[: len(MAGIC)] != MAGIC:
        return None
    start, count, _, _ = _FOOTER.unpack_from(data, len(data) - _FOOTER.size)
    if start + count * _ENTRY.size + _FOOTER.size != len(data):
        return None
    found = [Packed(*entry) for entry in _ENTRY.iter_unpack(data[start : start + count * _ENTRY.size])]
    at = len(MAGIC)
    for before, entry in zip([None, *found], found, strict=False):
        if entry.offset != at or (before is not None and entry.digest <= before.digest):
            return None
        at += entry.size
    return found if at == start and ending(found, start) == (name, data[start:]) else None


def overhead_bytes(objects: int) -> int:
    """Size of a pack of that many objects beyond the objects' own bytes."""
    return len(MAGIC) + objects * _ENTRY.size + _FOOTER.size


def _read(fd: int, offset: int, size: int, path: str) -> bytes:
    try:
        if offset < 0:
            raise ValueError(offset)  # noqa: TRY301  (told with the other impossible places below)
        data = os.pread(fd, size, offset)
        while len(data) < size:
            more = os.pread(fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
    except (OverflowError, ValueError) as error:  # a damaged row may ask for an impossible place
        raise CorruptObject(
            f"The store's index names bytes {offset} to {offset + size} of {path}, which cannot be.",
            remedy="`pedigree fsck` lists everything affected; `pedigree fsck --repair` rebuilds the index.",
            path=path,
        ) from error
    except OSError as error:
        raise durable.failure(error, path) from error
    return data
