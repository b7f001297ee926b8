"""What a file is: by its first bytes where its format has such, by its name where it has not."""

from __future__ import annotations

import os
import re

from pedigree.training.comparing.source import Source

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"\x93NUMPY", "npy"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_ENDINGS = {
    ".json": "json",
    ".ipynb": "json",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".csv": "csv",
    ".tsv": "tsv",
}
_TAR = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$")
_HEAD_BYTES = 8192


def kind_of(source: Source) -> str:
    """One word for the format; "bytes" for what is none of ours. Reads 8 KiB."""
    head = source.head(_HEAD_BYTES)
    name = os.path.basename(source.name).lower()
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            # BM is also how a text may begin.
            if magic == b"BM" and _text(head, source.size):
                break
            return _inside(kind, name)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    if head[257:262] == b"ustar" or name.endswith(".tar"):
        return "archive"
    if _safetensors(head, source.size) or name.endswith(".safetensors"):
        return "safetensors"
    if "tfevents" in name or (head[12:].startswith(b"\x09") and b"brain.Event:" in head[:64]):
        return "events"
    text = _text(head, source.size)
    kind = _ENDINGS.get(os.path.splitext(name)[1], "")
    if text:
        return kind or "text"
    return "bytes"


def _inside(kind: str, name: str) -> str:
    if kind == "zip":
        return "npz" if name.endswith(".npz") else "archive"
    if kind in ("gzip", "bzip2", "xz"):
        return "archive" if _TAR.search(name) else "compressed"
    return kind


def _safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:8], "little")
    return len(head) > 8 and head[8:9] == b"{" and 2 <= length <= size - 8


def _text(head: bytes, size: int) -> bool:
    """UTF-8 without NUL in its first bytes, the last character of which may be cut in two."""
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) < size and error.start >= len(head) - 3
    return True
