"""Zip: the members that its central directory lists, stored or deflated, with ZIP64.

The standard library's reader is not used: it holds every entry in memory at once and takes the directory's
size on trust.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from pedigree.store.archives import MAX_TARGET_BYTES, SMALL_BYTES, Guard, Member
from pedigree.store.paths import shown

_ENTRY = struct.Struct("<4s4B4HL2L5H2L")  # a central directory entry, 46 bytes
_LOCAL = struct.Struct("<4s5HLLL2H")  # a local header, 30 bytes
_END = struct.Struct("<4s4H2LH")  # end of central directory, 22 bytes
_END64 = struct.Struct("<4sQ2H2L4Q")  # its ZIP64 form, 56 bytes
_LOCATOR64 = struct.Struct("<4sLQL")  # where that is, 20 bytes
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNIX = 3


class _Listed(NamedTuple):
    """What the central directory says of one member; sizes and offset in bytes."""

    name: str
    method: int
    encrypted: bool
    crc: int
    packed: int
    size: int
    mode: int  #: Unix mode and type, 0 where the archive has none
    offset: int


def zip_members(file: BinaryIO, guard: Guard) -> Iterator[Member]:
    """The members of the zip, each checked by the guard."""
    size = file.seek(0, io.SEEK_END)
    start, length = _directory(file, size, guard)
    total = 0
    for listed in _listing(file, start, length, guard):
        guard.count(listed.name, listed.size)
        total += listed.size
        if total > guard.limits.ratio_from and total > guard.limits.ratio * size:
            # Members may share their packed data, so it is the sum that tells (D. Fifield, "A better zip
            # bomb").
            raise guard.swollen(total, size)
    for listed in _listing(file, start, length, guard):
        guard.present = name = listed.name
        path = guard.path(name)
        kind = stat.S_IFMT(listed.mode)
        if name.endswith("/") or kind == stat.S_IFDIR:
            continue
        if path == "":
            raise guard.unsafe(name, "a file needs a name")
        if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
            raise guard.unsafe(name, "it is neither a file, a folder nor a symbolic link")
        if listed.encrypted:
            raise guard.unsafe(name, "it is encrypted")
        if listed.method not in {_STORED, _DEFLATED}:
            raise guard.unsafe(name, f"its compression method {listed.method} is not known")
        executable = guard.mode(name, listed.mode)
        body = _Body(file, _data_offset(file, listed, guard), listed, guard)
        if kind == stat.S_IFLNK:
            if listed.size > MAX_TARGET_BYTES:
                raise guard.unsafe(name, f"it is a symbolic link of {listed.size:,} bytes")
            target = body.readall().decode("utf-8", "surrogateescape")
            guard.link(path, name, target)
            yield Member(path, "l", listed.size, target=target)
        elif listed.size <= SMALL_BYTES:
            yield Member(path, "f", listed.size, executable, io.BytesIO(body.readall()))
        else:
            yield Member(path, "f", listed.size, executable, io.BufferedReader(body, 1 << 16))


class _Body(io.RawIOBase):
    """The unpacked data of one member, checked against the size and the CRC that the archive gives."""

    def __init__(self, file: BinaryIO, offset: int, listed: _Listed, guard: Guard) -> None:
        self._file = file
        self._offset = offset
        self._packed_left = listed.packed
        self._left = listed.size
        self._crc = 0
        self._listed = listed
        self._guard = guard
        self._engine = zlib.decompressobj(wbits=-15) if listed.method == _DEFLATED else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        block = self._next(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self._next(1 << 16), b""))

    def _next(self, wanted: int) -> bytes:
        if wanted == 0:
            return b""
        block = self._unpack(min(wanted, self._left) or 1)
        if len(block) > self._left:
            raise self._guard.unsafe(self._listed.name, f"it unpacks to more than its {self._listed.size:,} bytes")
        self._left -= len(block)
        self._crc = zlib.crc32(block, self._crc)
        if not block and (self._left or self._crc != self._listed.crc):
            raise self._guard.broken(f"{shown(self._listed.name)} does not match its checksum")
        return block

    def _unpack(self, wanted: int) -> bytes:
        if self._engine is None:
            return self._fetch(wanted)
        try:
            while not self._engine.eof:
                packed = self._engine.unconsumed_tail or self._fetch(1 << 16)
                block = self._engine.decompress(packed, wanted)
                if block or not packed:
                    return block
        except zlib.error as error:
            raise self._guard.broken(f"{shown(self._listed.name)} is damaged ({error})") from error
        return b""

    def _fetch(self, wanted: int) -> bytes:
        # Seeks each time: the caller may have gone on to the directory in between.
        self._file.seek(self._offset)
        block = self._file.read(min(wanted, self._packed_left))
        self._offset += len(block)
        self._packed_left -= len(block)
        return block


def _directory(file: BinaryIO, size: int, guard: Guard) -> tuple[int, int]:
    """Offset and length of the central directory."""
    tail_length = min(size, _END.size + 0xFFFF)
    file.seek(size - tail_length)
    tail = file.read(tail_length)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise guard.broken("its end is missing")
    length, start = _END.unpack_from(tail, at)[5:7]
    end = size - tail_length + at
    if 0xFFFFFFFF in {length, start} or _END.unpack_from(tail, at)[4] == 0xFFFF:
        file.seek(max(end - _LOCATOR64.size, 0))
        locator = file.read(_LOCATOR64.size)
        if locator[:4] == b"PK\x06\x07" and len(locator) == _LOCATOR64.size:
            file.seek(min(_LOCATOR64.unpack(locator)[2], size))
            record = file.read(_END64.size)
            if record[:4] != b"PK\x06\x06" or len(record) < _END64.size:
                raise guard.broken("its ZIP64 end is missing")
            length, start = _END64.unpack(record)[8:10]
    if start + length > end:
        raise guard.broken("its directory lies outside it")
    return start, length


def _listing(file: BinaryIO, start: int, length: int, guard: Guard) -> Iterator[_Listed]:
    """The entries of the central directory, a block of it in memory at a time."""
    offset, end, buffer = start, start + length, b""
    while offset < end or buffer:
        if len(buffer) < 1 << 18 and offset < end:  # an entry has at most 46 + 3 * 65,535 bytes
            file.seek(offset)
            block = file.read(min(1 << 20, end - offset))
            if not block:
                raise guard.broken("its directory is cut")
            offset += len(block)
            buffer += block
        at = 0
        while len(buffer) - at >= 1 << 18 or (offset == end and at < len(buffer)):
            if len(buffer) - at < _ENTRY.size or buffer[at : at + 4] != b"PK\x01\x02":
                raise guard.broken("its directory is damaged")
            fields = _ENTRY.unpack_from(buffer, at)
            name_length, extra_length, comment_length = fields[12:15]
            name_at = at + _ENTRY.size
            extra_at = name_at + name_length
            at = extra_at + extra_length + comment_length
            if at > len(buffer):
                raise guard.broken("its directory is cut")
            yield _listed(fields, buffer[name_at:extra_at], buffer[extra_at : extra_at + extra_length], guard)
        buffer = buffer[at:]


def _listed(fields: tuple[int, ...], name: bytes, extra: bytes, guard: Guard) -> _Listed:
    system, flags, method = fields[2], fields[5], fields[6]
    crc, packed, size = fields[9], fields[10], fields[11]
    attributes, offset = fields[17], fields[18]
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:  # ZIP64: 64-bit values for exactly the fields that are all ones, in this order
            values = list(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            try:
                size = values.pop(0) if size == 0xFFFFFFFF else size
                packed = values.pop(0) if packed == 0xFFFFFFFF else packed
                offset = values.pop(0) if offset == 0xFFFFFFFF else offset
            except IndexError:
                raise guard.broken("a ZIP64 field is missing") from None
        at += 4 + length
    text = name.decode("utf-8", "surrogateescape") if flags & _UTF8 else name.decode("cp437")
    mode = attributes >> 16 if system == _UNIX else 0
    return _Listed(text, method, bool(flags & _ENCRYPTED), crc, packed, size, mode, offset)


def _data_offset(file: BinaryIO, listed: _Listed, guard: Guard) -> int:
    file.seek(listed.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise guard.broken(f"the header of {shown(listed.name)} is missing")
    name_length, extra_length = _LOCAL.unpack(header)[9:11]
    return listed.offset + _LOCAL.size + int(name_length) + int(extra_length)
