"""Steps run by somebody who is not root: what permissions forbid must not stop the engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pedigree
from pedigree.pipeline import sandbox
from tests.pipeline.site_of import Bench

PROGRAM = """
import json, os, sys
from pathlib import Path
from pedigree.errors import IsolationUnavailable
from pedigree.pipeline import sandbox
from tests.pipeline.site_of import Bench

assert os.getuid() != 0
said = {}
for level in sandbox.LEVELS:
    try:
        sandbox.choose(level)
    except IsolationUnavailable as error:
        said[level] = error.message
        continue
    folder = Path(sys.argv[1]) / level
    folder.mkdir()
    bench = Bench(folder, level)
    bench.put({"a": b"1\\n", "big": bytes(2 << 20)})
    result = bench.sh("cat /pfs/in/a; cd /pfs/out; mkdir -p d/e; echo 1 > d/e/x; echo 2 > y; chmod 000 d/e y d;"
                      "mkdir -p $TMPDIR/t/u; chmod 000 $TMPDIR/t; ln -s /pfs/in/big big; head -c 2000000 /dev/zero > z")
    work = os.listdir(folder / ".pedigree/work")
    said[level] = [result.state, result.reason + bench.log(result), sorted(bench.files), work]
print(json.dumps(said))
"""


def test_modes_do_not_stop_a_user_who_is_not_root(tmp_path: Path) -> None:
    """Folders of mode 000 are collected and removed, at every level. Break: give up at PermissionError."""
    import json

    if os.getuid() == 0:
        if shutil.which("setpriv") is None or not Path("/usr/bin/python3").exists():
            pytest.skip("needs setpriv and /usr/bin/python3 to become another user")
        user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/python3"]
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        probe = subprocess.run(
            [*user, "-c", "import sys; sys.path.append(sys.argv[1]); import blake3", packages],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if probe.returncode:
            pytest.skip(f"another user cannot import what is installed here: {probe.stderr.strip()[-200:]}")
    else:
        user, packages = [sys.executable], ""
    place = tmp_path / "place"
    place.mkdir()
    for folder in (place, *place.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    if os.getuid() == 0:
        os.chown(place, 65534, 65534)
    paths = [str(Path(pedigree.__file__).parent.parent), os.getcwd(), packages]
    done = subprocess.run(
        [*user, "-c", f"import sys; sys.path[:0] = {paths!r}\n" + PROGRAM, str(place)],
        cwd=place,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert list(said) == list(sandbox.LEVELS)
    for level, found in said.items():
        if isinstance(found, list):
            assert found == ["processed", "1\n", ["big", "d/e/x", "y", "z"], ["lock"]], level
    assert isinstance(said["rewriting"], list)


def test_a_level_that_is_not_there_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: fall through to a weaker level than asked for."""
    from pedigree.errors import InvalidInput, IsolationUnavailable
    from pedigree.pipeline.isolation import bubblewrap

    monkeypatch.setattr(bubblewrap, "program", lambda: None)
    with pytest.raises(IsolationUnavailable, match="bwrap is not installed") as caught:
        sandbox.choose("bubblewrap")
    assert "apt install bubblewrap" in str(caught.value)
    assert sandbox.choose("auto") != "bubblewrap"
    with pytest.raises(InvalidInput, match="chroot"):
        sandbox.choose("chroot")


def test_strict_takes_no_level_that_lets_something_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: let strict mean the best there is."""
    from pedigree.errors import IsolationUnavailable

    monkeypatch.setattr(sandbox, "_probe", lambda level: None if level == "rewriting" else f"no {level} here")
    with pytest.raises(IsolationUnavailable, match="no unshare here"):
        sandbox.choose("strict")
    assert sandbox.choose("auto") == "rewriting"


def test_what_worked_is_remembered_until_the_machine_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: remember for ever."""
    asked: list[str] = []
    monkeypatch.setattr(sandbox, "_probe", lambda level: asked.append(level))
    for _ in range(2):
        assert sandbox.choose("auto", cache=tmp_path) == "bubblewrap"
    assert asked == ["bubblewrap"]
    monkeypatch.setattr(sandbox, "_stamp", lambda: "another kernel")
    sandbox.choose("auto", cache=tmp_path)
    assert asked == ["bubblewrap", "bubblewrap"]


def test_the_sealed_levels_look_alike_to_a_datum(tmp_path: Path) -> None:
    """Break: put the level itself into the identity."""
    assert {sandbox.sight(level) for level in sandbox.SEALED} == {"namespaces"}
    assert len({sandbox.sight(level) for level in sandbox.LEVELS}) == 3
    seen = []
    for level in sandbox.SEALED:
        folder = tmp_path / level
        folder.mkdir()
        bench = Bench(folder, level)
        bench.put({"a": b"1"})
        bench.sh(
            "cd /; ls -R /pfs /code /home /tmp /etc /dev > /pfs/out/files 2>&1; ls / >> /pfs/out/files; env | grep -v -e COMMIT -e PACH -e PPS | sort > /pfs/out/env; id > /pfs/out/id; echo 1 > /proc/sys/kernel/ctrl-alt-del && echo BAD > /pfs/out/bad; cat /proc/self/status | grep -e CapPrm -e CapEff -e CapInh -e CapAmb -e NoNew -e Seccomp > /pfs/out/status"
        )
        seen.append(bench.files)
    assert seen[0] == seen[1]
