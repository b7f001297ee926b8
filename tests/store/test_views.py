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
