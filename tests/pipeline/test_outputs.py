"""What a step leaves in /pfs/out: links followed as it saw them, everything that is not a file refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pedigree.errors import IsolationUnavailable
from pedigree.pipeline import sandbox
from pedigree.pipeline.workplace import Workplace, remove
from tests.pipeline.site_of import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    try:
        sandbox.choose("bubblewrap")
    except IsolationUnavailable as error:
        pytest.skip(str(error))
    bench = Bench(tmp_path)
    bench.put({"a.txt": b"alpha\n", "folder/b": b"beta\n", "folder/c": b"gamma\n"})
    return bench


def test_a_link_to_an_input_is_that_file_without_reading_it(bench: Bench) -> None:
    """Break: open what the link leads to."""
    bench.put({"big": bytes(1 << 20)})
    result = bench.sh("cd /pfs/out; ln -s /pfs/in/big by-path; ln -s ../in/a.txt by-way; ln -s by-way twice")
    assert result.state == "processed", result.reason
    assert bench.files["by-way"] == bench.files["twice"] == b"alpha\n"
    assert bench.entries["by-path"].size == 1 << 20
    assert result.outputs is not None
    assert result.outputs.files["by-path"] == bench.entries["by-path"]


def test_a_link_to_a_folder_stands_for_all_of_its_files(bench: Bench) -> None:
    """Break: treat every link as one to a file."""
    bench.sh("ln -s /pfs/in/folder /pfs/out/mine; mkdir /pfs/out/d; echo x > /pfs/out/d/x; ln -s d /pfs/out/again")
    assert bench.files == {"mine/b": b"beta\n", "mine/c": b"gamma\n", "d/x": b"x\n", "again/x": b"x\n"}


def test_a_link_may_lead_to_tmp_home_code_and_the_system(bench: Bench) -> None:
    """Break: know only the inputs."""
    bench.write("run.sh", "exit 0")
    result = bench.sh(
        "echo t > /tmp/t; echo h > ~/h; cd /pfs/out; ln -s /tmp/t t; ln -s ~/h h; ln -s /code/run.sh c; ln -s /bin/true s; sh /code/run.sh"
    )
    assert result.state == "processed", result.reason
    assert (bench.files["t"], bench.files["h"], bench.files["c"]) == (b"t\n", b"h\n", b"exit 0")
    assert bench.files["s"][:4] == b"\x7fELF"
    assert bench.entries["s"].kind == "x"


@pytest.mark.parametrize(
    "script",
    [
        "ln -s /pfs/in/gone x",
        "ln -s /etc/shadow x",
        "ln -s /proc/self/environ x",
        "ln -s /root/.bashrc x",
        "ln -s ../../../../../../../../etc/shadow x",
        "ln -s x x",
        "ln -s y x; ln -s x y",
        "ln -s /tmp/fifo x; mkfifo /tmp/fifo",
        "ln -s . x",
        "mkdir x; ln -s /pfs/out x/y",
        "mkdir a b; ln -s ../b a/x; ln -s ../a b/x",
        "ln -s / x",
        "ln -s /pfs x",
    ],
)
def test_a_link_to_nothing_that_can_be_kept_fails_the_datum(bench: Bench, script: str) -> None:
    """Each names the link. Break: follow links on the host, or without counting."""
    result = bench.sh("cd /pfs/out; " + script)
    assert result.state == "failed"
    assert "The link '/pfs/out/" in result.reason
    assert result.remedy
    assert bench.files == {}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("mkfifo 'a b'", "a FIFO in '/pfs/out/a b'"),
        (
            "mkdir d; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('d/s')\"",
            "a socket in '/pfs/out/d/s'",
        ),
        ("echo x > \"$(printf 'caf\\351')\"", "not valid UTF-8"),
        ("echo x > \"$(printf 'a\\nb')\"", "control character"),
        (
            "python3 -c \"import os; [(os.mkdir('d'*200), os.chdir('d'*200)) for _ in range(25)]; open('x', 'w')\"",
            "too long",
        ),
    ],
)
def test_what_no_commit_can_hold_is_refused_by_name(bench: Bench, script: str, words: str) -> None:
    """Break: skip what is not a file."""
    result = bench.sh("cd /pfs/out; " + script)
    assert result.state == "failed"
    assert words in result.reason, result.reason


def test_modes_are_no_obstacle(bench: Bench) -> None:
    """Break: give up at the first PermissionError (seen by a user who is not root; test_user.py)."""
    result = bench.sh(
        "cd /pfs/out; mkdir -p d/e; echo 1 > d/e/x; echo 2 > y; chmod 000 d/e y d; mkdir /tmp/t; chmod 000 /tmp/t"
    )
    assert result.state == "processed", result.reason
    assert bench.files == {"d/e/x": b"1\n", "y": b"2\n"}
    assert os.listdir(bench.folder / ".pedigree/work") == ["lock"]


def test_the_executable_bit_is_kept(bench: Bench) -> None:
    """Break: store every file as plain."""
    bench.sh("cd /pfs/out; echo 1 > x; echo 2 > y; chmod 755 x; head -c 2000000 /dev/zero > z; chmod +x z")
    assert {path: entry.kind for path, entry in bench.entries.items()} == {"x": "x", "y": "f", "z": "x"}


def test_a_large_output_is_moved_and_its_links_still_read(bench: Bench) -> None:
    """Break: move files before what links lead to is read."""
    result = bench.sh(
        "cd /pfs/out; head -c 2000000 /dev/urandom > a; ln -s z b; ln a hard; ln -s a c; head -c 1500000 /dev/zero > z"
    )
    assert result.state == "processed", result.reason
    assert bench.files["a"] == bench.files["c"] == bench.files["hard"]
    assert bench.files["b"] == bench.files["z"] == bytes(1_500_000)


def test_empty_folders_leave_no_trace(bench: Bench) -> None:
    """Break: make a file of every folder."""
    assert bench.sh("mkdir -p /pfs/out/a/b/c").state == "processed"
    assert bench.files == {}


@pytest.mark.slow
def test_a_hundred_thousand_files_are_kept(bench: Bench) -> None:
    """Break: keep one descriptor open per file."""
    program = "import os\nfor n in range(100_000):\n    if n % 1000 == 0: os.mkdir(f'/pfs/out/{n // 1000}')\n    open(f'/pfs/out/{n // 1000}/{n}', 'w').close()"
    result = bench.run("python3", "-c", program)
    assert result.state == "processed", result.reason
    assert len(bench.files) == 100_000


def test_a_workplace_of_any_depth_is_removed_and_nothing_outside(tmp_path: Path) -> None:
    """Deeper than any path can say. Break: recurse, or build whole paths."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    place = Workplace(tmp_path / "w")
    here = os.getcwd()
    try:
        os.chdir(place.out)
        for _ in range(3000):
            os.mkdir("deep")
            os.chdir("deep")
        Path("bottom").write_text("x")
        os.symlink(outside, "link")
        os.symlink(outside, Path(place.out) / "link")
    finally:
        os.chdir(here)
    remove(str(place.path))
    assert sorted(os.listdir(tmp_path)) == ["outside"]
    assert (outside / "precious").read_text() == "x"
