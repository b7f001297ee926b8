"""The stat cache: it may forget, it may never vouch for a file that changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.canonical import digest
from pedigree.store.statcache import Stamp, StatCache
from pedigree.store.trees import Entry

TREE = digest(b"a tree")
OLD_NS = 1_700_000_000_123_456_789
NOW_NS = OLD_NS + 60_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path


def stamp(folder: Path, *, ctime_ns: int = OLD_NS, size: int = 3) -> Stamp:
    return (size, ctime_ns, ctime_ns, 77, os.stat(folder).st_dev)


def entry(data: bytes = b"abc", kind: str = "f") -> Entry:
    return Entry(kind, len(data), digest(data))


def test_what_was_learnt_is_known_again(folder: Path) -> None:
    """Break: write the digests in another order than the names."""
    cache = StatCache(folder, "/data")
    learnt = {f"{n}/ü{n}": entry(bytes([n] * 3), "fxl"[n % 3]) for n in range(200)}
    for path, found in learnt.items():
        cache.learn(path, stamp(folder), found)
    cache.save(NOW_NS, ("raw", TREE))
    again = StatCache(folder, "/data")
    assert again.base == ("raw", TREE)
    assert {path: again.entry(path) for path in again.known} == learnt
    assert set(again.known.values()) == {stamp(folder)}


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["learn", "forget", "save"]), st.binary(max_size=4)))
)
def test_any_order_of_learning_forgetting_and_saving_leaves_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, bytes]]
) -> None:
    """Break: forget to renew the places of the columns after an entry went."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "cache").mkdir()
    cache, model = StatCache(folder, "/data"), dict[str, Entry]()
    for path, what, data in [*steps, ("a", "save", b"")]:
        if what == "learn":
            cache.learn(path, stamp(folder, size=len(data)), entry(data))
            model[path] = entry(data)
        elif what == "forget":
            cache.forget([path])
            model.pop(path, None)
        else:
            cache.save(NOW_NS, None)
            cache = StatCache(folder, "/data")
            assert {name: cache.entry(name) for name in cache.known} == model


@pytest.mark.parametrize(
    ("ctime_ns", "kept"),
    [
        (NOW_NS - 1, True),
        (NOW_NS, False),
        (NOW_NS + 5, False),
        (NOW_NS // 10**9 * 10**9 - 10**9, False),  # a clock of whole seconds: up to 2 s are one tick
        (NOW_NS // 10**9 * 10**9 - 3 * 10**9, True),
    ],
)
def test_a_file_changed_in_the_tick_in_which_it_was_read_is_not_vouched_for(
    folder: Path, ctime_ns: int, kept: bool
) -> None:
    """Break: keep entries whatever their ctime is (git's "racily clean" files)."""
    cache = StatCache(folder, "/data")
    cache.learn("a", stamp(folder, ctime_ns=ctime_ns), entry())
    cache.save(NOW_NS, None)
    assert ("a" in StatCache(folder, "/data").known) == kept


def test_a_file_that_grew_while_it_was_read_is_not_vouched_for(folder: Path) -> None:
    """Break: learn whatever was read under the stamp from before."""
    cache = StatCache(folder, "/data")
    cache.learn("a", stamp(folder, size=2), entry(b"abc"))
    cache.save(NOW_NS, None)
    assert not StatCache(folder, "/data").known


def test_a_damaged_or_foreign_cache_counts_as_absent(folder: Path) -> None:
    """Break: leave out the digest at the end of the file."""
    cache = StatCache(folder, "/data")
    cache.learn("a", stamp(folder), entry())
    cache.save(NOW_NS, ("", TREE))
    (file,) = (folder / "cache" / "put").iterdir()
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not StatCache(folder, "/data").known
        file.write_bytes(whole[:at])
        assert not StatCache(folder, "/data").known
    other = StatCache(folder, "/other")
    os.rename(file, other._path)
    file.write_bytes(whole)
    os.replace(file, other._path)
    assert not StatCache(folder, "/other").known


def test_a_cache_that_cannot_be_written_is_no_error(folder: Path) -> None:
    """Break: let the OSError of a full or read-only disk out of `save`, after the commit was made."""
    (folder / "cache" / "put").write_text("a file where the folder belongs")
    cache = StatCache(folder, "/data")
    cache.learn("a", stamp(folder), entry())
    cache.save(NOW_NS, None)
    cache.learn("b", (3, OLD_NS, OLD_NS, 2**64 - 1, os.stat(folder).st_dev), entry())
    cache.save(NOW_NS, None)
    assert not StatCache(folder, "/data").known


def test_a_few_changes_in_many_files_are_not_worth_writing_and_are_not_believed_either(folder: Path) -> None:
    """Break: keep the old entry of a spared file under its new stamp; or spare for ever while the branch moves on."""
    cache = StatCache(folder, "/data")
    for number in range(1000):
        cache.learn(str(number), stamp(folder), entry())
    cache.save(NOW_NS, ("", TREE))
    changed = stamp(folder, ctime_ns=OLD_NS + 1)
    for behind, written in ((0, False), (4, True)):
        cache = StatCache(folder, "/data")
        cache.behind = behind
        cache.learn("7", changed, entry(b"xyz"))
        cache.save(NOW_NS, ("", digest(b"the next tree")))
        again = StatCache(folder, "/data")
        assert (again.known["7"] == changed) == written
        assert (again.base == ("", TREE)) != written
        assert again.entry("7") == (entry(b"xyz") if written else entry())
