"""The folder in which one try of a datum happens: made, filled with its inputs, removed.

    pfs/NAME/...   the inputs, read-only files
    pfs/out        what the step writes
    tmp, home      its scratch

It lies in `.pedigree/work`, on the disk of the store, so that large objects are linked into it and large outputs are
renamed out of it, both in constant time.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.pipeline import pipes
from pedigree.pipeline.view import Mount
from pedigree.store import alone, durable, trees

if TYPE_CHECKING:
    from pedigree.pipeline.datums import DatumInput
    from pedigree.store.objects import Objects
    from pedigree.store.trees import Entry

#: The modification time of every input file, the same as that of objects which lie alone: a step that looks at times
#: sees the same ones everywhere. 2001, because zip files cannot hold times before 1980.
INPUT_TIME_NS = alone.STAMP_NS
#: Of every folder that a step meets, whatever the mask of the user: a step may put modes into an archive.
FOLDER_MODE = 0o755


class Workplace:
    """One such folder, at `path`. `inputs` maps each input file, as NAME/PATH, to its entry in the store.

    `mounts` are large objects that could not be linked and must be mounted over the empty files that stand for them;
    `pipes` are those of `inputs` that are lazy, which `pipes.Filling` fills while a command runs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inputs: dict[str, Entry] = {}
        self.mounts: list[Mount] = []
        self.pipes: dict[str, Entry] = {}
        self._folders: set[str] = set()
        self._given: set[str] = set()
        text = str(path)
        with durable.guarded(text):
            for folder in (text, f"{text}/pfs", f"{text}/pfs/out", f"{text}/tmp", f"{text}/home"):
                os.mkdir(folder)
                os.chmod(folder, FOLDER_MODE)

    @property
    def out(self) -> str:
        return f"{self.path}/pfs/out"

    def fill(self, inputs: Sequence[DatumInput], objects: Objects, *, share: bool = True) -> None:
        """Put the input files in place. Time depends on their number and on the bytes of small ones only.

        With `share`, large objects are linked, which needs a sandbox that keeps the step from writing to them; without,
        they are copied. Of two files at one place (a group whose members overlap) the first counts.
        """
        small: list[tuple[str, int, str, int]] = []
        pfs = os.open(f"{self.path}/pfs", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with durable.guarded(str(self.path)):
                for name in self._folders - {item.name for item in inputs}:
                    os.rmdir(name, dir_fd=pfs)  # of an earlier datum
                    self._folders.discard(name)
                for item in inputs:
                    self._folder(pfs, item.name)
                    for path, entry in trees.scan(item.tree, objects.read, prefix=item.path):
                        place = f"{item.name}/{path}"
                        if place not in self.inputs:
                            self.inputs[place] = entry
                            self._put(pfs, place, entry, item, objects, small, share)
                if small:
                    objects.extract(small)
                for _, _, place, _ in small:
                    os.utime(place, ns=(INPUT_TIME_NS, INPUT_TIME_NS), dir_fd=pfs)
        finally:
            os.close(pfs)

    def _put(
        self,
        pfs: int,
        place: str,
        entry: Entry,
        item: DatumInput,
        objects: Objects,
        small: list[tuple[str, int, str, int]],
        share: bool,
    ) -> None:
        folder = place.rpartition("/")[0]
        if folder not in self._folders:
            self._folder(pfs, folder)
        mode = 0o555 if entry.kind == "x" else 0o444
        if entry.kind == "l":
            os.symlink(objects.read(entry.digest).decode("utf-8", "surrogateescape"), place, dir_fd=pfs)
        elif item.empty_files:
            _touch(pfs, place, mode)
        elif item.lazy:
            pipes.make(place, pfs)
            self.pipes[place] = entry
        elif entry.size < alone.MINIMUM_BYTES:
            small.append((entry.digest, pfs, place, mode))
        else:
            self._put_large(pfs, place, entry, mode, objects, small, share)

    def _put_large(
        self,
        pfs: int,
        place: str,
        entry: Entry,
        mode: int,
        objects: Objects,
        small: list[tuple[str, int, str, int]],
        share: bool,
    ) -> None:
        source = objects.alone_path(entry.digest)
        if source is None or not share or entry.kind == "x":
            # A link would share the mode too, and the store's files are not executable.
            small.append((entry.digest, pfs, place, mode))
            return
        try:
            os.link(source, place, dst_dir_fd=pfs, follow_symlinks=False)
        except OSError:
            # Another disk, somebody else's store, too many links: mount it instead.
            _touch(pfs, place, mode)
            self.mounts.append(Mount(str(source), f"/pfs/{place}"))

    def _folder(self, pfs: int, path: str) -> None:
        missing = []
        while path and path not in self._folders:
            missing.append(path)
            path = path.rpartition("/")[0]
        for name in reversed(missing):
            os.mkdir(name, dir_fd=pfs)
            os.chmod(name, FOLDER_MODE, dir_fd=pfs)
            self._folders.add(name)

    def give(self, name: str, data: bytes) -> None:
        """Put one more read-only file into /pfs, in place of what was given under that name."""
        path = f"{self.path}/pfs/{name}"
        with durable.guarded(path):
            if name in self._given:
                os.unlink(path)
            self._given.add(name)
            _touch(-1, path, 0o644)
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, 0o444)
            os.utime(path, ns=(INPUT_TIME_NS, INPUT_TIME_NS))

    def clear(self) -> None:
        """Make it as it was when it was new. No process may be in it any more.

        Removing a folder took up to 3 ms here, a file 25 us; so the folders that the next datum needs stay.
        """
        base = str(self.path)
        for folder in (f"{base}/pfs/out", f"{base}/tmp", f"{base}/home"):
            _clear(folder)
        for place in self.inputs:
            os.unlink(f"{base}/pfs/{place}")
        for name in self._given:
            os.unlink(f"{base}/pfs/{name}")
        self._given.clear()
        for folder in sorted(self._folders, reverse=True):
            if "/" in folder:
                os.rmdir(f"{base}/pfs/{folder}")
                self._folders.discard(folder)
        self.inputs.clear()
        self.mounts.clear()
        self.pipes.clear()

    def remove(self) -> None:
        """Remove it with all that is in it. No process may be in it any more."""
        remove(str(self.path))


def _touch(dir_fd: int, name: str, mode: int) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=dir_fd)
    try:
        os.fchmod(fd, mode)
        os.utime(fd, ns=(INPUT_TIME_NS, INPUT_TIME_NS))
    finally:
        os.close(fd)


def _clear(folder: str) -> None:
    """Empty a folder and open it again."""
    if stat.S_IMODE(os.lstat(folder).st_mode) != FOLDER_MODE:
        os.chmod(folder, FOLDER_MODE)
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove(entry.path)
        else:
            os.unlink(entry.path)


def remove(top: str) -> None:
    """Remove a folder with all that a step left in it: folders without permissions, or nested without end.

    Nothing outside is touched: links are removed, not followed. No process may be writing below it any more.
    """
    # Folders below the first level are moved up before they are emptied, so no path gets longer than one name more and
    # nothing recurses, however deep a step nested them.
    try:
        _empty(top, None, [0])
        waiting = _folders(top)
        # Not from 0: an interrupted removal left such names behind.
        number = [time.time_ns()]
        while waiting:
            for folder in waiting:
                _empty(folder, top, number)
                os.rmdir(folder)
            waiting = _folders(top)
        os.rmdir(top)
    except FileNotFoundError:
        return


def _folders(top: str) -> list[str]:
    with os.scandir(top) as entries:
        return [entry.path for entry in entries]


def _empty(folder: str, top: str | None, number: list[int]) -> None:
    """Remove the files of `folder` and move its folders up into `top` (None: leave them)."""
    try:
        found = os.scandir(folder)
    except PermissionError:
        os.chmod(folder, 0o700)
        found = os.scandir(folder)
    with found:
        entries = list(found)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and top is None:
            continue
        for attempt in range(2):
            try:
                if not is_folder:
                    os.unlink(entry.path)
                elif not attempt and _removed(entry.path):
                    pass
                else:
                    number[0] += 1
                    os.rename(entry.path, f"{top}/\x01{number[0]}")
                break
            except PermissionError:
                if attempt:
                    raise
                os.chmod(folder, 0o700)
                if is_folder:
                    os.chmod(entry.path, 0o700)  # moving a folder changes its `..`


def _removed(folder: str) -> bool:
    """Whether the folder was empty and is gone now; most are."""
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


def is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
