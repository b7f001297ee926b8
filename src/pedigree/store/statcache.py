"""The stat cache: what the files of one source folder looked like, and held, when they were last put.

A file whose size, mtime, ctime, inode and device are those of the last put is not read again. ctime is what
makes this safe: a program can set mtime back after an edit, but not ctime. What is left is a file that
changes twice within one tick of the clock, before and after we read it; so an entry is kept only when its
ctime lies before the moment at which the walk began (git's care for "racily clean" files).

One file per source folder under `.pedigree/cache/put`. It is neither synced nor renamed into place: it ends
in a digest of itself, and whatever is torn, foreign or of another version counts as absent, which costs
reading the sources again.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from blake3 import blake3

from pedigree.errors import NetworkFileSystem, StorageFailure
from pedigree.store import durable
from pedigree.store.folder import refuse_network_file_system
from pedigree.store.trees import Entry

if TYPE_CHECKING:
    from pathlib import Path

#: size in bytes, mtime and ctime in nanoseconds, inode, device.
Stamp = tuple[int, int, int, int, int]

_MAGIC = b"pedigree stat cache 1\n"
#: Number of entries; bytes of the folder's name, of the base's prefix, of the names.
_HEAD = struct.Struct("<4Q")
_STAMP = struct.Struct("<5q")
_DIGEST_BYTES = 32
_NO_TREE = "00" * _DIGEST_BYTES

#: Time stamps of files come from a clock that ticks every 1 to 10 ms and lags behind the one we can read.
TICK_NS = 20_000_000
#: FAT, ext3 and HFS+ count whole or even seconds; their stamps have no nanoseconds.
_COARSE_TICK_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000

#: Up to 1 in 300 files, of that many bytes together, may be left to be read again by the next put.
_SPARED_BYTES = 1 << 20


def now_ns() -> int:
    """The moment to give to `StatCache.save`; take it before the first look at the sources."""
    return time.time_ns() - TICK_NS


def forget_all(store_folder: str | Path) -> None:
    """Let every put read every file once more. Raises StorageFailure."""
    place = f"{store_folder}/cache/put"
    with durable.guarded(place), suppress(FileNotFoundError):
        durable.remove([f"{place}/{name}" for name in os.listdir(place)])


class StatCache:
    """What is known of one source folder. Paths are relative to it.

    `base` is (prefix, tree): every entry of the cache is in that tree below that prefix, so a put onto the
    same tree has only to look at what changed on disk.
    """

    def __init__(self, store_folder: str | Path, source: str) -> None:
        """Load what the last put of `source` (an absolute path) left; nothing when it left nothing of use."""
        self.source = source
        self.known: dict[str, Stamp] = {}
        self.base: tuple[str, str] | None = None
        self.behind = 0  #: paths at which the branch was found to differ from the base's tree
        self._kinds: bytes | bytearray = b""
        self._digests: bytes | bytearray = b""
        self._positions: dict[str, int] | None = None
        self._fresh: dict[str, tuple[Stamp, Entry]] = {}
        self._changed = False
        self._store_folder = str(store_folder)
        name = blake3(os.fsencode(source)).hexdigest(16)
        self._path = f"{self._store_folder}/cache/put/{name}"
        self._load()

    def entry(self, path: str) -> Entry:
        """What the file at `path`, one of `known`, held when it had its stamp."""
        fresh = self._fresh.get(path)
        if fresh is not None:
            return fresh[1]
        at = self._position(path)
        digest = self._digests[at * _DIGEST_BYTES : (at + 1) * _DIGEST_BYTES].hex()
        return Entry(chr(self._kinds[at]), self.known[path][0], digest)

    def learn(self, path: str, stamp: Stamp, entry: Entry) -> None:
        """Note what a file held; `stamp` was taken before it was read."""
        if entry.size == stamp[0]:
            self._fresh[path] = (stamp, entry)
        else:  # it changed between the two
            self.forget([path])

    def forget(self, paths: Iterable[str]) -> None:
        """Drop entries, of files that are gone or that changed and could not be noted again."""
        for path in paths:
            if path in self.known:
                self._position(path)  # notes the places in the loaded columns before the first change
                del self.known[path]
                self._changed = True
            self._fresh.pop(path, None)

    def save(self, started_ns: int, base: tuple[str, str] | None) -> None:
        """Write the cache, leaving out what may have changed unseen since it was read. Never raises for a
        full disk.

        `started_ns` is `now_ns()` from before the walk. `base` as described for the class.
        """
        trusted = self._trusted(started_ns)
        if len(trusted) != len(self._fresh):
            self.forget([path for path in self._fresh if path not in trusted])
        if not trusted and not self._changed and (base or self.base) == self.base:
            return
        few = len(self.known) // 300
        if not self._changed and 0 < len(trusted) <= few and self.behind <= few:
            again = sum([entry.size for _, entry in trusted.values()])
            if again <= _SPARED_BYTES:
                return  # reading these few again costs less than writing the whole cache
        self._kinds, self._digests = self._columns(trusted)
        self._fresh, self._changed, self.base = {}, False, base
        try:
            data = self._encode(base)
        except (struct.error, UnicodeEncodeError):
            return  # an inode above 2**63 or such: this folder is read every time
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
        except OSError:
            return  # what was written in part does not match its digest and counts as absent

    def _position(self, path: str) -> int:
        if self._positions is None:
            self._positions = dict(zip(self.known, range(len(self.known)), strict=True))
        return self._positions[path]

    def _trusted(self, started_ns: int) -> dict[str, tuple[Stamp, Entry]]:
        """Those of the fresh entries that no later change can leave looking the same."""
        devices = {pair[0][4]: path for path, pair in self._fresh.items()}
        foreign = devices.keys() - _local_devices(self._store_folder, self.source, devices)
        newest = max([pair[0][2] for pair in self._fresh.values()], default=0)
        if newest + _COARSE_TICK_NS < started_ns and not foreign:
            return dict(self._fresh)
        return {
            path: pair
            for path, pair in self._fresh.items()
            if (ctime := pair[0][2]) < started_ns
            and (ctime % _SECOND_NS or ctime + _COARSE_TICK_NS < started_ns)
            and not (foreign and pair[0][4] in foreign)
        }

    def _columns(self, trusted: dict[str, tuple[Stamp, Entry]]) -> tuple[bytearray, bytearray]:
        """Kinds and digests in the order of `known`, into which the trusted fresh entries are taken."""
        known = self.known
        kinds, digests = bytearray(self._kinds), bytearray(self._digests)
        if len(kinds) != len(known):  # some are gone: gather what is left
            positions = self._positions or {}
            left = [positions[path] for path in known]
            kinds = bytearray(self._kinds[at] for at in left)
            size = _DIGEST_BYTES
            digests = bytearray(b"".join([self._digests[at * size : (at + 1) * size] for at in left]))
            self._positions = None  # from now on those of the columns just made
        for path in known.keys() & trusted.keys():
            stamp, entry = trusted.pop(path)
            at = self._position(path)
            kinds[at] = ord(entry.kind)
            digests[at * _DIGEST_BYTES : (at + 1) * _DIGEST_BYTES] = bytes.fromhex(entry.digest)
            known[path] = stamp
        kinds += "".join([entry[0] for _, entry in trusted.values()]).encode()
        digests += bytes.fromhex("".join([entry[2] for _, entry in trusted.values()]))
        known.update(zip(trusted, [stamp for stamp, _ in trusted.values()], strict=True))
        self._positions = None
        return kinds, digests

    def _encode(self, base: tuple[str, str] | None) -> bytes:
        prefix, tree = base or ("", _NO_TREE)
        pack = _STAMP.pack
        stamps = b"".join([pack(*stamp) for stamp in self.known.values()])
        names = "\0".join(self.known).encode("utf-8")
        source, where = os.fsencode(self.source), prefix.encode("utf-8")
        head = _HEAD.pack(len(self.known), len(source), len(where), len(names))
        body = b"".join((_MAGIC, head, bytes.fromhex(tree), source, where, names, stamps, self._kinds, self._digests))
        return body + blake3(body).digest()

    def _load(self) -> None:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        with open(fd, "rb") as file:
            data = file.read()
        body, checksum = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if not body.startswith(_MAGIC) or blake3(body).digest() != checksum:
            return
        # The digest matched, so the lengths are what was written.
        count, source, where, names = _HEAD.unpack_from(body, len(_MAGIC))
        at = len(_MAGIC) + _HEAD.size

        def take(length: int) -> bytes:
            nonlocal at
            at += length
            return body[at - length : at]

        tree = take(_DIGEST_BYTES).hex()
        if take(source) != os.fsencode(self.source):
            return
        prefix = take(where).decode("utf-8")
        paths = take(names).decode("utf-8").split("\0") if count else []
        stamps = _STAMP.iter_unpack(take(count * _STAMP.size))
        self.known = dict(zip(paths, stamps, strict=True))
        self._kinds = take(count)
        self._digests = take(count * _DIGEST_BYTES)
        self.base = None if tree == _NO_TREE else (prefix, tree)


def _local_devices(store_folder: str, source: str, examples: Mapping[int, str]) -> set[int]:
    """Those of the devices, each with the path of a file on it, that are on no network: their clock is ours."""
    local = {os.stat(store_folder).st_dev}
    for device, path in examples.items():
        if device not in local:
            with suppress(NetworkFileSystem, StorageFailure):
                refuse_network_file_system(os.path.dirname(f"{source}/{path}"))
                local.add(device)
    return local
