"""What installers write of a distribution, read in one place for captured environments and for the fingerprint of steps."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable

#: Files that an installer writes for itself: they differ between pip and uv, or name the machine's folders.
INSTALLERS_OWN = (
    "/INSTALLER",
    "/REQUESTED",
    "/RECORD",
    "/direct_url.json",
    "/uv_cache.json",
    "/uv_build.json",
)
_CHUNK_BYTES = 1 << 20


def head(path: str) -> list[str]:
    """The lines of a file up to the first empty one; none where it cannot be read.

    A description of a hundred pages follows it in METADATA, and 255 processors more in /proc/cpuinfo.
    """
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line == "\n":
                    break
                found.append(line)
    except OSError:
        pass
    return found


def name_and_version(metadata: Iterable[str]) -> tuple[str, str]:
    """Of the lines of METADATA up to the first empty one; the name as indexes compare it, runs of `-_.` kept as long as they are."""
    name = version = ""
    for line in metadata:
        if line.startswith("Name:") and not name:
            name = line[5:].strip().lower().replace("_", "-").replace(".", "-")
        elif line.startswith("Version:") and not version:
            version = line[8:].strip()
    return name, version


def is_editable(direct_url: str) -> bool:
    """By the text of direct_url.json (PEP 610)."""
    return '"editable":true' in direct_url.replace(" ", "")


def contents(path: str) -> str:
    """The digest of a file as RECORD writes it; of a link, where it leads."""
    import hashlib

    try:
        if os.path.islink(path):
            return f"link={os.readlink(path)}"
        with open(path, "rb") as file:
            digest = hashlib.sha256()
            while data := file.read(_CHUNK_BYTES):
                digest.update(data)
    except OSError as error:
        return f"unreadable={error.errno}"
    return "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
