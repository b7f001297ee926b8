"""Pack files: written, read back, and judged."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from pedigree.errors import CorruptObject
from pedigree.store.packs import MAGIC, Packed, Reader, Writer


def _pack(folder: Path, contents: list[bytes]) -> Path:
    writer = Writer(str(folder))
    unique = {blake3(content).digest(): content for content in contents}
    writer.add(list(unique.items()))
    name = writer.finish()
    writer.close()
    path = folder / f"{name}.pack"
    os.rename(writer.path, path)
    return path


def test_a_pack_is_what_its_page_says(tmp_path: Path) -> None:
    """A stranger can read a pack from the format page alone. Break: write little-endian numbers."""
    contents = [b"one", b"", b"three" * 100]
    data = _pack(tmp_path, contents).read_bytes()
    assert data.startswith(b"pedigree pack 1\n")
    start, count, checksum, end = struct.unpack(">QQ32s8s", data[-56:])
    assert (count, end) == (3, b"packend\n")
    index = data[start:-56]
    assert blake3(index).digest() == checksum
    rows = list(struct.iter_unpack(">32sQQ", index))
    assert rows == sorted(rows)
    assert {data[offset : offset + size] for _, offset, size in rows} == set(contents)


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_every_object_reads_back(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]) -> None:
    """read(index(write(x))) == x. Break: forget the magic line in the offsets."""
    path = _pack(tmp_path_factory.mktemp("pack"), contents)
    reader = Reader(str(path))
    found = {entry.digest: reader.read(entry.offset, entry.size) for entry in reader.index()}
    assert found == {blake3(content).digest(): content for content in contents}


def test_equal_objects_make_an_equal_name(tmp_path: Path) -> None:
    """The name follows from the content, so publishing twice is publishing once. Break: name packs at
    random."""
    (tmp_path / "b").mkdir()
    one, two = _pack(tmp_path, [b"x", b"y"]), _pack(tmp_path / "b", [b"x", b"y"])
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_no_damage_outside_the_objects_goes_unnoticed(tmp_path: Path) -> None:
    """Every bit of magic, index and footer is covered. Break: leave the count out of the check."""
    path = _pack(tmp_path, [b"first", b"second"])
    sound = path.read_bytes()
    inside = range(len(MAGIC), len(MAGIC) + len(b"firstsecond"))
    for place in range(len(sound)):
        if place in inside:
            continue
        path.chmod(0o644)
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :])
        with pytest.raises(CorruptObject):
            Reader(str(path)).index()
    for cut in (0, 1, 55, 56, 57, len(sound) - 1):
        path.write_bytes(sound[:cut])
        with pytest.raises(CorruptObject):
            Reader(str(path)).index()


def test_an_impossible_place_is_damage_and_not_a_crash(tmp_path: Path) -> None:
    """A damaged row may ask for any offset. Break: let OverflowError through."""
    reader = Reader(str(_pack(tmp_path, [b"x"])))
    for entry in (Packed(b"", 1 << 70, 5), Packed(b"", -1, 5)):
        with pytest.raises(CorruptObject):
            reader.read(entry.offset, entry.size)
    assert reader.read(1 << 40, 5) == b""
