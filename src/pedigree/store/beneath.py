"""Beneath: the folders below one open folder, reached by descriptor, part by part, never through a symbolic
link.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from pedigree.errors import AlreadyExists

#: Folders kept open at once, beside those of one path. The usual limit of a process is 1,024 descriptors.
OPEN_FOLDERS = 200

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Beneath:
    """Folders below `root` by their store path; `where` is what messages call the root. Not thread-safe."""

    def __init__(self, root: int, where: str) -> None:
        self.root = root
        self.where = where
        self.made: list[str] = []  # folders made here, each after the one it lies in
        self._open: dict[str, int] = {}

    def find(self, folder: str) -> int | None:
        """Descriptor of a folder, None where there is none. Raises AlreadyExists for a link or file in
        its place.

        It stays open until `release`, or until many others have been opened.
        """
        return self._descend(folder, make=False)

    def make(self, folder: str) -> int:
        """Descriptor of a folder, made if missing; open until `release`. Raises as `find` does."""
        descriptor = self._open.get(folder)
        if descriptor is None:
            descriptor = self._descend(folder, make=True)
        if descriptor is None:
            raise FileNotFoundError(errno.ENOENT, "a folder went away while it was used", folder)
        return descriptor

    def _descend(self, folder: str, *, make: bool) -> int | None:
        if not make and len(self._open) > OPEN_FOLDERS:
            self.release()
        descriptor, start = self.root, 0
        while start < len(folder):
            end = folder.find("/", start)
            end = len(folder) if end < 0 else end
            path = folder[:end]
            below = self._open.get(path)
            if below is None:
                below = self._enter(descriptor, path, folder[start:end], make=make)
                if below is None:
                    return None
                self._open[path] = below
            descriptor, start = below, end + 1
        return descriptor

    def _enter(self, parent: int, path: str, name: str, *, make: bool) -> int | None:
        if make:
            try:
                os.mkdir(name, dir_fd=parent)
            except FileExistsError:
                pass
            else:
                self.made.append(path)
        try:
            return os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise self.taken(path) from error
            raise

    def remove(self, paths: list[str], call: Callable[..., None]) -> None:
        """Call `os.unlink` or `os.rmdir` on each path, last first, as far as it goes; for taking back what
        was made.
        """
        for path in reversed(paths):
            folder, _, name = path.rpartition("/")
            try:
                descriptor = self.find(folder)
                if descriptor is not None:
                    call(name, dir_fd=descriptor)
            except (OSError, AlreadyExists):
                continue

    def release(self) -> None:
        """Close every descriptor that was given out."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def taken(self, path: str) -> AlreadyExists:
        return AlreadyExists(
            f"{os.path.join(self.where, path)} exists already, or is no folder where one is needed.",
            remedy="Choose an empty folder, move that away, or say --overwrite to replace files.",
            path=path,
        )


def there(descriptor: int, name: str) -> os.stat_result | None:
    """What is at `name` in an open folder, not following links; None when nothing is."""
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None
