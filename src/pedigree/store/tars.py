"""Tar: POSIX (pax), GNU and old headers, read in one pass.

The standard library's reader is not used: it takes the size of an extended header on trust, and its
extraction filters have been got around more than once (shared RELIABILITY, S1). Here a header is 512 bytes,
an extended one at most 1 MiB.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pedigree.store.archives import SMALL_BYTES, Guard, Member
from pedigree.store.paths import shown

if TYPE_CHECKING:
    from pedigree.store.unpacking import Source

_BLOCK = 512
_MAX_EXTENDED_BYTES = 1 << 20
_ZEROS = bytes(_BLOCK)
_REFUSED = {
    "3": "it is a character device",
    "4": "it is a block device",
    "6": "it is a named pipe",
    "S": "it is a sparse file in GNU's old format; write the archive without --sparse",
    "M": "it continues a file of another volume",
}


def is_tar(head: bytes) -> bool:
    """Whether these first 512 bytes are a tar header, or the end mark of an empty tar."""
    return len(head) == _BLOCK and (head == _ZEROS or _checksum_matches(head))


def tar_members(source: Source, guard: Guard) -> Iterator[Member]:
    """The members of the tar, each checked by the guard."""
    common: dict[str, str] = {}  # from `g` headers
    extended: dict[str, str] = {}  # from the `x`, `L` and `K` headers before a member
    files: set[str] = set()  # what hard links may name
    while True:
        header = _read(source, _BLOCK)
        if not header or header == _ZEROS:
            _drain(source)
            return
        if len(header) < _BLOCK:
            raise guard.broken("it ends within a header")
        if not _checksum_matches(header):
            raise guard.broken("a header's checksum does not match")
        kind = chr(header[156])
        size = _number(header[124:136], guard)
        if kind in "xgLK":
            text = _extended(source, size, guard)
            if kind == "x":
                extended.update(_records(text, guard))
            elif kind == "g":
                common.update(_records(text, guard))
            else:
                extended["path" if kind == "L" else "linkpath"] = _text(text)
            continue
        facts = {**common, **extended} if common else extended
        extended = {}
        name = facts.get("path") or _name(header)
        link = facts.get("linkpath") or _text(header[157:257])
        if "size" in facts:
            if not facts["size"].isdecimal() or len(facts["size"]) > 18:
                raise guard.broken(f"a header gives the size {shown(facts['size'])}")
            size = int(facts["size"])
        if kind in "125346":
            size = 0  # these have no data, whatever the field says
        if kind in "\x0001257" and any(fact.startswith("GNU.sparse.") for fact in facts):
            raise guard.unsafe(name, "it is a sparse file; write the archive without --sparse")
        guard.count(name, size)
        path = guard.path(name)
        if kind in "5V" or (kind == "\0" and name.endswith("/")):
            _skip(source, size + -size % _BLOCK, guard)
            continue
        if kind in _REFUSED or kind not in "\x00012" + "7":
            raise guard.unsafe(name, _REFUSED.get(kind, f"its type {shown(kind)} is not known"))
        if path == "":
            raise guard.unsafe(name, "a file needs a name")
        if kind == "2":
            guard.link(path, name, link)
            yield Member(path, "l", len(link.encode("utf-8", "surrogateescape")), target=link)
        elif kind == "1":
            target = guard.path(link)
            if target not in files:
                raise guard.unsafe(name, f"it is a hard link to {shown(link)}, which is no earlier file of the archive")
            files.add(path)
            yield Member(path, "h", 0, target=target)
        else:
            executable = guard.mode(name, _number(header[100:108], guard))
            files.add(path)
            if size <= SMALL_BYTES:
                data = _read(source, size)
                if len(data) < size:
                    raise guard.broken(f"it ends within {shown(name)}")
                yield Member(path, "f", size, executable, io.BytesIO(data))
            else:
                body = _Body(source, size, name, guard)
                yield Member(path, "f", size, executable, io.BufferedReader(body, 1 << 16))
                _skip(source, body.left, guard)
            _skip(source, -size % _BLOCK, guard)
            continue
        _skip(source, -size % _BLOCK, guard)


class _Body(io.RawIOBase):
    """The data of one member."""

    def __init__(self, source: Source, size: int, name: str, guard: Guard) -> None:
        self._source = source
        self.left = size  # bytes
        self._name = name
        self._guard = guard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        wanted = min(len(buffer), self.left)
        if wanted == 0:
            return 0
        block = self._source.read(wanted)
        if not block:
            raise self._guard.broken(f"it ends within {shown(self._name)}")
        buffer[: len(block)] = block
        self.left -= len(block)
        return len(block)


def _read(source: Source, size: int) -> bytes:
    """Exactly `size` bytes, or fewer at the end."""
    block = source.read(size) if size else b""
    if len(block) == size or not block:
        return block
    pieces = [block]
    missing = size - len(block)
    while missing and (block := source.read(missing)):
        pieces.append(block)
        missing -= len(block)
    return b"".join(pieces)


def _skip(source: Source, size: int, guard: Guard) -> None:
    while size:
        block = source.read(min(size, 1 << 16))
        if not block:
            raise guard.broken("it ends too early")
        size -= len(block)


def _drain(source: Source) -> None:
    # To the end of a compressed stream, so that its checksum is looked at; tar pads to 10 KiB, some to a
    # megabyte.
    for _ in range(64):
        if not source.read(1 << 16):
            return


def _checksum_matches(header: bytes) -> bool:
    digits = header[148:156].replace(b"\0", b" ").strip()
    try:
        expected = int(digits, 8)
    except ValueError:
        return False
    return expected == sum(header) - sum(header[148:156]) + 8 * 0x20


def _number(field: bytes, guard: Guard) -> int:
    if field[0] == 0x80:  # GNU: the rest is a binary number
        value = int.from_bytes(field[1:], "big")
        if value < 1 << 62:
            return value
    else:
        digits = field.replace(b"\0", b" ").strip()
        try:
            value = int(digits or b"0", 8)
        except ValueError:
            value = -1
        if value >= 0:
            return value
    raise guard.broken(f"a header holds the number {field!r}")


def _name(header: bytes) -> str:
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and header[345]:
        return _text(header[345:500]) + "/" + name
    return name


def _text(field: bytes) -> str:
    """Up to the first NUL; bytes that are not UTF-8 become surrogates, which `store_path` refuses."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _extended(source: Source, size: int, guard: Guard) -> bytes:
    if size > _MAX_EXTENDED_BYTES:
        raise guard.broken(f"an extended header has {size:,} bytes, and at most {_MAX_EXTENDED_BYTES:,} are read")
    data = _read(source, size)
    if len(data) < size:
        raise guard.broken("it ends within an extended header")
    _skip(source, -size % _BLOCK, guard)
    return data


def _records(data: bytes, guard: Guard) -> dict[str, str]:
    """pax records: `LENGTH KEY=VALUE\\n`, the length counting the whole record."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at] != 0:
        space = data.find(b" ", at, at + 12)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not at < end <= len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise guard.broken("an extended header is malformed")
        if b"\0" in value and key in {b"path", b"linkpath"}:
            raise guard.unsafe(value.decode("utf-8", "replace"), "its path holds a NUL")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at = end
    return found
