"""S1: hostile paths and archives are refused by name, nothing outside is touched, and memory stays bounded.

Promise 9: importing data writes nothing outside its folder. The corpus is paths.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pedigree
from pedigree.errors import InvalidInput, PedigreeError
from pedigree.store import put as puts
from pedigree.store import trees
from pedigree.store.store import Store
from tests.security.paths import HARMLESS, HOSTILE, hostile_archives, overlapping_zip, zeros_in_gzip

pytestmark = pytest.mark.slow

ARCHIVES = hostile_archives()
MEMORY_BYTES = 512 << 20


def outside(place: Path, store: Path) -> dict[str, tuple[int, int, str]]:
    """Everything below `place` but the store: kind and mode, size, content or target."""
    found = {}
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if Path(folder, name) != store]
        for name in (*folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes().hex() if path.is_file() else ""
            found[str(path)] = (status.st_mode, 0 if path.is_dir() else status.st_size, content)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "project").mkdir()
    (tmp_path / "treasure").write_text("not yours")
    return pedigree.init(tmp_path / "project")


@pytest.mark.parametrize("path", HOSTILE, ids=lambda text: ascii(text)[:40])
def test_a_hostile_path_is_refused_at_every_entrance(store: Store, tmp_path: Path, path: str) -> None:
    """A change, a put's target, a copy, a view. Break: join the path to a folder as it is."""
    before = outside(tmp_path, store.folder)
    with store.commit("in@master", create=True) as change:
        change.write("kept", b"x")
    head = store.head("in")
    with pytest.raises(InvalidInput), store.commit("in@master") as change:
        change.write(path, b"escaped")
    with pytest.raises(InvalidInput), store.commit("in@master") as change:
        change.link(path, "kept")
    source = tmp_path / "treasure"
    with pytest.raises(PedigreeError):
        puts.put(store, f"in@master:/{path}", [str(source)])
    view = store.view("in@master")
    with pytest.raises(PedigreeError):
        view.read_bytes(path)
    assert store.head("in") == head
    assert outside(tmp_path, store.folder) == before


@pytest.mark.parametrize("name", sorted(ARCHIVES), ids=lambda text: ascii(text)[:60])
def test_a_hostile_archive_is_refused_whole(store: Store, tmp_path: Path, name: str) -> None:
    """And changes nothing, inside or outside. Break: take members as they come, and refuse at the first bad one
    only after committing those before it."""
    archive = tmp_path / "hostile"
    archive.write_bytes(ARCHIVES[name])
    before = outside(tmp_path, store.folder)
    with pytest.raises(InvalidInput) as caught:
        puts.put(store, "in@master", [str(archive)], untar=True)
    assert caught.value.message
    assert [repository.name for repository in store.repositories()] == []
    assert outside(tmp_path, store.folder) == before


def test_names_that_only_look_dangerous_come_back(store: Store, tmp_path: Path) -> None:
    """Break: refuse every name with a dot in front."""
    with store.commit("in@master", create=True) as change:
        for path in HARMLESS:
            change.write(path, path.encode())
    head = store.head("in")
    assert head is not None
    assert {path for path, _ in trees.scan(head.tree, store.objects.read)} == set(HARMLESS)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
import pedigree
from pedigree.errors import InvalidInput
from pedigree.store.put import put
try:
    put(pedigree.open(sys.argv[2]), "in@master", [sys.argv[3]], untar=True)
except InvalidInput as error:
    sys.exit("refused: " + error.message)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["10 GB of zeros", "a million members", "overlapping zip"])
def test_a_bomb_is_refused_within_512_mb(store: Store, tmp_path: Path, kind: str) -> None:
    """Break: read a member at once; count no ratio."""
    archive = tmp_path / "bomb"
    if kind == "10 GB of zeros":
        archive.write_bytes(zeros_in_gzip(10 << 30))
    elif kind == "overlapping zip":
        archive.write_bytes(overlapping_zip(50_000, 4 << 30 >> 1))
    else:
        with archive.open("wb") as file:
            from tests.security.paths import raw_tar_header

            head = raw_tar_header(b"same name again")
            for _ in range(1_000_002 // 1000):
                file.write(head * 1000)
            file.write(head * 1000 + bytes(1024))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(MEMORY_BYTES), str(store.project), str(archive)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    assert done.stderr.startswith("refused: "), done.stderr[-2000:]
    assert store.repositories() == []
