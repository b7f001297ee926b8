"""Put: what is on disk, in archives or on standard input is what the commit holds; what did not change is not read."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pedigree
from pedigree.errors import InvalidInput, InvalidPath, InvalidReference, PathClash, PathNotFound, RepositoryNotFound
from pedigree.store import Store, gathering, statcache
from pedigree.store.put import PutResult, put


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    # As if the files had been written long before: the clock's tick has its own tests in test_statcache.py.
    monkeypatch.setattr("pedigree.store.put.now_ns", lambda: statcache.now_ns() + 10**10)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(tmp_path)
    with pedigree.init(project) as store:
        yield store


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write(tmp_path / "photos", {"a.jpg": b"aa", "cats/b.jpg": b"bbb", "cats/c.jpg": b"c" * 2_000_000})


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def held(store: Store, reference: str = "images@master") -> dict[str, bytes]:
    view = store.view(reference)
    return {path: store.objects.read(entry.digest) for path, entry in view.walk()}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the files that are read from now on."""
    seen: list[str] = []
    take = gathering.Gathering._take

    def noted(self: Any, found: Any, *rest: Any) -> None:
        seen.append(found.path)
        take(self, found, *rest)

    monkeypatch.setattr(gathering.Gathering, "_take", noted)
    return seen


def counts(result: PutResult) -> tuple[int, int, int]:
    return result.files, result.bytes, result.unchanged


# ------------------------------------------------------------------------------------------------ where to


@pytest.mark.parametrize(
    ("target", "sources", "options", "expected"),
    [
        ("images", ["photos"], {}, ["photos/a.jpg", "photos/cats/b.jpg", "photos/cats/c.jpg"]),
        ("images", ["photos/"], {}, ["photos/a.jpg", "photos/cats/b.jpg", "photos/cats/c.jpg"]),
        ("images:/", ["photos"], {}, ["a.jpg", "cats/b.jpg", "cats/c.jpg"]),
        ("images:/x", ["photos"], {}, ["x/a.jpg", "x/cats/b.jpg", "x/cats/c.jpg"]),
        ("images:/x/", ["photos"], {}, ["x/a.jpg", "x/cats/b.jpg", "x/cats/c.jpg"]),
        ("images", ["photos/a.jpg"], {}, ["a.jpg"]),
        ("images", ["photos/a.jpg"], {"full_path": True}, ["photos/a.jpg"]),
        ("images", ["./photos/../photos/a.jpg"], {"full_path": True}, ["photos/a.jpg"]),
        ("images:/x.jpg", ["photos/a.jpg"], {}, ["x.jpg"]),
        ("images:/x/", ["photos/a.jpg"], {}, ["x/a.jpg"]),
        ("images:/", ["photos/a.jpg"], {}, ["a.jpg"]),
        ("images:/x", ["photos/a.jpg", "photos/cats/b.jpg"], {}, ["x/a.jpg", "x/b.jpg"]),
        ("images", ["photos/a.jpg", "photos/cats"], {}, ["a.jpg", "cats/b.jpg", "cats/c.jpg"]),
        ("images:/x", ["photos/a.jpg", "photos/cats"], {"full_path": True},
         ["x/photos/a.jpg", "x/photos/cats/b.jpg", "x/photos/cats/c.jpg"]),
    ],
)  # fmt: skip
def test_sources_go_where_pachyderm_puts_them(
    store: Store, photos: Path, target: str, sources: list[str], options: dict[str, bool], expected: list[str]
) -> None:
    """Break: take the target path for a prefix even when there is one source."""
    result = put(store, target, sources, **options)  # type: ignore[arg-type]  # only flags are passed
    assert result.created_repository
    assert sorted(held(store)) == expected
    assert result.files == len(expected)


def test_standard_input_and_a_list_of_sources_are_read(store: Store, photos: Path) -> None:
    """Break: keep the line ends of the list."""
    put(store, "images:/in.txt", ["-"], stdin=io.BytesIO(b"from a pipe"))
    (photos.parent / "list").write_text("photos/a.jpg\n\n  photos/cats/b.jpg  \n")
    put(store, "images", [], input_file="list")
    assert held(store) == {"in.txt": b"from a pipe", "a.jpg": b"aa", "b.jpg": b"bbb"}
    with pytest.raises(InvalidInput, match="has no name"):
        put(store, "images", ["-"], stdin=io.BytesIO(b""))


# ----------------------------------------------------------------------------------------- what is not read


def test_a_folder_put_again_is_not_read_and_makes_no_commit(store: Store, photos: Path, reads: list[str]) -> None:
    """Break: do not save the stat cache."""
    first = put(store, "images:/", [photos])
    assert counts(first) == (3, 2_000_005, 0)
    reads.clear()
    again = put(store, "images:/", [photos])
    assert (again.commit, counts(again), reads) == (None, (0, 0, 3), [])
    head = store.resolve("images@master").commit
    assert head.id == first.commit.id  # type: ignore[union-attr]  # the first put made a commit


def test_the_edit_matrix(store: Store, photos: Path, reads: list[str]) -> None:
    """An edit, and an edit of the same size whose mtime is set back, are noticed; a touch makes no commit.

    Break: leave ctime out of the stamp.
    """
    put(store, "images:/", [photos])
    put(store, "images:/", [photos])
    file = photos / "a.jpg"

    file.write_bytes(b"longer")
    assert counts(put(store, "images:/", [photos])) == (1, 6, 2)

    before = file.stat()
    file.write_bytes(b"LONGER")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert counts(put(store, "images:/", [photos])) == (1, 6, 2)
    assert held(store)["a.jpg"] == b"LONGER"

    os.utime(file)
    reads.clear()
    touched = put(store, "images:/", [photos])
    assert (touched.commit, counts(touched), reads) == (None, (0, 0, 3), ["a.jpg"])

    file.chmod(0o755)
    assert put(store, "images:/", [photos]).files == 1
    assert store.view("images@master").stat("a.jpg").kind == "x"


def test_what_others_changed_in_the_branch_is_put_again(store: Store, photos: Path, reads: list[str]) -> None:
    """Break: trust the cache whatever tree the branch has now."""
    put(store, "images:/", [photos])
    with store.commit("images@master") as change:
        change.write("a.jpg", b"somebody else's")
        change.delete("cats/b.jpg")
        change.write("other", b"untouched")
    reads.clear()
    result = put(store, "images:/", [photos])
    assert counts(result) == (2, 5, 1)
    assert reads == []
    assert {path: len(data) for path, data in held(store).items()} == {
        "a.jpg": 2, "cats/b.jpg": 3, "cats/c.jpg": 2_000_000, "other": 9,
    }  # fmt: skip


def test_a_folder_known_from_one_target_is_put_whole_into_another(store: Store, photos: Path) -> None:
    """Break: take "unchanged on disk" for "in this branch"."""
    put(store, "images:/", [photos])
    put(store, "copies:/x", [photos])
    put(store, "images@other:/", [photos])
    assert held(store) == held(store, "images@other")
    assert {f"x/{path}": data for path, data in held(store).items()} == held(store, "copies@master")


def test_a_file_whose_object_gc_removed_is_read_again(store: Store, photos: Path) -> None:
    """Break: use a cached digest without asking the store for the object."""
    from pedigree.store import gc

    put(store, "images:/", [photos])
    store.delete_repository("images")
    gc.collect(store)
    put(store, "images:/", [photos])
    assert held(store) == {"a.jpg": b"aa", "cats/b.jpg": b"bbb", "cats/c.jpg": b"c" * 2_000_000}


def test_two_sources_that_overlap_leave_no_false_belief(store: Store, tmp_path: Path) -> None:
    """Break: let a source's cache vouch for the tree although another source overwrote its file."""
    one, two = write(tmp_path / "one", {"a": b"1"}), write(tmp_path / "two", {"a": b"2"})
    put(store, "images:/", [one / "a", two / "a"])
    put(store, "images:/", [one])
    assert held(store) == {"a": b"1"}
    put(store, "images:/", [two])
    assert held(store) == {"a": b"2"}
    put(store, "images:/", [one])
    assert held(store) == {"a": b"1"}


def test_checksum_reads_everything(store: Store, photos: Path, reads: list[str]) -> None:
    """Break: ignore the flag."""
    put(store, "images:/", [photos])
    reads.clear()
    assert put(store, "images:/", [photos], checksum=True).commit is None
    assert sorted(reads) == ["a.jpg", "cats/b.jpg", "cats/c.jpg"]


def test_files_missing_on_disk_stay_unless_asked_otherwise(store: Store, photos: Path) -> None:
    """Break: delete what lies beside the target folder as well."""
    put(store, "images:/x", [photos])
    put(store, "images:/y", [photos / "a.jpg"])
    (photos / "a.jpg").unlink()
    assert put(store, "images:/x", [photos]).commit is None
    result = put(store, "images:/x", [photos], delete_missing=True)
    assert result.deleted == 1
    assert sorted(held(store)) == ["x/cats/b.jpg", "x/cats/c.jpg", "y"]


def test_appending_lengthens_files_and_putting_twice_in_a_transaction_counts_the_last(
    store: Store, photos: Path
) -> None:
    """Break: compare with the branch's head instead of with what the transaction did before."""
    put(store, "images:/log", ["-"], stdin=io.BytesIO(b"one\n"))
    put(store, "images:/log", ["-"], stdin=io.BytesIO(b"two\n"), append=True)
    assert held(store)["log"] == b"one\ntwo\n"
    with store.transaction():
        put(store, "images:/log", ["-"], stdin=io.BytesIO(b"other"))
        put(store, "images:/log", ["-"], stdin=io.BytesIO(b"one\ntwo\n"))
    assert held(store)["log"] == b"one\ntwo\n"


@pytest.mark.parametrize("kernel", ["copies", "cannot", "answers 0"])
def test_a_large_file_comes_out_as_it_went_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    """Break: map each part from the start of the file; or take 0 from `copy_file_range` for the end of it."""
    monkeypatch.setattr("pedigree.store.alone._CHUNK_BYTES", 1 << 20)

    def refuse(*_: object, **__: object) -> int:
        if kernel == "cannot":
            raise OSError(errno.EXDEV, "another file system")
        return 0

    if kernel != "copies":
        monkeypatch.setattr(os, "copy_file_range", refuse)
    data = b"".join(number.to_bytes(8, "little") for number in range(700_001))
    (tmp_path / "big").write_bytes(data)
    put(store, "images", [tmp_path / "big"])
    assert held(store) == {"big": data}


# ------------------------------------------------------------------------------------------ what is refused


def test_links_modes_and_odd_names_are_kept(store: Store, photos: Path) -> None:
    """Break: follow links while walking."""
    (photos / "link").symlink_to("/etc/passwd")
    (photos / "cats" / "up").symlink_to("..")
    (photos / "tool").write_bytes(b"#!/bin/sh\n")
    (photos / "tool").chmod(0o755)
    (photos / "größe ☃.txt").write_bytes(b"u")
    write(photos, {".git/config": b"x", ".pedigree/y": b"x"})
    result = put(store, "images:/", [photos])
    kinds = {path: entry.kind for path, entry in store.view("images@master").walk()}
    assert kinds == {
        "a.jpg": "f", "cats/b.jpg": "f", "cats/c.jpg": "f", "cats/up": "l", "größe ☃.txt": "f", "link": "l", "tool": "x",
    }  # fmt: skip
    assert held(store)["link"] == b"/etc/passwd"
    assert sorted(result.skipped) == [f"{photos}/.git", f"{photos}/.pedigree"]


@pytest.mark.parametrize("odd", ["fifo", "name", "missing", "past", "repository", "empty", "clash", "device"])
def test_what_cannot_be_put_is_named_and_leaves_no_trace(store: Store, photos: Path, odd: str) -> None:
    """Break: make the repository before everything was read."""
    target, sources, match = "images:/", [str(photos)], ""
    error: type[Exception] = InvalidInput
    if odd == "fifo":
        os.mkfifo(photos / "cats" / "pipe")
        match = "cats/pipe.*named pipe"
    elif odd == "name":
        open(os.fsencode(photos) + b"/\xff", "wb").close()
        error, match = InvalidPath, "UTF-8"
    elif odd == "missing":
        sources, error, match = ["photos", "nothing"], PathNotFound, "nothing"
    elif odd == "past":
        target, error, match = "images@master^", InvalidReference, "in the past"
    elif odd == "empty":
        sources, match = [], "nothing to put"
    elif odd == "clash":
        write(photos.parent, {"other/cats/b.jpg/deeper": b""})
        sources, error, match = ["photos/cats", "other/cats"], PathClash, "cats/b.jpg"
    elif odd == "device":
        sources, match = ["/dev/null"], "character device"
    if odd == "repository":
        with pytest.raises(RepositoryNotFound, match="images"):
            put(store, "images:/", [photos], create=False)
    else:
        with pytest.raises(error, match=match):
            put(store, target, sources)
    assert store.repositories() == []
    assert not any((store.folder / "tmp").iterdir())


def test_the_members_of_archives_are_put_and_hard_links_are_files(store: Store, tmp_path: Path) -> None:
    """Break: put the archive itself."""
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for name, data in (("x/one", b"1" * 3), ("x/big", b"2" * 1_500_000)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
        for name, kind in (("x/hard", tarfile.LNKTYPE), ("x/soft", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "x/one" if kind == tarfile.LNKTYPE else "one"
            archive.addfile(info)
    put(store, "images:/in", [tmp_path / "a.tar.gz"], untar=True)
    assert {path: (entry.kind, entry.size) for path, entry in store.view("images@master").walk()} == {
        "in/x/big": ("x", 1_500_000), "in/x/hard": ("x", 3), "in/x/one": ("x", 3), "in/x/soft": ("l", 3),
    }  # fmt: skip


def test_a_put_into_an_open_commit_gathers_there(store: Store, photos: Path) -> None:
    """Break: let the cache vouch for the tree of an open commit, which may be discarded."""
    put(store, "images:/", [photos / "a.jpg"])
    store.start_commit("images@master")
    put(store, "images:/cats", [photos / "cats"])
    store.discard_commit("images@master")
    put(store, "images:/cats", [photos / "cats"])
    assert sorted(held(store)) == ["a.jpg", "cats/b.jpg", "cats/c.jpg"]
