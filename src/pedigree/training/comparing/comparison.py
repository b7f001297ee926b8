"""`compare`: one question for anything on disk, answered by whoever understands it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from pedigree.errors import InvalidInput, PathNotFound
from pedigree.training.comparing import bytewise, kinds
from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import Source, Unreadable, of_file, unreadable

#: Files are read again to say which of two is damaged, up to this size.
_SMALL_BYTES = 64 << 20

#: Kinds that are text: what does not parse as one of them still has lines.
_TEXTS = ("csv", "json", "json lines", "tsv")

Compare = Callable[[Source, Source], Comparison]


def compare(a: str | os.PathLike[str], b: str | os.PathLike[str], *, ignore: Sequence[str] = ()) -> Comparison:
    """What differs between two files or two folders, bit for bit, and where first.

    Identical files are read once each and never parsed. Others are compared by what they are, told by their first bytes and by
    their names: safetensors, npy, npz, JSON, JSON lines, CSV, TSV, Parquet, images, TensorBoard logs, archives, compressed files,
    text; anything else by its bytes. What does not parse is compared as text or bytes, with a note that says why. Nothing is unpickled or executed.

    There is no tolerance: `identical` is about bits, and the result tells how far floats are apart ("equal up to 1 ULP").
    `ignore` holds shell patterns of paths to leave out of folders (walking.walk). A link given as `a` or `b` is followed; links
    inside folders are not. Memory is bounded, but for JSON documents (64 MiB) and images (100 million pixels).

    Raises PathNotFound, StorageFailure for what may not be read, InvalidInput for special files and for a file beside a folder.
    """
    if isinstance(ignore, str):
        raise InvalidInput(f"ignore={ignore!r} is one text.", remedy="Give a list of patterns.", ignore=ignore)
    left, right = os.fspath(a), os.fspath(b)
    folders = [_is_folder(path) for path in (left, right)]
    if folders[0] != folders[1]:
        one, other = (left, right) if folders[0] else (right, left)
        raise InvalidInput(f"{one!r} is a folder and {other!r} is not.", remedy="Compare two files or two folders.")
    if folders[0]:
        from pedigree.training.comparing.trees import compare_trees

        return compare_trees(left, right, compare_sources, ignore)
    sources = of_file(left), of_file(right)
    if os.path.samefile(left, right):
        text = f"identical, {count(sources[0].size, 'byte')} (one file under both names)"
        return Comparison("bytes", left, right, True, text, facts={"sizes_bytes": [sources[0].size] * 2})
    return compare_sources(*sources)


def compare_sources(a: Source, b: Source) -> Comparison:
    """The same for bytes from anywhere."""
    if bytewise.same(a, b):
        text = f"identical, {count(a.size, 'byte')}"
        return Comparison("bytes", a.name, b.name, True, text, facts={"sizes_bytes": [a.size, b.size]})
    left, right = kinds.kind_of(a), kinds.kind_of(b)
    if not a.size or not b.size:
        # An empty file is a bad example of its kind, and that it is empty says all.
        return bytewise.compare_bytes(a, b)
    if left != right:
        found = bytewise.compare_bytes(a, b)
        return replace(found, notes=(f"a looks like {left}, b like {right}",))
    try:
        return _comparer(left)(a, b)
    except Unreadable as error:
        other = "text" if left in _TEXTS else "bytes"
        found = _comparer(other)(a, b)
        return replace(found, notes=(f"compared as {other} and not as {left}: {_whose(a, b, left)}{error}",))


def _comparer(kind: str) -> Compare:
    # Each is imported when its kind turns up: numpy, Pillow, pyarrow and tensorboard are for those who have such files.
    from importlib import import_module

    home, name, deep = _COMPARERS[kind]
    found = getattr(import_module(f"pedigree.training.comparing.{home}"), name)
    if kind == "tsv":
        return partial(found, delimiter="\t")
    return partial(found, deeper=compare_sources) if deep else found


_COMPARERS = {
    "archive": ("archives", "compare_archives", True),
    "bytes": ("bytewise", "compare_bytes", False),
    "compressed": ("archives", "compare_compressed", True),
    "csv": ("tables", "compare_csv", False),
    "events": ("events", "compare_events", False),
    "image": ("images", "compare_images", False),
    "json": ("documents", "compare_json", False),
    "json lines": ("documents", "compare_json_lines", False),
    "npy": ("npy", "compare_npy", False),
    "npz": ("npy", "compare_npz", False),
    "parquet": ("tables", "compare_parquet", False),
    "safetensors": ("safetensors", "compare_safetensors", False),
    "text": ("text", "compare_text", False),
    "tsv": ("tables", "compare_csv", False),
}


def _whose(a: Source, b: Source, kind: str) -> str:
    """`b: `, which of the two does not parse, found by comparing each with itself; empty where that does not tell."""
    if max(a.size, b.size) > _SMALL_BYTES:
        return ""
    broken = []
    for side, source in (("a", a), ("b", b)):
        try:
            _comparer(kind)(source, source)
        except Unreadable:
            broken.append(side)
    return f"{' and '.join(broken)}: " if broken else ""


def _is_folder(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        raise PathNotFound(f"There is nothing at {path!r} to compare.", remedy="Check the path.", path=path) from None
    except OSError as error:
        raise unreadable(path, error) from error
    return os.path.isdir(path)
