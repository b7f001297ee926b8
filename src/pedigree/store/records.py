"""Records: sealed values under (kind, key), in which the layers above keep their state.

The store does not know what a pipeline or a job is; it keeps their records beside the commits, so that
one transaction can hold a commit and the record of how it came to be. Kinds and keys are any text; values
are what `canonical.encode` takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pedigree.store import schema
from pedigree.store.database import Database, check_seal

#: SQLite takes at least 999 bound values per statement; one is the kind.
_CHUNK = 900


class Records:
    """The records of one store. Every method is one transaction, or joins the one that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: str, key: str) -> Any | None:
        """The value, or None when there is no such record. Raises Damaged when it is not what was put."""
        found = schema.read(self._database, "records", "WHERE kind = ? AND key = ?", (kind, key))
        return schema.unpack_value(found[0][2]) if found else None

    def many(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """The values of those keys that exist; one statement per 900 keys."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Any] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            rows = self._database.rows(
                f"SELECT key, value, seal FROM records WHERE kind = ? AND key IN ({marks})",
                (kind, *chunk),
            )
            for key, value, stored in rows:
                check_seal("records", key, stored, kind, key, value)
            # One text for the JSON decoder takes two thirds of the time of one per record.
            values = schema.unpack_value(f"[{','.join(value for _, value, _ in rows)}]")
            found.update(zip((key for key, _, _ in rows), values, strict=True))
        return found

    def items(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """(key, value) of the kind's records whose key starts with `prefix`, in key order."""
        condition = "WHERE kind = ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key"
        for _, key, value in schema.read(self._database, "records", condition, (kind, prefix, len(prefix), prefix)):
            yield key, schema.unpack_value(value)

    def keys(self, kind: str, prefix: str = "") -> list[str]:
        """The keys that `items` would give, without reading the values."""
        rows = self._database.rows(
            "SELECT key FROM records WHERE kind = ? AND key >= ? AND substr(key, 1, ?) = ? ORDER BY key",
            (kind, prefix, len(prefix), prefix),
        )
        return [key for (key,) in rows]

    def put(self, kind: str, key: str, value: Any) -> None:
        """Set one record."""
        self.put_many(kind, {key: value})

    def put_many(self, kind: str, values: Mapping[str, Any]) -> None:
        """Set several records at once, all or none."""
        rows = [(kind, key, schema.pack_value(value)) for key, value in values.items()]
        if rows:
            with self._database.transaction() as database:
                schema.write(database, "records", *rows)

    def delete(self, kind: str, *keys: str) -> int:
        """Remove records; how many there were. A key that is not there is no error."""
        removed = 0
        if keys:
            with self._database.transaction() as database:
                for key in keys:
                    removed += database.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key)).rowcount
        return removed
