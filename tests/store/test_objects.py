"""Objects and batches: what goes in comes out, or an error does."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedigree.canonical import digest
from pedigree.errors import CorruptObject, InvalidInput, MissingObject, PathNotFound
from pedigree.store import packs
from pedigree.store.alone import MINIMUM_BYTES, STAMP_NS
from pedigree.store.objects import Place
from tests.store.opened import Opened

LARGE = b"large" * (MINIMUM_BYTES // 5 + 1)


@pytest.fixture
def store(tmp_path: Path) -> Opened:
    return Opened(tmp_path)


@settings(max_examples=25, deadline=None)
@given(contents=st.lists(st.binary(max_size=50), min_size=1, max_size=40), cut=st.integers(0, 40))
def test_what_is_added_reads_back_under_its_digest(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], cut: int
) -> None:
    """digest -> bytes is a function, whatever was added before. Break: record offsets of the wrong pack."""
    store = Opened(tmp_path_factory.mktemp("store"))
    for part in (contents[:cut], contents[cut:]):
        assert store.add(*part) == [digest(content) for content in part]
    for content in contents:
        assert store.objects.read(digest(content)) == content
        assert store.objects.size(digest(content)) == len(content)
        with store.objects.open(digest(content)) as file:
            assert file.read() == content
    assert store.objects.missing([digest(c) for c in contents] + ["0" * 64]) == {"0" * 64}


@pytest.mark.parametrize("size", [MINIMUM_BYTES - 1, MINIMUM_BYTES, MINIMUM_BYTES + 1, (8 << 20) + 3])
@pytest.mark.parametrize("way", ["add", "stream", "short stream", "file", "moved"])
def test_every_way_in_gives_the_same_object(store: Opened, tmp_path: Path, size: int, way: str) -> None:
    """Around the threshold all ways agree. Break: hash only the second block of a stream."""
    content = os.urandom(size)
    file = tmp_path / "file"
    file.write_bytes(content)
    with store.objects.batch() as batch:
        if way == "add":
            found = (batch.add(content), size)
        elif way == "stream":
            found = batch.add_stream(io.BytesIO(content), size)
        elif way == "short stream":

            class Short(io.RawIOBase):
                """Gives a few bytes at a time, and has no readinto of its own worth the name."""

                def __init__(self) -> None:
                    self.rest = memoryview(content)

                def read(self, count: int = -1) -> bytes:
                    count = min(count if count > 0 else 70_001, 70_001)
                    piece, self.rest = self.rest[:count], self.rest[count:]
                    return bytes(piece)

                def readinto(self, buffer: object) -> int:
                    view = memoryview(buffer)  # type: ignore[arg-type]
                    piece = self.read(len(view))
                    view[: len(piece)] = piece
                    return len(piece)

            found = batch.add_stream(Short())  # type: ignore[arg-type]
        else:
            found = batch.add_file(file, move=way == "moved")
        assert found == (digest(content), size)
        assert batch.reader()(found[0]) == content
        batch.publish()
        assert batch.reader()(found[0]) == content
        with store.database.transaction():
            batch.record()
    assert store.objects.read(found[0]) == content
    path = store.objects.alone_path(found[0])
    assert (path is None) == (size < MINIMUM_BYTES)
    if path is not None:
        status = path.stat()
        assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o444, STAMP_NS)
        assert file.exists() == (way != "moved")


def test_a_hard_linked_file_is_copied_and_never_taken(store: Opened, tmp_path: Path) -> None:
    """Somebody may still write through the other name. Break: ignore st_nlink."""
    (tmp_path / "one").write_bytes(LARGE)
    os.link(tmp_path / "one", tmp_path / "two")
    with store.objects.batch() as batch:
        name, _ = batch.add_file(tmp_path / "one", move=True)
        batch.publish()
        with store.database.transaction():
            batch.record()
    (tmp_path / "two").write_bytes(b"changed")
    assert store.objects.read(name) == LARGE


def test_a_batch_left_unpublished_leaves_nothing(store: Opened, tmp_path: Path) -> None:
    """Temporary files go with their batch, whatever ends it. Break: remove them in publish only."""
    (tmp_path / "out").write_bytes(LARGE)
    before = store.files()

    def interrupted() -> None:
        with store.objects.batch() as batch:
            batch.add(LARGE + b"1")
            for number in range(5000):
                batch.add(b"%d" % number)
            batch.add_stream(io.BytesIO(LARGE + b"2"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.files() == before
    assert store.objects.missing([digest(b"1")])


def test_a_published_batch_that_was_not_recorded_is_withdrawn(store: Opened) -> None:
    """A failed transaction leaves no files either. Break: leave out `_withdraw`."""
    before = store.files()

    def interrupted() -> None:
        with store.objects.batch() as batch:
            batch.add(LARGE)
            batch.add(b"small")
            batch.publish()
            with store.database.transaction():
                batch.record()
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.files() == before


def test_an_error_after_the_transaction_takes_nothing_back(store: Opened) -> None:
    """What a transaction recorded stays. Break: withdraw without asking the database."""
    names: list[str] = []

    def interrupted() -> None:
        with store.objects.batch() as batch:
            names.extend([batch.add(LARGE), batch.add(b"small")])
            batch.publish()
            with store.database.transaction():
                batch.record()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert [len(store.objects.read(name)) for name in names] == [len(LARGE), 5]


def test_nothing_is_written_twice(store: Opened) -> None:
    """Known objects cost no file. Break: skip the comparison with the store."""
    store.add(b"a", b"b", LARGE)
    before = store.files()
    store.add(b"b", b"a", b"a", LARGE)
    assert store.files() == before
    store.add(b"a", b"c")
    (new,) = store.files() - before
    assert [entry.digest.hex() for entry in packs.Reader(str(store.folder / new)).index()] == [digest(b"c")]


def test_two_batches_may_add_the_same_object(store: Opened) -> None:
    """Writers that race for one object both succeed. Break: plain INSERT in `record`."""
    with store.objects.batch() as one, store.objects.batch() as two:
        for batch in (one, two):
            batch.add(b"same")
            batch.add(LARGE)
            batch.publish()
        for batch in (one, two):
            with store.database.transaction():
                batch.record()
                batch.record()
    assert store.objects.read(digest(b"same")) == b"same"
    assert store.objects.alone_path(digest(LARGE)) is not None


def test_a_pack_that_is_full_is_followed_by_another(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roll-over loses no object. Break: keep writing to the first pack's entries."""
    monkeypatch.setattr(packs, "FULL_BYTES", 5000)
    monkeypatch.setattr("pedigree.store.batch._GATHER_BYTES", 1000)
    contents = [b"%04d" % number * 50 for number in range(100)]
    store.add(*contents)
    assert len(os.listdir(store.folder / "objects" / "packs")) == 4
    assert [store.objects.read(digest(content)) for content in contents] == contents


@pytest.mark.parametrize("content", [b"some bytes", LARGE])
def test_no_damaged_byte_reaches_a_reader(store: Opened, tmp_path: Path, content: bytes) -> None:
    """Every way out checks. Break: return what was read without hashing."""
    (name,) = store.add(content)
    (file,) = [path for path in store.files() if path.startswith("objects")]
    path = store.folder / file
    data = bytearray(path.read_bytes())
    data[data.index(content[:10])] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
    fd = os.open(tmp_path, os.O_RDONLY)
    for read in (
        lambda: store.objects.read(name),
        lambda: store.objects.open(name),
        lambda: store.objects.extract([(name, fd, "out", 0o444)]),
        lambda: store.objects.verify(name),
    ):
        with pytest.raises(CorruptObject, match=name):
            read()
    os.close(fd)
    if content is LARGE:
        with pytest.raises(CorruptObject):
            store.objects.alone_path(name)


def test_a_disturbed_stamp_is_mended_when_the_bytes_are_right(store: Opened) -> None:
    """A store that was copied is hashed once and then fast again. Break: raise whenever the stamp differs."""
    (name,) = store.add(LARGE)
    path = store.objects.alone_path(name)
    assert path is not None
    os.utime(path, ns=(5, 5))
    with store.objects.open(name) as file:
        assert file.read() == LARGE
    assert path.stat().st_mtime_ns == STAMP_NS


def test_putting_a_damaged_large_object_again_heals_it(store: Opened) -> None:
    """Deduplication looks before it trusts. Break: trust the row in `_in_store`."""
    (name,) = store.add(LARGE)
    path = Path(store.objects.alone_file(name))
    path.unlink()
    with pytest.raises(MissingObject, match=name):
        store.objects.read(name)
    store.add(LARGE)
    assert store.objects.read(name) == LARGE
    path.chmod(0o644)
    path.write_bytes(LARGE[:-1] + b"!")
    store.add(LARGE)
    assert store.objects.read(name) == LARGE


def test_extract_writes_every_file_with_its_mode(store: Opened, tmp_path: Path) -> None:
    """Many objects, any order, twice the same. Break: sort the digests apart from their names."""
    contents = [b"%d" % number for number in range(600)] + [LARGE, b"7"]
    names = store.add(*contents)
    fd = os.open(tmp_path, os.O_RDONLY)
    store.objects.extract(
        (name, fd, f"file{number}", 0o444 if number % 2 else 0o555) for number, name in enumerate(names)
    )
    for number, content in enumerate(contents):
        path = tmp_path / f"file{number}"
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == (0o444 if number % 2 else 0o555)
    (tmp_path / "link").symlink_to("outside")
    with pytest.raises(FileExistsError):
        store.objects.extract([(names[0], fd, "link", 0o444)])
    assert not (tmp_path / "outside").exists()
    os.close(fd)


def test_only_regular_files_are_added(store: Opened, tmp_path: Path) -> None:
    """A link or FIFO in a file's place is refused at once. Break: open without O_NOFOLLOW or O_NONBLOCK."""
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with store.objects.batch() as batch:
        for name in ("link", "fifo", "folder"):
            with pytest.raises(InvalidInput, match=name):
                batch.add_file(tmp_path / name)
        with pytest.raises(PathNotFound, match="nothing"):
            batch.add_file(tmp_path / "nothing")


def test_a_reader_finds_an_object_that_gc_just_moved(store: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack may go between looking up and opening. Break: one attempt only."""
    (name,) = store.add(b"moved")
    objects = store.objects
    old = objects.place(name)
    writer = packs.Writer(objects.temporary)
    writer.add([(bytes.fromhex(digest(b"pad")), b"pad"), (bytes.fromhex(name), b"moved")])
    new = writer.finish()
    writer.close()
    os.rename(writer.path, objects.pack_file(new))
    (moved,) = [entry for entry in writer.entries if entry.digest.hex() == name]
    real = objects.place

    def place(name: str) -> Place:
        found = real(name)
        if os.path.exists(objects.pack_file(str(old.pack))):
            with store.database.transaction() as database:
                pack = database.execute("INSERT INTO packs(name) VALUES (?)", (new,)).lastrowid
                database.execute("UPDATE objects SET pack = ?, offset = ?", (pack, moved.offset))
            os.unlink(objects.pack_file(str(old.pack)))
        return found

    monkeypatch.setattr(objects, "place", place)
    print(
        store.database.rows("SELECT pack,offset,size FROM objects"),
        store.database.rows("SELECT * FROM packs"),
        writer.entries,
    )
    assert objects.read(name) == b"moved"
