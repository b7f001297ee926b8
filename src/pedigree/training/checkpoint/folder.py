"""The folder of checkpoints: the one module that names, syncs, renames, removes and locks them.

A checkpoint is written under a name that starts with a dot, synced, renamed, and the folder synced. So at every moment, whatever is killed,
each folder `step-...` is whole. Removing goes the other way round: first the name, then the files.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterable
from typing import NamedTuple

from pedigree import canonical
from pedigree.errors import Busy, CorruptCheckpoint, StorageFailure
from pedigree.training import durable

FILES = ("state.json", "tensors.safetensors")
DIGESTS = "digests"
_NAME = re.compile(r"step-(\d{12,})(?:\.(\d+))?")


class Entry(NamedTuple):
    """One checkpoint; of two, the later is the greater."""

    step: int
    #: 0, or how often the step had been saved before.
    again: int
    path: str


def entries(folder: str) -> list[Entry]:
    """Every whole checkpoint there, earliest first; none where there is no such folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name))]
    return sorted(Entry(int(match[1]), int(match[2] or 0), os.path.join(folder, name)) for match, name in found)


def write(folder: str, step: int, files: dict[str, Iterable[bytes | memoryview]]) -> Entry:
    """Publish these files as the checkpoint of a step; when it returns, they are on the disk."""
    temporary = os.path.join(folder, f".writing-{os.getpid()}")
    try:
        os.makedirs(folder, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        os.mkdir(temporary)
        rows = {name: durable.write(os.path.join(temporary, name), chunks) for name, chunks in files.items()}
        durable.write(os.path.join(temporary, DIGESTS), [_digests(rows).encode()])
        durable.sync_folder(temporary)
        # A step that is there already (training went on from an earlier one) is not touched before the new one is whole.
        again = max((entry.again + 1 for entry in entries(folder) if entry.step == step), default=0)
        path = os.path.join(folder, f"step-{step:012d}" + (f".{again}" if again else ""))
        os.rename(temporary, path)
        durable.sync_folder(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise _failure(error, folder, step) from error
    return Entry(step, again, path)


def remove(found: Iterable[Entry]) -> None:
    """Remove checkpoints. One that is not removed to the end is no checkpoint any more, and `sweep` removes the rest."""
    for entry in found:
        folder, name = os.path.split(entry.path)
        hidden = os.path.join(folder, f".removing-{name}")
        shutil.rmtree(hidden, ignore_errors=True)
        os.rename(entry.path, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def sweep(folder: str) -> None:
    """Remove what a killed process left. Only for who holds the lock."""
    for name in os.listdir(folder):
        if name.startswith((".writing-", ".removing-")):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def lock(folder: str) -> int:
    """An open file whose closing, or the end of the process however it comes, releases the folder. Raises Busy.

    A record lock: unlike flock, it does not pass to data-loading workers, which outlive a killed training by seconds.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        fd = os.open(os.path.join(folder, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _failure(error, folder, None) from error
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise _failure(error, folder, None) from error
        raise Busy(
            f"Another process saves checkpoints to {folder}.",
            remedy="Give each training its own folder; of several processes of one training, let one save.",
        ) from None
    return fd


def verify(path: str) -> None:
    """Raises CorruptCheckpoint unless every file is there and has the bytes that were written."""
    try:
        with open(os.path.join(path, DIGESTS), encoding="ascii") as file:
            text = file.read()
        rows = {name: digest for digest, name in (line.split("  ", 1) for line in text.splitlines())}
    except (OSError, ValueError) as error:
        raise damaged(path, f"its list of digests cannot be read ({error})") from error
    if text != _digests(rows) or sorted(rows) != sorted(FILES):
        raise damaged(path, f"its list of digests names {', '.join(sorted(rows)) or 'nothing'}")
    for name, wanted in rows.items():
        hasher = canonical.hasher()
        try:
            with open(os.path.join(path, name), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                while chunk := file.read(1 << 22):
                    hasher.update(chunk)
        except OSError as error:
            raise damaged(path, f"{name} cannot be read ({os.strerror(error.errno or 0)})") from error
        if (digest := hasher.hexdigest()) != wanted:
            raise damaged(path, f"{name} ({size} bytes) has the digest {digest[:12]}…, and {wanted[:12]}… was written")


def damaged(path: str, what: str) -> CorruptCheckpoint:
    others = [str(entry.step) for entry in entries(os.path.dirname(path)) if entry.path != path]
    rest = (
        f"load(step=...) reads another: {', '.join(others[-5:])}."
        if others
        else "There is no other checkpoint in its folder."
    )
    return CorruptCheckpoint(
        f"The checkpoint {path} is damaged: {what}.",
        remedy=f"It was cut short or edited. Restore it from a copy; {rest}",
        path=path,
    )


def _digests(rows: dict[str, str]) -> str:
    return "".join(f"{rows[name]}  {name}\n" for name in sorted(rows))


def _failure(error: OSError, folder: str, step: int | None) -> StorageFailure:
    which = "The folder of checkpoints" if step is None else f"The checkpoint of step {step}"
    then = "go on from the last one; keep_last=... keeps fewer"
    return durable.failure(error, which, folder, "Earlier checkpoints are as they were.", then)
