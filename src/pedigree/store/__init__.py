"""The store: objects, trees, commits, branches and provenance, in the folder `.pedigree`.

`open` and `init` give a `Store` (store.py), through which everything else is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pedigree.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Store", "init", "open"]


def open(path: str | Path | None = None) -> Store:  # noqa: A001  pedigree.open() is the public name
    """The store of the folder `path`, or of the working folder, or of the nearest folder above it.

    `path` may also be a `file://` URL. Raises StoreNotFound, Unsupported for any other URL.
    """
    from pedigree.store import folder

    if path is not None and "://" in (text := str(path)):
        path = folder.of_url(text)
    return Store(folder.locate(path))


def init(path: str | Path = ".") -> Store:
    """Make a store in a project's folder and open it.

    Raises AlreadyExists, NetworkFileSystem, StorageFailure.
    """
    from pedigree.store import durable, folder, schema
    from pedigree.store.database import Database

    place = folder.create(path)
    database = Database(place / folder.DATABASE, create=True)
    try:
        database.create_schema(schema.DDL)
    finally:
        database.close()
    durable.sync_file(place)
    return Store(place)
