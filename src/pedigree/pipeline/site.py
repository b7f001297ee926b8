"""What the datums of one executor share: a folder for their workplaces, the sandbox, unpacked code."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pedigree.errors import Busy
from pedigree.pipeline import code, configs, view, workplace
from pedigree.pipeline.limits import Crowd
from pedigree.pipeline.sandbox import SEALED, get
from pedigree.pipeline.view import Mount, View
from pedigree.pipeline.workplace import Workplace
from pedigree.store import durable

if TYPE_CHECKING:
    from pedigree.pipeline.account import Account
    from pedigree.pipeline.interpreter import Interpreter
    from pedigree.pipeline.model import Pipeline
    from pedigree.store import Store

_numbers = itertools.count()


@contextmanager
def folder_of(store: Store, purpose: str = "") -> Iterator[Path]:
    """A new folder in `.pedigree/work`, removed afterwards.

    It is locked while it is used; the kernel drops the lock with the process, so the next one knows which folders a killed
    process left behind, and removes them.
    """
    work = store.folder / "work"
    folder = work / f"{purpose}{os.getpid()}-{next(_numbers)}"
    with ExitStack() as held:
        with durable.guarded(work):
            work.mkdir(exist_ok=True)
            with durable.Lock(work / "lock").exclusive():
                _clear(work)
                workplace.remove(str(folder))
                folder.mkdir(parents=True)
                held.callback(workplace.remove, str(folder))
                held.enter_context(durable.Lock(folder / "lock").shared())
        yield folder


class Site:
    """A context manager with a folder of its own. Threads may share it.

    `python` is the one that its steps run with; the running one unless given.
    """

    def __init__(self, store: Store, isolation: str, python: Interpreter | None = None) -> None:
        self.store = store
        self.python = python
        self.isolation = get(isolation)
        self.folder = Path()
        self.crowd = Crowd()
        self._held = ExitStack()
        self._tries = itertools.count()
        self._code: dict[str, Path] = {}
        self._accounts: dict[Account, tuple[Mount, ...]] = {}
        self._spec: tuple[Pipeline, str] | None = None
        self._configs: dict[str, bytes] = {}
        self._free: list[Workplace] = []
        self._masks: tuple[Mount, ...] = ()
        self._guard = threading.Lock()

    def __enter__(self) -> Site:
        with ExitStack() as held:
            self.folder = held.enter_context(folder_of(self.store))
            (self.folder / "code").mkdir()
            held.enter_context(self.crowd)
            self._masks = view.masks(str(self.store.project), self.folder / "masks", self.python)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def workplace(self) -> Workplace:
        """An empty workplace; the caller removes it, or gives it back with `release`."""
        with self._guard:
            if self._free:
                return self._free.pop()
        return Workplace(self.folder / str(next(self._tries)))

    def release(self, place: Workplace) -> None:
        """Take back a workplace with whatever a step left in it; nothing of that is seen by the next."""
        if self.isolation.level in SEALED:
            place.clear()
            with self._guard:
                self._free.append(place)
        else:
            place.remove()

    def code(self, tree: str) -> Path:
        """The folder with the files of a code tree ("": none), unpacked when it is first asked for."""
        with self._guard:
            found = self._code.get(tree)
            if found is None:
                found = self.folder / "code" / (tree[:16] or "none")
                code.unpack(tree, self.store.objects, found)
                self._code[tree] = found
            return found

    def _users(self, user: Account) -> tuple[Mount, ...]:
        with self._guard:
            if user not in self._accounts:
                folder = self.folder / "etc" / str(len(self._accounts))
                folder.mkdir(parents=True)
                (folder / "passwd").write_text(user.passwd)
                (folder / "group").write_text(user.group)
                self._accounts[user] = tuple(Mount(f"{folder}/{name}", f"/etc/{name}") for name in ("passwd", "group"))
            return self._accounts[user]

    def spec(self, pipeline: Pipeline) -> str:
        """The pipeline's digest, computed once."""
        if self._spec is None or self._spec[0] is not pipeline:
            self._spec = (pipeline, pipeline.digest)
        return self._spec[1]

    def config(self, pipeline: Pipeline) -> bytes | None:
        """What the pipeline's steps read in /pfs/.config.yaml, looked up once; None without a configuration."""
        if pipeline.config is None:
            return None
        with self._guard:
            key = pipeline.config.frozen
            if key not in self._configs:
                self._configs[key] = str(configs.kept(self.store, pipeline.config)["values"]).encode()
            return self._configs[key]

    def view(self, place: Workplace, tree: str, user: Account, more: tuple[Mount, ...] = ()) -> View:
        """What a step with that code sees when it works there as that user. `more` is mounted last."""
        more = (*self._users(user), *place.mounts, *more)
        if self.isolation.level in SEALED:
            return view.of(place.path, self.code(tree), more, self._masks, self.python)
        # Paths are rewritten to those of this very workplace, so the code is the workplace's own.
        found = view.of(place.path, place.path / "code", more, self._masks, self.python)
        code.unpack(tree, self.store.objects, place.path / "code", lambda text: self.isolation.adapt(text, found))
        return found


def _clear(work: Path) -> None:
    """Remove the folders whose process is gone."""
    for name in os.listdir(work):
        folder = work / name
        if not (folder / "lock").is_file():
            if workplace.is_folder(str(folder)):
                workplace.remove(str(folder))
            continue
        try:
            with durable.Lock(folder / "lock").exclusive(wait_s=0):
                pass
        except Busy:
            continue
        workplace.remove(str(folder))
