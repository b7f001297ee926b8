"""Garbage collection: removing objects that no commit, open commit or pin needs any more.

It holds the lock alone, looks at the whole store first and removes nothing when anything is damaged. Rows go
before files, so that a power cut leaves a file too many, never a row too many.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from blake3 import blake3

from pedigree.errors import Busy, Damaged, DiskFull
from pedigree.store import durable
from pedigree.store.packs import FULL_BYTES, Packed, Reader, Writer
from pedigree.store.survey import Store, Survey, survey

#: Packs below this size are merged when there are at least MANY_PACKS of them.
SMALL_PACK_BYTES = 8 << 20
MANY_PACKS = 32


class Removal(NamedTuple):
    """One thing that goes: an object's digest, a pack's name or a file's path; its size in bytes; and why."""

    what: str
    size_bytes: int
    why: str


class Plan(NamedTuple):
    """What `collect` would do. `rewrites` are packs whose living objects move to a new pack."""

    objects: list[Removal]
    packs: list[Removal]
    rewrites: list[Removal]
    leftovers: list[Removal]

    @property
    def freed_bytes(self) -> int:
        """Disk space that comes back, to within the few bytes of new packs' indexes."""
        return sum(item.size_bytes for part in (self.packs, self.rewrites, self.leftovers) for item in part) + sum(
            item.size_bytes for item in self.objects if item.why == _ALONE
        )

    @property
    def empty(self) -> bool:
        return not (self.objects or self.packs or self.rewrites or self.leftovers)


Report = Plan

_ALONE = "no commit, open commit or pin names it"
_PACKED = "no commit, open commit or pin names it; its pack gives the space back"


def plan(store: Store) -> Plan:
    """What `collect` would remove now, and why. Changes nothing. Raises Damaged when the store is damaged.

    While other commands write to the store, their temporary files are not counted as leftovers.
    """
    try:
        with store.lock.exclusive(wait_s=0):
            return _plan(store, _sound(store), leftovers=True)
    except Busy:
        with store.lock.shared():
            return _plan(store, _sound(store), leftovers=False)


def collect(store: Store, *, wait_s: float = 10.0) -> Report:
    """Remove what nothing needs and say what went. Raises Busy when others still write after `wait_s`
    seconds, Damaged, with nothing removed, when anything in the store is not as it was written.
    """
    with store.lock.exclusive(wait_s=wait_s):
        with store.database.transaction() as database:
            found = _sound(store)
            report = _plan(store, found, leftovers=True)
            names = {name: pack for pack, name in found.packs.items()}
            rewritten = [names[item.what] for item in report.rewrites]
            _verify(store, found, rewritten)
            # First, and without the database: on a full disk this is the space that everything else needs.
            durable.remove(item.what for item in report.leftovers)
            database.many("DELETE FROM objects WHERE digest = ?", [(bytes.fromhex(o.what),) for o in report.objects])
            database.many("DELETE FROM packs WHERE id = ?", [(names[item.what],) for item in report.packs])
        objects = store.objects
        durable.remove(objects.pack_file(item.what) for item in report.packs)
        durable.remove(objects.alone_file(item.what) for item in report.objects if item.why == _ALONE)
        done = {found.packs[pack] for pack in _rewrite(store, found, rewritten)}
    return report._replace(rewrites=[item for item in report.rewrites if item.what in done])


def _sound(store: Store) -> Survey:
    found = survey(store, deep=False)
    if found.problems:
        first = found.problems[0]
        number = f"{len(found.problems)} problem{'' if len(found.problems) == 1 else 's'}"
        raise Damaged(
            f"The store is damaged ({number}); nothing was removed. The first: {first.what}",
            remedy="`pedigree fsck` lists everything affected and the repair; gc works once that is clean.",
            problems=found.problems,
        )
    return found


def _plan(store: Store, found: Survey, *, leftovers: bool) -> Plan:
    objects, packs, rewrites = [], [], []
    live: dict[int, int] = dict.fromkeys(found.packs, 0)
    reachable = {bytes.fromhex(digest) for digest in found.reachable}
    for digest, (pack, _, size) in found.rows.items():
        if digest in reachable:
            if pack:
                live[pack] += size
        else:
            objects.append(Removal(digest.hex(), size, _PACKED if pack else _ALONE))
    used = {pack for pack, _, _ in (found.rows[digest] for digest in reachable if digest in found.rows)}
    small = []
    for pack, name in found.packs.items():
        size = os.stat(store.objects.pack_file(name)).st_size
        if pack not in used:
            packs.append(Removal(name, size, "nothing in it is needed any more"))
        elif live[pack] * 2 < found.held_bytes[pack]:
            gone = found.held_bytes[pack] - live[pack]
            rewrites.append(Removal(name, gone, "more than half of it is not needed any more"))
        elif size < SMALL_PACK_BYTES:
            small.append(Removal(name, 0, f"one of many packs smaller than {SMALL_PACK_BYTES >> 20} MiB: merged"))
    if len(small) >= MANY_PACKS:
        rewrites += small
    return Plan(objects, packs, rewrites, _leftovers(store, found) if leftovers else [])


def _leftovers(store: Store, found: Survey) -> list[Removal]:
    objects = store.objects
    left = []
    for name in _names(objects.temporary):
        path = f"{objects.temporary}/{name}"
        if not os.path.isdir(path) or os.path.islink(path):
            left.append(Removal(path, os.lstat(path).st_size, "an interrupted command left it behind"))
    known = set(found.packs.values())
    large = {digest.hex() for digest, row in found.rows.items() if row[0] == 0}
    folder = os.path.dirname(objects.pack_file(""))
    for file in _names(folder):
        if file.removesuffix(".pack") not in known:
            path = f"{folder}/{file}"
            left.append(Removal(path, os.lstat(path).st_size, "a pack that no transaction recorded"))
    base = os.path.dirname(os.path.dirname(objects.alone_file("00")))
    for folder in _names(base):
        for digest in _names(f"{base}/{folder}"):
            path = f"{base}/{folder}/{digest}"
            if digest not in large:
                left.append(Removal(path, os.lstat(path).st_size, "an object that no transaction recorded"))
    return left


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:  # a folder that held nothing, which a backup left out
        return []


def _rewrite(store: Store, found: Survey, packs: list[int]) -> list[int]:
    """Move the living objects of these packs to new ones, a full pack at a time; returns the packs that are gone."""
    if not packs:
        return []
    entries = _living(found, packs)
    done: list[int] = []
    group: list[int] = []
    size = 0
    for pack in packs:
        group.append(pack)
        size += sum(entry.size for entry in entries[pack])
        if size >= FULL_BYTES:
            done += _as_room_allows(store, found, group, entries)
            group, size = [], 0
    return done + _as_room_allows(store, found, group, entries)


def _living(found: Survey, packs: list[int]) -> dict[int, list[Packed]]:
    """What is needed of each of the packs, front to back."""
    wanted: dict[int, list[Packed]] = {pack: [] for pack in packs}
    for digest, (pack, offset, size) in found.rows.items():
        if pack in wanted and digest.hex() in found.reachable:
            wanted[pack].append(Packed(digest, offset, size))
    for entries in wanted.values():
        entries.sort(key=lambda entry: entry.offset)
    return wanted


def _verify(store: Store, found: Survey, packs: list[int]) -> None:
    """Hash what is going to move, before anything is removed: damage must stop all of gc, not half of it."""
    for pack, entries in _living(found, packs).items():
        reader = Reader(store.objects.pack_file(found.packs[pack]))
        for entry in entries:
            _checked(reader, entry)


def _as_room_allows(store: Store, found: Survey, packs: list[int], entries: dict[int, list[Packed]]) -> list[int]:
    """Merge the packs; where the disk has no room for that, fewer at a time. What stays as it is, is whole."""
    if not packs:
        return []
    try:
        _merge(store, found, packs, entries)
    except DiskFull:
        half = len(packs) // 2
        if not half:
            return []
        first = _as_room_allows(store, found, packs[:half], entries)
        return first + _as_room_allows(store, found, packs[half:], entries)
    return packs


def _merge(store: Store, found: Survey, packs: list[int], entries: dict[int, list[Packed]]) -> None:
    objects = store.objects
    writer = Writer(objects.temporary)
    try:
        for pack in packs:
            reader = Reader(objects.pack_file(found.packs[pack]))
            gathered: list[tuple[bytes, bytes]] = []
            for entry in entries[pack]:
                gathered.append((entry.digest, _checked(reader, entry)))
                if len(gathered) == 1024:
                    writer.add(gathered)
                    gathered = []
            writer.add(gathered)
        name = writer.finish()
        durable.publish([(writer.path, objects.pack_file(name))])
    finally:
        durable.remove_quietly([writer.path])
        writer.close()
    old = [pack for pack in packs if found.packs[pack] != name]
    with store.database.transaction() as database:
        database.execute("INSERT OR IGNORE INTO packs(name) VALUES (?)", (name,))
        row = database.row("SELECT id FROM packs WHERE name = ?", (name,))
        database.many(
            "UPDATE objects SET pack = ?, offset = ? WHERE digest = ?",
            [(row[0] if row else None, entry.offset, entry.digest) for entry in sorted(writer.entries)],
        )
        database.many("DELETE FROM packs WHERE id = ?", [(pack,) for pack in old])
    durable.remove(objects.pack_file(found.packs[pack]) for pack in old)


def _checked(reader: Reader, entry: Packed) -> bytes:
    """The object's bytes; damage is never copied under a new index."""
    data = reader.read(entry.offset, entry.size)
    if blake3(data).digest() != entry.digest:
        raise Damaged(
            f"Object {entry.digest.hex()} in {reader.path} is damaged. Its pack was left as it is.",
            remedy="`pedigree fsck` lists everything affected and the repair.",
        )
    return data
