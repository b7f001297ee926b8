"""Locks, barriers, and what a failed call is told as."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pedigree.errors import Busy, DiskFull, NetworkFileSystem, StorageFailure
from pedigree.store import durable, folder

HOLD = """
import sys
from pedigree.store.durable import Lock
with getattr(Lock(sys.argv[1]), sys.argv[2])():
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(path: Path, mode: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def _end(child: subprocess.Popen[str]) -> None:
    child.communicate("")
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("theirs", "ours", "busy"),
    [("shared", "shared", False), ("shared", "exclusive", True), ("exclusive", "shared", True)],
)
def test_processes_share_the_lock_or_have_it_alone(tmp_path: Path, theirs: str, ours: str, busy: bool) -> None:
    """Another process's lock lets in exactly what it should. Break: take LOCK_SH in `exclusive`."""
    lock = durable.Lock(tmp_path / "lock")
    child = _holder(tmp_path / "lock", theirs)
    try:
        if busy:
            with pytest.raises(Busy, match="fuser -v"), getattr(lock, ours)(wait_s=0):
                pass
        else:
            with getattr(lock, ours)(wait_s=0):
                pass
    finally:
        _end(child)
    with getattr(lock, ours)(wait_s=0):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    """The kernel drops the lock of a killed process. Break: a lock file that is made and unlinked."""
    child = _holder(tmp_path / "lock", "exclusive")
    child.kill()
    child.communicate()
    with durable.Lock(tmp_path / "lock").exclusive(wait_s=5):
        pass


def test_the_lock_is_reentrant(tmp_path: Path) -> None:
    """A thread that has the lock may take it again, in any Lock of that file. Break: open the file per
    Lock."""
    one, two = durable.Lock(tmp_path / "lock"), durable.Lock(str(tmp_path) + "/./lock")
    with one.exclusive(wait_s=0), two.exclusive(wait_s=0), two.shared(wait_s=0):
        pass
    with one.shared(wait_s=0), two.shared(wait_s=0), pytest.raises(Busy), two.exclusive(wait_s=0):
        pass
    with two.exclusive(wait_s=0):
        pass


def test_a_thread_waits_for_anothers_exclusive_lock(tmp_path: Path) -> None:
    """Threads of one process exclude each other as processes do. Break: leave out `owner`."""
    lock = durable.Lock(tmp_path / "lock")
    inside: list[str] = []
    started = threading.Event()

    def other() -> None:
        started.set()
        with lock.shared():
            inside.append("other")

    with lock.exclusive():
        thread = threading.Thread(target=other)
        thread.start()
        started.wait()
        assert inside == []
        inside.append("first")
    thread.join()
    assert inside == ["first", "other"]


def test_a_forked_child_does_not_own_its_parents_lock(tmp_path: Path) -> None:
    """After a fork the child asks the kernel like anybody else. Break: keep `_states` after the fork."""
    lock = durable.Lock(tmp_path / "lock")
    with lock.exclusive():
        child = os.fork()
        if child == 0:
            try:
                with lock.exclusive(wait_s=0):
                    os._exit(1)
            except Busy:
                os._exit(0)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with lock.exclusive(wait_s=0):
        pass


@pytest.mark.parametrize("count", [1, durable.FEW_FILES, durable.FEW_FILES + 1])
def test_published_files_have_their_final_names_and_bytes(tmp_path: Path, count: int) -> None:
    """Few files and many end up alike. Break: skip makedirs on one of the two ways."""
    moves = []
    for number in range(count):
        fd, path = durable.create_temporary(tmp_path, "t")
        durable.write(fd, b"%d" % number, path)
        os.close(fd)
        moves.append((path, str(tmp_path / f"folder{number}" / "deep" / "name")))
    durable.publish(moves)
    assert [Path(final).read_bytes() for _, final in moves] == [b"%d" % number for number in range(count)]
    assert not [name for name in os.listdir(tmp_path) if name.startswith("t-")]


def test_a_failed_sync_is_reported_and_nothing_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed sync is called once and stops the publishing. Break: ignore the result of fsync."""
    calls = []

    def failing(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, "no")

    (tmp_path / "t").write_bytes(b"x")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageFailure, match="Input/output error"):
        durable.publish([(str(tmp_path / "t"), str(tmp_path / "final"))])
    assert len(calls) == 1
    assert os.listdir(tmp_path) == ["t"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_the_disk_and_what_is_needed(tmp_path: Path, code: int) -> None:
    """The message says which disk, what is free and what is needed. Break: leave `needed_bytes` out."""
    with pytest.raises(DiskFull) as caught, durable.guarded(tmp_path / "x", needed_bytes=3 << 20):
        raise OSError(code, "full")
    assert "at least 3.0 MiB more needed" in caught.value.message
    assert "free" in caught.value.message
    disk = caught.value.objects["disk"]
    assert os.path.ismount(disk)
    assert disk in caught.value.message
    assert caught.value.exit_code == 6


def test_other_failures_are_no_full_disk(tmp_path: Path) -> None:
    """EIO is told as itself. Break: make every OSError a DiskFull."""
    with pytest.raises(StorageFailure, match="Input/output error") as caught, durable.guarded(tmp_path):
        raise OSError(errno.EIO, "no")
    assert not isinstance(caught.value, DiskFull)


def test_a_network_file_system_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What statfs calls the file system decides. Break: compare the signed number. (CIFS's has the top bit
    set.)"""
    folder.refuse_network_file_system(tmp_path)

    class Libc:
        @staticmethod
        def statfs(path: bytes, buffer: object) -> int:
            assert path == os.fsencode(tmp_path)
            import ctypes

            ctypes.c_long.from_buffer(buffer).value = 0xFF534D42 - (1 << 32)  # type: ignore[arg-type]
            return 0

    monkeypatch.setattr(durable, "libc", Libc)
    with pytest.raises(NetworkFileSystem, match="CIFS"):
        folder.create(tmp_path)
    assert not (tmp_path / ".pedigree").exists()
