"""Unpacking: a compressed stream read piece by piece, with bounds on memory and on how far it may swell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from pedigree.errors import MissingExtra

if TYPE_CHECKING:
    from pedigree.store.archives import Guard

_BLOCK = 1 << 16
#: An xz header may ask for a dictionary of 4 GiB; xz -9 asks for 65 MiB.
_XZ_MEMORY_BYTES = 128 << 20

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Source(Protocol):
    """Bytes in order."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, at least one; none at the end."""
        ...


def method_of(head: bytes) -> str | None:
    """Which compression these first bytes belong to, if any."""
    return next((method for magic, method in _MAGIC.items() if head.startswith(magic)), None)


class Plain:
    """A stream with the bytes that were read off to look at it put back."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._stream = stream
        self._head = head
        self.consumed = 0  # bytes

    def read(self, size: int) -> bytes:
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
        else:
            block = self._stream.read(size)
        self.consumed += len(block)
        return block


class Blocks:
    """A source read in large blocks and given out in small ones: a tar header is 512 bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._block = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        if self._at == len(self._block):
            if size >= _BLOCK:
                return self._source.read(size)
            self._block = self._source.read(4 * _BLOCK)
            self._at = 0
        piece = self._block[self._at : self._at + size]
        self._at += len(piece)
        return piece


class Unpacked:
    """The bytes that a compressed stream unpacks to; several such streams in a row are one, as in gzip(1)."""

    def __init__(self, source: Plain, method: str, guard: Guard) -> None:
        self._source = source
        self._method = method
        self._guard = guard
        self._engine = _engine(method)
        self._input = b""
        self._produced = 0  # bytes

    def read(self, size: int) -> bytes:
        try:
            return self._read(size)
        except _errors(self._method) as error:
            raise self._guard.broken(f"its {self._method} data is damaged ({error})") from error

    def _read(self, size: int) -> bytes:
        engine = self._engine
        while True:
            if engine.eof:
                rest = engine.unused_data or self._source.read(_BLOCK)
                if method_of(rest) != self._method:
                    return b""  # padding, as on tapes
                engine = self._engine = _engine(self._method)
                self._input = rest
            if not self._input and engine.needs_input:
                self._input = self._source.read(_BLOCK)
                if not self._input and not (block := engine.decompress(b"", size)) and not engine.eof:
                    raise EOFError("it ends too early")
                if not self._input:
                    return self._count(block) if block else b""
            given, self._input = self._input, b""
            block = engine.decompress(given, size)
            if block:
                return self._count(block)

    def _count(self, block: bytes) -> bytes:
        self._produced += len(block)
        limits = self._guard.limits
        if self._produced > limits.ratio_from and self._produced > limits.ratio * self._source.consumed:
            raise self._guard.swollen(self._produced, self._source.consumed)
        return block


class _Zlib:
    """zlib's object with the methods that bzip2's and xz's have."""

    def __init__(self) -> None:
        import zlib

        self._engine = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._engine.unconsumed_tail

    def decompress(self, data: bytes, size: int) -> bytes:
        tail = self._engine.unconsumed_tail
        return self._engine.decompress(tail + data if tail else data, size)


def _engine(method: str) -> Any:
    if method == "gzip":
        return _Zlib()
    if method == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    if method == "xz":
        import lzma

        return lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]  # Python 3.14
    except ImportError:
        raise MissingExtra(
            "This Python cannot unpack zstd; Python 3.14 is the first that can.",
            remedy="Unpack it first: `zstd -dc FILE | pedigree put REPO@BRANCH:/ --untar -`.",
        ) from None
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27})


def _errors(method: str) -> tuple[type[Exception], ...]:
    if method == "gzip":
        import zlib

        return (zlib.error, EOFError)
    if method == "bzip2":
        return (OSError, EOFError, ValueError)
    if method == "xz":
        import lzma

        return (lzma.LZMAError, EOFError)
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]

    return (zstd.ZstdError, EOFError)
