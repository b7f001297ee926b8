"""The layout of a bundle: a tar of few kinds of members in one order, every header of which follows from name and size.

A reader compares each header with the one it would have written. So there is nothing to interpret in one: no links, no
modes, no owners, no second spelling of anything.
"""

from __future__ import annotations

import re
from typing import Any

#: Raised only when an older Pedigree could misread the file.
FORMAT = 1
KIND = "pedigree bundle"

HEAD, COMMITS, RECORDS, SUMS = "bundle.json", "commits.jsonl", "records.jsonl", "CHECKSUMS"
LOCK = re.compile(r"environments/[0-9a-f]{64}\.txt\Z")
PACK = re.compile(r"packs/([0-9a-f]{64})\.pack\Z")
OBJECT = re.compile(r"objects/([0-9a-f]{64})\Z")

#: Objects of this size and larger are members of their own, smaller ones lie in packs: as in the store.
ALONE_BYTES = 1 << 20
#: A pack is closed when it holds so many bytes of objects, or so many objects. A reader holds one in memory.
PACK_BYTES, PACK_OBJECTS = 16 << 20, 65_536
#: What a reader takes at most: 16 MiB and one object below 1 MiB, 48 bytes of index for each object, magic and footer.
MOST_PACK_BYTES = PACK_BYTES + ALONE_BYTES + PACK_OBJECTS * 48 + 72
MOST_HEAD_BYTES = 1 << 20
MOST_LINE_BYTES = 64 << 20
MOST_LOCK_BYTES = 4 << 20

BLOCK = 512
END = bytes(2 * BLOCK)
_OCTAL = 8**11


def header(name: str, size: int) -> bytes:
    """The 512 bytes before a member. Sizes of 8 GiB and more are in base 256, as GNU tar and libarchive read them."""
    number = b"%011o\0" % size if size < _OCTAL else b"\x80" + size.to_bytes(11, "big")
    parts = (
        name.encode("ascii").ljust(100, b"\0"),
        b"0000444\0",
        b"0000000\0",
        b"0000000\0",
        number,
        b"%011o\0" % 0,
        b" " * 8,
        b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(32),
        bytes(32),
        b"0000000\0",
        b"0000000\0",
        bytes(167),
    )
    data = b"".join(parts)
    return data[:148] + b"%06o\0 " % sum(data) + data[156:]


def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def parse_header(data: bytes) -> tuple[str, int] | None:
    """Name and size that the header gives, None where it is not the one that these have."""
    try:
        name = data[:100].rstrip(b"\0").decode("ascii")
        field = data[124:136]
        size = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(field[:11], 8)
        return (name, size) if 0 <= size < 1 << 62 and header(name, size) == data else None
    except (ValueError, IndexError):
        return None


def rank(name: str) -> tuple[int, str] | None:
    """Where a member of that name stands in the order, None for a name that no member has."""
    fixed = {HEAD: 0, COMMITS: 1, RECORDS: 2, SUMS: 6}
    if name in fixed:
        return fixed[name], ""
    for number, pattern in ((3, LOCK), (4, PACK), (5, OBJECT)):
        if pattern.match(name):
            # Packs follow each other by what they hold, which their names do not tell.
            return number, "" if number == 4 else name
    return None


def head(subject: dict[str, str], *, results: bool, counts: dict[str, int]) -> dict[str, Any]:
    """What `bundle.json` says."""
    return {"kind": KIND, "format": FORMAT, "subject": subject, "results": results, **counts}
