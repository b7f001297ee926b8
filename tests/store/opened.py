"""A store of objects alone, for tests of the parts below commits."""

from __future__ import annotations

from pathlib import Path

from pedigree.store import durable, folder, schema
from pedigree.store.database import Database
from pedigree.store.objects import Objects


class Opened:
    """What gc, fsck and objects need of a store, without its history."""

    def __init__(self, project: Path) -> None:
        self.folder = folder.create(project)
        self.database = Database(self.folder / folder.DATABASE, create=True)
        self.database.create_schema(schema.DDL)
        self.objects = Objects(self.folder, self.database)
        self.lock: durable.Lock = self.objects.lock

    def add(self, *contents: bytes) -> list[str]:
        """Store objects durably; returns their digests."""
        with self.objects.batch() as batch:
            digests = [batch.add(content) for content in contents]
            batch.publish()
            with self.database.transaction():
                batch.record()
        return digests

    def pin(self, *digests: str) -> None:
        with self.database.transaction() as database:
            schema.write(database, "pins", *[("test", "object", digest) for digest in digests])

    def files(self) -> set[str]:
        """Every file below `.pedigree` except the database and the lock."""
        return {
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in {"meta.sqlite", "lock"}
        }
