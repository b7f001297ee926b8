"""The commands under test, the store they start from, and the judge of what they leave behind."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pedigree
from pedigree.store import fsck, gc, trees
from pedigree.store.alone import MINIMUM_BYTES
from pedigree.store.put import put
from pedigree.store.store import Store

NIGHTLY = bool(os.environ.get("PEDIGREE_NIGHTLY"))

#: Memory is kind to thousands of small files; what is tested here is the order of calls, not the disk.
ROOM = "/dev/shm" if os.path.isdir("/dev/shm") else None

TARGET = "data@master:/"


class Scenario(NamedTuple):
    """One command, run on a copy of the base store.

    `before` and `after` are the branch's head without and with it; `files` what the head must hold once it, or
    its repetition, has succeeded.
    """

    name: str
    words: tuple[str, ...]
    source: str | None
    before: str
    after: str
    files: dict[str, bytes]


class Base:
    """A store with some history, some garbage, and the sources of further puts beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "base"
        self.project.mkdir()
        _write(root / "first", {f"d{n % 3}/f{n}.txt": b"first %d" % n for n in range(12)})
        _write(root / "first", {"large.bin": _bytes(0)})
        few = {"d0/f0.txt": b"changed", "new.txt": b"new"}
        many = {f"large{n}.bin": _bytes(n) for n in range(1, 6)} | {"d1/f1.txt": b"changed too"}
        _write(root / "few", few)
        _write(root / "many", many)
        _write(root / "spare", {"spare.bin": _bytes(9), "spare.txt": b"spare"})
        with pedigree.init(self.project) as store:
            put(store, TARGET, [f"{root}/first/"])
            self.before = _head(store)
            self.first = contents(store)
            # Garbage: some of it is what "few" will put, so that a command meets objects nothing needs yet.
            put(store, "spare@master:/", [f"{root}/spare/"])
            put(store, "spare@master:/new.txt", [f"{root}/few/new.txt"])
            store.delete_repository("spare", force=True)
        self.scenarios = (
            self._put("few", few),
            self._put("many", many),
            Scenario("race", ("race",), None, self.before, self.before, self.first),
            Scenario("gc", ("gc", "--yes"), None, self.before, self.before, self.first),
        )

    def _put(self, name: str, new: dict[str, bytes]) -> Scenario:
        source = f"{self.root}/{name}/"
        project = self.copy(f"expected-{name}")
        with pedigree.open(project) as store:
            put(store, TARGET, [source])
            after, files = _head(store), contents(store)
        shutil.rmtree(project)
        assert files == self.first | new
        assert after != self.before
        return Scenario(name, ("put", TARGET, source), source, self.before, after, files)

    def scenario(self, name: str) -> Scenario:
        return next(scenario for scenario in self.scenarios if scenario.name == name)

    def copy(self, name: str) -> Path:
        """A fresh copy of the base project, times and modes included."""
        project = self.root / name
        if project.exists():
            shutil.rmtree(project)
        shutil.copytree(self.project, project, symlinks=True)
        return project


def command(words: tuple[str, ...]) -> list[str]:
    """The command line, by the interpreter that runs the tests."""
    if words == ("race",):
        return [sys.executable, str(Path(__file__).with_name("race.py"))]
    return [sys.executable, "-c", "import sys; from pedigree.cli.main import main; sys.exit(main())", *words]


def environment() -> dict[str, str]:
    """What the command sees: nothing of the user's, and nothing that changes from run to run."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _bytes(number: int) -> bytes:
    return bytes([number]) * 7 + b"large" * (MINIMUM_BYTES // 5)


def _head(store: Store) -> str:
    (branch,) = [branch for branch in store.branches("data") if branch.name == "master"]
    assert branch.head is not None
    return branch.head


def contents(store: Store) -> dict[str, bytes]:
    """Every file of the head, each byte read through the store."""
    tree = store.resolve("data@master").commit.tree
    return {path: store.objects.read(entry.digest) for path, entry in trees.scan(tree, store.objects.read)}


def judge(project: Path, scenario: Scenario, *, acknowledged: bool = False) -> str | None:
    """What is wrong with a store after the command was stopped in it, or None.

    Check, do it again, check, collect, check: a torn object under its final name harms nobody until a second
    commit finds it there.
    """
    trees.forget()  # nodes read from another copy of the store must not hide damage in this one
    try:
        with pedigree.open(project) as store:
            head = _head(store)
            if acknowledged and head != scenario.after:
                return f"lost: the command had replied, but the head is {head[:12]}"
            if head not in {scenario.before, scenario.after}:
                return f"the head is {head[:12]}"
            for step in ("at once", "after doing it again", "after gc"):
                if step == "after doing it again" and scenario.source is not None:
                    put(store, TARGET, [scenario.source])
                elif step == "after gc":
                    gc.collect(store, wait_s=0)
                    if not gc.plan(store).empty or os.listdir(store.objects.temporary):
                        return f"gc left something: {gc.plan(store)}"
                problems = fsck.check(store)
                if problems:
                    return f"{step}: {problems[0]}"
                if step != "at once" and _head(store) != scenario.after:
                    return f"{step} the head is {_head(store)[:12]}, not {scenario.after[:12]}"
                trees.forget()
                if _head(store) == scenario.after and contents(store) != scenario.files:
                    return f"{step} the files differ"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def sample(items: list[int], most: int) -> list[int]:
    """At most that many of the items, evenly, the first and the last among them; all of them at night."""
    if NIGHTLY or len(items) <= most:
        return items
    return sorted({items[round(at * (len(items) - 1) / (most - 1))] for at in range(most)})
