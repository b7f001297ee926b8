"""Checking and repairing: all damage is found, traced to commits, and mended where it can be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import pedigree
from pedigree.canonical import digest
from pedigree.errors import CorruptObject, MissingObject
from pedigree.store import fsck
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.put import put
from pedigree.store.store import Store

LARGE = b"large" * (MINIMUM_BYTES // 5 + 1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = pedigree.init(tmp_path)
    store.create_repository("data")
    for version in range(2):
        with store.commit("data@master") as change:
            change.write("same.txt", b"same in both")
            change.write("changing.txt", b"version %d" % version)
            change.write("folder/large.bin", LARGE)
    return store


def _snapshot(store: Store) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in store.folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def _spoil(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert data.count(old) == 1
    path.chmod(0o644)
    path.write_bytes(data.replace(old, new))
    path.chmod(0o444)


def _pack_with(store: Store, content: bytes) -> Path:
    (found,) = [path for path in (store.folder / "objects/packs").iterdir() if content in path.read_bytes()]
    return found


def test_a_whole_store_has_no_problem_and_is_not_touched(store: Store) -> None:
    """`check` reads only. Break: renew a stamp while checking."""
    path = Path(store.objects.alone_file(digest(LARGE)))
    os.utime(path, ns=(5, 5))
    before = _snapshot(store)
    assert fsck.check(store) == []
    assert fsck.check(store, deep=False) == []
    assert _snapshot(store) == before


def test_damage_names_the_commits_and_paths(store: Store) -> None:
    """Exactly the commits that hold the object are named. Break: name every commit of the repository."""
    first, second = (commit.id[:12] for commit in reversed(list(store.log("data@master"))))
    _spoil(_pack_with(store, b"version 1"), b"version 1", b"version 9")
    (problem,) = fsck.check(store)
    assert problem.kind == "object"
    assert digest(b"version 1") in problem.what
    assert problem.commits == (f"data@{second}",)
    assert problem.paths == (f"data@{second}:/changing.txt",)
    assert "--repair" in problem.repair
    assert fsck.check(store, deep=False) == []
    _spoil(_pack_with(store, b"same in both"), b"same in both", b"SAME in both")
    shared = next(problem for problem in fsck.check(store) if digest(b"same in both") in problem.what)
    assert set(shared.commits) == {f"data@{first}", f"data@{second}"}


def test_a_lost_large_object_is_found_without_reading_anything(store: Store) -> None:
    """The shallow check looks at every file. Break: leave `_alone` to the deep one."""
    Path(store.objects.alone_file(digest(LARGE))).unlink()
    (problem,) = fsck.check(store, deep=False)
    assert digest(LARGE) in problem.what
    assert len(problem.commits) == 2
    assert all(path.endswith(":/folder/large.bin") for path in problem.paths)


def test_an_edit_that_puts_the_time_back_is_found(store: Store) -> None:
    """Neither mode nor time is trusted by a deep check or by `read`. Break: trust the stamp in `verify`."""
    path = Path(store.objects.alone_file(digest(LARGE)))
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.chmod(0o644)
    path.write_bytes(LARGE[:-1] + b"!")
    path.chmod(0o444)
    os.utime(path, ns=times)
    assert [problem.kind for problem in fsck.check(store)] == ["object"]
    with pytest.raises(CorruptObject):
        store.objects.read(digest(LARGE))


def test_a_changed_row_is_found(store: Store) -> None:
    """Seals, ids and heads are checked. Break: check the seals of commits only."""
    store.database.execute("UPDATE commits SET message = 'other' WHERE number = 1")
    store.database.execute("UPDATE branches SET head = ?", ("0" * 64,))
    kinds = [problem.kind for problem in fsck.check(store)]
    assert kinds.count("row") == 2
    assert "history" in kinds


def test_a_lost_index_is_rebuilt_from_the_packs(store: Store) -> None:
    """The table `objects` holds nothing that the packs do not. Break: rebuild packs without large objects."""
    store.database.execute("DELETE FROM objects")
    store.database.execute("DELETE FROM packs")
    store.database.execute("DELETE FROM provenance")
    assert fsck.check(store, deep=False)
    with pytest.raises(MissingObject):
        store.objects.read(digest(LARGE))
    repaired = fsck.repair(store)
    assert repaired.found == repaired.objects > 4
    assert fsck.check(store) == []
    assert store.objects.read(digest(LARGE)) == LARGE


@pytest.mark.parametrize("content", [b"version 1", LARGE])
def test_after_repair_putting_the_file_again_heals(store: Store, content: bytes) -> None:
    """The advice that fsck gives works. Break: keep rows of damaged objects in `repair`."""
    name = digest(content)
    place = store.objects.place(name)
    path = Path(store.objects.alone_file(name) if place.pack is None else store.objects.pack_file(place.pack))
    _spoil(path, content, content[:-1] + b"!")
    repaired = fsck.repair(store)
    assert (repaired.forgotten, repaired.found) == (1, 0)
    assert len(fsck.check(store)) == 1
    with store.objects.batch() as batch:
        batch.add(content)
        batch.publish()
        with store.database.transaction():
            batch.record()
    assert fsck.check(store) == []
    assert store.objects.read(name) == content


@pytest.mark.parametrize("content", [b"the second", LARGE])
def test_putting_the_folder_again_brings_lost_files_back(tmp_path: Path, content: bytes) -> None:
    """The repair that fsck names works although the branch holds these very files, and is told.

    Break: leave the stat caches in `repair`, or return from `land` without `_keep`.
    """
    source = tmp_path / "source"
    source.mkdir()
    for name, data in (("first", b"first"), ("second", b"the second"), ("large", LARGE)):
        (source / name).write_bytes(data)
    store = pedigree.init(tmp_path / "project")
    for _ in range(2):  # so that the stat cache vouches for all of them
        put(store, "data:/", [source])
        os.utime(source / "first", ns=(7, 7))
    name = digest(content)
    place = store.objects.place(name)
    _spoil(
        Path(store.objects.alone_file(name) if place.pack is None else store.objects.pack_file(place.pack)),
        content,
        content[:-1] + b"!",
    )
    (problem,) = fsck.check(store)
    assert "put the original files again" in problem.repair
    fsck.repair(store)
    healed = put(store, "data:/", [source])
    assert (healed.commit, healed.files, healed.unchanged, healed.restored) == (None, 0, 3, 1)
    assert fsck.check(store) == []
    assert store.objects.read(name) == content


def test_a_lost_tree_is_made_again_by_the_same_files_elsewhere(store: Store) -> None:
    """Equal files make equal trees, so the repair for a tree works too. Break: advise a put into the branch,
    which cannot read its head."""
    files = {path: store.view("data").read_bytes(path) for path in ("changing.txt", "folder/large.bin", "same.txt")}
    tree = store.view("data").commit.tree
    store.database.execute("DELETE FROM objects WHERE digest = ?", (bytes.fromhex(tree),))
    (problem,) = fsck.check(store)
    assert problem.kind == "tree"
    assert "into a new repository" in problem.repair
    with store.commit("other", create=True) as change:
        for path, data in files.items():
            change.write(path, data)
    assert fsck.check(store) == []


def test_the_repair_of_an_output_is_to_run_its_pipeline(store: Store) -> None:
    """Nobody can put a pipeline's file. Break: one remedy for all."""
    store.create_repository("made", kind="output")
    with store.commit("made", output=True) as change:
        change.write("result", b"only in the output")
    _spoil(_pack_with(store, b"only in the output"), b"only in the output", b"ONLY in the output")
    (problem,) = fsck.check(store)
    assert "`pedigree run --reprocess made`" in problem.repair
    assert "pedigree put" not in problem.repair


def test_a_lost_pack_is_one_problem(store: Store) -> None:
    """However many objects lay in it; the commits are all named. Break: report each of its objects."""
    for path in (store.folder / "objects/packs").iterdir():
        path.unlink()
    problems = fsck.check(store)
    packs = [problem for problem in problems if problem.kind == "pack"]
    assert packs == problems
    assert sum(int(problem.what.split()[-5]) for problem in packs) == len(
        store.database.rows("SELECT 1 FROM objects WHERE pack != 0")
    )
    assert {commit for problem in packs for commit in problem.commits} == {
        f"data@{commit.id[:12]}" for commit in store.log("data@master")
    }


def test_whole_objects_are_rescued_from_a_pack_with_a_damaged_index(store: Store) -> None:
    """A bad footer costs no object. Break: drop the rows of a pack that cannot be read."""
    path = _pack_with(store, b"version 1")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    assert [problem.kind for problem in fsck.check(store)] == ["pack"]
    repaired = fsck.repair(store)
    assert repaired.rescued
    assert repaired.forgotten == 0
    assert fsck.check(store) == []
