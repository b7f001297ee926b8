"""Archives: what comes out is what went in, for every format, and from a pipe."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.errors import InvalidInput, UnsafeArchive
from pedigree.store.archives import Limits, Member, members
from tests.security.paths import raw_tar_header

FILES = {
    "a.txt": b"hello",
    "empty": b"",
    "folder/deep/er/b.bin": bytes(range(256)) * 8,
    "日本語/🐈.txt": b"neko",
    "n" * 120 + "/" + "m" * 130: b"a name too long for an old header",
    "big": b"0123456789abcdef" * (3 << 16),  # 3 MiB: streamed
}


class Pipe(io.RawIOBase):
    """A stream that cannot seek and gives few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes, most: int = 1000) -> None:
        self._data = io.BytesIO(data)
        self._most = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._data.read(min(len(buffer), self._most))
        buffer[: len(block)] = block
        return len(block)


def tar_of(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def streamed_zip(files: dict[str, bytes]) -> bytes:
    """Written to a pipe: sizes stand behind the data, and in the directory."""
    out = io.BytesIO()

    class Forward(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            return out.write(data)

    with zipfile.ZipFile(cast("BinaryIO", Forward()), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


FORMATS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "pax": tar_of,
    "gnu": lambda files: tar_of(files, tarfile.GNU_FORMAT),
    "gzip": lambda files: gzip.compress(tar_of(files), 1),
    "gzip in two parts": lambda files: gzip.compress(tar_of(files)[:5000]) + gzip.compress(tar_of(files)[5000:]),
    "gzip with padding": lambda files: gzip.compress(tar_of(files)) + bytes(600),
    "bzip2": lambda files: bz2.compress(tar_of(files), 1),
    "xz": lambda files: lzma.compress(tar_of(files), preset=0),
    "zip": zip_of,
    "zip stored": lambda files: zip_of(files, zipfile.ZIP_STORED),
    "zip from a pipe": streamed_zip,
}


def read_all(data: bytes, *, pipe: bool = False, limits: Limits | None = None) -> dict[str, bytes]:
    stream = cast("BinaryIO", Pipe(data)) if pipe else io.BytesIO(data)
    found: dict[str, bytes] = {}
    for member in members(stream, "test.archive", limits=limits):
        assert member.kind == "f"
        assert member.reader is not None
        found[member.path] = member.reader.read()
        assert len(found[member.path]) == member.size
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("pipe", [False, True], ids=["file", "pipe"])
def test_every_format_gives_back_what_went_in(form: str, pipe: bool) -> None:
    """Break: read a member's data only up to the first short read of a pipe."""
    assert read_all(FORMATS[form](FILES), pipe=pipe) == FILES


@pytest.mark.parametrize("form", ["pax", "gzip", "zip", "xz"])
def test_members_may_be_passed_over_unread(form: str) -> None:
    """Break: forget to skip what the caller did not read; the next header is then data."""
    found = [member.path for member in members(io.BytesIO(FORMATS[form](FILES)), "x")]
    assert found == list(FILES)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("ab/é.", min_size=1, max_size=12), st.binary(max_size=3000), max_size=8))
def test_what_tarfile_writes_is_read_or_refused_whole(files: dict[str, bytes]) -> None:
    """For any names: the same files as Python's own reader sees, or an error.

    Break: take the ustar prefix from GNU headers too.
    """
    data = tar_of(files)
    try:
        found = read_all(data)
    except UnsafeArchive:
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        oracle = {}
        for info in tar:
            body = tar.extractfile(info)
            assert body is not None
            path = info.name
            while path.startswith("./"):
                path = path[2:].lstrip("/")
            oracle[path.rstrip("/")] = body.read()
    assert found == oracle


def test_links_modes_and_folders() -> None:
    """Folders are not given, links keep their text, hard links name their file, only the x bit counts.

    Break: follow a symbolic link, or give folders as empty files.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, value, mode in [
            ("./", tarfile.DIRTYPE, "", 0o2755),
            ("./run.sh", tarfile.REGTYPE, "", 0o755),
            ("./folder", tarfile.DIRTYPE, "", 0o755),
            ("./folder/data", tarfile.REGTYPE, "", 0o640),
            ("./folder/same", tarfile.LNKTYPE, "./folder/data", 0o640),
            ("./outside", tarfile.SYMTYPE, "../../etc/passwd", 0o777),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, value, mode
            tar.addfile(info)
    found = [member._replace(reader=None) for member in members(io.BytesIO(out.getvalue()), "x")]
    assert found == [
        Member("run.sh", "f", 0, executable=True),
        Member("folder/data", "f", 0),
        Member("folder/same", "h", 0, target="folder/data"),
        Member("outside", "l", 16, target="../../etc/passwd"),
    ]


def test_a_zip_keeps_links_and_the_executable_bit() -> None:
    """Break: store a symbolic link as a file that holds its target."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, mode, data in [("run", 0o100755, "x"), ("l", 0o120777, "run"), ("d/", 0o040755, "")]:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    found = [member._replace(reader=None) for member in members(io.BytesIO(out.getvalue()), "x")]
    assert found == [Member("run", "f", 1, executable=True), Member("l", "l", 3, target="run")]


@pytest.mark.parametrize("form", FORMATS)
def test_a_cut_archive_is_an_error_and_never_a_shorter_one(form: str) -> None:
    """A tar that ends between two members is whole; all others must say that something is missing.

    Break: take the end of the file for the end of the archive.
    """
    files = {"a": b"x" * 3000, "b": b"y" * 3000}
    whole = FORMATS[form](files)
    for length in (1, 100, len(whole) // 3, len(whole) // 2, 2 * len(whole) // 3):
        try:
            found = read_all(whole[:length])
        except InvalidInput:
            continue
        assert form in {"pax", "gnu", "gzip with padding"}
        assert found.items() <= files.items()


@pytest.mark.parametrize("form", ["gzip", "bzip2", "xz", "zip"])
def test_a_flipped_bit_is_an_error(form: str) -> None:
    """Break: do not read to the end, where the checksum is."""
    files = {"a": bytes(1000) + b"x" * 3000}
    whole = FORMATS[form](files)
    for at in range(40, len(whole) - 60, max((len(whole) - 100) // 25, 1)):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        try:
            found = read_all(bytes(damaged))
        except InvalidInput:
            continue
        assert found == files or form == "zip"  # a zip's local header repeats what the directory says


def test_limits_name_the_member_that_went_over() -> None:
    """Break: count after giving the member out."""
    files = {f"f{number}": b"x" * 100 for number in range(10)}
    for data in (tar_of(files), zip_of(files)):
        with pytest.raises(UnsafeArchive, match=r"'f4'.*number 5 of at most 4"):
            read_all(data, limits=Limits(members=4))
        with pytest.raises(UnsafeArchive, match=r"'f2'.*300 of at most 250 bytes"):
            read_all(data, limits=Limits(bytes=250))
        assert len(read_all(data, limits=Limits(members=10, bytes=1000))) == 10


def test_a_size_in_binary_is_read() -> None:
    """GNU tar writes sizes above 8 GiB, and some other writers all sizes, as binary numbers.

    Break: read digits only.
    """
    header = bytearray(raw_tar_header(b"file"))
    header[124:136] = b"\x80" + (5).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    assert read_all(bytes(header) + b"hello".ljust(512, b"\0") + bytes(1024)) == {"file": b"hello"}


def test_an_xz_that_asks_for_gigabytes_is_refused() -> None:
    """Break: decompress without a limit on memory."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(tar_of({"a": b"x"}), filters=filters, check=lzma.CHECK_NONE))
    # Block header: size, flags, filter id 0x21, its size 1, the dictionary's size, padding, CRC32.
    at = data.index(b"\x21\x01", 12)
    data[at + 2] = 40  # 4 GiB - 1
    import zlib

    start = 12
    length = (data[start] + 1) * 4
    data[start + length - 4 : start + length] = zlib.crc32(data[start : start + length - 4]).to_bytes(4, "little")
    with pytest.raises(InvalidInput, match="xz data"):
        read_all(bytes(data))
