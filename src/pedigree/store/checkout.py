"""Checkout: the files of a tree written into a folder of the user's.

Every folder is opened by its parent's descriptor and never through a link, files are created and never
opened, and symbolic links come last. So neither a crafted tree, nor a link that already lies in the
target, nor one that somebody slips in meanwhile, can make a byte land outside the target.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pedigree.errors import AlreadyExists, Damaged, InvalidPath, PathClash, PathNotFound, Unsupported
from pedigree.store import durable, missing, trees
from pedigree.store.beneath import OPEN_FOLDERS, Beneath, there
from pedigree.store.paths import clashes, shown, store_path
from pedigree.store.trees import Entry

if TYPE_CHECKING:
    from pedigree.store.objects import Objects

#: Files handed to the object store at once; it reads them in the order in which they lie on disk.
GROUP_FILES = 4096


class CheckedOut(NamedTuple):
    """What was written."""

    files: int
    links: int
    bytes: int


#: Called now and then with the number of files and bytes written so far.
Progress = Callable[[int, int], None]


def checkout(
    objects: Objects,
    tree: str,
    target: str | os.PathLike[str],
    *,
    prefix: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CheckedOut:
    """Write what lies in the folder `prefix` of the tree (`""`: everything) into the folder `target`,
    made if missing.

    A `prefix` that is a file is written to `target` itself, or into it when it is a folder. Nothing that
    exists is replaced, unless `overwrite` says so, and then only files and links, each in one step. Files
    get the user's usual permissions, and the executable bit. Symbolic links are written as they are and
    never followed.

    Raises PathNotFound, AlreadyExists, Unsupported where the file system would take two of the names for
    one, and StorageFailure. Everything that can be refused is refused before the first file is written;
    after a failure in between, what was written is taken away again.
    """
    entry = trees.get(tree, prefix, objects.read) if prefix else None
    if entry is not None:
        name = prefix.rpartition("/")[2]
        path = os.path.join(target, name) if os.path.isdir(target) else os.fspath(target)
        folder, name = os.path.split(os.path.abspath(path))
        items: Callable[[], Iterable[tuple[str, Entry]]] = lambda: [(name, entry)]  # noqa: E731  (a list, asked for twice)
    else:
        if prefix and not trees.is_folder(tree, prefix, objects.read):
            raise PathNotFound(
                f"There is no /{prefix} in that commit.",
                remedy=f"{missing.hint(objects.read, tree, prefix)}`pedigree ls` shows what there is.",
                path=prefix,
            )
        folder = os.path.abspath(target)
        cut = len(prefix) + 1 if prefix else 0
        items = lambda: ((path[cut:], found) for path, found in trees.scan(tree, objects.read, prefix))  # noqa: E731
    made = _make_folder(folder)
    writer = None
    try:
        with durable.guarded(folder):
            root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        writer = _Writer(objects, Beneath(root, folder), overwrite=overwrite, progress=progress)
        return writer.write_all(items)
    except BaseException:
        if writer is not None:
            writer.undo()
        for path in reversed(made):
            with suppress(OSError):
                os.rmdir(path)
        raise
    finally:
        if writer is not None:
            writer.close()


class _Writer:
    """One checkout into the folder that `beneath` stands for."""

    def __init__(self, objects: Objects, beneath: Beneath, *, overwrite: bool, progress: Progress | None) -> None:
        self._objects = objects
        self._beneath = beneath
        self._overwrite = overwrite
        self._progress = progress
        self._made: list[str] = []
        mask = os.umask(0o077)
        os.umask(mask)
        self._modes = {"f": 0o666 & ~mask, "x": 0o777 & ~mask}

    def write_all(self, items: Callable[[], Iterable[tuple[str, Entry]]]) -> CheckedOut:
        total = self._check(items())
        files = links = size = 0
        with durable.guarded(self._beneath.where, total):
            for group in _groups(item for item in items() if item[1].kind != "l"):
                self._write(group)
                files += len(group)
                size += sum(entry.size for _, entry in group)
                if self._progress is not None:
                    self._progress(files, size)
            for group in _groups(item for item in items() if item[1].kind == "l"):
                self._link(group)
                links += len(group)
        return CheckedOut(files, links, size)

    def _check(self, items: Iterable[tuple[str, Entry]]) -> int:
        """Refuse what must be refused; the bytes that will be written."""
        beneath = self._beneath
        occupied = bool(os.listdir(beneath.root))
        fold_case, normalise = _habits(beneath.root)
        total = 0
        above: list[str] = []
        spellings: list[str] = []
        for path, entry in items:
            # A tree that `put` made holds nothing else. One that came from elsewhere may.
            if path == "" or store_path(path) != path:
                raise InvalidPath(f"The tree holds the path {shown(path)}.", remedy=_DISTRUST, path=path)
            while above and not path.startswith(above[-1]):
                above.pop()
            if any(path[len(file)] == "/" for file in above):
                raise PathClash(f"/{path} lies behind a file of the tree.", remedy=_DISTRUST, path=path)
            above.append(path)
            if entry.kind not in {"f", "x", "l"}:
                raise Damaged(f"/{path} has the unknown kind {entry.kind!r}.", remedy=_DISTRUST, path=path)
            total += entry.size
            if occupied:
                self._refuse_taken(path)
            if fold_case or normalise:
                spellings.append(path)
        for first, second in clashes(spellings, fold_case=fold_case, normalise=normalise):
            raise Unsupported(
                f"The file system at {beneath.where} takes {shown(first)} and {shown(second)} for one path.",
                remedy="Choose a folder on a file system that tells them apart, or get one of them alone.",
                paths=(first, second),
            )
        beneath.release()
        return total

    def _refuse_taken(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        descriptor = self._beneath.find(folder)
        status = None if descriptor is None else there(descriptor, name)
        if status is not None:
            replaceable = stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)
            if not (self._overwrite and replaceable):
                raise self._beneath.taken(path)

    def _write(self, group: list[tuple[str, Entry]]) -> None:
        wanted: list[tuple[str, int, str, int]] = []
        replacing: list[tuple[int, str, str]] = []
        new: list[str] = []
        for number, (path, entry) in enumerate(group):
            folder, _, name = path.rpartition("/")
            descriptor = self._beneath.make(folder)
            if self._overwrite and there(descriptor, name):
                temporary = f".pedigree-{os.getpid()}-{number}.new"
                replacing.append((descriptor, temporary, name))
                name = temporary
            else:
                new.append(path)
            wanted.append((entry.digest, descriptor, name, self._modes[entry.kind]))
        try:
            self._objects.extract(wanted)
            for descriptor, temporary, name in replacing:
                os.replace(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        except FileExistsError as error:
            # It was not there when we looked: somebody else writes here, and theirs is not ours to remove.
            new = [path for path in new if path.rpartition("/")[2] != error.filename]
            raise self._beneath.taken(str(error.filename)) from error
        finally:
            self._made += new
            for descriptor, temporary, _ in replacing:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=descriptor)
        self._beneath.release()

    def _link(self, group: list[tuple[str, Entry]]) -> None:
        for path, entry in group:
            text = self._objects.read(entry.digest)
            if not text or b"\0" in text:
                raise Damaged(f"The link /{path} has the target {text[:80]!r}.", remedy=_DISTRUST, path=path)
            folder, _, name = path.rpartition("/")
            descriptor = self._beneath.make(folder)
            replaces = self._overwrite and there(descriptor, name) is not None
            new = f".pedigree-{os.getpid()}.new" if replaces else name
            try:
                os.symlink(text, os.fsencode(new), dir_fd=descriptor)
            except FileExistsError as error:
                raise self._beneath.taken(path) from error
            if replaces:
                os.replace(new, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
            else:
                self._made.append(path)
        self._beneath.release()

    def undo(self) -> None:
        """Take away what this checkout made; what it replaced stays replaced."""
        self._beneath.release()
        self._beneath.remove(self._made, os.unlink)
        self._beneath.release()
        self._beneath.remove(self._beneath.made, os.rmdir)

    def close(self) -> None:
        self._beneath.release()
        os.close(self._beneath.root)


_DISTRUST = "The store did not make this tree itself: do not use it, and run `pedigree fsck`."


def _groups(items: Iterable[tuple[str, Entry]]) -> Iterator[list[tuple[str, Entry]]]:
    """The items in lists that need few enough descriptors and little enough memory."""
    group: list[tuple[str, Entry]] = []
    folders: set[str] = set()
    for item in items:
        folder = item[0].rpartition("/")[0]
        new = []
        while folder and folder not in folders:
            new.append(folder)
            folder = folder.rpartition("/")[0]
        if group and (len(group) >= GROUP_FILES or (new and len(folders) + len(new) > OPEN_FOLDERS)):
            yield group
            group, folders = [], set()
            folder = item[0].rpartition("/")[0]
            new = []
            while folder:
                new.append(folder)
                folder = folder.rpartition("/")[0]
        folders.update(new)
        group.append(item)
    if group:
        yield group


def _habits(root: int) -> tuple[bool, bool]:
    """Whether the file system takes `A` for `a`, and composed for decomposed letters; asked by trying."""
    name = f".pedigree-{os.getpid()}-\u00c4"
    try:
        os.mkdir(name, dir_fd=root)
    except OSError:
        return False, False  # whatever is wrong will be told by what comes next
    try:
        return (
            there(root, name.replace("pedigree", "PEDIGREE")) is not None,
            there(root, name.replace("\u00c4", "A\u0308")) is not None,
        )
    finally:
        os.rmdir(name, dir_fd=root)


def _make_folder(folder: str) -> list[str]:
    """Make the folder and those above it; the ones that were made, outermost first."""
    made: list[str] = []
    missing: list[str] = []
    path = folder
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    try:
        with durable.guarded(folder):
            for path in reversed(missing):
                os.mkdir(path)
                made.append(path)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                os.rmdir(path)
        raise
    if not os.path.isdir(folder):
        raise AlreadyExists(
            f"{folder} exists and is no folder.", remedy="Choose another place, or move it away.", path=folder
        )
    return made
