"""Collecting what nothing needs, and only that."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import pedigree
from pedigree.canonical import digest
from pedigree.errors import Busy, Damaged, DiskFull
from pedigree.store import durable, fsck, gc, trees
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.packs import Packed, Writer
from pedigree.store.store import Store
from tests.store.opened import Opened

LARGE = b"large" * (MINIMUM_BYTES // 5 + 1)


@pytest.fixture
def store(tmp_path: Path) -> Opened:
    return Opened(tmp_path)


def test_a_fresh_store_has_nothing_to_remove(store: Opened) -> None:
    """Break: list the lock or the database as leftovers."""
    assert gc.plan(store).empty
    assert gc.collect(store).empty


def test_what_is_pinned_stays_and_the_rest_goes(store: Opened) -> None:
    """Pins keep exactly their objects. Break: leave the table `pins` out of the roots."""
    kept = store.add(b"kept", LARGE)
    store.pin(*kept)
    gone = store.add(b"gone", LARGE + b"!")
    plan = gc.plan(store)
    assert {item.what for item in plan.objects} == set(gone)
    assert plan.freed_bytes > len(LARGE)
    assert gc.collect(store) == plan
    assert [len(store.objects.read(name)) for name in kept] == [4, len(LARGE)]
    assert store.objects.missing([*kept, *gone]) == set(gone)
    assert len([path for path in store.files() if path.startswith("objects")]) == 2
    assert gc.plan(store).empty
    assert fsck.check(store) == []


def test_a_plan_changes_nothing(store: Opened) -> None:
    """The dry run is dry. Break: remove leftovers while planning."""
    store.add(b"gone", LARGE)
    (store.folder / "tmp" / "pack-1-x").write_bytes(b"torn")
    before = store.files()
    plan = gc.plan(store)
    assert len(plan.leftovers) == 1
    assert plan.leftovers[0].why == "an interrupted command left it behind"
    assert store.files() == before


def test_a_mostly_dead_pack_is_rewritten(store: Opened) -> None:
    """Living objects move out and the space comes back. Break: count the index as living bytes."""
    names = store.add(*(b"%d" % number * 1000 for number in range(10)))
    store.pin(*names[:2])
    (old,) = os.listdir(store.folder / "objects" / "packs")
    report = gc.collect(store)
    assert [item.what for item in report.rewrites] == [old.removesuffix(".pack")]
    assert [len(store.objects.read(name)) for name in names[:2]] == [1000, 1000]
    (new,) = os.listdir(store.folder / "objects" / "packs")
    assert new != old
    assert (store.folder / "objects" / "packs" / new).stat().st_size < 2500
    assert gc.plan(store).empty
    assert fsck.check(store) == []


def test_tiny_objects_are_not_rewritten_for_ever(store: Opened) -> None:
    """A pack of living objects smaller than their index lines stays. Break: compare with the file's size."""
    store.pin(*store.add(*(b"%d" % number for number in range(50))))
    assert gc.plan(store).empty


def test_many_small_packs_become_one(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand commits do not mean ten thousand packs. Break: never merge."""
    monkeypatch.setattr(gc, "MANY_PACKS", 5)
    contents = [b"%d" % number for number in range(5)]
    for content in contents:
        store.pin(*store.add(content))
    gc.collect(store)
    assert len(os.listdir(store.folder / "objects" / "packs")) == 1
    assert [store.objects.read(digest(content)) for content in contents] == contents
    assert gc.plan(store).empty
    assert fsck.check(store) == []


def test_leftovers_of_every_kind_go(store: Opened) -> None:
    """A killed command leaves temporary files, packs and objects without rows. Break: look in tmp/ only."""
    store.pin(*store.add(b"kept", LARGE))
    before = store.files()
    batch = store.objects.batch().__enter__()
    batch.add(b"lost")
    batch.add_stream(io.BytesIO(LARGE + b"lost"))
    batch.publish()
    batch.add(LARGE + b"too")
    batch._held.close()  # as the kernel does for a killed process
    for writer in batch._published_packs:
        writer.close()
    assert len(store.files() - before) == 3
    gc.collect(store)
    assert store.files() == before


def test_gc_waits_for_nobody_for_long(store: Opened) -> None:
    """An open batch keeps gc out, and the plan does not call its files leftovers. Break: no lock in Batch."""
    with store.objects.batch() as batch:
        batch.add(LARGE)
        with pytest.raises(Busy):
            gc.collect(store, wait_s=0)
        assert gc.plan(store).leftovers == []


def test_a_batch_keeps_what_it_found_there(store: Opened) -> None:
    """What a batch deduplicated against is still there when it commits.

    Break: take the lock in publish only.
    """
    store.add(b"unpinned")
    with store.objects.batch() as batch:
        name = batch.add(b"unpinned")
        with pytest.raises(Busy):
            gc.collect(store, wait_s=0)
        batch.publish()
        with store.database.transaction():
            batch.record()
        store.pin(name)
    gc.collect(store)
    assert store.objects.read(name) == b"unpinned"


def test_damage_stops_gc_before_anything_goes(store: Opened) -> None:
    """In doubt nothing is removed, leftovers included. Break: remove leftovers before the survey."""
    store.pin(*store.add(b"kept"))
    store.add(b"gone", LARGE)
    (store.folder / "tmp" / "left").touch()
    store.pin("0" * 64)
    before = store.files()
    with pytest.raises(Damaged, match="nothing was removed") as caught:
        gc.collect(store)
    assert caught.value.objects["problems"]
    assert store.files() == before
    assert store.objects.has(digest(b"gone"))


def test_a_rewrite_never_copies_damage(store: Opened) -> None:
    """Each moved object is checked on its way. Break: copy without hashing."""
    names = store.add(*(b"%d" % number * 1000 for number in range(10)))
    store.pin(*names[:2])
    (file,) = (store.folder / "objects" / "packs").iterdir()
    data = bytearray(file.read_bytes())
    data[data.index(b"1" * 1000) + 5] ^= 4
    file.chmod(0o644)
    file.write_bytes(data)
    with pytest.raises(Damaged):
        gc.collect(store)
    assert file.exists()
    assert [path for path in store.files() if path.startswith("tmp")] == []
    assert store.objects.read(names[0]) == b"0" * 1000


def test_rows_go_before_files(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between the two, the store is whole and the next gc ends the work. Break: unlink first."""
    store.pin(*store.add(b"kept"))
    (name,) = store.add(LARGE)
    calls = []

    def stopped(paths: object) -> int:
        calls.append(list(paths))  # type: ignore[call-overload]
        if len(calls) > 1:
            raise KeyboardInterrupt
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(durable, "remove", stopped)
        with pytest.raises(KeyboardInterrupt):
            gc.collect(store)
    assert not store.objects.has(name)
    assert os.path.exists(store.objects.alone_file(name))
    assert fsck.check(store) == []
    gc.collect(store)
    assert not os.path.exists(store.objects.alone_file(name))


def _files(store: Store, tree: str) -> dict[str, bytes]:
    return {path: store.objects.read(entry.digest) for path, entry in trees.scan(tree, store.objects.read)}


def test_history_keeps_every_tree_and_deletion_frees_it(tmp_path: Path) -> None:
    """Commits and open commits are roots; a deleted repository is none. Break: heads of branches only."""
    with pedigree.init(tmp_path) as store:
        for repo in ("kept", "gone"):
            store.create_repository(repo)
            for version in range(3):
                with store.commit(f"{repo}@master") as change:
                    change.write("file", f"{repo} {version}".encode())
                    change.write("large", LARGE + repo.encode() + bytes([version]))
        store.start_commit("kept@master")
        with store.commit("kept@master") as change:
            change.write("open", b"pending")
        log = list(store.log("kept@master"))
        gc.collect(store)
        store.delete_repository("gone", force=True)
        report = gc.collect(store)
        assert len(report.objects) >= 6
        assert gc.plan(store).empty
        assert fsck.check(store) == []
        for commit in log:
            assert _files(store, commit.tree)["file"].startswith(b"kept ")
        finished = store.finish_commit("kept@master")
        assert _files(store, finished.tree)["open"] == b"pending"


def test_a_full_disk_stops_merging_and_nothing_else(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merging goes on with fewer packs at a time, or leaves them. Break: let DiskFull out of `collect`."""
    monkeypatch.setattr(gc, "MANY_PACKS", 4)
    contents = [b"%d" % number * 1000 for number in range(4)]
    for content in contents:
        store.pin(*store.add(content))
    gone = store.add(b"gone", LARGE)
    real = Writer.add

    def limited(writer: Writer, objects: list[tuple[bytes, bytes]]) -> list[Packed]:
        if writer.size_bytes + sum(len(data) for _, data in objects) > 2500:
            raise DiskFull("The disk is full.")
        return real(writer, objects)

    monkeypatch.setattr(Writer, "add", limited)
    report = gc.collect(store)
    assert len(report.rewrites) == 4
    assert store.objects.missing(gone) == set(gone)
    assert len(os.listdir(store.folder / "objects" / "packs")) == 2
    assert [path for path in store.files() if path.startswith("tmp")] == []
    assert [store.objects.read(digest(content)) for content in contents] == contents
    assert fsck.check(store) == []
