"""Objects: bytes under their own digest, small ones in packs, large ones alone.

The database's table `objects` says where each lies: pack 0 means alone. A row is written in the same
transaction as the commit that needs it, after the bytes and their name are durable; so what has a row is
whole, and deduplicating against rows can never deduplicate onto a torn file.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from blake3 import blake3

from pedigree.errors import CorruptObject, MissingObject
from pedigree.store import alone, durable, folder
from pedigree.store.batch import Batch
from pedigree.store.database import Database
from pedigree.store.packs import Reader

if TYPE_CHECKING:
    from pathlib import Path

_OPEN_PACKS = 64
_QUESTION = 500  # digests in one SQL question


class Place(NamedTuple):
    """Where an object lies: `pack` is the pack's name, None when it lies alone."""

    pack: str | None
    offset: int
    size: int


class Objects:
    """The store's objects. Threads may share it; every process opens its own."""

    def __init__(self, place: str | Path, database: Database) -> None:
        """`place` is the `.pedigree` folder."""
        self.database = database
        self.lock = durable.Lock(f"{place}/{folder.LOCK}")
        self.temporary = f"{place}/{folder.TEMPORARY}"
        self._packs = f"{place}/{folder.PACKS}"
        self._alone = f"{place}/{folder.ALONE}"
        self._readers: dict[str, Reader] = {}
        self._guard = threading.Lock()

    def pack_file(self, name: str) -> str:
        """Path of the pack of that name, whether it is there or not."""
        return f"{self._packs}/{name}.pack"

    def alone_file(self, digest: str) -> str:
        """Path of that object if it lies alone, whether it is there or not."""
        return f"{self._alone}/{digest[:2]}/{digest}"

    def make_folders(self) -> None:
        """Make what backup programs and git leave out: folders that hold nothing."""
        for place in (self.temporary, self._packs, self._alone):
            if not os.path.isdir(place):
                with durable.guarded(place):
                    os.makedirs(place, exist_ok=True)

    # ----------------------------------------------------------------------------------- what there is

    def has(self, digest: str) -> bool:
        """Whether the store names the object. Its bytes are checked when they are read."""
        found = self.database.row("SELECT 1 FROM objects WHERE digest = ?", (bytes.fromhex(digest),))
        return found is not None

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests that the store does not name. One question per 500."""
        left = set(digests)
        if self.database.row("SELECT 1 FROM objects LIMIT 1") is None:
            return left  # a store's first put need not ask 10,000 times
        wanted = list(left)
        for start in range(0, len(wanted), _QUESTION):
            keys = [bytes.fromhex(digest) for digest in wanted[start : start + _QUESTION]]
            marks = ",".join("?" * len(keys))
            rows = self.database.rows(f"SELECT hex(digest) FROM objects WHERE digest IN ({marks})", keys)
            left.difference_update([digest.lower() for (digest,) in rows])
        return left

    def size(self, digest: str) -> int:
        """The object's size in bytes. Raises MissingObject."""
        return self.place(digest).size

    def place(self, digest: str) -> Place:
        """Where the object lies. Raises MissingObject."""
        row = self.database.row(
            "SELECT o.pack, p.name, o.offset, o.size FROM objects o LEFT JOIN packs p ON p.id = o.pack "
            "WHERE o.digest = ?",
            (bytes.fromhex(digest),),
        )
        return self._placed(digest, row)

    def places(self, digests: Iterable[str]) -> dict[str, Place]:
        """Where each of the objects lies. Raises MissingObject for the first that the store does not name."""
        wanted = list(dict.fromkeys(digests))
        found: dict[str, Place] = {}
        for start in range(0, len(wanted), _QUESTION):
            part = wanted[start : start + _QUESTION]
            marks = ",".join("?" * len(part))
            rows = self.database.rows(
                "SELECT o.pack, p.name, o.offset, o.size, lower(hex(o.digest)) FROM objects o "
                f"LEFT JOIN packs p ON p.id = o.pack WHERE o.digest IN ({marks})",
                [bytes.fromhex(digest) for digest in part],
            )
            by_digest = {row[4]: row for row in rows}
            for digest in part:
                found[digest] = self._placed(digest, by_digest.get(digest))
        return found

    def _placed(self, digest: str, row: tuple[object, ...] | None) -> Place:
        if row is None:
            raise MissingObject(
                f"The store has no object {digest}.",
                remedy="`pedigree fsck` lists everything affected; put the file again, or restore the store.",
                digest=digest,
            )
        pack, name, offset, size = row[:4]
        sound = isinstance(offset, int) and isinstance(size, int) and offset >= 0 and size >= 0
        if not sound or (pack != 0 and (not isinstance(name, str) or int(str(size)) >= alone.MINIMUM_BYTES)):
            raise CorruptObject(
                f"The store's index places object {digest} in pack {pack} at {offset}, {size} bytes, which cannot be.",
                remedy="`pedigree fsck` lists what is affected; `pedigree fsck --repair` rebuilds the index.",
                digest=digest,
            )
        return Place(name if pack != 0 else None, int(str(offset)), int(str(size)))  # type: ignore[arg-type]

    # ----------------------------------------------------------------------------------------- reading

    def read(self, digest: str) -> bytes:
        """The object's bytes, checked against its name. Raises MissingObject or CorruptObject."""
        for _ in range(2):
            place = self.place(digest)
            try:
                data = self._bytes(digest, place)
            except FileNotFoundError:
                continue  # gc moved it between the two steps; the index knows the new place
            if len(data) != place.size or blake3(data).hexdigest() != digest:
                raise self._corrupt(digest, place)
            return data
        raise self._lost(digest, place)

    def open(self, digest: str) -> BinaryIO:
        """A seekable, read-only file of the object's bytes. Small objects are checked by hash, large by
        stamp."""
        for _ in range(2):
            place = self.place(digest)
            if place.pack is not None:
                return io.BytesIO(self.read(digest))
            try:
                fd = self._open_alone(digest)
            except FileNotFoundError:
                continue
            try:
                self._vouch(digest, place, fd)
                return os.fdopen(fd, "rb")
            except BaseException:
                os.close(fd)
                raise
        raise self._lost(digest, place)

    def alone_path(self, digest: str) -> Path | None:
        """The file that holds exactly this object, for mounting or linking; None when it lies in a pack.

        Constant time unless the file's stamp was disturbed; then it is hashed first. Never write to it.
        """
        place = self.place(digest)
        if place.pack is not None:
            return None
        try:
            fd = self._open_alone(digest)
        except FileNotFoundError:
            raise self._lost(digest, place) from None
        try:
            self._vouch(digest, place, fd)
        finally:
            os.close(fd)
        from pathlib import Path

        return Path(self.alone_file(digest))

    def extract(self, targets: Iterable[tuple[str, int, str, int]]) -> None:
        """Write objects to new files, each (digest, dir_fd, name, mode); packs are read front to back.

        A name that exists is never followed or replaced: FileExistsError. Every byte is checked on its way.
        """
        wanted = list(targets)
        places = self.places(digest for digest, *_ in wanted)
        wanted.sort(key=lambda target: (places[target[0]].pack or "", places[target[0]].offset))
        for digest, dir_fd, name, mode in wanted:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            if places[digest].pack is None:
                data: BinaryIO | bytes = self.open(digest)
            else:
                data = self._read_at(digest, places[digest])
            fd = os.open(name, flags, 0o600, dir_fd=dir_fd)
            try:
                if isinstance(data, bytes):
                    durable.write(fd, data, name)
                else:
                    with data:
                        self._copy(data, fd, digest, name)
                os.fchmod(fd, mode)
            finally:
                os.close(fd)

    def verify(self, digest: str) -> int:
        """Hash the object, however large, and return its size. Raises MissingObject or CorruptObject."""
        place = self.place(digest)
        if place.pack is not None:
            return len(self.read(digest))
        try:
            fd = self._open_alone(digest)
        except FileNotFoundError:
            raise self._lost(digest, place) from None
        try:
            if os.fstat(fd).st_size != place.size or alone.hashed(fd, self.alone_file(digest)) != digest:
                raise self._corrupt(digest, place)
        finally:
            os.close(fd)
        return place.size

    def batch(self) -> Batch:
        """A group of new objects that become durable together."""
        return Batch(self)

    # ---------------------------------------------------------------------------------------- internals

    def _read_at(self, digest: str, place: Place) -> bytes:
        try:
            data = self._bytes(digest, place)
        except FileNotFoundError:
            return self.read(digest)
        if blake3(data).hexdigest() != digest:
            raise self._corrupt(digest, place)
        return data

    def _bytes(self, digest: str, place: Place) -> bytes:
        if place.pack is not None:
            return self._reader(place.pack).read(place.offset, place.size)
        fd = self._open_alone(digest)
        with durable.guarded(self.alone_file(digest)), os.fdopen(fd, "rb") as file:
            if os.fstat(fd).st_size != place.size:
                raise self._corrupt(digest, place)
            return file.read()

    def _reader(self, pack: str) -> Reader:
        with self._guard:
            reader = self._readers.pop(pack, None) or Reader(self.pack_file(pack))
            self._readers[pack] = reader  # the least recently used come first
            if len(self._readers) > _OPEN_PACKS:
                self._readers.pop(next(iter(self._readers)))
            return reader

    def _open_alone(self, digest: str) -> int:
        path = self.alone_file(digest)
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise durable.failure(error, path) from error

    def _vouch(self, digest: str, place: Place, fd: int) -> None:
        if not alone.vouched(fd, self.alone_file(digest), digest, place.size):
            raise self._corrupt(digest, place)

    def _copy(self, source: BinaryIO, fd: int, digest: str, name: str) -> None:
        hasher = blake3(max_threads=blake3.AUTO)
        for block in alone.blocks(source):
            hasher.update(block)
            durable.write(fd, block, name)
        if hasher.hexdigest() != digest:
            raise self._corrupt(digest, self.place(digest))

    def _where(self, digest: str, place: Place) -> str:
        return self.alone_file(digest) if place.pack is None else self.pack_file(place.pack)

    def _corrupt(self, digest: str, place: Place) -> CorruptObject:
        path = self._where(digest, place)
        return CorruptObject(
            f"Object {digest} is damaged: its {place.size} bytes at {place.offset} of {path} do not match its name.",
            remedy="`pedigree fsck` lists the commits affected and the repair.",
            digest=digest,
            path=path,
        )

    def _lost(self, digest: str, place: Place) -> MissingObject:
        path = self._where(digest, place)
        return MissingObject(
            f"Object {digest} should lie in {path}, which is not there.",
            remedy="`pedigree fsck` lists the commits affected and the repair.",
            digest=digest,
            path=path,
        )
