"""The folder that outlives a try: what a step keeps there, its next try finds, until the datum's result is durable.

One folder for each identity, so a step only ever finds what the same command made of the same files, with the same code,
configuration, environment and seed. It is no input: a step must give the same result with an empty one.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.pipeline import workplace
from pedigree.pipeline.view import CHECKPOINTS, Mount
from pedigree.store import durable

if TYPE_CHECKING:
    from pedigree.pipeline.executors.contract import DatumTask
    from pedigree.pipeline.site import Site
    from pedigree.store import Store

VARIABLE = "PEDIGREE_CHECKPOINTS"
#: What no try has asked for in this time is removed: its code or its data have changed since. In seconds.
KEPT_S = 30 * 86_400


def folder_of(store: Store, identity: str) -> Path:
    """Where the checkpoints of the datum with this identity are kept."""
    return store.folder / "checkpoints" / identity


@contextlib.contextmanager
def mounted(task: DatumTask, site: Site) -> Iterator[tuple[Mount, ...]]:
    """The mount with the task's checkpoints, for all its tries; none unless its pipeline asks for it.

    A task that names no folder (one that is verified) gets an empty one of its own, which is removed afterwards.
    """
    if not task.pipeline.checkpoints:
        yield ()
        return
    kept = task.checkpoints
    place = site.folder / f"checkpoints-{task.datum.id}" if kept is None else kept
    with durable.guarded(place):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(workplace.FOLDER_MODE)
        os.utime(place)  # when it was last asked for
    try:
        yield (Mount(str(place), CHECKPOINTS, writable=True),)
    finally:
        if kept is None:
            workplace.remove(str(place))


def remove(store: Store, identities: Iterable[str]) -> None:
    """Remove the checkpoints of datums whose results are durable, and those that nobody asked for in a long time."""
    top = store.folder / "checkpoints"
    for identity in identities:
        workplace.remove(str(top / identity))
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(top):
            if time.time() - os.lstat(top / name).st_mtime > KEPT_S:
                workplace.remove(str(top / name))
        # Another run may be making one this very moment: then the folder stays.
        with contextlib.suppress(OSError):
            top.rmdir()
