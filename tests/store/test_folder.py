"""Finding and making `.pedigree`."""

from __future__ import annotations

from pathlib import Path

import pytest

import pedigree
from pedigree.errors import AlreadyExists, Damaged, StoreNotFound, Unsupported
from pedigree.store import folder, fsck, gc
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.put import put


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


def test_objects_without_a_database_are_a_damaged_store(tmp_path: Path) -> None:
    """Neither a command nor `init` takes them for nothing, which would end in a gc of everything.

    Break: complete the folder as after an interrupted `init`.
    """
    with pedigree.init(tmp_path) as store, store.commit("data", create=True) as change:
        change.write("file", b"content")
    (tmp_path / ".pedigree" / folder.DATABASE).unlink()
    for action in (folder.find, folder.create):
        with pytest.raises(Damaged, match="has objects, and its database") as raised:
            action(tmp_path)
        assert "fsck --repair" in str(raised.value.remedy)
    (tmp_path / "below").mkdir()
    with pytest.raises(Damaged):
        folder.find(tmp_path / "below")


@pytest.mark.parametrize("first", ["put", "repair"])
def test_empty_folders_may_be_missing(tmp_path: Path, first: str) -> None:
    """Backup programs and git leave empty folders out. Break: make them in `create` only."""
    pedigree.init(tmp_path).close()
    place = tmp_path / ".pedigree"
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
    assert sorted(path.name for path in place.iterdir()) == ["meta.sqlite"]
    with pedigree.open(tmp_path) as store:
        assert fsck.check(store) == []
        assert gc.plan(store).leftovers == []
        if first == "repair":
            assert fsck.repair(store).objects == 0
        (tmp_path / "large").write_bytes(bytes(MINIMUM_BYTES))
        put(store, "data:/", [tmp_path / "large"])
        gc.collect(store)
        assert fsck.check(store) == []


def test_a_store_is_opened_by_path_or_file_url_and_by_no_other_url(tmp_path: Path) -> None:
    """Break: take a URL for a relative path; the search then ends in the store of the working folder."""
    project = tmp_path / "my project"
    pedigree.init(project).close()
    for place in (project, str(project), project.as_uri()):
        with pedigree.open(place) as store:
            assert store.project == project
    for url in ("postgresql://user:secret@host/store", "pedigree://data@master", "file://elsewhere/folder"):
        with pytest.raises(Unsupported, match="not where a store lies") as raised:
            pedigree.open(url)
        assert "secret" not in str(raised.value)
