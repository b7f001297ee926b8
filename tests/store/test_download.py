"""Downloads: resumed where they broke off, checked against their checksum, and there only when they are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pedigree.errors import FetchFailed, InvalidInput
from pedigree.store.fetch import download
from tests.store.fileserver import FileServer

DATA = bytes(range(256)) * 4096  # 1 MiB
CHECKSUM = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"/a.tar.gz": DATA}) as made:
        yield made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new/a.tar.gz"


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def test_a_download_is_there_when_it_is_whole(server: FileServer, target: Path) -> None:
    """The bytes are the server's, progress reaches their number, and no part stays. Break: keep the part."""
    told: list[tuple[int, int | None]] = []
    for checksum in (None, CHECKSUM, f"md5:{hashlib.md5(DATA, usedforsecurity=False).hexdigest()}"):
        target.unlink(missing_ok=True)
        download(
            server.url("/a.tar.gz"),
            target,
            checksum=checksum,
            allow_private=True,
            progress=lambda got, size: told.append((got, size)),
        )
        assert target.read_bytes() == DATA
        assert told[-1] == (len(DATA), len(DATA))
        assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("announced", [True, False], ids=["with length", "without length"])
def test_a_cut_connection_keeps_what_came_and_the_next_attempt_asks_for_the_rest(
    server: FileServer, target: Path, announced: bool
) -> None:
    """After a cut there is no target; then only the missing bytes are asked for, and progress counts those that were
    there. Break: ask for everything again; or take the end of the connection for the end of the file."""
    server.cut_after = 300_000
    server.announces = announced
    with pytest.raises(FetchFailed, match="broke off after 300,000" if announced else "was expected"):
        download(server.url("/a.tar.gz"), target, checksum=CHECKSUM, allow_private=True)
    assert not target.exists()
    if not announced:  # nobody could tell that it was cut but the checksum, so nothing of it is worth keeping
        assert not part_of(target).exists()
        return
    assert part_of(target).read_bytes() == DATA[:300_000]
    server.cut_after = None
    told: list[tuple[int, int | None]] = []
    download(
        server.url("/a.tar.gz"),
        target,
        checksum=CHECKSUM,
        allow_private=True,
        progress=lambda got, size: told.append((got, size)),
    )
    assert target.read_bytes() == DATA
    assert server.asked == [("/a.tar.gz", None), ("/a.tar.gz", "bytes=300000-")]
    assert told[0][0] > 300_000
    assert told[-1] == (len(DATA), len(DATA))
    assert not part_of(target).exists()


def test_a_server_that_knows_no_ranges_is_read_from_the_start(server: FileServer, target: Path) -> None:
    """Its 200 is the whole file, not the rest. Break: append what comes to the part."""
    server.ranges = False
    target.parent.mkdir()
    part_of(target).write_bytes(DATA[:1000])
    download(server.url("/a.tar.gz"), target, checksum=CHECKSUM, allow_private=True)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("left", [b"of another file", DATA + b"more", DATA], ids=["other", "longer", "whole"])
def test_a_part_that_cannot_be_continued_is_replaced(server: FileServer, target: Path, left: bytes) -> None:
    """A part of another file, one longer than the file, and one that only lacked its name. Break: give up at the
    first checksum that is wrong."""
    target.parent.mkdir()
    part_of(target).write_bytes(left)
    download(server.url("/a.tar.gz"), target, checksum=CHECKSUM, allow_private=True)
    assert target.read_bytes() == DATA
    assert len(server.asked) == (1 if left == DATA else 2)


def test_a_wrong_checksum_leaves_nothing_and_names_both(server: FileServer, target: Path) -> None:
    """Neither the target nor a part that would be continued stays. Break: rename before comparing."""
    wrong = "sha256:" + "0" * 64
    with pytest.raises(FetchFailed) as refused:
        download(server.url("/a.tar.gz"), target, checksum=wrong, allow_private=True)
    assert server.url("/a.tar.gz") in refused.value.message
    assert hashlib.sha256(DATA).hexdigest() in refused.value.message
    assert "0" * 64 in refused.value.message
    assert list(target.parent.iterdir()) == []


def test_a_wrong_checksum_leaves_an_older_target_alone(server: FileServer, target: Path) -> None:
    """What was there stays until something better is whole. Break: write into the target."""
    target.parent.mkdir()
    target.write_bytes(b"older")
    with pytest.raises(FetchFailed):
        download(server.url("/a.tar.gz"), target, checksum="sha256:" + "0" * 64, allow_private=True)
    assert target.read_bytes() == b"older"


def test_a_target_that_has_the_checksum_is_not_fetched(server: FileServer, target: Path) -> None:
    """No request is made. Break: compare names or sizes alone."""
    target.parent.mkdir()
    target.write_bytes(DATA)
    download(server.url("/a.tar.gz"), target, checksum=CHECKSUM, allow_private=True)
    assert server.asked == []
    target.write_bytes(DATA[:-1] + b"!")
    download(server.url("/a.tar.gz"), target, checksum=CHECKSUM, allow_private=True)
    assert target.read_bytes() == DATA


def test_without_a_checksum_nothing_is_continued(server: FileServer, target: Path) -> None:
    """Nobody could tell whether the file on the server is still the same. Break: resume always."""
    target.parent.mkdir()
    part_of(target).write_bytes(b"of yesterday's file")
    download(server.url("/a.tar.gz"), target, allow_private=True)
    assert target.read_bytes() == DATA
    assert server.asked == [("/a.tar.gz", None)]


@pytest.mark.parametrize("checksum", ["sha256:12", "crc:00", "0" * 64, "md5:" + "x" * 32])
def test_a_checksum_that_is_none_is_refused_before_anything_is_sent(
    server: FileServer, target: Path, checksum: str
) -> None:
    """Break: treat what cannot be read as no checksum."""
    with pytest.raises(InvalidInput, match="is no checksum"):
        download(server.url("/a.tar.gz"), target, checksum=checksum, allow_private=True)
    assert server.asked == []
