"""Archives member by member, and compressed files by what they hold. Nothing is unpacked to a place that a name chooses."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from pedigree import canonical
from pedigree.training.comparing import bytewise
from pedigree.training.comparing.result import Comparison, count
from pedigree.training.comparing.source import CHUNK_BYTES, Source, Unreadable, spooled

#: A member that differs is compared by its contents up to this size, and above it by its first differing byte, unspooled.
_DEEP_BYTES = 1 << 30
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, NotImplementedError,
    RuntimeError, ValueError, OSError,
)  # fmt: skip

Compare = Callable[[Source, Source], Comparison]


@dataclass(frozen=True, slots=True)
class Member:
    """`what` is everything but the place of its bytes: file, folder or link (with its target), size and digest.

    `details` are what unpacking may lose: times, owners, permissions, the method of compression.
    """

    name: str
    size: int
    what: tuple[Any, ...]
    details: tuple[Any, ...]
    open: Callable[[], IO[bytes]] | None


def compare_archives(a: Source, b: Source, deeper: Compare) -> Comparison:
    """Two zip or tar archives (also compressed ones). Members of one name are compared; of a name's repeats, the last counts."""
    notes: tuple[str, ...] = ()
    with _members(a) as left, _members(b) as right:
        folders = _top(left), _top(right)
        if folders[0] != folders[1] and all(folders):
            # `model/data.pkl` and `model2/data.pkl`: torch.save and source archives call their only folder as the file.
            left, right = (_below(side, folder) for side, folder in zip((left, right), folders, strict=True))
            notes = (f"compared below their only folders, {folders[0]!r} and {folders[1]!r}",)
        added, removed = sorted(right.keys() - left.keys()), sorted(left.keys() - right.keys())
        parts = []
        for name in sorted(left.keys() & right.keys()):
            if left[name].what != right[name].what:
                parts.append(_member(left[name], right[name], deeper))
        order = [name for name in left if name in right] != [name for name in right if name in left]
        details = sorted(name for name in left.keys() & right.keys() if left[name].details != right[name].details)
        number = len(left.keys() | right.keys())
    facts: dict[str, Any] = {
        "members": number,
        "added": added,
        "removed": removed,
        "changed": [part.a for part in parts],
    }
    if not added and not removed and not parts:
        if details:
            facts["details_apart"] = details
        what = [*(["times, owners or compression of members"] if details else []), *(["their order"] if order else [])]
        summary = f"{count(number, 'member')}, the same contents; {' and '.join(what) or 'the packing'} differ"
        return Comparison("archive", a.name, b.name, False, summary, equivalent=not notes, facts=facts, notes=notes)
    words = [
        f"{len(names):,} {word}"
        for word, names in (("removed", removed), ("added", added), ("changed", parts))
        if names
    ]
    names = sorted([*added, *removed, *facts["changed"]])
    first: dict[str, Any] = {"member": names[0]}
    inner = next((part for part in parts if part.a == names[0]), None)
    if inner is not None:
        first |= dict(inner.first or {})
    summary = f"of {count(number, 'member')}: {', '.join(words)}; first {names[0]!r}"
    equivalent = not (added or removed or notes) and all(part.equivalent for part in parts)
    return Comparison("archive", a.name, b.name, False, summary, equivalent, first, facts, notes, tuple(parts))


def _top(members: dict[str, Member]) -> str:
    """The folder that everything is in; empty where there is no such."""
    tops = {name.partition("/")[0] for name in members}
    return tops.pop() if len(tops) == 1 and all("/" in name for name in members) else ""


def _below(members: dict[str, Member], folder: str) -> dict[str, Member]:
    return {name[len(folder) + 1 :]: replace(member, name=name[len(folder) + 1 :]) for name, member in members.items()}


def compare_compressed(a: Source, b: Source, deeper: Compare) -> Comparison:
    """Two gzip, bzip2 or xz files by what they hold."""
    try:
        with _unpacked(a) as one, _unpacked(b) as other:
            found = deeper(one, other)
    except _BROKEN as error:
        raise Unreadable(f"it does not decompress: {error}") from error
    if found.identical:
        summary = f"the same {count(one.size, 'byte')} inside; the compression or its header differ"
        return Comparison("compressed", a.name, b.name, False, summary, equivalent=True)
    # No part of its own: what is inside is all that there is.
    return replace(found, a=a.name, b=b.name, identical=False, summary=f"inside: {found.summary}")


def _member(a: Member, b: Member, deeper: Compare) -> Comparison:
    if a.open is None or b.open is None:
        text = f"{a.name}: {a.what[0]} {a.what[-1]} and {b.what[0]} {b.what[-1]}"
        return Comparison("member", a.name, b.name, False, text, first={"member": a.name})
    try:
        if max(a.size, b.size) > _DEEP_BYTES:
            with a.open() as one, b.open() as other:
                at = bytewise.first_difference(one, other)
            text = f"{a.name}: the first byte that differs is at offset {at:,}"
            return Comparison("bytes", a.name, b.name, False, text, first={"member": a.name, "offset": at})
        with (
            a.open() as one,
            spooled(a.name, one, _DEEP_BYTES) as left,
            b.open() as other,
            spooled(b.name, other, _DEEP_BYTES) as right,
        ):
            found = deeper(left, right)
    except _BROKEN as error:
        text = f"{a.name}: not compared, {error}"
        return Comparison("member", a.name, b.name, False, text, first={"member": a.name})
    return replace(found, summary=f"{a.name}: {found.summary}")


@contextmanager
def _members(source: Source) -> Iterator[dict[str, Member]]:
    with source.open() as file:
        try:
            is_zip = zipfile.is_zipfile(file) and source.head(2) == b"PK"
            file.seek(0)
            with zipfile.ZipFile(file) if is_zip else tarfile.open(fileobj=file, mode="r:*") as archive:
                listed = _zip(archive) if isinstance(archive, zipfile.ZipFile) else _tar(archive)
                found = {member.name: member for member in listed}
                yield found
        except _BROKEN as error:
            raise Unreadable(f"the archive does not unpack: {error}") from error


def _zip(archive: zipfile.ZipFile) -> Iterator[Member]:
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise Unreadable(f"its member {info.filename!r} is encrypted")

        def opened(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return archive.open(info)

        kind = "folder" if info.is_dir() else "file"
        with opened() as file:
            what = (kind, info.file_size, _digest(file))
        details = (info.date_time, info.external_attr, info.compress_type, info.extra, info.comment)
        yield Member(info.filename, info.file_size, what, details, opened if kind == "file" else None)


def _tar(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive:
        details = (info.mtime, info.mode, info.uid, info.gid, info.uname, info.gname)
        if not info.isreg():
            kind = "folder" if info.isdir() else "link to" if info.islnk() or info.issym() else "special file"
            yield Member(info.name, 0, (kind, info.type.decode("latin-1"), info.linkname), details, None)
            continue

        def opened(info: tarfile.TarInfo = info) -> IO[bytes]:
            file = archive.extractfile(info)
            assert file is not None
            return file

        with opened() as file:
            what = ("file", info.size, _digest(file))
        yield Member(info.name, info.size, what, details, opened)


def _digest(file: IO[bytes]) -> str:
    hasher = canonical.hasher()
    while data := file.read(CHUNK_BYTES):
        hasher.update(data)
    return hasher.hexdigest()


@contextmanager
def _unpacked(source: Source) -> Iterator[Source]:
    import bz2

    magic = source.head(6)
    opener: Any = gzip.open if magic[:2] == b"\x1f\x8b" else bz2.open if magic[:3] == b"BZh" else lzma.open
    name = source.name
    for ending in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(ending)
    with source.open() as file, opener(file) as unpacked, spooled(name, unpacked, _DEEP_BYTES) as found:
        yield found
