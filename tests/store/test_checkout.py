"""Checkout: what lands on disk is the tree, and nothing but the target is touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import AlreadyExists, MissingObject, PathNotFound, StorageFailure, Unsupported
from pedigree.store import beneath, trees
from pedigree.store import checkout as module
from pedigree.store.batch import Batch
from pedigree.store.checkout import CheckedOut, checkout
from pedigree.store.objects import Objects
from pedigree.store.trees import Entry
from tests.store.opened import Opened

Files = dict[str, tuple[str, bytes]]  # path -> (kind, data)

FILES: Files = {
    "readme.txt": ("f", b"hello"),
    "run.sh": ("x", b"#!/bin/sh\n"),
    "a/b/c/deep.bin": ("f", bytes(range(256))),
    "a/b.txt": ("f", b""),
    "a-b/x": ("f", b"x"),
    "large.bin": ("f", b"0123456789abcdef" * (1 << 17)),  # 2 MiB: lies alone in the store
    "a/link": ("l", b"b.txt"),
    "outside": ("l", b"../../../../etc/passwd"),
    "日本/🐈": ("f", "猫".encode()),
}


@pytest.fixture
def store(tmp_path: Path) -> Opened:
    return Opened(tmp_path / "project")


def save(store: Opened, batch: Batch) -> None:
    batch.publish()
    with store.database.transaction():
        batch.record()


def put(store: Opened, files: Files) -> str:
    with store.objects.batch() as batch:
        entries = [(path, Entry(kind, len(data), batch.add(data))) for path, (kind, data) in sorted(files.items())]
        tree = trees.build(entries, batch.add)
        save(store, batch)
    return tree


def read_back(target: Path) -> Files:
    found: Files = {}
    for folder, folders, files in os.walk(target):
        for name in files + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, target)
            if os.path.islink(path):
                found[relative] = ("l", os.readlink(os.fsencode(path)))
            else:
                kind = "x" if os.stat(path).st_mode & 0o100 else "f"
                found[relative] = (kind, Path(path).read_bytes())
    return found


def test_a_tree_comes_back_whole(store: Opened, tmp_path: Path) -> None:
    """Bytes, executable bits, links and any Unicode name; links are written, also those that lead nowhere.

    Break: forget the executable bit, or resolve a link.
    """
    tree = put(store, FILES)
    target = tmp_path / "new" / "folder"
    seen: list[tuple[int, int]] = []
    result = checkout(store.objects, tree, target, progress=lambda files, size: seen.append((files, size)))
    assert read_back(target) == FILES
    size = sum(len(data) for kind, data in FILES.values() if kind != "l")
    assert result == CheckedOut(files=7, links=2, bytes=size)
    assert seen[-1] == (7, size)
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE((target / "readme.txt").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((target / "run.sh").stat().st_mode) == 0o777 & ~mask


_part = st.sampled_from(["a", "b", "a-", "é", "x.y"])
_path = st.builds(
    lambda parts, name: "/".join([*parts, name]), st.lists(_part, max_size=4), st.sampled_from(["f", "g.h"])
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(_path, st.tuples(st.sampled_from("fx"), st.binary(max_size=20)), min_size=1, max_size=15))
def test_any_tree_comes_back_whole(tmp_path_factory: pytest.TempPathFactory, files: Files) -> None:
    """Also when every group is as small as can be. Break: keep a folder's descriptor for the next group."""
    place = tmp_path_factory.mktemp("any")
    store = Opened(place / "project")
    tree = put(store, files)
    most_files, most_folders = module.GROUP_FILES, beneath.OPEN_FOLDERS
    module.GROUP_FILES, module.OPEN_FOLDERS = 2, 2  # type: ignore[attr-defined]  # bound there from beneath
    try:
        checkout(store.objects, tree, place / "target")
    finally:
        module.GROUP_FILES, module.OPEN_FOLDERS = most_files, most_folders  # type: ignore[attr-defined]  # as above
    assert read_back(place / "target") == files


def test_a_folder_or_a_file_alone(store: Opened, tmp_path: Path) -> None:
    """A folder's files lose the folder's name; a file goes to the target, or into it when that is a folder.

    Break: compare the prefix as text, so that `a` brings `a-b` too.
    """
    tree = put(store, FILES)
    checkout(store.objects, tree, tmp_path / "a", prefix="a")
    assert read_back(tmp_path / "a") == {
        "b/c/deep.bin": FILES["a/b/c/deep.bin"],
        "b.txt": FILES["a/b.txt"],
        "link": FILES["a/link"],
    }
    checkout(store.objects, tree, tmp_path / "one.txt", prefix="readme.txt")
    assert (tmp_path / "one.txt").read_bytes() == b"hello"
    checkout(store.objects, tree, tmp_path / "a", prefix="readme.txt")
    assert (tmp_path / "a" / "readme.txt").read_bytes() == b"hello"
    with pytest.raises(PathNotFound, match="/nothing"):
        checkout(store.objects, tree, tmp_path / "b", prefix="nothing")
    assert not (tmp_path / "b").exists()


def test_nothing_that_exists_is_replaced_and_nothing_else_is_written(store: Opened, tmp_path: Path) -> None:
    """Break: check each file when its turn comes; the files before it would be there already."""
    tree = put(store, FILES)
    target = tmp_path / "target"
    (target / "日本").mkdir(parents=True)
    (target / "日本" / "🐈").write_text("mine")
    (target / "kept").write_text("kept")
    before = read_back(target)
    with pytest.raises(AlreadyExists, match="日本/🐈"):
        checkout(store.objects, tree, target)
    assert read_back(target) == before
    checkout(store.objects, tree, target, overwrite=True)
    assert read_back(target) == FILES | {"kept": ("f", b"kept")}
    checkout(store.objects, tree, target, overwrite=True)
    assert read_back(target) == FILES | {"kept": ("f", b"kept")}
    assert [name for name in os.listdir(target) if name.startswith(".pedigree")] == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_in_the_target_is_never_followed(store: Opened, tmp_path: Path, overwrite: bool) -> None:
    """A link where a folder belongs is refused; one where a file belongs is replaced and not written through.

    Break: open folders without O_NOFOLLOW.
    """
    tree = put(store, FILES)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "readme.txt").write_text("theirs")
    target = tmp_path / "target"
    target.mkdir()
    (target / "a").symlink_to(outside)
    with pytest.raises(AlreadyExists, match="target/a"):
        checkout(store.objects, tree, target, overwrite=overwrite)
    (target / "a").unlink()
    (target / "readme.txt").symlink_to(outside / "readme.txt")
    if overwrite:
        checkout(store.objects, tree, target, overwrite=True)
        assert not (target / "readme.txt").is_symlink()
    else:
        with pytest.raises(AlreadyExists, match="readme"):
            checkout(store.objects, tree, target)
    assert (outside / "readme.txt").read_text() == "theirs"
    assert os.listdir(outside) == ["readme.txt"]


def test_a_link_slipped_in_meanwhile_is_never_followed(
    store: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody swaps a folder for a link after it was checked: nothing lands behind the link.

    Break: check first, then write to the joined path.
    """
    tree = put(store, {f"{folder}/{number}": ("f", b"x") for folder in "ab" for number in range(3)})
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "target"
    extract = Objects.extract

    def swap(self: Objects, targets: list[tuple[str, int, str, int]]) -> None:
        for name in ("a", "b"):
            if (target / name).is_dir() and not (target / name).is_symlink():
                (target / name).rename(tmp_path / f"was-{name}")
                (target / name).symlink_to(outside)
        extract(self, targets)

    monkeypatch.setattr(Objects, "extract", swap)
    monkeypatch.setattr(module, "GROUP_FILES", 2)
    with pytest.raises((AlreadyExists, StorageFailure)):
        checkout(store.objects, tree, target)
    assert os.listdir(outside) == []


def test_a_failure_in_between_takes_everything_away_again(store: Opened, tmp_path: Path) -> None:
    """A missing object half-way leaves the target as it was: not there, or with what it had.

    Break: leave the folders.
    """
    files = {f"{number // 10}/{number}": ("f", b"%d" % number) for number in range(100)}
    tree = put(store, files)
    broken = trees.edit(
        tree,
        {"5/zz": Entry("f", 1, "0" * 64), "6/l": Entry("l", 1, "1" * 64)},
        store.objects.read,
        lambda data: _keep(store, data),
    )
    target = tmp_path / "deep" / "target"
    with pytest.raises(MissingObject):
        checkout(store.objects, broken, target)
    assert not (tmp_path / "deep").exists()
    target.mkdir(parents=True)
    (target / "kept").write_text("kept")
    with pytest.raises(MissingObject):
        checkout(store.objects, broken, target)
    assert read_back(target) == {"kept": ("f", b"kept")}
    assert os.listdir(target) == ["kept"]


def _keep(store: Opened, data: bytes) -> str:
    with store.objects.batch() as batch:
        digest = batch.add(data)
        save(store, batch)
    return digest


def test_names_that_the_file_system_merges_are_refused(
    store: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: write both; the second replaces the first, or fails half-way."""
    tree = put(store, {"README": ("f", b"1"), "a/x": ("f", b"2"), "A/y": ("f", b"3"), "readme": ("f", b"4")})
    checkout(store.objects, tree, tmp_path / "here")
    assert len(read_back(tmp_path / "here")) == 4
    monkeypatch.setattr(module, "_habits", lambda root: (True, True))
    with pytest.raises(Unsupported, match=r"'A'.*'a'|'README'.*'readme'"):
        checkout(store.objects, tree, tmp_path / "mac")
    assert not (tmp_path / "mac").exists()


def test_a_target_that_is_a_file_is_refused(store: Opened, tmp_path: Path) -> None:
    """Break: let makedirs' own error through."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(AlreadyExists, match="no folder"):
        checkout(store.objects, put(store, FILES), tmp_path / "file")
