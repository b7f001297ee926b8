"""Records, repositories and the store itself."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedigree
from pedigree.errors import AlreadyExists, Damaged, InvalidInput, NewerFormat, StoreNotFound
from pedigree.store import Store, schema
from pedigree.store.database import Database, seal
from pedigree.store.records import Records


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return pedigree.init(tmp_path)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), VALUES, max_size=8))
def test_what_was_put_comes_back(values: dict[str, object]) -> None:
    """Law: `many` after `put_many` is the same mapping; `items` sorts it. Break: cut a chunk short."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "meta.sqlite", create=True)
        database.create_schema(schema.DDL)
        records = Records(database)
        records.put_many("k", values)
        assert records.many("k", values) == values
        assert dict(records.items("k")) == values
        assert records.keys("k") == sorted(values)
        assert all(records.get("k", key) == value for key, value in values.items())
        assert records.many("other", values) == {}
        database.close()


def test_many_takes_more_keys_than_a_statement(store: Store) -> None:
    """Break: no chunks; SQLite refuses beyond its limit of bound values."""
    store.records.put_many("k", {str(number): number for number in range(2500)})
    found = store.records.many("k", [str(number) for number in range(5000)])
    assert found == {str(number): number for number in range(2500)}


def test_a_thousand_records_come_in_one_call_without_a_thousand_statements(store: Store) -> None:
    """Break: call `get` per key. Counted in statements, since time depends on the machine."""
    store.records.put_many("k", {str(number): {"state": "done", "n": number} for number in range(1000)})
    statements: list[str] = []
    store.database._connection.set_trace_callback(statements.append)
    store.records.many("k", [str(number) for number in range(1000)])
    store.database._connection.set_trace_callback(None)
    assert len(statements) == 2


def test_items_and_keys_take_a_prefix_literally(store: Store) -> None:
    """Break: LIKE, for which `%` and `_` are no letters."""
    store.records.put_many("k", {"a/1": 1, "a/2": 2, "a%": 3, "a_b": 4, "b": 5})
    assert list(store.records.items("k", "a/")) == [("a/1", 1), ("a/2", 2)]
    assert store.records.keys("k", "a%") == ["a%"]
    assert store.records.keys("k", "a_") == ["a_b"]
    assert store.records.delete("k", "a/1", "nothing") == 1
    assert store.records.get("k", "a/1") is None


def test_a_changed_record_is_damage(store: Store) -> None:
    """Break: leave the key out of the seal, so that two rows may be swapped."""
    store.records.put_many("k", {"a": 1, "b": 2})
    store.database.execute("UPDATE records SET key = 'c' WHERE key = 'a'")
    with pytest.raises(Damaged):
        store.records.get("k", "c")
    with pytest.raises(Damaged):
        store.records.many("k", ["c"])
    with pytest.raises(Damaged):
        list(store.records.items("k"))


def test_records_fall_with_the_transaction_around_them(store: Store) -> None:
    """Break: commit inside `put`."""

    def fail() -> None:
        with store.database.transaction():
            store.records.put("k", "a", 1)
            assert store.records.get("k", "a") == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.records.get("k", "a") is None


def test_what_has_no_canonical_form_is_refused(store: Store) -> None:
    """Break: json.dumps with default=str."""
    with pytest.raises(TypeError):
        store.records.put("k", "a", {1: 2})
    with pytest.raises(ValueError, match="Out of range"):
        store.records.put("k", "a", float("nan"))


def test_a_store_is_found_from_below_and_made_once(tmp_path: Path) -> None:
    """Break: look only in the folder itself."""
    with pytest.raises(StoreNotFound, match="no store in"):
        pedigree.open(tmp_path)
    pedigree.init(tmp_path).close()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    with pedigree.open(deep) as store:
        assert (store.project, store.folder) == (tmp_path, tmp_path / ".pedigree")
    with pytest.raises(AlreadyExists):
        pedigree.init(tmp_path)


def test_a_store_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    """Break: compare with `!=`, or look after the first write."""
    with pedigree.init(tmp_path) as store:
        store.database.execute("PRAGMA user_version=99")
    before = (tmp_path / ".pedigree" / "meta.sqlite").read_bytes()
    with pytest.raises(NewerFormat, match="format 99"):
        pedigree.open(tmp_path)
    assert (tmp_path / ".pedigree" / "meta.sqlite").read_bytes() == before


def test_a_repository_has_a_known_kind(store: Store) -> None:
    """Break: keep any text."""
    with pytest.raises(InvalidInput, match="input, output, cron"):
        store.create_repository("a", kind="outptu")
    made = store.create_repository("a", description="cats")
    assert (store.repository("a"), store.repositories()) == (made, [made])
    assert abs(made.created - time.time()) < 60


def test_every_sealed_table_seals_every_column(store: Store) -> None:
    """Break: add a column to the tables and not to SEALED."""
    for table, columns in schema.SEALED.items():
        present = [row[1] for row in store.database.rows(f"PRAGMA table_info({table})")]
        assert [name for name in present if name not in {"seal", "number"}] == list(columns)
    tables = {row[0] for row in store.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables - schema.SEALED.keys() == {"objects", "packs", "provenance", "sqlite_sequence"}
    assert seal("commits", 1) != seal("branches", 1)
