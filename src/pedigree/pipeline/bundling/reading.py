"""Reading a bundle, once, from front to back: each member checked as it comes, and nothing taken on trust.

A header is compared with the only one that is allowed, a pack with its name, an object with its digest, all of it with
CHECKSUMS at the end. No name in the file ever becomes a path. Memory: one pack, or one line.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from blake3 import blake3

from pedigree import canonical
from pedigree.errors import InvalidBundle, NewerFormat
from pedigree.pipeline.bundling import layout
from pedigree.store import packs
from pedigree.store.paths import shown

if TYPE_CHECKING:
    from pedigree.store.batch import Batch

_BLOCK_BYTES = 1 << 20


class Bundle:
    """An open bundle. `read` takes its objects into a batch; afterwards `head` and `sizes` are complete.

    `stream` is read once, so it may be a pipe. `name` is what messages call it.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.head: dict[str, Any] = {}
        #: 32-byte digest: size of every object that was in it.
        self.sizes: dict[bytes, int] = {}
        self._stream = stream
        self._sums: list[str] = []
        self._bytes = 0

    def read(
        self, batch: Batch, lines: Callable[[str], IO[bytes]], progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Everything in the file, checked: objects to `batch`; the two files of lines to the files that `lines` gives for
        their names.

        Raises InvalidBundle, which says where, or NewerFormat. Whoever calls drops the batch then.
        """
        before = (-1, "")
        while True:
            name, size = self._header()
            rank = layout.rank(name)
            if rank is None:
                raise self.wrong(f"it has a member {shown(name)}, which no bundle has")
            if rank < before or (rank == before and rank[0] != 4):
                raise self.wrong(f"{name} comes twice, or out of order")
            if before == (-1, "") and name != layout.HEAD:
                raise self.wrong(f"it begins with {name}, not with {layout.HEAD}")
            before = rank
            if name == layout.SUMS:
                self._end(size)
                return
            digest = self._member(name, size, batch, lines)
            if self._take(-size % layout.BLOCK, name).strip(b"\0"):
                raise self.wrong(f"there are bytes between {name} and what comes after it")
            self._sums.append(f"{digest}  {name}\n")
            if progress is not None:
                progress(len(self.sizes), self._bytes)

    def wrong(self, why: str) -> InvalidBundle:
        return InvalidBundle(
            f"{self.name} is no sound bundle: {why}.",
            remedy="Nothing was taken from it. Fetch it again, or ask for a new one.",
            bundle=self.name,
        )

    # -- members

    def _member(self, name: str, size: int, batch: Batch, lines: Callable[[str], IO[bytes]]) -> str:
        if name == layout.HEAD:
            data = self._small(name, size, layout.MOST_HEAD_BYTES)
            self._read_head(data)
            return canonical.digest(data)
        if name in {layout.COMMITS, layout.RECORDS}:
            return self._lines(name, size, lines(name))
        if found := layout.PACK.match(name):
            return self._pack(found[1], self._small(name, size, layout.MOST_PACK_BYTES), batch)
        if found := layout.OBJECT.match(name):
            return self._object(found[1], size, batch)
        return canonical.digest(self._small(name, size, layout.MOST_LOCK_BYTES))

    def _read_head(self, data: bytes) -> None:
        value = self.parse(data, layout.HEAD)
        if not isinstance(value, dict) or value.get("kind") != layout.KIND:
            raise self.wrong(f"its {layout.HEAD} is that of something else")
        number = value.get("format")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise self.wrong(f"its format is {shown(str(number))}")
        if number > layout.FORMAT:
            raise NewerFormat(
                f"{self.name} has format {number}; this Pedigree reads bundles up to format {layout.FORMAT}.",
                remedy="Install a newer Pedigree: pip install --upgrade pedigree-ml. Nothing was taken from it.",
            )
        subject = value.get("subject")
        counts = [value.get(name) for name in ("commits", "records", "objects", "object_bytes")]
        if (
            not isinstance(subject, dict)
            or set(subject) != {"repo", "branch", "commit", "path"}
            or not all(isinstance(text, str) for text in subject.values())
            or not isinstance(value.get("results"), bool)
            or not all(type(number) is int and number >= 0 for number in counts)
        ):
            raise self.wrong(f"its {layout.HEAD} lacks something")
        self.head = value

    def _lines(self, name: str, size: int, target: IO[bytes]) -> str:
        hasher = blake3()
        left = size
        while left:
            block = self._take(min(left, _BLOCK_BYTES), name)
            hasher.update(block)
            target.write(block)
            left -= len(block)
        return hasher.hexdigest()

    def _pack(self, name: str, data: bytes, batch: Batch) -> str:
        entries = packs.contents(data, name)
        if entries is None:
            raise self.wrong(f"the pack {name[:12]} is not what its name says")
        for entry in entries:
            piece = data[entry.offset : entry.offset + entry.size]
            digest = canonical.digest(piece)
            if digest != entry.digest.hex():
                raise self.wrong(f"object {entry.digest.hex()[:12]} in the pack {name[:12]} does not match its name")
            if entry.size >= layout.ALONE_BYTES:
                raise self.wrong(f"object {digest[:12]} is too large for a pack")
            self._count(entry.digest, entry.size)
            batch.add_known(piece, digest)
        return canonical.digest(data)

    def _object(self, name: str, size: int, batch: Batch) -> str:
        if size < layout.ALONE_BYTES:
            raise self.wrong(f"object {name[:12]} is too small to lie alone")
        body = _Body(self, size, name)
        digest, read = batch.add_stream(io.BufferedReader(body, _BLOCK_BYTES), size)
        if digest != name or read != size:
            raise self.wrong(f"object {name[:12]} does not match its name")
        self._count(bytes.fromhex(name), size)
        return digest

    def _count(self, digest: bytes, size: int) -> None:
        if digest in self.sizes:
            raise self.wrong(f"object {digest.hex()[:12]} comes twice")
        self.sizes[digest] = size
        if len(self.sizes) > self.head["objects"]:
            raise self.wrong(f"it has more objects than the {self.head['objects']:,} it names")

    def _end(self, size: int) -> None:
        expected = "".join(self._sums).encode()
        if size != len(expected) or self._take(size, layout.SUMS) != expected:
            raise self.wrong(f"{layout.SUMS} does not match what comes before it")
        rest = self._take(-size % layout.BLOCK + len(layout.END), layout.SUMS)
        if rest.strip(b"\0") or self._stream.read(1):
            raise self.wrong("something follows its end")
        held = (len(self.sizes), sum(self.sizes.values()))
        if held != (self.head["objects"], self.head["object_bytes"]):
            raise self.wrong(f"it holds {held[0]:,} objects of the {self.head['objects']:,} it names")

    # -- bytes

    def parse(self, data: bytes, where: str) -> Any:
        """The value of canonical JSON; anything else, another spelling of the same value too, is refused."""
        try:
            value = canonical.decode(data)
            if canonical.encode(value) == data.rstrip(b"\n"):
                return value
        except (ValueError, TypeError, RecursionError):
            pass
        raise self.wrong(f"a line of {where} is no canonical JSON")

    def _header(self) -> tuple[str, int]:
        data = self._take(layout.BLOCK, "a header")
        found = layout.parse_header(data)
        if found is None:
            raise self.wrong("a header of it is not one that a bundle has")
        return found

    def _small(self, name: str, size: int, most: int) -> bytes:
        if size > most:
            raise self.wrong(f"{name} has {size:,} bytes, and at most {most:,} are read")
        return self._take(size, name)

    def _take(self, size: int, what: str) -> bytes:
        pieces = []
        left = size
        while left and (piece := self._stream.read(min(left, _BLOCK_BYTES))):
            pieces.append(piece)
            left -= len(piece)
        if left:
            raise self.wrong(f"it ends within {what}")
        self._bytes += size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Body(io.RawIOBase):
    """The bytes of one object, straight from the stream."""

    def __init__(self, bundle: Bundle, size: int, name: str) -> None:
        self._bundle = bundle
        self._left = size
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        wanted = min(len(buffer), self._left, _BLOCK_BYTES)
        data = self._bundle._take(wanted, f"object {self._name[:12]}")
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def lines(file: IO[bytes], bundle: Bundle, where: str) -> Iterator[Any]:
    """The values of a file of lines, one at a time."""
    file.seek(0)
    while line := file.readline(layout.MOST_LINE_BYTES + 1):
        if len(line) > layout.MOST_LINE_BYTES or not line.endswith(b"\n"):
            raise bundle.wrong(f"a line of {where} is cut, or longer than {layout.MOST_LINE_BYTES:,} bytes")
        yield bundle.parse(line, where)
