"""Reading a commit: what a view and its paths give is what was written, and only that."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import CommitClosed, PathNotFound
from pedigree.store.views import View


def test_a_view_reads_what_was_written_and_keeps_reading_it_after_the_branch_moved(tmp_path: Path) -> None:
    """Break: let a view follow its branch."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("a/one.txt", b"first")
            change.write("a/b/two.txt", b"second")
        view = store.view("in@master")
        with store.commit("in@master") as change:
            change.write("a/one.txt", b"changed")
        assert view.read_text("/a/one.txt") == "first"
        assert [name for name, _ in view.ls("a")] == ["b", "one.txt"]
        assert [path for path, _ in view.walk()] == ["a/b/two.txt", "a/one.txt"]
        assert view.glob("/a/*.txt") == ["a/one.txt"]
        path = view / "a" / "b" / "two.txt"
        assert (path.name, path.stem, path.suffix, path.parent.name) == ("two.txt", "two", ".txt", "b")
        with path.open("r") as file:
            assert file.read() == "second"
        assert sorted(item.name for item in (view / "a").iterdir()) == ["b", "one.txt"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Break: answer a missing file with empty bytes."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("a", b"x")
        view = store.view("in@master")
        with pytest.raises(PathNotFound, match="/nothing"):
            view.read_bytes("nothing")
        with pytest.raises(CommitClosed, match="never changes"):
            (view / "a").open("w")


def test_links_are_followed_inside_the_commit_and_never_out_of_it(tmp_path: Path) -> None:
    """Break: resolve `..` by text (`posixpath.normpath`) instead of along the links."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("deep/er/data", b"data")
            change.link("folder", "deep/er")
            change.link("deep/er/up", "../../deep/er/data")
            change.link("out", "../../etc/passwd")
            change.link("absolute", "/etc/passwd")
            change.link("round", "round")
        view = store.view("in@master")
        assert view.read_bytes("folder/data") == view.read_bytes("folder/up") == b"data"
        assert view.is_dir("folder")
        assert (view / "folder").is_symlink()
        assert [name for name, _ in view.ls("folder")] == ["data", "up"]
        for name, why in (("out", "out of the commit"), ("absolute", "/etc/passwd"), ("round", "circle")):
            assert not view.exists(name)
            with pytest.raises(PathNotFound, match=why):
                view.open(name)


def _child_reads(view: View) -> bytes:
    return view.read_bytes("a")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_view_given_to_another_process_reads_there(tmp_path: Path, method: str) -> None:
    """Break: keep the parent's connection after `fork` (Database raises), or leave out `__reduce__` (spawn pickles)."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("a", b"from the store")
        view = store.view("in@master")
        assert view.read_bytes("a") == b"from the store"
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply(_child_reads, (view,)) == b"from the store"


def test_a_glob_below_a_folder_whose_name_has_signs_of_globs_stays_in_it(tmp_path: Path) -> None:
    """Break: put the folder's name into the pattern as it is."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("[ab]/x", b"")
            change.write("a/x", b"")
        assert [path.path for path in (store.view("in@master") / "[ab]").glob("*")] == ["[ab]/x"]


def test_rglob_finds_files_at_every_depth_below_a_folder(tmp_path: Path) -> None:
    """As pathlib's does. Break: leave out the empty alternative, and with it the folder's own files."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            for path in ("a/1.txt", "a/b/2.txt", "a/b/c/3.txt", "a/b/c/3.bin", "4.txt"):
                change.write(path, b"")
        view = store.view("in@master")
        assert [path.path for path in (view / "a").rglob("*.txt")] == ["a/1.txt", "a/b/2.txt", "a/b/c/3.txt"]
        assert len(list(view.root.rglob("*.txt"))) == 4


def test_a_folder_opened_as_a_file_is_called_a_folder(tmp_path: Path) -> None:
    """Break: say that it is not there."""
    with pedigree.init(tmp_path) as store:
        with store.commit("in@master", create=True) as change:
            change.write("a/b", b"")
        with pytest.raises(PathNotFound, match="no file /a in .*: it is a folder"):
            (store.view("in@master") / "a").open()


def test_get_writes_a_commit_to_disk_and_put_takes_it_back(tmp_path: Path) -> None:
    """The façade has both ways. Break: ignore the reference's path in `get`."""
    with pedigree.init(tmp_path / "project") as store:
        with store.commit("in@master", create=True) as change:
            change.write("a/one", b"1")
            change.write("b", b"2", executable=True)
        assert store.get("in@master:/a", tmp_path / "out").files == 1
        assert (tmp_path / "out" / "one").read_bytes() == b"1"
        store.get("in", tmp_path / "whole")
        made = store.put("again:/", tmp_path / "whole")
        assert made.commit is not None
        assert made.commit.tree == store.resolve("in").commit.tree
        with pytest.raises(PathNotFound, match=r"no /c in in@master\."):
            store.get("in:/c", tmp_path / "c")
        with store.commit("in@master") as change:
            change.write("c", b"3")
        older = store.resolve("in@master^").commit.id[:12]
        with pytest.raises(PathNotFound, match=rf"no /c in in@{older}\."):
            store.get("in@master^:/c", tmp_path / "c")
