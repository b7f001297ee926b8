"""capture_environment(): what it holds, what it never holds, and that equal processes give equal bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pedigree.errors import InvalidInput, NewerFormat
from pedigree.training import Environment, capture_environment, read_environment
from pedigree.training.environment import code, distributions, gpus, processors, system, variables

_ROOT = Path(__file__).parents[3]


def _child(script: str, *options: str, **environ: str) -> Any:
    """What a new Python prints as JSON: settings of a process are captured in a process of its own."""
    # The source beside these tests, whatever is installed.
    environ = {"PYTHONPATH": str(_ROOT / "src"), **environ}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, *options, "-c", script]
    done = subprocess.run(command, env={**kept, **environ}, capture_output=True, check=True, cwd=_ROOT)
    return json.loads(done.stdout)


_CAPTURE = "import json; from pedigree import training as t; print(json.dumps(t.capture_environment().as_json()))"


def test_two_equal_processes_capture_the_same(tmp_path: Path) -> None:
    """Two new processes with one setting give the same digest, and JSON brings it back.

    Break: the process number among the facts.
    """
    first, second = _child(_CAPTURE, LANG="C.UTF-8"), _child(_CAPTURE, LANG="C.UTF-8")
    assert first == second
    found = read_environment(first)
    assert found.as_json() == first
    assert hash(found) == hash(read_environment(second))


@pytest.mark.slow
def test_each_setting_shows_in_its_place() -> None:
    """Hash seed, -O, OpenMP's threads, MKL's code path and the time zone are where they belong.

    Break: reading the hash seed from sys.flags alone says "random" for a fixed seed.
    """
    plain = read_environment(_child(_CAPTURE)).facts
    environ = {"PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "1", "MKL_CBWR": "AVX2,STRICT", "TZ": "Asia/Tokyo"}
    other = read_environment(_child(_CAPTURE, "-O", **environ)).facts
    assert (plain["interpreter"]["hash_seed"], other["interpreter"]["hash_seed"]) == ("random", "3")
    assert read_environment(_child(_CAPTURE, PYTHONHASHSEED="0")).facts["interpreter"]["hash_seed"] == "0"
    assert (plain["interpreter"]["optimize"], other["interpreter"]["optimize"]) == (0, 1)
    assert other["variables"] == {**plain["variables"], **environ}
    assert other["system"]["timezone"] == "Asia/Tokyo"


def test_secrets_stay_where_they_are() -> None:
    """No variable outside the list is kept, whatever it is called, and none that sounds like a secret even when asked for.

    Break: keeping every variable but those that sound like secrets keeps DATABASE_URL.
    """
    planted = {
        "AWS_SECRET_ACCESS_KEY": "planted-1",
        "DATABASE_URL": "postgres://me:planted-2@host/db",
        "OMP_API_KEY": "planted-3",
        "HF_TOKEN": "planted-4",
        "SOMETHING": "planted-5",
    }
    assert "planted" not in json.dumps(_child(_CAPTURE, **planted))
    assert variables.facts({"MY_RUN": "7", "OTHER": "8"}, ["MY_RUN"]) == {"MY_RUN": "7"}
    for name in ("HF_TOKEN", "aws_secret_access_key", "DB_PASSWORD", "OPENAI_API_KEY", "SSH_AUTH_SOCK"):
        with pytest.raises(InvalidInput, match=f"The variable '{name}' is called like a secret"):
            variables.facts({}, [name])
    assert variables.facts({"TOKENIZERS_PARALLELISM": "0"}, ["TOKENIZERS_PARALLELISM"]) == {
        "TOKENIZERS_PARALLELISM": "0"
    }


def test_capturing_imports_nothing_heavy() -> None:
    """torch and numpy stay out of a process that has not imported them; asked, torch comes in.

    Break: `import torch` at the top of numerics.
    """
    script = (
        "import json, sys; from pedigree import training as t; e = t.capture_environment();"
        "heavy = sorted({'torch', 'numpy', 'PIL', 'tensorboard', 'pyarrow'} & set(sys.modules));"
        "print(json.dumps([heavy, sorted(e.facts['numerics'])]))"
    )
    assert _child(script) == [[], []]


def test_torch_says_its_settings_as_they_are_now() -> None:
    """Threads, determinism and the default type are read at the moment of capture. Break: a cache over them."""
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        one = capture_environment().facts
        torch.use_deterministic_algorithms(False)
        two = capture_environment().facts
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
    assert one["threads"]["torch"]["intra_op"] == 1
    assert (one["numerics"]["torch"]["deterministic"], two["numerics"]["torch"]["deterministic"]) == (True, False)
    assert one["numerics"]["torch"]["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert one["gpu"]["torch"]["cuda"] == torch.version.cuda


def test_an_environment_cannot_be_changed_or_forged() -> None:
    """Facts are copies; an edited file is refused, so are other formats and other things. Break: not checking the digest."""
    found = capture_environment()
    found.facts["cpu"]["model"] = "another"
    assert found.facts["cpu"]["model"] != "another"
    with pytest.raises(AttributeError):
        found.encoded = b""  # type: ignore[misc]
    document = found.as_json()
    document["facts"]["cpu"]["model"] = "another"
    with pytest.raises(InvalidInput, match="is written beside them"):
        read_environment(document)
    with pytest.raises(NewerFormat, match="format 2"):
        read_environment({**found.as_json(), "format": 2})
    with pytest.raises(InvalidInput, match="no captured environment"):
        read_environment([])
    assert found.digests["cpu"] != found.digests["gpu"]
    assert isinstance(found, Environment)


# --- distributions


def _installed(site: Path, files: dict[str, bytes], extra: str = "") -> None:
    lines = []
    for name, data in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    folder = site / "Some_Package-1.0.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: Some.Package\nVersion: 1.0\n\nVersion: 9\n")
    (folder / "RECORD").write_text("\n".join([*lines, "Some_Package-1.0.dist-info/RECORD,,", extra]) + "\n")


def test_installed_bytes_have_a_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal installations agree whatever their scripts and byte code; an edited or missing file shows, with its name.

    Break: the digest of RECORD as it stands sees the script of another interpreter, and not the edit.
    """
    sites = [tmp_path / name for name in ("one", "two")]
    for number, site in enumerate(sites):
        _installed(
            site, {"some/a.py": b"x = 1\n", "some/b.py": b""}, f"../../bin/tool,sha256=other{number},1\nsome/a.pyc,,"
        )

    def facts(site: Path) -> dict[str, Any]:
        monkeypatch.setattr(sys, "path", [str(site)])
        return distributions.facts()["some-package"]

    one, two = facts(sites[0]), facts(sites[1])
    assert one == two
    assert one["version"] == "1.0"
    assert len(one["files"]) == 64
    later = time.time() + 10
    (sites[1] / "some" / "a.py").write_bytes(b"x = 2\n")
    os.utime(sites[1] / "some" / "a.py", (later, later))
    (sites[1] / "some" / "b.py").unlink()
    edited = facts(sites[1])
    assert edited["files"] != one["files"]
    assert edited["edited"] == ["some/a.py", "some/b.py"]
    os.utime(sites[0] / "some" / "a.py", (later, later))
    assert facts(sites[0]) == one  # touched and not changed


def test_every_distribution_that_imports_finds_is_there() -> None:
    """Names and versions are those of importlib.metadata. Break: names left with their dots and underscores."""
    from importlib import metadata

    found = distributions.facts()
    for one in metadata.distributions():
        name = one.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        assert found[name]["version"] == metadata.version(one.metadata["Name"]), name


# --- code


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("lr = 0.1\n")
    (tmp_path / ".gitignore").write_text("out/\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "Begin")
    return tmp_path


def test_code_is_its_commit_and_what_is_not_committed(project: Path) -> None:
    """Clean: the commit alone. Changed, staged or not: a diff that git applies. Untracked files are named; ignored ones not.

    Break: `git diff` without HEAD misses what is staged.
    """
    clean = code.facts(str(project), diff_bytes=1000)
    assert clean == {"commit": _git(project, "rev-parse", "HEAD"), "diff": None, "untracked": {}}
    (project / "train.py").write_text("lr = 0.2\n")
    unstaged = code.facts(str(project), diff_bytes=1000)
    _git(project, "add", "train.py")
    staged = code.facts(str(project / "."), diff_bytes=1000)
    assert unstaged == staged
    assert "-lr = 0.1\n+lr = 0.2\n" in staged["diff"]["text"]
    _git(project, "reset", "-q", "--hard")
    subprocess.run(["git", "apply"], cwd=project, input=staged["diff"]["text"], text=True, check=True)
    assert (project / "train.py").read_text() == "lr = 0.2\n"
    (project / "out").mkdir()
    (project / "out" / "big").write_text("ignored")
    (project / "nëw.py").write_text("y")
    assert list(code.facts(str(project), diff_bytes=0)["untracked"]) == ["nëw.py"]


def test_a_long_diff_is_a_digest(project: Path) -> None:
    """Beyond the bound, and with 0, the text is left out and the digest stays. Break: cutting the text at the bound."""
    (project / "train.py").write_text("lr = 0.2\n" * 200)
    long, none = (code.facts(str(project), diff_bytes=bound)["diff"] for bound in (1000, 0))
    assert "text" not in long
    assert long == none
    assert long["size_bytes"] > 1000
    assert code.facts(str(project), diff_bytes=10_000)["diff"]["digest"] == long["digest"]


def test_the_users_settings_do_not_change_the_digest(project: Path) -> None:
    """Colours, prefixes, context and an external program of the user's git leave the digest as it is; the program is not run.

    Break: leaving out --no-ext-diff runs it; leaving out --src-prefix changes the digest.
    """
    (project / "train.py").write_text("lr = 0.2\n")
    before = code.facts(str(project), diff_bytes=1000)
    ran = project / "out"
    for name, value in {
        "diff.noprefix": "true",
        "color.ui": "always",
        "diff.external": f"touch {ran}; echo",
        "diff.context": "9",
        "core.abbrev": "5",
    }.items():
        _git(project, "config", name, value)
    assert code.facts(str(project), diff_bytes=1000) == before
    assert not ran.exists()


def test_no_work_tree_is_no_error(tmp_path: Path) -> None:
    """Outside git, in an empty work tree, and in no folder: no commit, and why. Break: check=True raises."""
    assert code.facts(str(tmp_path), diff_bytes=0) == {"commit": None, "why": "not a git work tree"}
    assert code.facts(str(tmp_path / "none"), diff_bytes=0) == {"commit": None, "why": "there is no such folder"}
    _git(tmp_path, "init", "-q")
    assert code.facts(str(tmp_path), diff_bytes=0) == {"commit": None, "why": "the work tree has no commit yet"}


# --- machine


def test_processors_as_linux_tells_them() -> None:
    """The first processor's block, on x86 and on ARM; the control group's share in cores.

    Break: the lines of all processors, so that the last one wins.
    """
    x86 = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Xeon\nflags\t\t: sse avx2 avx\n\nprocessor\t: 1\nmodel name\t: other\n"
    found = processors.of_cpuinfo(x86)
    assert (found["model"], found["number"], found["flags"]) == ("Xeon", "85", ["avx", "avx2", "sse"])
    arm = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
    assert processors.of_cpuinfo(arm) == {"flags": ["asimd", "fp"], "vendor": "0x41", "number": "0xd0c"}
    assert processors.of_quota("150000 100000\n") == 1.5
    assert processors.of_quota("max 100000\n") is None
    assert processors.of_quota("") is None


def test_cards_as_the_driver_lists_them() -> None:
    """A line of a real H100's driver, and one card that lacks some values. Break: keeping `[N/A]` as a value."""
    listing = (
        "NVIDIA H100 80GB HBM3, 580.159.04, 81559, 9.0, 96.00.DA.00.0C, Enabled, Disabled\n"
        "NVIDIA GeForce GTX 1080, 535.1, 8192, 6.1, 86.04, [N/A], [N/A]\n"
        "nonsense\n"
    )
    one, two = gpus.of_listing(listing)
    assert one == {
        "name": "NVIDIA H100 80GB HBM3",
        "driver": "580.159.04",
        "memory_mib": "81559",
        "capability": "9.0",
        "vbios": "96.00.DA.00.0C",
        "ecc": "Enabled",
        "mig": "Disabled",
    }
    assert sorted(two) == ["capability", "driver", "memory_mib", "name", "vbios"]


def test_containers_as_they_say_themselves(tmp_path: Path) -> None:
    """Podman's own file, Apptainer's variable, Docker's mark, the control group, and the image that the starter names.

    Break: Docker's mark tested last overrides what Podman wrote.
    """
    root = tmp_path
    assert system.container({}, str(root)) == {}
    assert system.container({"container": "lxc"}, str(root)) == {"kind": "lxc"}
    assert system.container({"APPTAINER_CONTAINER": "/home/me/train.sif"}, str(root)) == {
        "kind": "apptainer",
        "image": "train.sif",
    }
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text("0::/kubepods/pod1/abc\n")
    assert system.container({"KUBERNETES_SERVICE_HOST": "1"}, str(root)) == {
        "kind": "kubernetes",
        "orchestrator": "kubernetes",
    }
    (root / ".dockerenv").touch()
    image = "registry/train@sha256:" + "0" * 64
    assert system.container({"PEDIGREE_IMAGE": image}, str(root)) == {"kind": "docker", "image": image}
    (root / "run").mkdir()
    (root / "run" / ".containerenv").write_text('engine="podman-4.9"\nimage="train:1"\nimageid="abc"\n')
    assert system.container({}, str(root)) == {"kind": "podman", "image": "train:1", "image_id": "abc"}
