"""Where recreated environments lie: `.pedigree/cache/environments`, one folder each, named by the fingerprint.

FINGERPRINT[:16]/             a virtual environment
FINGERPRINT[:16]/made.json    written last: without it the folder is what a killed process left
FINGERPRINT[:16].lock         held by whoever makes it, and by its pip
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.pipeline import workplace
from pedigree.store import durable

if TYPE_CHECKING:
    from pedigree.store import Store

_MARK = "made.json"
_FORMAT = 1
#: A large environment takes minutes to install, and the second who wants it waits for the first.
_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Made:
    """How an environment was made: names of what was taken over from another and of what pip installed.

    `fingerprint` is the recorded one and `result` its own, which is the same where all of it could be had.
    """

    fingerprint: str
    result: str
    python: str
    copied: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    format: int = field(default=_FORMAT)


def folder_of(store: Store, fingerprint: str) -> Path:
    return _home(store) / fingerprint[:16]


def read(folder: Path) -> Made | None:
    """What was made there; None when it is not there, not whole, or of another Pedigree."""
    try:
        value = json.loads((folder / _MARK).read_bytes())
        if value["format"] != _FORMAT:
            return None
        return Made(**{**value, "copied": tuple(value["copied"]), "installed": tuple(value["installed"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def alone(store: Store, fingerprint: str) -> Iterator[int]:
    """Hold the environment's lock; gives its descriptor.

    Let a child inherit that: the kernel keeps the lock until the last holder is gone, so nobody begins anew while the pip of
    a killed process still writes.
    """
    import fcntl
    import time

    from pedigree.errors import Busy

    home = _home(store)
    path = home / f"{fingerprint[:16]}.lock"
    with durable.guarded(home):
        home.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy(
                        f"Another process has been making the environment {fingerprint[:12]} for an hour.",
                        remedy=f"See what holds {path}; then try again.",
                    ) from None
                time.sleep(0.1)
        yield fd
    finally:
        os.close(fd)


def finish(folder: Path, made: Made) -> None:
    """Say that the environment is whole. What is in it is on disk before that is."""
    with durable.guarded(folder):
        temporary = folder / f"{_MARK}.{os.getpid()}"
        temporary.write_text(json.dumps(asdict(made)))
        os.sync()  # a hundred thousand small files: one by one takes minutes
        os.replace(temporary, folder / _MARK)


def remove(folder: Path) -> None:
    """Remove an environment, whole or not; one that is not there is none. The mark goes first."""
    (folder / _MARK).unlink(missing_ok=True)
    workplace.remove(str(folder))


def every(store: Store) -> list[tuple[Path, Made | None]]:
    """All that are kept, whole or not (None), by name."""
    home = _home(store)
    try:
        names = sorted(os.listdir(home))
    except OSError:
        return []
    return [(home / name, read(home / name)) for name in names if not name.endswith(".lock")]


def size(folder: Path) -> int:
    """Bytes on disk."""
    total = 0
    for place, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(place, name)).st_blocks * 512 for name in names)
    return total


def _home(store: Store) -> Path:
    return store.folder / "cache" / "environments"
