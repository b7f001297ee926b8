"""fetch.py, run as a person runs it: from a server on this machine, broken off, continued, checked."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.fileserver import FileServer

from .steps import PETS, load

NAMES = ("annotations.tar.gz", "images.tar.gz")


class Oxford(FileServer):
    """Small archives where the real ones are, and the fetch.yaml that names them."""

    def __init__(self, folder: Path) -> None:
        load("generate").generate(folder, 6, seed=0)
        super().__init__({f"/data/{name}": (folder / name).read_bytes() for name in NAMES})

    def settings(self, *, allow_private: bool = True) -> str:
        archives = [
            {"url": self.url(path), "checksum": f"sha256:{hashlib.sha256(data).hexdigest()}"}
            for path, data in self.files.items()
        ]
        return json.dumps({"archives": archives, "allow_private": allow_private})  # JSON is YAML


@pytest.fixture
def oxford(tmp_path: Path) -> Iterator[Oxford]:
    with Oxford(tmp_path / "published") as server:
        yield server


def _fetch(folder: Path, settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "fetch.yaml").write_text(settings)
    command = [sys.executable, str(PETS / "fetch.py"), "fetch.yaml", "archives"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_fetch_that_breaks_off_is_continued(oxford: Oxford, tmp_path: Path) -> None:
    """The second attempt asks for the rest of what broke off and not at all for what is whole; a third for nothing.
    Break: leave the checksum out of the call of `download`."""
    settings = oxford.settings()
    oxford.cut_after = len(oxford.files["/data/annotations.tar.gz"])
    assert oxford.cut_after < len(oxford.files["/data/images.tar.gz"])
    first = _fetch(tmp_path, settings)
    assert first.returncode == 1
    assert f"{oxford.url('/data/images.tar.gz')} could not be fetched: it broke off after" in first.stderr
    assert "Traceback" not in first.stderr
    assert not (tmp_path / "archives/images.tar.gz").exists()

    cut, oxford.cut_after, oxford.asked = oxford.cut_after, None, []
    assert _fetch(tmp_path, settings).returncode == 0
    assert oxford.asked == [("/data/images.tar.gz", f"bytes={cut}-")]
    assert {path.name: path.read_bytes() for path in (tmp_path / "archives").iterdir()} == {
        name: oxford.files[f"/data/{name}"] for name in NAMES
    }
    assert _fetch(tmp_path, settings).returncode == 0
    assert len(oxford.asked) == 1


def test_another_archive_than_the_one_described_is_refused(oxford: Oxford, tmp_path: Path) -> None:
    """Both checksums are shown and nothing is kept. Break: warn and go on."""
    settings = oxford.settings()
    oxford.files["/data/annotations.tar.gz"] += b"!"
    done = _fetch(tmp_path, settings)
    assert done.returncode == 1
    assert f"{oxford.url('/data/annotations.tar.gz')} has the sha256 " in done.stderr
    assert " was expected. The file on the server changed" in done.stderr
    assert list((tmp_path / "archives").iterdir()) == []


def test_a_server_of_ones_own_must_be_allowed(oxford: Oxford, tmp_path: Path) -> None:
    """fetch.yaml as published reaches public addresses alone. Break: pass allow_private=True."""
    done = _fetch(tmp_path, oxford.settings(allow_private=False))
    assert done.returncode == 1
    assert "which is not public" in done.stderr
    assert oxford.asked == []


@pytest.mark.slow
def test_the_spout_fetches_and_commits_by_itself(oxford: Oxford, tmp_path: Path) -> None:
    """spout.yaml as it stands, in the sandbox with the network, by the environment of these tests. Break: leave the
    editable installation of pedigree out of the step's code."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("fetch.py", "stream.py", "spout.yaml"):
        shutil.copy(PETS / name, project)
    (project / "fetch.yaml").write_text(oxford.settings())
    pedigree = [str(Path(sys.executable).with_name("pedigree"))]
    for words in (["init"], ["apply", "spout.yaml"]):
        subprocess.run([*pedigree, *words], cwd=project, check=True, capture_output=True)
    said = []
    with subprocess.Popen([*pedigree, "run", "--watch"], cwd=project, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stderr is not None
        for line in watching.stderr:  # a test that hangs fails by its time limit
            said.append(line)
            if "by spout" in line or "started again" in line:
                break
        watching.send_signal(signal.SIGINT)
        said += watching.stderr.readlines()
    listed = subprocess.run([*pedigree, "ls", "stream@master:/images"], cwd=project, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 6, "".join(said) + listed.stderr
