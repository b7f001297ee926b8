"""Installed distributions: version, and a digest of the installed bytes.

An installer's RECORD names each file with its SHA-256. It is written last; a file that changed after it is read and counted with
what it holds now, so an edit in site-packages shows. Lines that differ between equal installations are left out: byte code, the
installer's own notes, and scripts outside site-packages, which begin with the path of the interpreter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from pedigree import canonical
from pedigree.training.environment import records

#: RECORD's path -> (its times and size, parsed lines). Parsing is most of the cost of a second capture in one process.
_parsed: dict[str, tuple[tuple[int, int, int], tuple[tuple[str, str], ...]]] = {}


def facts() -> dict[str, dict[str, Any]]:
    """By normalised name: `version`, `files` (a digest; empty without RECORD), and `editable` or `edited` where it applies.

    `edited` names files that are not what RECORD says, at most 20. An editable one has no digest: git knows its code.
    """
    found: dict[str, dict[str, Any]] = {}
    for site in dict.fromkeys(path for path in sys.path if path and os.path.isdir(path)):
        for entry in sorted(os.listdir(site)):
            if entry.endswith((".dist-info", ".egg-info")):
                name, described = _distribution(site, f"{site}/{entry}")
                # The first on the path is what an import gets.
                if name and name not in found:
                    found[name] = described
    return dict(sorted(found.items()))


def _distribution(site: str, folder: str) -> tuple[str, dict[str, Any]]:
    plain = "METADATA" if folder.endswith(".dist-info") else "PKG-INFO"
    path = f"{folder}/{plain}" if os.path.isdir(folder) else folder  # an .egg-info may be a file
    name, version = records.name_and_version(records.head(path))
    if records.is_editable("".join(records.head(f"{folder}/direct_url.json"))):
        return name, {"version": version, "files": "", "editable": True}
    lines, edited = _lines(site, f"{folder}/RECORD")
    described: dict[str, Any] = {
        "version": version,
        "files": canonical.digest("\n".join(lines).encode()) if lines else "",
    }
    if edited:
        described["edited"] = sorted(edited)[:20]
    return name, described


def _lines(site: str, record: str) -> tuple[list[str], list[str]]:
    """Sorted lines of path and digest; and the paths that are not as recorded."""
    try:
        status = os.stat(record)
        parsed = _parse(record, status)
    except OSError:
        return [], []
    lines, edited = [], []
    for path, digest in parsed:
        try:
            changed = os.stat(f"{site}/{path}").st_mtime_ns > status.st_mtime_ns
        except OSError:
            lines.append(f"{path},gone")
            edited.append(path)
            continue
        now = records.contents(f"{site}/{path}") if changed or not digest else digest
        if digest and now != digest:
            edited.append(path)
        lines.append(f"{path},{now}")
    return sorted(lines), edited


def _parse(record: str, status: os.stat_result) -> tuple[tuple[str, str], ...]:
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    known = _parsed.get(record)
    if known is None or known[0] != stamp:
        with open(record, encoding="utf-8", errors="surrogateescape") as file:
            known = _parsed[record] = (stamp, tuple(_records(file.read())))
    return known[1]


def _records(text: str) -> Iterator[tuple[str, str]]:
    import csv

    for row in csv.reader(text.splitlines()):
        if row and not row[0].endswith((".pyc", *records.INSTALLERS_OWN)) and not row[0].startswith(("../", "/")):
            yield row[0], row[1] if len(row) > 1 else ""
