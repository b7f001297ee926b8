"""Environments made again by the real pip from wheels on disk: what comes out the same, and what is said where it does not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pedigree
from pedigree.cli.main import main
from pedigree.errors import EnvironmentUnavailable
from pedigree.pipeline import circumstances, environment, interpreter, view
from pedigree.pipeline.environments import kept, recreating
from pedigree.pipeline.environments.lock import lock
from pedigree.pipeline.environments.recreating import recreate
from pedigree.pipeline.events import Preparing
from pedigree.pipeline.isolation import bubblewrap
from pedigree.pipeline.verifying import verify
from pedigree.pipeline.verifying.verdict import DIFFERENT, IDENTICAL, Verdict
from tests.pipeline.environments import wheels
from tests.pipeline.project import Project

pytestmark = pytest.mark.slow  # pip takes half a second each time

SPEC = """
pipeline: {name: version}
input: {pfs: {repo: in, glob: /*}}
transform: {cmd: [python3, -c, 'import thing; open("/pfs/out/v", "w").write(thing.version)']}
seed: 1
"""


class Bench(Project):
    """A project whose steps run in a small environment, with thing 1.0 and other 1.0; `links` is the index."""

    def __init__(self, folder: Path, python: interpreter.Interpreter, links: Path) -> None:
        super().__init__(folder)
        self.python = python
        self.links = links

    def offer(self, name: str, version: str, text: str | None = None, **more: str) -> Path:
        return wheels.wheel(self.links, name, version, {f"{name}.py": text or f"version = {version!r}\n"}, **more)

    def install(self, *requirements: str) -> None:
        for text in requirements:
            wheels.put(self.python, self.links / f"{text.replace('==', '-')}-py3-none-any.whl")

    @property
    def fingerprint(self) -> str:
        return str(self.store.resolve("version@master").commit.made_by["environment"])

    @property
    def folder_of(self) -> Path:
        return kept.folder_of(self.store, self.fingerprint)

    def verify(self, *, again: bool = True) -> Verdict:
        return verify(self.store, "version@master", recreate_environment=again)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    python = wheels.environment(tmp_path / "today")
    caches = (view.system, view.interpreter, view._homes, view.extra_paths, bubblewrap._system)
    with monkeypatch.context() as patch:
        patch.setattr(interpreter, "running", lambda: python)
        for cache in caches:
            cache.cache_clear()
        bench = Bench(tmp_path / "project", python, tmp_path / "links")
        for name in ("thing", "other"):
            bench.offer(name, "1.0")
        bench.install("thing==1.0", "other==1.0")
        bench.put("in", {"a": "x"})
        bench.apply(SPEC)
        assert bench.run().ok
        yield bench
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def upgraded(bench: Bench) -> Bench:
    bench.offer("thing", "2.0")
    bench.install("thing==2.0")
    return bench


def said(verdict: Verdict) -> list[str]:
    return [item.text for item in verdict.environment if item.kind == "environment"]


def test_a_changed_version_is_named_and_in_the_recorded_environment_the_result_is_the_same(upgraded: Bench) -> None:
    """Break: run the steps with the present interpreter; or install without a version."""
    now = upgraded.verify(again=False)
    assert (now.state, said(now)) == (DIFFERENT, ["package thing: 1.0 when it was made, 2.0 now"])
    assert "--recreate-environment" in now.notes[-1]
    then = upgraded.verify()
    assert (then.state, said(then), then.recreated) == (IDENTICAL, [], True)
    assert then.present_environment == upgraded.fingerprint
    made = kept.read(upgraded.folder_of)
    assert made is not None
    assert (made.copied, made.installed) == (("other",), ("thing",))
    assert "recreated, the same as recorded" in then.to_text()


def test_it_is_made_once_and_anew_after_an_edit_in_it(upgraded: Bench) -> None:
    """Break: believe what made.json says, without a look at the files."""
    first = recreate(upgraded.store, upgraded.fingerprint)
    told: list[object] = []
    again = recreate(upgraded.store, upgraded.fingerprint, on_event=told.append)
    assert again == first
    assert [event.text.partition(": ")[2] for event in told if isinstance(event, Preparing)] == [
        "made before, looking whether it is whole"
    ]
    (Path(first.python.sites[0]) / "thing.py").write_text("version = '9.9'\n")
    told.clear()
    healed = recreate(upgraded.store, upgraded.fingerprint, on_event=told.append)
    assert healed == first
    assert [event.text for event in told if isinstance(event, Preparing) and "changed since" in event.text]


def test_what_no_index_has_is_named_each_and_nothing_stays(bench: Bench) -> None:
    """Break: give up at the first; leave the folder."""
    for name in ("thing", "other"):
        bench.offer(name, "2.0")
        bench.install(f"{name}==2.0")
        (bench.links / f"{name}-1.0-py3-none-any.whl").unlink()
    with pytest.raises(EnvironmentUnavailable) as caught:
        bench.verify()
    for name in ("thing", "other"):
        assert f"{name} 1.0 (wheels that fit are there of 2.0)" in caught.value.message
    assert "2 of the 2 recorded distributions" in caught.value.message
    assert "PIP_FIND_LINKS" in str(caught.value.remedy)
    assert kept.every(bench.store) == []
    assert "verdicts" not in bench.store.records.keys("verdict")
    bench.offer("thing", "1.0")
    bench.offer("other", "1.0")
    assert bench.verify().ok


def test_where_a_local_version_and_one_from_outside_came_from_is_said(bench: Bench, tmp_path: Path) -> None:
    """A password in an address is not recorded. Break: keep direct_url.json's url as it is."""
    bench.offer("thing", "1.1+cpu")
    mine = wheels.wheel(tmp_path / "mine", "other", "3.0", {"other.py": "version = 3\n"})
    bench.install("thing==1.1+cpu")
    wheels.pip(bench.python, "install", "--no-deps", str(mine))
    direct = Path(bench.python.sites[0]) / "other-3.0.dist-info/direct_url.json"
    direct.write_text(direct.read_text().replace("file://", "https://me:secret@example.org"))
    bench.run()
    record = bench.store.records.get(circumstances.ENVIRONMENT, bench.fingerprint)
    assert record is not None
    assert "secret" not in str(record)
    assert record["sources"]["other"]["url"].startswith("https://example.org/")
    (bench.links / "thing-1.1+cpu-py3-none-any.whl").unlink()
    bench.install("thing==1.0", "other==1.0")
    with pytest.raises(EnvironmentUnavailable) as caught:
        bench.verify()
    assert "thing 1.1+cpu (a local version" in caught.value.message
    assert "other 3.0 (it was installed from https://example.org/" in caught.value.message


@pytest.mark.parametrize("lie", [False, True])
def test_another_build_of_the_same_version_is_not_passed_off_as_the_same(upgraded: Bench, lie: bool) -> None:
    """The index has thing 1.0 with other bytes; with `lie` its RECORD gives the digests of the recorded ones.

    Break: compare versions only; believe RECORD.
    """
    was = "version = '1.0'\n"
    upgraded.offer("thing", "1.0", "version = '1.O'\n", **({"claims": was} if lie else {}))
    verdict = upgraded.verify()
    assert (verdict.state, verdict.recreated, len(said(verdict))) == (DIFFERENT, True, 1)
    assert said(verdict)[0].startswith("package thing: 1.0 (files ")
    assert "recreated; 1 fact of it still differs" in verdict.to_text()
    assert not lock(upgraded.store, upgraded.fingerprint).distributions[1].sha256


def test_what_a_killed_process_left_is_made_anew(upgraded: Bench) -> None:
    """Break: take the folder for the environment."""
    fingerprint = upgraded.fingerprint
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), pedigree.open(upgraded.folder) as store:
            recreate(store, fingerprint, on_event=lambda event: _die(event))
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert [made for _, made in kept.every(upgraded.store)] == [None]
    assert upgraded.verify().ok
    assert upgraded.verify().present_environment == fingerprint


def _die(event: object) -> None:
    if isinstance(event, Preparing) and "to install" in event.text:
        os.kill(os.getpid(), signal.SIGKILL)


def test_two_at_once_make_it_once(upgraded: Bench) -> None:
    """Break: no lock."""
    told: list[object] = []
    found: list[recreating.Recreated] = []

    def work() -> None:
        with pedigree.open(upgraded.folder) as store:
            found.append(recreate(store, upgraded.fingerprint, on_event=told.append))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert sum("making it" in event.text for event in told if isinstance(event, Preparing)) == 1


def test_the_pip_of_a_killed_process_is_waited_for(tmp_path: Path) -> None:
    """Break: lock with lockf, which belongs to the process."""
    store = pedigree.init(tmp_path)
    with kept.alone(store, "f" * 64) as held:
        orphan = subprocess.Popen(["sleep", "1"], pass_fds=(held,))
        began = time.monotonic()
    with kept.alone(store, "f" * 64):
        assert time.monotonic() - began > 0.8
    orphan.wait()


def test_a_python_that_is_not_here_is_named_with_how_to_get_it(bench: Bench) -> None:
    """Break: take any Python of the same minor release."""
    record = bench.store.records.get(circumstances.ENVIRONMENT, bench.fingerprint)
    assert record is not None
    record["facts"]["python"]["version"] = "3.11.99 (main) [GCC]"
    bench.store.records.put(circumstances.ENVIRONMENT, "f" * 64, record)
    with pytest.raises(
        EnvironmentUnavailable, match=r"has Python 3\.11\.99, which is not installed here; found: 3"
    ) as no:
        recreate(bench.store, "f" * 64)
    assert "`uv python install 3.11.99` or `pyenv install 3.11.99`" in str(no.value.remedy)
    assert kept.every(bench.store) == []


def test_files_of_nobody_are_taken_over_and_missed_where_they_are_gone(upgraded: Bench) -> None:
    """Break: leave loose files out of the copy."""
    site = Path(upgraded.python.sites[0])
    (site / "plain.py").write_text("x = 1\n")
    (site / "folder").mkdir()
    (site / "folder/more.py").write_text("y = 1\n")
    upgraded.run()
    upgraded.install("thing==1.0")
    assert (upgraded.verify().state, said(upgraded.verify())) == (IDENTICAL, [])
    kept.remove(upgraded.folder_of)
    shutil.rmtree(site / "folder")
    assert [text.partition(": (files")[0] for text in said(upgraded.verify())] == ["site-packages/folder"]


def test_scripts_of_the_environment_start_its_own_python(upgraded: Bench) -> None:
    """Break: copy a script with its first line as it was."""
    script = Path(upgraded.python.prefix) / "bin/other"
    script.write_text(f"#!{upgraded.python.prefix}/bin/python\nimport sys; print(sys.prefix)\n")
    script.chmod(0o755)
    with (Path(upgraded.python.sites[0]) / "other-1.0.dist-info/RECORD").open("a") as file:
        file.write("../../../bin/other,,\n")
    made = recreate(upgraded.store, upgraded.fingerprint)
    ran = subprocess.run([f"{made.python.prefix}/bin/other"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == made.python.prefix == str(upgraded.folder_of)


def test_a_lock_whose_wheels_are_all_known_has_hashes_and_installs_the_recorded_environment(
    upgraded: Bench, tmp_path: Path
) -> None:
    """Break: print the digest of the files as that of the wheel."""
    assert not lock(upgraded.store, upgraded.fingerprint).hashed
    upgraded.offer("other", "2.0")
    upgraded.install("other==2.0")
    recreate(upgraded.store, upgraded.fingerprint)
    found = lock(upgraded.store, upgraded.fingerprint)
    assert found.hashed
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(found.to_text())
    python = wheels.environment(tmp_path / "third")
    wheels.pip(python, "install", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(requirements))
    assert environment.capture(python=python).fingerprint == upgraded.fingerprint


def test_at_the_command_line(
    upgraded: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdict and --json field, lock, list, delete; exit codes. Break: leave the option out of the call."""
    monkeypatch.chdir(upgraded.folder)

    def run(*words: str, code: int = 0) -> str:
        assert main(words) == code
        return capsys.readouterr().out

    assert "package thing: 1.0 when it was made, 2.0 now" in run("verify", "-q", "version@master", code=1)
    found = json.loads(run("verify", "--json", "--recreate-environment", "version@master"))
    assert (found["overall"], found["recreated"], found["present_environment"]) == (
        "identical",
        True,
        upgraded.fingerprint,
    )
    assert "in its environment, recreated; pedigree" in run("inspect", "version@master")
    assert run("environment", "list").splitlines()[1].split()[:3] == [upgraded.fingerprint[:12], "as", "recorded"]
    text = run("environment", "lock", "version@master")
    assert "other==1.0\nthing==1.0  # sha256:" in text
    assert [
        one["name"] for one in json.loads(run("environment", "lock", "--json", "version@master"))["distributions"]
    ] == [
        "other",
        "thing",
    ]
    assert run("__complete", "environment", "delete", "") == f"{upgraded.fingerprint[:12]}\n"
    run("environment", "lock", "in@master", code=2)
    run("environment", "delete", code=2)
    run("environment", "delete", "0000", code=3)
    run("environment", "delete", upgraded.fingerprint)
    assert not upgraded.folder_of.exists()
    assert json.loads(run("environment", "list", "--json") or "[]") == []
    (upgraded.links / "thing-1.0-py3-none-any.whl").unlink()
    run("verify", "-q", "--recreate-environment", "version@master", code=7)
