"""Reading a commit: what a view and its paths give is what was written, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

import pedigree
from pedigree.errors import CommitClosed, PathNotFound


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
