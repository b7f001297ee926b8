"""Finding and making `.pedigree`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedigree.errors import AlreadyExists, StoreNotFound
from pedigree.store import folder


def _made(project: Path) -> Path:
    place = folder.create(project)
    (place / folder.DATABASE).write_bytes(b"something")
    return place


def test_the_nearest_store_above_is_found(tmp_path: Path) -> None:
    """From a deep folder the nearest store wins. Break: search from the root down."""
    outer, inner = _made(tmp_path), _made(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    assert folder.find(tmp_path / "a" / "b" / "c" / "d") == inner
    assert folder.find(tmp_path / "a") == outer
    assert folder.find(inner) == inner


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    """Break: return the folder that should be there."""
    with pytest.raises(StoreNotFound, match="pedigree init"):
        folder.find(tmp_path)


def test_a_second_store_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """Break: create with exist_ok throughout."""
    place = _made(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(AlreadyExists):
        folder.create(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert (place / folder.DATABASE).read_bytes() == b"something"


def test_an_interrupted_init_is_completed(tmp_path: Path) -> None:
    """Folders without a database, or with an empty one, are no store yet. Break: refuse an existing
    folder."""
    place = folder.create(tmp_path)
    with pytest.raises(StoreNotFound):
        folder.find(tmp_path)
    (place / folder.DATABASE).touch()
    assert folder.create(tmp_path) == place
