"""What this Python can import besides the project: distributions, files that belong to none, its standard library.

A distribution's RECORD names its files with their digests. It is written last, so a file that was changed later is read
and compared; the others are what RECORD says. So nothing is read twice, and an edit in site-packages is noticed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pedigree import canonical
from pedigree.pipeline.tripwire import SKIPPED
from pedigree.training.environment import records

#: Parts of the standard library that say how and where Python was built.
_BUILD = ("config-", "_sysconfigdata")


def others(sites: Sequence[str], library: str) -> list[str]:
    """Folders of distributions in the standard library's folder that are not on the path."""
    found = (f"{library}/{name}" for name in ("site-packages", "dist-packages"))
    return [path for path in found if os.path.isdir(path) and path not in sites]


def facts(sites: Sequence[str], library: str, *, trusting: bool = True) -> dict[str, Any]:
    """`distributions` by name, `loose` digests by top-level name, and the digest of the `standard_library`.

    `sites` are the folders of distributions in the order of the path. Not `trusting`, every file is read, whatever its RECORD
    says: an installer copies the digests that a wheel names and does not compare them.
    """
    distributions: dict[str, dict[str, str]] = {}
    loose: dict[str, list[list[str]]] = {}
    for site in sites:
        left = dict(_walk(site, site))
        for entry in sorted(_names(site)):
            if entry.endswith((".dist-info", ".egg-info")):
                name, version, editable, record = _distribution(site, entry, left, trusting=trusting)
                # The first on the path counts. An editable one is in no step's view, except as code.
                if name and name not in distributions and not editable:
                    distributions[name] = {"version": version, "files": record}
        for path in sorted(left):
            loose.setdefault(path.partition("/")[0], []).append([path, records.contents(f"{site}/{path}")])
    skipped = tuple(f"{path}/" for path in (*sites, *others(sites, library)))
    standard = [
        [path, records.contents(f"{library}/{path}")]
        for path, _ in sorted(_walk(library, library, skipped))
        if not path.rpartition("/")[2].startswith(_BUILD) and not path.startswith(_BUILD)
    ]
    return {
        "distributions": dict(sorted(distributions.items())),
        "loose": {name: canonical.digest_of("loose", files) for name, files in sorted(loose.items())},
        "standard_library": canonical.digest_of("library", standard),
    }


def data_folders(prefix: str) -> list[str]:
    """Where a virtual environment's distributions keep what they do not import: templates, kernels, settings.

    Those of a system's Python are the operating system's own.
    """
    if not os.path.isfile(f"{prefix}/pyvenv.cfg"):
        return []
    return [folder for folder in (f"{prefix}/share", f"{prefix}/etc") if os.path.isdir(folder)]


def data(prefix: str) -> dict[str, str]:
    """The digest of all files in the data folders, under `data`; empty where there are none."""
    found = [
        [path, records.contents(f"{prefix}/{path}")]
        for folder in data_folders(prefix)
        for path, _ in sorted(_walk(prefix, folder))
    ]
    return {"data": canonical.digest_of("data", found)} if found else {}


class Found(NamedTuple):
    """A distribution: its folder is `entry`, `direct` is the text of its direct_url.json, empty where an index gave it."""

    entry: str
    name: str
    version: str
    direct: str

    @property
    def editable(self) -> bool:
        return records.is_editable(self.direct)


def found_in(site: str) -> Iterator[Found]:
    """The distributions in a folder of them, by name of their own folders."""
    for entry in sorted(_names(site)):
        if entry.endswith((".dist-info", ".egg-info")):
            found = _described(site, entry)
            if found.name:
                yield found


def recorded(folder: str) -> Iterator[str]:
    """The paths in the RECORD of a distribution's own folder, from the folder that holds that."""
    return (path for path, _ in _recorded(_read(f"{folder}/RECORD")))


def _described(site: str, entry: str) -> Found:
    folder = f"{site}/{entry}"
    metadata = f"{folder}/METADATA" if folder.endswith(".dist-info") else f"{folder}/PKG-INFO"
    name, version = records.name_and_version(_read(metadata).split("\n\n", 1)[0].splitlines())
    return Found(entry, name, version, _read(f"{folder}/direct_url.json"))


def _distribution(site: str, entry: str, left: dict[str, int], *, trusting: bool) -> tuple[str, str, bool, str]:
    """Name, version, whether it is editable, digest of its files; takes these out of `left` (path -> ctime)."""
    folder = f"{site}/{entry}"
    found = _described(site, entry)
    name, version, editable = found.name, found.version, found.editable
    listed = _read(f"{folder}/RECORD")
    written = left.get(f"{entry}/RECORD", 0) if trusting else -1
    lines = [] if editable else list(_lines(site, listed, left, written))
    for path, _ in _recorded(listed):
        left.pop(path, None)
    for path in [path for path, _ in _walk(site, folder)]:
        if editable or path.endswith(records.INSTALLERS_OWN):
            left.pop(path, None)
    return name, version, editable, canonical.digest("\n".join(sorted(lines)).encode()) if listed else ""


def _lines(site: str, listed: str, left: Mapping[str, int], written: int) -> Iterator[str]:
    for path, digest in _recorded(listed):
        # Byte code has no digest, and scripts in bin begin with the path of this very interpreter.
        if path.endswith((".pyc", *records.INSTALLERS_OWN)) or path.startswith("../"):
            continue
        changed = left.get(path)
        if changed is None:
            yield f"{path},gone"
        elif changed > written or not digest:
            yield f"{path},{records.contents(f'{site}/{path}')}"
        else:
            yield f"{path},{digest}"


def _recorded(listed: str) -> Iterator[tuple[str, str]]:
    """Path and digest of each line of a RECORD."""
    for line in listed.splitlines():
        path, digest, _ = line.rsplit(",", 2) if line.count(",") > 1 else (line, "", "")
        yield path.strip('"'), digest


def _walk(top: str, folder: str, skipped: tuple[str, ...] = ()) -> Iterator[tuple[str, int]]:
    """Path below `top` and ctime of every file, byte code apart."""
    try:
        found = os.scandir(folder)
    except OSError:
        return
    with found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != SKIPPED and f"{entry.path}/" not in skipped:
                    yield from _walk(top, entry.path, skipped)
            else:
                yield entry.path[len(top) + 1 :], entry.stat(follow_symlinks=False).st_ctime_ns


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
