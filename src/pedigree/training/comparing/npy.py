"""NumPy's own files: npy, one array, and npz, a zip archive of them. Arrays of objects are pickles and are never loaded."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from pedigree.training.comparing import ulps
from pedigree.training.comparing.arrays import Array, compare_arrays, compare_named
from pedigree.training.comparing.elements import Kind
from pedigree.training.comparing.result import Comparison
from pedigree.training.comparing.source import Source, Unreadable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

_OBJECTS = "it holds Python objects, that is, a pickle, which is never loaded because loading runs code"


def compare_npy(a: Source, b: Source) -> Comparison:
    """Two npy files. Raises Unreadable for damaged ones and for arrays of objects."""
    left, right = (_array("array", one.open, one.size) for one in (a, b))
    found = compare_arrays(left, right)
    if found is None:
        summary = "the same array, bit for bit; the headers differ"
        return Comparison("array", a.name, b.name, False, summary, equivalent=True)
    return Comparison("array", a.name, b.name, False, found.summary, found.equivalent, found.first, found.facts)


def compare_npz(a: Source, b: Source) -> Comparison:
    """Two npz files, array by array; members of objects are compared by their bytes and said to be."""
    with _zip(a) as one, _zip(b) as other:
        notes: list[str] = []
        left, right = (_arrays(archive, side, notes) for archive, side in ((one, "a"), (other, "b")))
        found = compare_named("arrays", a.name, b.name, left, right)
    kept = tuple(dict.fromkeys(notes))
    return Comparison(
        "arrays", a.name, b.name, False, found.summary, found.equivalent, found.first, found.facts, kept, found.parts
    )


@contextmanager
def _zip(source: Source) -> Iterator[zipfile.ZipFile]:
    with source.open() as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise Unreadable(f"its zip directory does not parse: {error}") from error
        with archive:
            try:
                yield archive
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
                raise Unreadable(f"a member does not unpack: {error}") from error


def _arrays(archive: zipfile.ZipFile, side: str, notes: list[str]) -> dict[str, Array]:
    found = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        opened = partial(archive.open, info)
        try:
            found[name] = _array(name, opened, info.file_size)
        except Unreadable as error:
            notes.append(f"{name!r} of {side} is compared by its bytes: {error}")
            found[name] = Array(name, Kind("bytes", 1, "u1"), (info.file_size,), opened)
    return found


def _array(name: str, opened: Callable[[], IO[bytes]], size: int) -> Array:
    from numpy.lib import format as npy

    with opened() as file:
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            if version not in ((1, 0), (2, 0), (3, 0)):
                raise Unreadable(f"version {version} of the format is not known")
            # 3.0 is 2.0 with UTF-8 names of fields, which both forms of reading return as they are.
            shape, columns, dtype = read(file)
        except (ValueError, EOFError, SyntaxError, TypeError) as error:
            raise Unreadable(f"its npy header does not parse: {error}") from error
        offset = file.tell()
    if dtype.hasobject:
        raise Unreadable(_OBJECTS)
    kind = _kind(dtype)
    found = Array(name, kind, tuple(shape), partial(_past, opened, offset), "F" if columns else "C")
    if offset + found.size * kind.size != size:
        raise Unreadable(
            f"truncated or overlong: {list(shape)} of {dtype} need {found.size * kind.size:,} bytes, it has {size - offset:,}"
        )
    return found


def _kind(dtype: np.dtype[Any]) -> Kind:
    # numpy calls both orders of bytes by one name.
    name = f"{dtype.name} (big-endian)" if dtype.str.startswith(">") else dtype.name
    form = ulps.FORMATS.get(dtype.newbyteorder("<").name)
    if form is not None:
        return Kind(name, dtype.itemsize, dtype.str.replace("f", "u"), form)
    if dtype.kind == "c" and dtype.itemsize in (8, 16):
        # numpy's complex type, so that turning the order of bytes turns each part and keeps the two in their places.
        return Kind(name, dtype.itemsize, dtype.str, ulps.FORMATS[f"float{4 * dtype.itemsize}"], parts=2)
    return Kind(name if dtype.names is None else str(dtype), dtype.itemsize, dtype.str)


@contextmanager
def _past(opened: Callable[[], AbstractContextManager[IO[bytes]]], offset: int) -> Iterator[IO[bytes]]:
    """The stream after its header, which is read and not sought: a member of an archive cannot always seek."""
    with opened() as file:
        file.read(offset)
        yield file
