"""What a step left in /pfs/out: first looked at, then taken into the store.

A store holds files, so that is what an output must be. A symbolic link stands for what it leads to, seen from inside
the sandbox: an input file (its object is reused, no byte is read), another output, a file in /tmp, /code or /usr; or a
folder of these. Anything else fails the datum with a sentence that names the path.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import Protocol

from pedigree.errors import InvalidPath, PedigreeError
from pedigree.pipeline import view as views
from pedigree.pipeline.view import Link, Mount, View
from pedigree.pipeline.workplace import Workplace
from pedigree.store import paths
from pedigree.store.trees import Entry

#: As Linux has it: more links than this on one way are a circle.
MOST_LINKS = 40

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class InvalidOutput(PedigreeError):
    """Something in /pfs/out that no commit can hold. `path` is as the step calls it."""


@dataclass(frozen=True, slots=True)
class _File:
    source: str
    executable: bool
    own: bool  # in /pfs/out itself, so it may be moved away


class Taker(Protocol):
    """What takes output files over: a store's batch, or whatever only looks at them."""

    def add_file(self, path: str, *, move: bool = False) -> tuple[str, int]:
        """Digest and size of the file, which may be taken away when `move` says so."""
        ...


@dataclass(slots=True)
class Outputs:
    """The output files of one datum, by store path; sources are host paths or entries the store has already."""

    files: dict[str, _File | Entry] = field(default_factory=dict)

    def collect(self, batch: Taker) -> dict[str, Entry]:
        """Put the bytes into `batch`; the entries by path, sorted. The folder's large files are moved, not copied."""
        found: dict[str, Entry] = {}
        # What links lead to is read first: it may be one of the files that are moved away afterwards.
        for own in (False, True):
            for path, item in self.files.items():
                if isinstance(item, Entry):
                    found[path] = item
                elif item.own is own:
                    digest, size = batch.add_file(item.source, move=own)
                    found[path] = Entry("x" if item.executable else "f", size, digest)
        return dict(sorted(found.items()))


def scan(workplace: Workplace, view: View) -> Outputs:
    """Look at everything in /pfs/out, after the last process of the step is gone. Reads no file.

    Raises InvalidOutput or InvalidPath, naming the path. Empty folders leave no trace.
    """
    outputs = Outputs()
    _scan_folder(workplace.out, "", outputs, workplace, view, (), own=True)
    return outputs


def _scan_folder(
    top: str,
    prefix: str,
    outputs: Outputs,
    workplace: Workplace,
    view: View,
    within: tuple[str, ...],
    *,
    own: bool,
) -> None:
    """`top` is a host folder whose files belong at `prefix`; `within` are the folders whose links led here."""
    waiting = [(top, prefix)]
    while waiting:
        folder, base = waiting.pop()
        for entry in _entries(folder, base):
            path = f"{base}/{entry.name}" if base else entry.name
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                raise _unreadable(path, error) from error
            kind = stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR:
                waiting.append((entry.path, path))
            elif kind == stat.S_IFREG or (not own and _given(entry.path, workplace)):
                _keep(outputs, path, entry.path, status, workplace, own=own)
            elif kind == stat.S_IFLNK:
                _follow(entry.path, path, outputs, workplace, view, within)
            else:
                raise InvalidOutput(
                    f"The step left {_KINDS.get(kind, 'something')} in {_shown(path)}, which no commit can hold.",
                    remedy="Make temporary files in /tmp; write only files and folders to /pfs/out.",
                    path=path,
                )


def _entries(folder: str, base: str) -> list[os.DirEntry[str]]:
    try:
        try:
            found = os.scandir(folder)
        except PermissionError:
            os.chmod(folder, 0o700)  # a step may lock its own folders; what is in them is still its output
            found = os.scandir(folder)
        with found:
            entries = list(found)
        if entries and not os.access(folder, os.X_OK):
            os.chmod(folder, 0o700)
    except OSError as error:
        raise _unreadable(base, error) from error
    return entries


def _unreadable(path: str, error: OSError) -> InvalidOutput:
    return InvalidOutput(
        f"What the step wrote to {_shown(path)} could not be read: {error.strerror}.",
        remedy="Write paths of at most 4096 bytes in all.",
        path=path,
    )


def _shown(path: str) -> str:
    """The path as the step calls it, shortened."""
    whole = f"/pfs/out/{path}"
    return paths.shown(whole if len(whole) <= 200 else whole[:200] + "…")


def _keep(outputs: Outputs, path: str, source: str, status: os.stat_result, workplace: Workplace, *, own: bool) -> None:
    try:
        path = paths.file_path(path)
    except InvalidPath as error:
        raise InvalidOutput(
            f"The step wrote a file that no commit can hold. {error.message}", remedy=error.remedy, path=path
        ) from error
    if not own and (entry := _given(source, workplace)):
        outputs.files[path] = entry
        return
    if own and not status.st_mode & stat.S_IRUSR:
        os.chmod(source, 0o600)
    outputs.files[path] = _File(source, bool(status.st_mode & stat.S_IXUSR), own and status.st_nlink == 1)


def _given(source: str, workplace: Workplace) -> Entry | None:
    """The entry of the input that the host path is, which may be an empty file or a pipe in its place."""
    inputs = f"{workplace.path}/pfs/"
    return workplace.inputs.get(source[len(inputs) :]) if source.startswith(inputs) else None


def _follow(
    source: str, path: str, outputs: Outputs, workplace: Workplace, view: View, within: tuple[str, ...]
) -> None:
    """Keep what the link at host path `source` leads to as `path`."""
    shown = _shown(path)
    target = os.readlink(source)
    where = _inside(source, view)
    found = None if where is None else _resolve(where, view)
    if found is None:
        raise InvalidOutput(
            f"The link {shown} leads to {paths.shown(target)}, which is not there.",
            remedy="Link to a file of an input, of /pfs/out or of /tmp that still exists when the step ends, or copy it.",
            path=path,
        )
    status = os.lstat(found)
    if stat.S_ISREG(status.st_mode) or _given(found, workplace):
        _keep(outputs, path, found, status, workplace, own=False)
    elif stat.S_ISDIR(status.st_mode):
        # A link to a folder that it lies in, directly or by way of other links, has no end.
        if any(source.startswith(found + "/") or item.startswith(found + "/") for item in within) or source.startswith(
            found + "/"
        ):
            raise InvalidOutput(
                f"The link {shown} leads to {paths.shown(target)}, a folder that holds the link itself.",
                remedy="Link to a folder that does not contain the link.",
                path=path,
            )
        _scan_folder(found, path, outputs, workplace, view, (*within, source), own=False)
    else:
        raise InvalidOutput(
            f"The link {shown} leads to {paths.shown(target)}, which is not a file.",
            remedy="Write what it would give to a file in /pfs/out.",
            path=path,
        )


def _inside(source: str, view: View) -> str | None:
    """What the step calls the host path `source`."""
    best: Mount | None = None
    for mount in view.mounts:
        inside = source == mount.source or source.startswith(mount.source + "/")
        if inside and (best is None or len(mount.source) > len(best.source)):
            best = mount
    return None if best is None else best.target + source[len(best.source) :]


def _resolve(path: str, view: View) -> str | None:
    """The host path that the sandbox's path leads to, links followed as inside; None when there is nothing."""
    rest = [part for part in reversed(path.split("/")) if part]
    here = ""
    links = 0
    while rest:
        part = rest.pop()
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        if part == ".":
            continue
        step = f"{here}/{part}"
        target = _link(step, view)
        if target is None:
            here = step
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        if target.startswith("/"):
            here = ""
        rest += [part for part in reversed(target.split("/")) if part]
    host = _host(here, view)
    return host if host is not None and os.path.lexists(host) else None


def _link(path: str, view: View) -> str | None:
    """The target of the sandbox's path if it is a symbolic link."""
    host = _host(path, view)
    if host is not None:
        try:
            return os.readlink(host)
        except OSError:
            return None
    for item in (*view.links, *views.system()):
        if isinstance(item, Link) and item.path == path:
            return item.target
    return None


def _host(path: str, view: View) -> str | None:
    # Without namespaces a step calls its files by their real paths.
    if _inside(path, view) is not None:
        return path
    own = view.source(path)
    if own is not None:
        return own
    best: Mount | None = None
    for item in views.system():
        if isinstance(item, Mount) and (path == item.target or path.startswith(item.target + "/")):
            best = item
    return None if best is None else best.source + path[len(best.target) :]
