"""Where configurations are found: an ordered list of folders, packages and mappings, the first that has a name wins."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pedigree.canonical import digest
from pedigree.config.documents import Document, read
from pedigree.errors import InvalidConfig, NotFound, meant


class Source(Protocol):
    """One place. Names are relative, with slashes, and end as the file does: `db/mysql.yaml`."""

    @property
    def shown(self) -> str:
        """The place as messages name it."""

    def read(self, name: str) -> tuple[bytes, str] | None:
        """The bytes of a file and its name for origins; None where there is none."""

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        """Names in a folder, each with whether it is a folder itself; None where there is no such folder."""


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _leads_up(folder: str, link: str) -> bool:
    """Whether a link in a folder names that folder or one around it: who follows it, and again, comes to no end."""
    return os.path.join(os.path.realpath(folder), "").startswith(os.path.join(os.path.realpath(link), ""))


class Folder:
    """A folder of the file system; files are named as the folder was given."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def shown(self) -> str:
        return self.path

    def read(self, name: str) -> tuple[bytes, str] | None:
        path = os.path.join(self.path, name)
        try:
            # A pipe by the name of a file would be waited for until somebody writes.
            with open(path, "rb", opener=_without_waiting) as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return file.read(), path
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except ValueError:  # a NUL, or half of a surrogate pair: no file has such a name
            return None
        except OSError as error:
            raise InvalidConfig(
                f"{path} cannot be read: {error.strerror}.",
                remedy="Make the file readable, or name another.",
                path=path,
            ) from error
        raise InvalidConfig(
            f"{path} is a pipe or a device, and no file to read.", remedy="Put a file of YAML there.", path=path
        )

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        path = os.path.join(self.path, group)
        try:
            with os.scandir(path) as found:
                return [
                    (one.name, one.is_dir()) for one in found if not (one.is_symlink() and _leads_up(path, one.path))
                ]
        except (OSError, ValueError):
            return None


class Package:
    """A folder inside an importable package: `pkg://package.folder`. Nothing of it but its packages is imported."""

    __slots__ = ("_root", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._root: Any = None

    @property
    def shown(self) -> str:
        return f"pkg://{self.name}"

    def _at(self, name: str) -> Any:
        if self._root is None:
            from importlib import resources

            package, *folders = self.name.replace("/", ".").split(".")
            try:
                root = resources.files(package)
            except (ImportError, TypeError) as error:
                raise NotFound(
                    f"The search path names {self.shown}, and there is no package {package!r} to import.",
                    remedy="Install it, or take the entry out of the search path.",
                ) from error
            self._root = root.joinpath(*folders)
        return self._root.joinpath(*name.split("/")) if name else self._root

    def read(self, name: str) -> tuple[bytes, str] | None:
        found = self._at(name)
        return (found.read_bytes(), f"{self.shown}/{name}") if found.is_file() else None

    def path(self, name: str) -> str:
        """Where the file is, if the package lies in a folder."""
        return str(self._at(name))

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        found = self._at(group)
        return [(entry.name, entry.is_dir()) for entry in found.iterdir()] if found.is_dir() else None


class Files:
    """Configurations given as a mapping from name, `db/mysql.yaml`, to text."""

    __slots__ = ("files", "shown")

    def __init__(self, files: Mapping[str, str | bytes], shown: str = "code") -> None:
        self.files = files
        self.shown = shown

    def read(self, name: str) -> tuple[bytes, str] | None:
        text = self.files.get(name)
        if text is None:
            return None
        return (text.encode() if isinstance(text, str) else text), f"{self.shown}://{name}"

    def entries(self, group: str) -> list[tuple[str, bool]] | None:
        prefix = f"{group}/" if group else ""
        found: dict[str, bool] = {}
        for name in self.files:
            if name.startswith(prefix):
                head, slash, _ = name[len(prefix) :].partition("/")
                found[head] = bool(slash)
        return list(found.items()) if found or not group else None


class Sources:
    """A search path. Each file is read at most once by one of these, so that all points of a sweep see the same text;
    make another to see what was edited since. Threads may share one."""

    def __init__(self, sources: Iterable[Source], suffixes: tuple[str, ...] = (".yaml",)) -> None:
        self.sources = tuple(sources)
        self.suffixes = suffixes
        self._documents: dict[str, Document | None] = {}
        #: What was read first, with its digest: where two threads read one file at once, both take this.
        self._first: dict[str, tuple[Document | None, str]] = {}
        self._shorter: Sources | None = None
        self._longer: dict[tuple[str, ...], Sources] = {}
        self._groups: dict[str, bool] = {}
        #: Digest of each file that was read, by the name that origins give it.
        self.digests: dict[str, str] = {}
        #: Files that were looked for and not found; one that comes into being could change what is composed.
        self.missed: set[str] = set()
        #: Where files of packages are, by the same name.
        self.packaged: dict[str, str] = {}

    def adding(self, sources: Iterable[Source]) -> Sources:
        """The same search path with more at its end; what was read stays read."""
        more = tuple(sources)
        if not more:
            return self
        longer = Sources((*self.sources, *more), self.suffixes)
        longer._shorter = self
        longer.digests, longer.missed, longer.packaged = self.digests, self.missed, self.packaged
        return longer

    def extended(self, entries: tuple[str, ...]) -> Sources:
        """The same with what these texts name at its end: one for the same texts, so that it reads its files once too."""
        found = self._longer.get(entries)
        if found is None:
            found = self._longer.setdefault(entries, self.adding([source(one) for one in entries]))
        return found

    def load(self, name: str) -> Document | None:
        """The document of this name, without its suffix; None where nobody has it. Raises InvalidConfig as `read`."""
        try:
            return self._documents[name]
        except KeyError:
            pass
        found = None if self._shorter is None else self._shorter._documents.get(name)
        if found is None:
            found, named = self._first.setdefault(name, self._read(name))
            if found is not None:
                self.digests[found.name] = named
        self._documents[name] = found
        return found

    def _read(self, name: str) -> tuple[Document | None, str]:
        for file in self._files(name):
            for source in self.sources:
                given = source.read(file)
                if given is not None:
                    data, shown = given
                    if isinstance(source, Package):
                        self.packaged[shown] = source.path(file)
                    return read(data, shown), digest(data)
                if isinstance(source, Folder):
                    self.missed.add(os.path.join(source.path, file))
        return None, ""

    def other_suffix(self, name: str) -> str | None:
        """A file that would be the configuration `name` if it ended otherwise: `db/mysql.yml`; None without one."""
        for source in self.sources:
            for suffix in (".yml", ".yaml"):
                given = source.read(name.removesuffix(suffix) + suffix)
                if given is not None and suffix not in self.suffixes:
                    return given[1]
        return None

    def is_group(self, name: str) -> bool:
        """Whether some source has a folder of this name."""
        found = self._groups.get(name)
        if found is None:
            found = self._groups[name] = any(source.entries(name) is not None for source in self.sources)
        return found

    def options(self, group: str) -> list[str]:
        """The configurations of a group, sorted, without those of groups inside it."""
        return sorted({name for name, _ in self._listed(group, folders=False)})

    def groups(self, group: str = "") -> list[str]:
        """The groups inside a group, sorted."""
        return sorted({name for name, _ in self._listed(group, folders=True)})

    def _listed(self, group: str, *, folders: bool) -> Iterable[tuple[str, bool]]:
        for source in self.sources:
            for name, is_folder in source.entries(group) or ():
                if folders:
                    if is_folder and name != "__pycache__":
                        yield name, True
                elif not is_folder:
                    for suffix in self.suffixes:
                        if name.endswith(suffix):
                            yield name[: -len(suffix)], False

    def _files(self, name: str) -> Iterable[str]:
        if name.endswith(self.suffixes):
            return (name,)
        return (name + suffix for suffix in self.suffixes)

    @property
    def shown(self) -> str:
        return ", ".join(source.shown for source in self.sources)


def source(text: str, base: str | None = None) -> Source:
    """The source that an entry of a search path names: `file://…`, `pkg://…`, or a folder, relative to `base`.

    Raises InvalidConfig for another scheme.
    """
    scheme, mark, rest = text.partition("://")
    if not mark:
        return Folder(text if base is None else os.path.join(base, text))
    if scheme == "pkg":
        return Package(rest)
    if scheme == "file":
        from urllib.parse import unquote

        return Folder(unquote(rest) if base is None else os.path.join(base, unquote(rest)))
    if scheme == "structured":
        return Files({}, "structured")
    raise InvalidConfig(
        f"The search path names {text!r}, and {scheme}:// is no kind of source.",
        remedy=f"{meant(scheme, ('pkg', 'file'))}Use pkg://package.folder, file://folder or a folder.",
    )
