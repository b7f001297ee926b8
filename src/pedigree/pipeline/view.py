"""What a step can see: which files of the machine, where, and which of them it may write.

A view is the same for every user and every project: /pfs, /code, HOME, /tmp, the system's programs and libraries, the
interpreter and its distributions. Everything else of the machine is absent.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pedigree.pipeline import interpreter as interpreters
from pedigree.pipeline.interpreter import Interpreter

PFS = "/pfs"
OUT = "/pfs/out"
CODE = "/code"
CHECKPOINTS = "/checkpoints"
HOME = "/home/user"
TMP = "/tmp"

#: Settings of installed software, in /etc, that programs look up wherever they run. All else of /etc stays out.
_ETC = (
    "ld.so.cache",
    "alternatives",
    "fonts",
    "mime.types",
    "magic",
    "R",
    "ImageMagick-6",
    "ImageMagick-7",
    "perl",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
)
#: What a step with `network: true` needs besides: names, and whom to trust.
_ETC_NETWORK = (
    "resolv.conf",
    "hosts",
    "nsswitch.conf",
    "ssl",
    "pki",
    "ca-certificates",
    "services",
    "protocols",
    "gai.conf",
)

#: Number of the user and the group that a step is, unless its spec says otherwise.
UID = 1000


@dataclass(frozen=True, slots=True)
class Mount:
    """The host's `source`, file or folder, seen at `target`; read-only unless `writable`."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link at `path` to `target`."""

    target: str
    path: str


@dataclass(frozen=True, slots=True)
class View:
    """A step's own mounts and links, laid over the system's. Later mounts may lie inside earlier ones.

    `masks` come last: empty folders over what no step may see. `python` runs the step; None: the running one.
    """

    mounts: tuple[Mount, ...]
    links: tuple[Link, ...] = ()
    masks: tuple[Mount, ...] = ()
    python: Interpreter | None = None

    def source(self, path: str) -> str | None:
        """The host's path of what the step calls `path` (normal form, absolute), by its own mounts; None outside of them."""
        best: Mount | None = None
        for mount in (*self.masks, *self.mounts):
            inside = path == mount.target or path.startswith(mount.target + "/")
            if inside and (best is None or len(mount.target) >= len(best.target)):
                best = mount
        return None if best is None else best.source + path[len(best.target) :]


def of(
    place: Path,
    code: Path | None,
    more: tuple[Mount, ...] = (),
    masks: tuple[Mount, ...] = (),
    python: Interpreter | None = None,
) -> View:
    """The view of a step that works in the folder `place`, which has `pfs`, `pfs/out`, `tmp` and `home`."""
    base = str(place)
    mounts = [
        Mount(f"{base}/pfs", PFS),
        Mount(f"{base}/pfs/out", OUT, writable=True),
        Mount(f"{base}/tmp", TMP, writable=True),
        Mount(f"{base}/home", HOME, writable=True),
    ]
    if code is not None:
        mounts.append(Mount(str(code), CODE))
    return View((*mounts, *more), masks=masks, python=python)


@lru_cache(maxsize=8)
def system(*, network: bool = False, python: Interpreter | None = None) -> tuple[Mount | Link, ...]:
    """The part of every view that is the machine's: programs, libraries, interpreter; all read-only."""
    found: list[Mount | Link] = [Mount("/usr", "/usr")]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = f"/{name}"
        if os.path.islink(path):
            found.append(Link(os.readlink(path), path))
        elif os.path.isdir(path):
            found.append(Mount(path, path))
    names = (*_ETC, *_ETC_NETWORK) if network else _ETC
    # resolv.conf is often a link into /run, which stays out: mount what it leads to.
    found += [
        Mount(os.path.realpath(f"/etc/{name}"), f"/etc/{name}") for name in names if os.path.exists(f"/etc/{name}")
    ]
    # Numeric libraries ask the processor for its caches here; without it torch warns on every start.
    cpu = "/sys/devices/system/cpu"
    if os.path.isdir(cpu):
        found.append(Mount(cpu, cpu))
    found += (part for home in interpreter(python) for part in _parts(home))
    return tuple(found)


@lru_cache(maxsize=8)
def interpreter(python: Interpreter | None = None) -> tuple[str, ...]:
    """The folders outside /usr that a Python lives in: its virtual environment, its base, a user site."""
    found: list[str] = []
    for path in _homes(python):
        if not any(path == known or path.startswith(known + "/") for known in ("/usr", *found)):
            found.append(path)
    return tuple(found)


@lru_cache(maxsize=8)
def _homes(python: Interpreter | None = None) -> tuple[str, ...]:
    this = python or interpreters.running()
    wanted = [this.base_prefix, this.base_exec_prefix, this.prefix, this.exec_prefix, *extra_paths(python)]
    # A link to the interpreter anywhere on the way (pyenv, uv, a venv of a venv) must lead somewhere.
    link = this.executable
    for _ in range(40):
        if not os.path.islink(link):
            break
        link = os.path.join(os.path.dirname(link), os.readlink(link))
        wanted.append(os.path.dirname(os.path.dirname(os.path.normpath(link))))
    wanted += [os.path.realpath(path) for path in wanted]
    if any(path.startswith("/nix/store/") for path in wanted):
        wanted.append("/nix/store")  # its libraries are spread over the whole store, named by digest
    shortest_first = sorted(set(wanted), key=lambda item: (item.count("/"), item))
    return tuple(path for path in shortest_first if path not in ("", "/") and os.path.isdir(path))


#: What belongs to a virtual environment. Whatever else lies in its folder (a whole project, after `python -m venv .`; what
#: `pip install -e git+...` cloned) is in no fingerprint, so no step may see it.
_PARTS = ("bin", "lib", "lib64", "include", "share", "etc", "pyvenv.cfg")


def _parts(home: str) -> tuple[Mount, ...]:
    if not os.path.isfile(f"{home}/pyvenv.cfg"):
        return (Mount(home, home),)
    paths = (f"{home}/{name}" for name in _PARTS)
    return tuple(Mount(path, path) for path in paths if os.path.exists(path))


def layers(view: View) -> tuple[Mount, ...]:
    """The view's own mounts in their order, with those of the interpreter laid again over what hides them."""
    return (
        *view.mounts,
        *_again(view.mounts, view.python),
        *view.masks,
        *_again(view.masks, view.python),
    )


def hidden(mounts: tuple[Mount, ...], python: Interpreter | None = None) -> tuple[str, ...]:
    """Folders of the interpreter that the mounts would hide: an environment below /tmp, say."""
    targets = tuple(mount.target for mount in mounts)
    return tuple(home for home in _homes(python) if any(f"{home}/".startswith(target + "/") for target in targets))


def _again(mounts: tuple[Mount, ...], python: Interpreter | None) -> tuple[Mount, ...]:
    return tuple(part for home in hidden(mounts, python) for part in _parts(home))


#: Folders below /usr for sources and for whatever people copy there (`WORKDIR /usr/src/app`); no program needs them.
_SOURCES = ("/usr/src", "/usr/local/src")


def masked(project: str, python: Interpreter | None = None) -> tuple[str, ...]:
    """Folders that a step would see because they lie in a part of the machine that it needs: the project first of all."""
    found: list[str] = [path for path in _SOURCES if os.path.isdir(path)]
    real = os.path.realpath(project)
    for item in system(python=python):
        if isinstance(item, Mount):
            source = os.path.realpath(item.source)
            if real.startswith(source + "/"):
                found.append(item.target + real[len(source) :])
    return tuple(path for path in dict.fromkeys(found) if not path.startswith(tuple(f"{known}/" for known in found)))


def masks(project: str, place: Path, python: Interpreter | None = None) -> tuple[Mount, ...]:
    """Mounts of empty folders, made in `place`, over what is `masked`."""
    made = []
    for number, path in enumerate(masked(project, python)):
        mount = Mount(f"{place}/{number}", path)
        os.makedirs(mount.source)
        for part in _again((mount,), python):  # nothing can be made in it once it is mounted
            inside = mount.source + part.target[len(path) :]
            if os.path.isdir(part.source):
                os.makedirs(inside, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(inside), exist_ok=True)
                Path(inside).touch()
        made.append(mount)
    return tuple(made)


@lru_cache(maxsize=8)
def extra_paths(python: Interpreter | None = None) -> tuple[str, ...]:
    """Folders of distributions outside the interpreter's prefixes: the user's site, where it is in use."""
    this = python or interpreters.running()
    prefixes = (this.prefix + "/", this.base_prefix + "/", "/usr/")
    return tuple(path for path in this.sites if not path.startswith(prefixes) and os.path.isdir(path))


#: Top folders of every view.
_TOP = (
    "pfs",
    "code",
    "tmp",
    "home",
    "usr",
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "etc",
    "proc",
    "dev",
    "sys",
    "opt",
    "root",
)


def aliases(folders: tuple[str, ...], words: tuple[str, ...], view: View) -> tuple[Link, ...]:
    """Links that let a spec written for a container image find its code where the image had it.

    A working folder that the view lacks (`/app`) is /code. A word of the command or of its stdin that names a file of
    the code by an absolute path (`/edges.py`, `/app/edges.py`) finds it there.
    """
    found: dict[str, Link] = {}
    for folder in folders:
        if folder.split("/")[1] not in _TOP:
            found[folder] = Link(CODE, folder)
    for line in words:
        if "/" not in line:
            continue
        for word in re.split(r"[\s'\"=;|&<>()]+", line):
            top = word[1:].partition("/")[0]
            if not word.startswith("/") or top in _TOP or not top or os.path.normpath(word) != word:
                continue
            if any(word == path or word.startswith(path + "/") for path in found):
                continue
            # The whole path first, then with its first folder, the image's, left off.
            for inside in (word[1:], word[1:].partition("/")[2]):
                source = view.source(f"{CODE}/{inside}") if inside else None
                if source is not None and os.path.isfile(source):
                    found[word] = Link(f"{CODE}/{inside}", word)
                    break
    return tuple(found.values())
