"""A batch: new objects on their way into the store, published together or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import chain, repeat
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from pedigree.errors import Busy, InvalidInput, PathNotFound, PedigreeError, StorageFailure
from pedigree.store import alone, durable
from pedigree.store.packs import Packed, Writer

if TYPE_CHECKING:
    from pathlib import Path

    from pedigree.store.objects import Objects

#: Small objects are gathered up to this many bytes, then compared with the store and written in one call.
#: More leaves the processor's cache and makes the allocator ask the system for fresh pages: reading and
#: hashing 10,000 files of 4 KiB took 135 ms of CPU with 8 MiB and 80 ms with 512 KiB.
_GATHER_BYTES = 512 << 10
_GATHER_OBJECTS = 4096

#: Rows in one INSERT, four values each: SQLite takes 32,766.
_ROWS = 200


class Batch:
    """New objects. A context manager; not thread-safe.

    While it is open it holds the store's lock shared, so that no `gc` removes an object that it found already
    there. The caller publishes, then records in the transaction of the commit that needs the objects. Leaving
    the block removes whatever was not published and recorded.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._held = ExitStack()
        # What each digest of this batch is now: None in the store, bytes still gathered, or where it was
        # written.
        self._found: dict[str, bytes | tuple[Writer, Packed] | str | None] = {}
        self._gathered: list[str] = []
        self._gathered_bytes = 0
        self._writers: list[Writer] = []
        self._alone: dict[str, tuple[str, int]] = {}  # digest: (temporary path, size), not yet published
        self._published_packs: list[Writer] = []
        self._published_alone: dict[str, int] = {}

    def __enter__(self) -> Batch:
        self._held.enter_context(self._objects.lock.shared())
        self._objects.make_folders()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in (*self._writers, *self._published_packs):
            writer.close()
        durable.remove_quietly([writer.path for writer in self._writers])
        durable.remove_quietly([path for path, _ in self._alone.values()])
        self._held.close()
        if error is not None:
            self._withdraw()

    # ------------------------------------------------------------------------------------------ adding

    def add(self, data: bytes) -> str:
        """Add an object and return its digest. What the store or this batch has already is not written
        again."""
        digest = blake3(data).hexdigest()
        self.add_known(data, digest)
        return digest

    def add_known(self, data: bytes, digest: str) -> None:
        """Add an object whose digest the caller has just computed from these very bytes."""
        if digest in self._found:
            return
        if len(data) >= alone.MINIMUM_BYTES:
            self._add_large(data, digest)
            return
        self._found[digest] = data
        self._gathered.append(digest)
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= _GATHER_BYTES or len(self._gathered) >= _GATHER_OBJECTS:
            self._flush()

    def add_stream(self, reader: BinaryIO, size_hint: int | None = None) -> tuple[str, int]:
        """Add what a file still holds, read once; returns (digest, size in bytes).

        `size_hint`, in bytes, only makes the message of a full disk exact.
        """
        pieces: list[bytes] = []
        size = 0
        while size < alone.MINIMUM_BYTES:
            piece = reader.read(alone.MINIMUM_BYTES - size)
            if not piece:
                data = b"".join(pieces)
                return self.add(data), size
            pieces.append(piece)
            size += len(piece)
        return self._copy_in(b"".join(pieces), reader, size_hint)

    def add_file(self, path: str | Path, *, move: bool = False, dir_fd: int | None = None) -> tuple[str, int]:
        """Add a regular file's bytes, read once; returns (digest, size in bytes). Never follows a symbolic
        link.

        `move` says that the file is the caller's to give away and that nobody writes to it any more: a large
        one is then renamed into the store instead of copied. A path relative to an open folder comes with
        `dir_fd`. Raises PathNotFound, InvalidInput for what is not a regular file, StorageFailure for what
        cannot be read.
        """
        try:
            # Not blocking matters for a FIFO that took the file's place; regular files ignore it.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=dir_fd)
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _irregular(path)
            size = status.st_size
            if size < alone.MINIMUM_BYTES:
                try:
                    data = os.read(fd, size + 1)
                    if len(data) != size:
                        # It changes while we read it; what we got up to its end is what we store.
                        while piece := os.read(fd, alone.MINIMUM_BYTES):
                            data += piece
                except OSError as error:
                    raise _unreadable(path, error) from error
                digest = blake3(data).hexdigest()
                self.add_known(data, digest)
                return digest, len(data)
            if move and status.st_nlink == 1:
                moved = self._move_in(fd, str(path), dir_fd, size)
                if moved is not None:
                    return moved
            with os.fdopen(os.dup(fd), "rb", buffering=0) as file:
                return self._copy_in(b"", file, size, str(path))
        finally:
            os.close(fd)

    def _add_large(self, data: bytes, digest: str) -> None:
        if self._in_store(digest):
            return
        fd, path = durable.create_temporary(self._objects.temporary, "alone")
        try:
            durable.write(fd, data, path)
            self._settle(fd, digest, path, len(data))
        except BaseException:
            durable.remove_quietly([path])
            raise
        finally:
            os.close(fd)

    def _copy_in(
        self, start: bytes, rest: BinaryIO, size_hint: int | None, source: str | None = None
    ) -> tuple[str, int]:
        fd, path = durable.create_temporary(self._objects.temporary, "alone")
        kept = False
        try:
            hasher = blake3(start)
            size = len(start)
            durable.write(fd, start, path, needed_bytes=size_hint)
            copied = None
            if (incoming_fd := _descriptor(rest)) is not None and size % alone.MINIMUM_BYTES == 0:
                with durable.guarded(path, needed_bytes=size_hint):
                    # Some file systems answer 0 in place of an error: then reading on finds what there is.
                    copied = alone.copy(incoming_fd, fd, size, hasher) or None
            size += copied or 0
            incoming = alone.blocks(rest) if copied is None else iter(())
            while True:
                try:
                    block = next(incoming, None)
                except OSError as error:
                    if source is None:
                        raise
                    raise _unreadable(source, error) from error
                if block is None:
                    break
                hasher.update(block)
                durable.write(fd, block, path, needed_bytes=max(0, (size_hint or 0) - size))
                size += len(block)
            digest = hasher.hexdigest()
            if digest not in self._found and not self._in_store(digest):
                self._settle(fd, digest, path, size)
                kept = True
            return digest, size
        finally:
            os.close(fd)
            if not kept:
                durable.remove_quietly([path])

    def _move_in(self, fd: int, source: str, dir_fd: int | None, size: int) -> tuple[str, int] | None:
        digest = alone.hashed(fd, source)
        if digest in self._found or self._in_store(digest):
            return digest, size
        path = durable.take(source, dir_fd, self._objects.temporary, "alone")
        if path is None:
            return None
        try:
            self._settle(fd, digest, path, size)
        except BaseException:
            durable.remove_quietly([path])
            raise
        return digest, size

    def _settle(self, fd: int, digest: str, path: str, size: int) -> None:
        """Make a complete temporary file read-only, stamp it and remember it."""
        alone.settle(fd, path)
        self._found[digest] = path
        self._alone[digest] = (path, size)

    def _in_store(self, digest: str) -> bool:
        """Whether a large object is in the store, whole; one that is damaged there is written again."""
        objects = self._objects
        try:
            found = objects.has(digest) and (objects.alone_path(digest) is not None)
        except PedigreeError:
            return False
        if found:
            self._found[digest] = None
        return found

    def _flush(self) -> None:
        gathered = self._gathered
        if not gathered:
            return
        missing = self._objects.missing(gathered)
        fresh = gathered if len(missing) == len(gathered) else [name for name in gathered if name in missing]
        data = [found for found in map(self._found.__getitem__, fresh) if isinstance(found, bytes)]
        if fresh:
            if not self._writers or self._writers[-1].full:
                self._writers.append(Writer(self._objects.temporary))
            writer = self._writers[-1]
            raw = bytes.fromhex("".join(fresh))
            keys = [raw[at : at + 32] for at in range(0, len(raw), 32)]
            entries = writer.add(list(zip(keys, data, strict=True)))
            self._found.update(zip(fresh, zip(repeat(writer), entries), strict=False))
        if len(missing) != len(gathered):
            for digest in gathered:
                if digest not in missing:
                    self._found[digest] = None
        self._gathered, self._gathered_bytes = [], 0

    # ----------------------------------------------------------------------------------------- reading

    def reader(self) -> Callable[[str], bytes]:
        """A function that reads objects of this batch as well as the store's, for trees edited in it."""

        def read(digest: str) -> bytes:
            place = self._found.get(digest)
            if isinstance(place, bytes):
                return place
            if isinstance(place, tuple):
                writer, entry = place
                return writer.read(entry)
            if isinstance(place, str):
                with durable.guarded(place), open(place, "rb") as file:
                    return file.read()
            return self._objects.read(digest)

        return read

    def new_among(self, digests: Iterable[str]) -> int:
        """How many of the digests are objects that this batch brings and the store does not have."""
        self._flush()
        return sum([self._found.get(digest) is not None for digest in set(digests)])

    def holds_new(self) -> bool:
        """Whether there is something to publish."""
        self._flush()
        return bool(self._writers or self._alone)

    # -------------------------------------------------------------------------------------- publishing

    def publish(self) -> None:
        """Make everything added so far durable under its final name. Call it under the store's shared lock.

        Objects added afterwards need another `publish`. Costs two flushes of the disk, none when nothing is
        new.
        """
        self._flush()
        objects = self._objects
        moves = []
        for writer in self._writers:
            name = writer.finish() if writer.name is None else writer.name
            moves.append((writer.path, objects.pack_file(name)))
        moves += [(path, objects.alone_file(digest)) for digest, (path, _) in self._alone.items()]
        durable.publish(moves)
        self._published_packs += self._writers
        for digest, (_, size) in self._alone.items():
            self._published_alone[digest] = size
            self._found[digest] = objects.alone_file(digest)
        self._writers = []
        self._alone = {}

    def record(self) -> None:
        """Enter everything published into the database, inside the caller's transaction. May be repeated."""
        database = self._objects.database
        for writer in self._published_packs:
            if database.row("SELECT 1 FROM packs WHERE name = ?", (writer.name,)):
                continue  # recorded before, with all its objects; gc cannot have come between
            pack = database.execute("INSERT INTO packs(name) VALUES (?)", (writer.name,)).lastrowid
            self._insert([(digest, pack, offset, size) for digest, offset, size in writer.entries])
        self._insert([(bytes.fromhex(digest), 0, 0, size) for digest, size in self._published_alone.items()])

    def _insert(self, rows: list[tuple[bytes, int | None, int, int]]) -> None:
        # Many rows in one statement take half the time of as many statements.
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            self._objects.database.execute(
                f"INSERT OR IGNORE INTO objects(digest, pack, offset, size) VALUES {','.join(['(?,?,?,?)'] * len(part))}",
                chain.from_iterable(part),
            )

    def _withdraw(self) -> None:
        """After an error, remove published files that no transaction recorded, if nobody else is at work."""
        if not self._published_packs and not self._published_alone:
            return
        objects = self._objects
        try:
            with objects.lock.exclusive(wait_s=0):
                unused = [
                    objects.pack_file(str(writer.name))
                    for writer in self._published_packs
                    if not objects.database.row("SELECT 1 FROM packs WHERE name = ?", (writer.name,))
                ]
                unused += [objects.alone_file(d) for d in objects.missing(self._published_alone)]
                durable.remove_quietly(unused)
        except (Busy, StorageFailure):
            return  # gc removes them


def _descriptor(stream: BinaryIO) -> int | None:
    """The descriptor under an unbuffered file, whose position is then the stream's; None for any other stream."""
    return stream.fileno() if isinstance(stream, io.FileIO) else None


def _unreadable(path: str | Path, error: OSError) -> PedigreeError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return PathNotFound(
            f"There is no file {path}.", remedy="Check the spelling; nothing was changed.", path=str(path)
        )
    if error.errno == errno.ELOOP:
        return _irregular(path)
    return StorageFailure(
        f"{path} could not be read: {reason}. Nothing was changed.",
        remedy="Check its permissions and its disk, then try again.",
        path=str(path),
    )


def _irregular(path: str | Path) -> InvalidInput:
    return InvalidInput(
        f"{path} is not a regular file (it is a link, folder, FIFO, socket or device).",
        remedy="Leave it out, or put the file that it stands for.",
        path=str(path),
    )
