"""A file is put there whole or not at all, and a failure says which, where and what to do."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from pedigree.errors import DiskFull, StorageFailure
from pedigree.training import durable


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the call really fails. Break: write to the place itself."""
    place = tmp_path / "deep/signals"
    durable.put(str(place), [b"old"], "The signals")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        with pytest.raises(DiskFull, match=f"The signals could not be written to {place}: .*as it was") as caught:
            durable.put(str(place), [b"x" * 600, b"y" * 600], "The signals")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert caught.value.remedy == "Free some space, then save again."
    assert place.read_bytes() == b"old"
    assert [path.name for path in place.parent.iterdir()] == ["signals"]
    durable.put(str(place), [b"ne", memoryview(b"w")], "The signals")
    assert place.read_bytes() == b"new"


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    """Break: let the OSError through."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailure, match="A fold could not be written to"):
        durable.put(str(tmp_path / "file/fold"), [b""], "A fold")
