"""compare() of folders: what came, went, moved and changed; and what is not followed or opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pedigree.errors import InvalidInput, PathNotFound, StorageFailure
from pedigree.training import compare
from pedigree.training.comparing import source


def _trees(folder: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        top = folder / name
        (top / "deep" / "er").mkdir(parents=True)
        (top / "same.txt").write_text("same\n")
        (top / "deep" / "er" / "log.csv").write_text("epoch,loss\n1,0.5\n")
    return folder / "a", folder / "b"


def test_identical_trees(tmp_path: Path) -> None:
    """Two copies are identical. Break: taking times for contents."""
    a, b = _trees(tmp_path)
    os.utime(b / "same.txt", (1, 1))
    found = compare(a, b)
    assert found.identical
    assert found.lines() == ["identical, 2 entries"]


def test_each_change_has_its_word(tmp_path: Path) -> None:
    """Added, removed, renamed, changed; the first by path is told with where inside it.

    Break: comparing sizes only takes `removed.bin` for the file of the same size that came.
    """
    a, b = _trees(tmp_path)
    (a / "moved.bin").write_bytes(b"\x00moved")
    (b / "elsewhere.bin").write_bytes(b"\x00moved")
    (a / "removed.bin").write_bytes(b"\x00old.")
    (b / "zz.bin").write_bytes(b"\x00new.")
    (b / "deep" / "er" / "log.csv").write_text("epoch,loss\n1,0.25\n")
    found = compare(a, b)
    assert not found.identical
    assert found.facts["renamed"] == [["moved.bin", "elsewhere.bin"]]
    assert found.facts["removed"] == ["removed.bin"]
    assert found.facts["added"] == ["zz.bin"]
    assert found.facts["changed"] == ["deep/er/log.csv"]
    assert found.first is not None
    assert (found.first["path"], found.first["column"], found.first["epoch"]) == ("deep/er/log.csv", "loss", "1")


def test_a_copied_file_is_no_rename(tmp_path: Path) -> None:
    """A second copy beside the first is added. Break: matching new files against all old ones."""
    a, b = _trees(tmp_path)
    (b / "copy.txt").write_text("same\n")
    found = compare(a, b)
    assert found.facts["added"] == ["copy.txt"]
    assert found.facts["renamed"] == []


def test_ignored_is_ignored_on_both_sides(tmp_path: Path) -> None:
    """A pattern without a slash is for names anywhere, folders too; one with a slash for paths. Break: matching only whole paths."""
    a, b = _trees(tmp_path)
    (a / "deep" / "__pycache__").mkdir()
    (a / "deep" / "__pycache__" / "x.pyc").write_bytes(b"1")
    (b / "deep" / "run.log").write_text("now")
    (b / "deep" / "er" / "log.csv").write_text("other")
    assert compare(a, b, ignore=["__pycache__", "*.log", "deep/er/*"]).identical
    assert not compare(a, b, ignore=["__pycache__", "*.log"]).identical
    assert not compare(a, b, ignore=["__pycache__", "er/*"]).identical
    with pytest.raises(InvalidInput, match="is one text"):
        compare(a, b, ignore="*.log")


def test_the_right_to_execute_is_part_of_a_tree(tmp_path: Path) -> None:
    """The same bytes, executable on one side. Break: comparing bytes alone."""
    a, b = _trees(tmp_path)
    (b / "same.txt").chmod(0o755)
    found = compare(a, b)
    assert not found.identical
    assert "only b may be executed" in found.parts[0].summary


def test_links_are_compared_and_not_followed(tmp_path: Path) -> None:
    """A link out of the tree is told, never read; two links differ by where they lead; a loop ends.

    Break: following links reads the secret outside, and does not end in the loop.
    """
    a, b = _trees(tmp_path)
    (tmp_path / "outside").write_text("a secret")
    for top in (a, b):
        (top / "loop").symlink_to(".")
        (top / "out").symlink_to("../outside")
    found = compare(a, b)
    assert found.identical
    assert any("out of a is a link to '../outside', which leads out of the tree" in note for note in found.notes)
    (b / "loop").unlink()
    (b / "loop").symlink_to("deep")
    other = compare(a, b)
    assert other.first == {"path": "loop", "a": ".", "b": "deep"}
    (b / "loop").unlink()
    (b / "loop").write_text("file")
    assert "a link and a file" in compare(a, b).parts[0].summary


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    """A pipe without a writer would hang whoever opened it. Break: opening everything that is no folder hangs."""
    a, b = _trees(tmp_path)
    for top in (a, b):
        os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(b / "door"))
        found = compare(a, b)
    assert found.facts["added"] == ["door"]
    assert "pipe" not in found.facts["changed"]
    assert any("pipe of a is a named pipe" in note for note in found.notes)
    with pytest.raises(InvalidInput, match="is a named pipe, which has no contents"):
        compare(a / "pipe", b / "pipe")


def test_what_cannot_be_read_is_not_called_identical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is noted, the others are compared all the same. Break: skipping it makes the trees identical.

    The refusal is simulated where the file is opened, since the tests may run as root, whom no mode stops.
    """
    a, b = _trees(tmp_path)
    real = open

    def refuse(path: str, *arguments: object, **named: object) -> object:
        if str(path).endswith("same.txt"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(source, "open", refuse, raising=False)
    assert not compare(a, b).identical
    (b / "deep" / "er" / "log.csv").write_text("epoch,loss\n1,0.75\n")
    found = compare(a, b)
    assert not found.identical
    assert not found.equivalent
    assert any("same.txt' could not be read: Permission denied" in note for note in found.notes)
    assert "deep/er/log.csv" in found.facts["changed"]
    with pytest.raises(StorageFailure, match="Permission denied"):
        compare(a / "same.txt", b / "same.txt")


def test_questions_that_have_no_answer(tmp_path: Path) -> None:
    """A missing path, a file beside a folder, a truth value. Break: `bool` of a dataclass is always true."""
    a, b = _trees(tmp_path)
    with pytest.raises(PathNotFound, match="There is nothing at"):
        compare(a, tmp_path / "none")
    with pytest.raises(InvalidInput, match="is a folder and .* is not"):
        compare(a, b / "same.txt")
    with pytest.raises(TypeError, match="ask for .identical"):
        bool(compare(a, b))


def test_kinds_that_do_not_match_are_compared_by_bytes(tmp_path: Path) -> None:
    """A picture's name on a text does not deceive. Break: going by the ending hands text to Pillow."""
    (tmp_path / "a.png").write_text("not a picture\n")
    (tmp_path / "b.png").write_text("nor this\n")
    assert compare(tmp_path / "a.png", tmp_path / "b.png").kind == "text"
    (tmp_path / "c.png").write_bytes(b"\x00\x01")
    found = compare(tmp_path / "a.png", tmp_path / "c.png")
    assert found.kind == "bytes"
    assert found.notes == ("a looks like text, b like bytes",)
