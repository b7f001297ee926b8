"""Archives: the members of a tar (plain, gzip, bzip2, xz, zstd) or zip, one after another, each checked
first.

Nothing is ever extracted here: a member is a name that `paths.store_path` accepted and a stream, which the
caller makes an object. So a crafted archive has no file system to work on. Memory stays bounded whatever the
archive claims.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from pedigree.errors import InvalidInput, InvalidPath, UnsafeArchive
from pedigree.store.paths import shown, store_path

#: Members up to this size, in bytes, are read at once; larger ones are streamed.
SMALL_BYTES = 1 << 20
#: What a symbolic link may say, in bytes: the kernel's PATH_MAX.
MAX_TARGET_BYTES = 4095


class Member(NamedTuple):
    """One file, symbolic link or hard link of an archive; folders are not given, because files imply them.

    `reader` must be used before the next member is asked for.
    """

    path: str
    kind: str  #: "f" file, "l" symbolic link, "h" another name for the earlier member `target`
    size: int  #: bytes
    executable: bool = False
    reader: BinaryIO | None = None  #: for "f"
    target: str | None = None  #: text of a symbolic link; store path for "h"


class Limits(NamedTuple):
    """How much an archive may hold.

    Past `ratio_from` bytes, unpacked bytes over packed bytes may not exceed `ratio`.
    """

    members: int = 1_000_000
    bytes: int = 1 << 42
    ratio: int = 200
    ratio_from: int = 1 << 28


class Guard:
    """Checks what an archive says about its members, and adds up what they take."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.present = "(the first)"  # the member being read, for messages
        self._members = 0
        self._bytes = 0
        self._links: set[str] = set()

    def path(self, text: str) -> str:
        """The store path of a member; "" for the folder that is the archive itself."""
        if text.startswith("/"):
            raise self.unsafe(text, "its path is absolute")
        relative = text
        while relative.startswith("./"):
            relative = relative[2:].lstrip("/")  # `tar -C folder .` writes `./name`
        if relative in {"", "."}:
            return ""
        try:
            path = store_path(relative)
        except InvalidPath as error:
            raise self.unsafe(text, error.message.partition(" cannot be stored: ")[2].rstrip(".")) from error
        if self._links:
            slash = path.find("/")
            while slash > 0:
                if path[:slash] in self._links:
                    raise self.unsafe(text, f"it lies behind the symbolic link {shown(path[:slash])}")
                slash = path.find("/", slash + 1)
        return path

    def count(self, text: str, size: int) -> None:
        """Add one member to the sums."""
        self.present = text
        self._members += 1
        self._bytes += size
        if self._members > self.limits.members:
            raise self.unsafe(text, f"it is number {self._members:,} of at most {self.limits.members:,}")
        if self._bytes > self.limits.bytes:
            raise self.unsafe(
                text,
                f"with it there are {self._bytes:,} of at most {self.limits.bytes:,} bytes",
            )

    def mode(self, text: str, mode: int) -> bool:
        """Whether a file of this mode is executable."""
        if mode & 0o6000:
            raise self.unsafe(text, f"its mode {mode & 0o7777:04o} would lend its owner's rights")
        return bool(mode & 0o100)

    def link(self, path: str, text: str, target: str) -> None:
        """Take note of a symbolic link, so that no later member passes through it."""
        encoded = target.encode("utf-8", "replace")
        if not 0 < len(encoded) <= MAX_TARGET_BYTES or b"\0" in encoded or encoded.decode() != target:
            raise self.unsafe(text, f"it is a symbolic link to {shown(target)}")
        self._links.add(path)

    def unsafe(self, text: str, why: str) -> UnsafeArchive:
        return UnsafeArchive(
            f"Member {shown(text)} of {self.name} is refused: {why}.",
            remedy="Nothing was stored. If you trust the archive, unpack it yourself and put the folder.",
            archive=self.name,
            member=text,
        )

    def swollen(self, produced: int, consumed: int) -> UnsafeArchive:
        """The error for data that unpacks to far more than it takes."""
        return self.unsafe(
            self.present,
            f"{consumed:,} bytes of the archive unpack to {produced:,}, over {self.limits.ratio} times that",
        )

    def broken(self, why: str) -> InvalidInput:
        return InvalidInput(
            f"{self.name} cannot be read as an archive: {why}.",
            remedy="Nothing was stored. Check the file, or fetch it again.",
            archive=self.name,
        )


def members(stream: BinaryIO, name: str, *, limits: Limits | None = None) -> Iterator[Member]:
    """Every file and link of the archive, in its order; `name` is what messages call it.

    What it is, is read from its first bytes, not from its name. A tar is read in one pass and may come from a
    pipe; a zip from a pipe is first copied to a temporary file. Raises UnsafeArchive, naming the member, for
    whatever could escape or overwhelm, and InvalidInput for what is no archive or is cut. A path may come
    twice; the later one counts, as in tar.
    """
    guard = Guard(name, limits or Limits())
    head = b""
    while len(head) < 512 and (more := stream.read(512 - len(head))):
        head += more
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        from pedigree.store.zips import zip_members

        with _seekable(stream, head, guard) as file:
            yield from zip_members(file, guard)
        return
    from pedigree.store.tars import is_tar, tar_members
    from pedigree.store.unpacking import Blocks, Plain, Unpacked, method_of

    method = method_of(head)
    plain = Plain(stream, head)
    if method is not None:
        yield from tar_members(Blocks(Unpacked(plain, method, guard)), guard)
    elif is_tar(head):
        yield from tar_members(Blocks(plain), guard)
    else:
        raise guard.broken("it is neither a tar (plain, gzip, bzip2, xz, zstd) nor a zip")


@contextmanager
def _seekable(stream: BinaryIO, head: bytes, guard: Guard) -> Iterator[BinaryIO]:
    """The stream before `head` was read, or a temporary copy of it where it cannot go back."""
    try:
        stream.seek(-len(head), os.SEEK_CUR)
    except (OSError, ValueError, AttributeError):
        import tempfile
    else:
        yield stream
        return
    with tempfile.TemporaryFile() as file:
        file.write(head)
        written = len(head)
        while block := stream.read(1 << 20):
            written += len(block)
            if written > guard.limits.bytes:
                raise guard.broken(f"it has more than {guard.limits.bytes:,} bytes")
            file.write(block)
        file.seek(0)
        yield file
