"""Packing: `bundle` writes the file, front to back, under a temporary name, and names it when it is durable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from pedigree import canonical
from pedigree.errors import AlreadyExists, PathNotFound
from pedigree.pipeline.bundling import layout, locks
from pedigree.pipeline.bundling.contents import Contents
from pedigree.pipeline.verifying.recorded import origin
from pedigree.store import alone, durable, missing, packs, trees

if TYPE_CHECKING:
    from pedigree.store import Store

#: Told from time to time: objects and bytes written so far.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Bundled:
    """What was written: `size_bytes` is the file's, `object_bytes` that of the objects in it.

    `inputs` name the commits that travel as they are, because nothing here made them from others.
    """

    file: str
    commit: str
    repo: str
    path: str
    results: bool
    commits: int
    objects: int
    object_bytes: int
    size_bytes: int
    inputs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def bundle(
    store: Store,
    reference: str,
    target: str | os.PathLike[str],
    *,
    results: bool = True,
    environment: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Bundled:
    """Write REPO@REF[:/PATH] and everything upstream of it into one file; the same store gives the same bytes.

    Without `results`, what pipelines wrote stays out, and whoever replays the file makes it and compares digests. With
    `environment` a lock of every environment goes in, as pip reads it. Memory: about 150 bytes an object and 20 MiB.

    Raises NotFound for the reference and for what a commit was made from, AlreadyExists unless `overwrite`, Damaged where the
    store cannot vouch for its bytes, DiskFull. After an error there is no file, and one of that name is as it was.
    """
    place = os.path.abspath(target)
    if os.path.lexists(place) and not overwrite:
        raise AlreadyExists(
            f"There is a file {os.fspath(target)} already.",
            remedy="Choose another name, or replace it with --overwrite.",
            path=place,
        )
    found = store.resolve(reference)
    if found.commit.state == "open":
        raise PathNotFound(
            f"{reference} is open: what it will hold is not known yet.",
            remedy=f"Finish it first: `pedigree commit finish {found.commit.repo}@{found.commit.branch}`.",
        )
    if found.path and next(trees.scan(found.commit.tree, store.objects.read, found.path), None) is None:
        raise missing.path(store.objects.read, found)
    subject = {
        "repo": found.commit.repo,
        "branch": found.branch or found.commit.branch,
        "commit": found.commit.id,
        "path": found.path,
    }
    with store.lock.shared():  # nothing that is being packed goes away meanwhile
        contents = Contents(store, found.commit.id, results=results)
        folder = os.path.dirname(place)
        with durable.guarded(folder):
            fd, temporary = durable.create_temporary(folder, f".{os.path.basename(place)[:100]}")
        try:
            writer = _Writer(store, fd, temporary, progress)
            writer.write(contents, subject, environment=environment)
            with durable.guarded(temporary):
                os.fchmod(fd, 0o644)
            durable.publish([(temporary, place)])
        except BaseException:
            durable.remove_quietly([temporary])
            raise
        finally:
            os.close(fd)
    inputs = [row for row in contents.commits if origin(store, row.commit())]
    return Bundled(
        os.fspath(target), found.commit.id, found.commit.repo, found.path, results, len(contents.commits),
        writer.objects, writer.object_bytes, os.stat(place).st_size,
        tuple(sorted(f"{row.repo}@{row.id[:12]}" for row in inputs)),
    )  # fmt: skip


class _Writer:
    """Writes members one after another and remembers their digests."""

    def __init__(self, store: Store, fd: int, path: str, progress: Progress | None) -> None:
        self.store = store
        self.objects = 0
        self.object_bytes = 0
        self._fd = fd
        self._path = path
        self._sums: list[str] = []
        self._progress = progress
        self._done = (0, 0)

    def write(self, contents: Contents, subject: dict[str, str], *, environment: bool) -> None:
        small: list[tuple[str, int]] = []
        large: list[tuple[str, int]] = []
        for digest, size in contents.sizes():
            self.objects += 1
            self.object_bytes += size
            (large if size >= layout.ALONE_BYTES else small).append((digest, size))
        lines = sorted(contents.records.items())
        counts = {
            "commits": len(contents.commits),
            "records": len(lines),
            "objects": self.objects,
            "object_bytes": self.object_bytes,
        }
        self._member(
            layout.HEAD, canonical.encode(layout.head(subject, results=contents.results, counts=counts)) + b"\n"
        )
        self._member(layout.COMMITS, _lines(row._asdict() for row in contents.commits))
        self._member(layout.RECORDS, _lines({"kind": k, "key": key, "value": value} for (k, key), value in lines))
        if environment:
            for (kind, key), value in lines:
                if kind == "environment":
                    self._member(f"environments/{key}.txt", locks.lock(value["facts"]).encode())
        for part in _packs(small):
            self._pack(part)
        for digest, size in large:
            self._alone(digest, size)
        sums = "".join(self._sums).encode()
        self._raw(layout.header(layout.SUMS, len(sums)) + sums + layout.padding(len(sums)) + layout.END)

    def _member(self, name: str, data: bytes) -> None:
        self._raw(b"".join((layout.header(name, len(data)), data, layout.padding(len(data)))))
        self._sum(name, blake3(data).hexdigest())

    def _pack(self, objects: list[tuple[str, int]]) -> None:
        """One pack of these objects, by digest. They are read in the order in which they lie in the store."""
        places = self.store.objects.places(digest for digest, _ in objects)
        offset = len(packs.MAGIC)
        index: list[packs.Packed] = []
        for digest, size in objects:
            index.append(packs.Packed(bytes.fromhex(digest), offset, size))
            offset += size
        data = bytearray(offset)
        data[: len(packs.MAGIC)] = packs.MAGIC
        for entry in sorted(index, key=lambda entry: places[entry.digest.hex()][:2]):
            data[entry.offset : entry.offset + entry.size] = self.store.objects.read(entry.digest.hex())
        name, end = packs.ending(index, offset)
        data += end
        self._member(f"packs/{name}.pack", bytes(data))
        self._tell(len(objects), len(data))

    def _alone(self, digest: str, size: int) -> None:
        name = f"objects/{digest}"
        self._raw(layout.header(name, size))
        # `verify` would read it twice; what is hashed here is what is written.
        hasher = blake3()
        written = 0
        with self.store.objects.open(digest) as file:
            for block in alone.blocks(file):
                hasher.update(block)
                durable.write(self._fd, block, self._path)
                written += len(block)
        if hasher.hexdigest() != digest or written != size:
            self.store.objects.verify(digest)  # says what is damaged, and where
        self._raw(layout.padding(size))
        self._sum(name, digest)
        self._tell(1, size)

    def _sum(self, name: str, digest: str) -> None:
        self._sums.append(f"{digest}  {name}\n")

    def _tell(self, objects: int, size: int) -> None:
        self._done = (self._done[0] + objects, self._done[1] + size)
        if self._progress is not None:
            self._progress(*self._done)

    def _raw(self, data: bytes) -> None:
        durable.write(self._fd, data, self._path)


def _lines(values: Iterable[dict[str, Any]]) -> bytes:
    return b"".join([canonical.encode(value) + b"\n" for value in values])


def _packs(objects: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    part: list[tuple[str, int]] = []
    held = 0
    for item in objects:
        part.append(item)
        held += item[1]
        if held >= layout.PACK_BYTES or len(part) == layout.PACK_OBJECTS:
            yield part
            part, held = [], 0
    if part:
        yield part
