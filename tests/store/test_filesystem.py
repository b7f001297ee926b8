"""pedigree:// through fsspec: what is read is what the commit holds, wherever the reader knows nothing of Pedigree."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

import pedigree
from pedigree.errors import CommitClosed, InvalidReference
from pedigree.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    fsspec.get_filesystem_class("pedigree").clear_instance_cache()
    monkeypatch.chdir(tmp_path)
    with pedigree.init(tmp_path) as store:
        with store.commit("data@master", create=True) as change:
            change.write("table.csv", b"name,score\ntom,3\n")
            change.write("cats/a.txt", b"a")
            change.write("cats/b.bin", b"b" * 1000)
            change.link("newest", "cats/a.txt")
        yield store


def files(store: Store) -> Any:
    return fsspec.filesystem("pedigree", store=str(store.project))


def test_a_url_reads_the_file_of_the_working_folder_s_store(store: Store) -> None:
    """Break: register another protocol in pyproject.toml than the one the class names."""
    with fsspec.open("pedigree://data@master/cats/a.txt", "rb") as file:
        assert file.read() == b"a"
    with fsspec.open("pedigree://data@master/newest", "rt") as file:
        assert file.read() == "a"


def test_a_branch_means_its_head_at_each_call_and_a_commit_stays(store: Store) -> None:
    """Break: keep the view of a branch from the first call."""
    system, before = files(store), store.resolve("data@master").commit.id
    assert system.cat("data@master/cats/a.txt") == b"a"
    with store.commit("data@master") as change:
        change.write("cats/a.txt", b"new")
    assert system.cat("data@master/cats/a.txt") == b"new"
    assert system.cat(f"data@{before}/cats/a.txt") == b"a"


def test_listing_globbing_and_finding_agree_with_the_commit(store: Store) -> None:
    """Break: name the children of a folder without their folder."""
    system = files(store)
    assert system.ls("", detail=False) == ["data@master"]
    assert system.ls("data@master", detail=False) == [f"data@master/{name}" for name in ("cats", "newest", "table.csv")]
    assert sorted(system.glob("data@master/cats/*.txt")) == ["data@master/cats/a.txt"]
    assert system.find("data@master") == [f"data@master/{path}" for path, _ in sorted(store.view("data@master").walk())]
    assert system.info("data@master/cats/b.bin")["size"] == 1000
    assert system.isdir("data@master/cats")
    assert system.cat_file("data@master/cats/b.bin", start=1, end=3) == b"bb"


def test_what_is_not_there_does_not_exist_for_fsspec_and_writing_is_refused(store: Store) -> None:
    """Break: let PathNotFound through, which is no FileNotFoundError."""
    system = files(store)
    assert not system.exists("data@master/nothing")
    assert not system.exists("data@nobranch/x")
    for call in (system.info, system.open, system.ls):
        with pytest.raises(FileNotFoundError, match="There is no"):
            call("data@master/nothing")
    with pytest.raises(CommitClosed, match="never changes"):
        system.open("data@master/new", "wb")
    with pytest.raises(InvalidReference, match="does not name a commit"):
        system.info("a:b/c")


def test_numpy_reads_an_array_from_a_commit(store: Store) -> None:
    """Break: hand out a stream that cannot seek."""
    numpy = pytest.importorskip("numpy")
    array, buffer = numpy.arange(12).reshape(3, 4), io.BytesIO()
    numpy.save(buffer, array)
    with store.commit("data@master") as change:
        change.write("array.npy", buffer.getvalue())
    with fsspec.open("pedigree://data@master/array.npy", "rb") as file:
        assert (numpy.load(file, allow_pickle=False) == array).all()


def test_pandas_reads_an_address(store: Store) -> None:
    """Break: leave out the entry point `fsspec.specs`."""
    pandas = pytest.importorskip("pandas")
    assert pandas.read_csv("pedigree://data@master/table.csv")["score"].to_list() == [3]


def test_polars_reads_a_file_of_a_commit(store: Store) -> None:
    """Polars opens addresses by itself and knows none of ours, so it is given files, eager or lazy.

    Break: hand out a stream without `seek`.
    """
    polars = pytest.importorskip("polars")
    buffer = io.BytesIO()
    polars.DataFrame({"score": [3]}).write_parquet(buffer)
    with store.commit("data@master") as change:
        change.write("table.parquet", buffer.getvalue())
    view = store.view("data@master")
    assert polars.read_csv((view / "table.csv").open())["score"].to_list() == [3]
    assert polars.scan_parquet((view / "table.parquet").open()).collect()["score"].to_list() == [3]
    with fsspec.open("pedigree://data@master/table.parquet") as file:
        assert polars.read_parquet(file)["score"].to_list() == [3]


def test_nothing_can_be_written_removed_or_made(store: Store) -> None:
    """Each says why and what to do instead. Break: leave fsspec's own `_rm`, which says only NotImplementedError."""
    files = fsspec.filesystem("pedigree")
    attempts: list[Callable[[], object]] = [
        lambda: files.open("data@master/new", "wb"),
        lambda: files.pipe_file("data@master/new", b""),
        lambda: files.rm("data@master/table.csv"),
        lambda: files.rm_file("data@master/table.csv"),
        lambda: files.mkdir("data@master/folder"),
        lambda: files.makedirs("data@master/folder/a"),
        lambda: files.cp_file("data@master/table.csv", "data@master/copy.csv"),
        lambda: files.mv("data@master/table.csv", "data@master/moved.csv"),
    ]
    for attempt in attempts:
        with pytest.raises(CommitClosed) as raised:
            attempt()
        assert "store.commit" in str(raised.value.remedy)
