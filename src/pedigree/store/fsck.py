"""Checking the store: what is damaged, which commits that affects, and how to repair it."""

from __future__ import annotations

import os
from typing import NamedTuple

from blake3 import blake3

from pedigree.errors import CorruptObject, Damaged, PedigreeError
from pedigree.store import alone, durable, schema, statcache
from pedigree.store.packs import Packed, Reader, Writer
from pedigree.store.survey import Problem, Store, survey

__all__ = ["Problem", "Repaired", "check", "repair"]


def check(store: Store, *, deep: bool = True) -> list[Problem]:
    """Everything in the store that is not as it was written; an empty list when all is well. Never writes.

    `deep` reads and hashes every object; without it only the database, the packs' indexes and the trees are
    read. Files that an interrupted command left behind are no damage: `gc` lists and removes them.
    """
    with store.lock.shared():
        return survey(store, deep=deep).problems


class Repaired(NamedTuple):
    """What `repair` did: objects in the new index, those new to it, those forgotten, those moved out of bad
    packs."""

    objects: int
    found: int
    forgotten: int
    rescued: int


def repair(store: Store) -> Repaired:
    """Rebuild the index of objects from the packs and files themselves, and provenance from the commits.

    Every object is hashed; one whose bytes are damaged is left out, so that putting the same file again
    stores it anew. Whole objects in a pack whose own index is damaged are moved to a new pack. No commit is
    changed and no object's file is removed. The stat caches go, because they vouch for files whose objects
    may just have been forgotten. Raises Damaged when SQLite cannot read the database any more.
    """
    with store.lock.exclusive(), store.database.transaction() as database:
        problems = [str(line) for (line,) in database.rows("PRAGMA integrity_check(1)") if line != "ok"]
        if problems:
            raise Damaged(
                f"{database.path} is damaged beyond its index: {problems[0]}.",
                remedy="Restore meta.sqlite from a backup; the objects themselves are not affected.",
            )
        store.objects.make_folders()
        known = {row[0] for row in database.rows("SELECT digest FROM objects")}
        sound, salvaged = _packs(store)
        large = _alone(store)
        rescued = _rescue(store, salvaged)
        database.execute("DELETE FROM objects")
        database.execute("DELETE FROM packs")
        now: set[bytes] = set()
        for name, entries in (*sound, *rescued):
            pack = database.execute("INSERT INTO packs(name) VALUES (?)", (name,)).lastrowid
            fresh = [entry for entry in entries if entry.digest not in now]
            database.many(
                "INSERT INTO objects(digest, pack, offset, size) VALUES (?, ?, ?, ?)",
                [(entry.digest, pack, entry.offset, entry.size) for entry in fresh],
            )
            now.update(entry.digest for entry in fresh)
        fresh = [entry for entry in large if entry.digest not in now]
        database.many(
            "INSERT INTO objects(digest, pack, offset, size) VALUES (?, 0, 0, ?)",
            [(entry.digest, entry.size) for entry in fresh],
        )
        now.update(entry.digest for entry in fresh)
        _provenance(store)
        statcache.forget_all(store.folder)
    count = sum(len(entries) for _, entries in rescued)
    return Repaired(len(now), len(now - known), len(known - now), count)


def _packs(store: Store) -> tuple[list[tuple[str, list[Packed]]], list[tuple[bytes, bytes]]]:
    """Whole objects by sound pack, and (digest, bytes) of whole objects in packs whose index is damaged."""
    objects, database = store.objects, store.database
    sound, salvaged = [], []
    folder = os.path.dirname(objects.pack_file(""))
    for name in sorted(file[:-5] for file in os.listdir(folder) if file.endswith(".pack")):
        pack = Reader(objects.pack_file(name))
        try:
            entries = sorted(pack.index(), key=lambda entry: entry.offset)
        except CorruptObject:
            rows = database.rows(
                "SELECT digest, offset, size FROM objects WHERE pack = (SELECT id FROM packs WHERE name = ?)",
                (name,),
            )
            for entry in (Packed(*row) for row in rows):
                data = _whole(pack, entry)
                if data is not None:
                    salvaged.append((entry.digest, data))
        else:
            sound.append((name, [entry for entry in entries if _whole(pack, entry) is not None]))
    return [(name, entries) for name, entries in sound if entries], salvaged


def _whole(pack: Reader, entry: Packed) -> bytes | None:
    try:
        data = pack.read(entry.offset, entry.size)
    except PedigreeError:
        return None
    return data if blake3(data).digest() == entry.digest else None


def _alone(store: Store) -> list[Packed]:
    found = []
    base = os.path.dirname(os.path.dirname(store.objects.alone_file("00")))
    for folder in sorted(os.listdir(base)):
        for digest in sorted(os.listdir(f"{base}/{folder}")):
            path = f"{base}/{folder}/{digest}"
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if alone.hashed(fd, path) == digest:
                    found.append(Packed(bytes.fromhex(digest), 0, os.fstat(fd).st_size))
            except PedigreeError:  # a bad sector, say: left out like other damage
                continue
            finally:
                os.close(fd)
    return found


def _rescue(store: Store, salvaged: list[tuple[bytes, bytes]]) -> list[tuple[str, list[Packed]]]:
    unique = sorted(dict(salvaged).items())
    if not unique:
        return []
    writer = Writer(store.objects.temporary)
    try:
        writer.add(unique)
        name = writer.finish()
        durable.publish([(writer.path, store.objects.pack_file(name))])
    finally:
        durable.remove_quietly([writer.path])
        writer.close()
    return [(name, writer.entries)]


def _provenance(store: Store) -> None:
    database = store.database
    rows = [
        (item["commit"], identity, item["name"])
        for identity, text in database.rows("SELECT id, provenance FROM commits")
        for item in schema.unpack_value(text)
    ]
    database.execute("DELETE FROM provenance")
    database.many("INSERT OR IGNORE INTO provenance(input, output, name) VALUES (?, ?, ?)", rows)
