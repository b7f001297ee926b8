"""R5: many processes (promises 5, 6)."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import Busy, StorageFailure
from pedigree.store import fsck, gc, trees

WRITERS = 8
COMMITS = 15
ROUNDS = 20
PAUSE_S = 0.2

#: Executors start by spawn; a fork would carry this process's open stores along.
PROCESSES = multiprocessing.get_context("spawn")


def write(project: Path, name: int, count: int, start: Barrier) -> None:
    """Commit `count` times; half of the objects are shared by all writers, one of them large."""
    rng = random.Random(name)
    with pedigree.open(project) as store:
        start.wait()
        for turn in range(count):
            with store.commit("r@master", f"{name}/{turn}") as change:
                change.write(f"own/{name}/{turn}", b"%d/%d" % (name, turn))
                change.write(f"shared/{name}/{turn}", b"shared %d" % turn)
                change.append("log", b"%d/%d\n" % (name, turn))
                if turn % 5 == 0:
                    change.write(f"large/{name}", b"%d" % turn * (1 << 20))
            # Eight without a pause never let go of the lock together, and gc would not meet them once.
            time.sleep(rng.uniform(0, PAUSE_S))


def write_first(projects: list[Path], name: int, start: Barrier) -> None:
    """The first commit of each project, all writers at once."""
    for project in projects:
        with pedigree.open(project) as store:
            start.wait()
            with store.commit("r@master", str(name)) as change:
                change.write(f"own/{name}", b"%d" % name)
                change.write(f"shared/{name}", b"shared")


def abandon_and_collect(project: Path, start: Barrier, stop: Event, removals: Synchronized[int]) -> None:
    """Leave the writers' shared objects behind without a commit, and collect them, until told to stop.

    What a writer is about to find already there is what gc is about to remove. `removals` counts the collections that
    removed something while the writers were at work.
    """
    with pedigree.open(project) as store:
        start.wait()
        turn = 0
        while not stop.is_set():
            with store.objects.batch() as batch:
                batch.add(b"shared %d" % (turn % COMMITS))
                batch.add(b"%d" % (turn % COMMITS // 5 * 5) * (1 << 20))
                batch.publish()
                with store.database.transaction():
                    batch.record()
            with suppress(Busy):  # the writers overlap without a gap: it tries again
                gone = gc.collect(store, wait_s=0.2)
                removals.value += bool(gone.objects) and not stop.is_set()
            turn += 1


def run(project: Path) -> int:
    """Let the writers and the collector go until the writers have done; how often something was removed meanwhile."""
    start, stop, removals = PROCESSES.Barrier(WRITERS + 1), PROCESSES.Event(), PROCESSES.Value("i", 0)
    writers = [PROCESSES.Process(target=write, args=(project, n, COMMITS, start)) for n in range(WRITERS)]
    collector = PROCESSES.Process(target=abandon_and_collect, args=(project, start, stop, removals))
    for process in (*writers, collector):
        process.start()
    for process in writers:
        process.join()
    stop.set()
    collector.join()
    assert [process.exitcode for process in (*writers, collector)] == [0] * (WRITERS + 1)
    return int(removals.value)


@pytest.mark.slow
def test_eight_writers_and_a_collector_give_one_whole_line(tmp_path: Path) -> None:
    """120 commits form one chain of 120, every object of each reads back, every appended line is there once.

    Breaks: `Batch` without the shared lock; `landing.land` without the comparison in its transaction.
    """
    with pedigree.init(tmp_path) as store:
        store.create_repository("r")
        removals = run(tmp_path)
        print(f"R5: {removals} collections removed something among {WRITERS * COMMITS} commits")
        assert removals >= 3, "gc hardly met the writers: this test would see no object removed too early"
        line = list(store.log("r"))
        assert len(line) == WRITERS * COMMITS
        assert len({commit.message for commit in line}) == WRITERS * COMMITS
        assert [commit.parent for commit in line] == [*(commit.id for commit in line[1:]), None]
        read = store.objects.read
        for commit in line:
            for path, entry in trees.scan(commit.tree, read):
                assert len(read(entry.digest)) == entry.size, path
        wanted = sorted(f"{name}/{turn}" for name in range(WRITERS) for turn in range(COMMITS))
        log = trees.get(line[0].tree, "log", read)
        assert log is not None
        assert sorted(read(log.digest).decode().splitlines()) == wanted
        assert fsck.check(store) == []
        gc.collect(store)
        assert fsck.check(store) == []
        assert list((store.folder / "tmp").iterdir()) == []


@pytest.mark.slow
def test_writers_that_start_at_once_all_land(tmp_path: Path) -> None:
    """The first commit of a branch, made by eight at once, 20 times. Break: no comparison in the transaction."""
    projects = [tmp_path / str(turn) for turn in range(ROUNDS)]
    for project in projects:
        with pedigree.init(project) as store:
            store.create_repository("r")
    start = PROCESSES.Barrier(WRITERS)
    writers = [PROCESSES.Process(target=write_first, args=(projects, name, start)) for name in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    for project in projects:
        with pedigree.open(project) as store:
            line = list(store.log("r"))
            assert sorted(commit.message for commit in line) == [str(name) for name in range(WRITERS)]
            assert len(list(trees.scan(line[0].tree, store.objects.read))) == 2 * WRITERS
            assert fsck.check(store) == []


def test_a_store_does_not_cross_a_fork(tmp_path: Path) -> None:
    """The child gets an error that says so, the parent goes on. Break: no process check in Database."""
    program = """
import os, sys, pedigree
from pedigree.errors import StorageFailure
store = pedigree.init(sys.argv[1])
child = os.fork()
if child == 0:
    try:
        store.create_repository("r")
    except StorageFailure as error:
        os._exit(0 if "forked child" in error.message else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
store.create_repository("r")
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert issubclass(StorageFailure, OSError)
