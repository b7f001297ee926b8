"""The local executor: order of hand-over, stopping, secrets, and what a killed engine leaves behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pedigree.errors import InvalidInput, IsolationUnavailable, MissingObject
from pedigree.pipeline import process, sandbox, view
from pedigree.pipeline.executors.contract import DatumResult, DatumTask
from pedigree.pipeline.model import PfsInput, Secret
from pedigree.pipeline.sandbox import Launch
from pedigree.pipeline.secrets import SecretNotFound
from tests.pipeline.site_of import Bench, processes

SECRET = "s3cr3t-value-of-the-token"


def _levels() -> list[str]:
    found = []
    for level in sandbox.LEVELS:
        try:
            found.append(sandbox.choose(level))
        except IsolationUnavailable:
            continue
    return list(found)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, sandbox.choose("auto"))


def _datums(bench: Bench, count: int, *cmd: str, **options: object) -> list[DatumTask]:
    bench.put({f"{number:03}": b"%d\n" % number for number in range(count)})
    return bench.tasks(bench.pipeline(*cmd, input=PfsInput("in", "in", glob="/*"), **options))


def _until(condition: object, seconds: float = 60.0) -> None:
    """Wait for something that must happen; the limit only ends a hang."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]  # a callable
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_every_datum_has_one_result_in_the_callers_thread(bench: Bench) -> None:
    """Break: call on_result in the worker."""
    tasks = _datums(bench, 20, "/bin/sh", "-c", "cp /pfs/in/* /pfs/out")
    seen: list[str] = []
    threads = set()

    def take(result: DatumResult) -> None:
        threads.add(threading.get_ident())
        seen.append(result.task.identity)
        assert result.state == "processed"

    bench.executor(workers=4).run(iter(tasks), take)
    assert sorted(seen) == sorted(task.identity for task in tasks)
    assert threads == {threading.get_ident()}
    assert os.listdir(bench.folder / ".pedigree/work") == ["lock"]


def test_tasks_are_taken_only_as_workers_become_free(bench: Bench) -> None:
    """Break: read the whole list of tasks first."""
    tasks = _datums(bench, 6, "/bin/true")
    taken = 0

    def lazily() -> Iterator[DatumTask]:
        nonlocal taken
        for task in tasks:
            taken += 1
            yield task

    def take(_: DatumResult) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.executor(workers=1).run(lazily(), take)
    assert taken < 6


@pytest.mark.parametrize("level", _levels())
def test_an_error_in_the_engine_stops_all_steps_and_is_raised(tmp_path: Path, level: str) -> None:
    """Break: wait for the other steps."""
    bench = Bench(tmp_path, level)
    mark = f"86421.{os.getpid()}"
    tasks = _datums(bench, 2, "/bin/sh", "-c", f"[ -e /pfs/in/000 ] || sleep {mark}")

    def take(_: DatumResult) -> None:
        raise KeyError("disk")

    with pytest.raises(KeyError):
        bench.executor(workers=2).run(tasks, take)
    assert processes(mark) == []


@pytest.mark.parametrize("level", _levels())
def test_stop_kills_every_step_at_once(tmp_path: Path, level: str) -> None:
    """Their datums have no result, and nothing is left. Break: forget steps that start while it stops."""
    bench = Bench(tmp_path, level)
    mark = f"86422.{os.getpid()}"
    tasks = _datums(bench, 8, "/bin/sh", "-c", f"setsid sleep {mark} & sleep {mark}", datum_tries=3)
    executor = bench.executor(workers=3)
    results: list[DatumResult] = []
    runner = threading.Thread(target=lambda: executor.run(tasks, results.append))
    runner.start()
    _until(lambda: len(processes(mark)) >= 6)
    executor.stop()
    runner.join(60)
    assert not runner.is_alive()
    assert results == []
    assert processes(mark) == []
    executor.run(tasks, results.append)
    assert results == []


def steps(mark: str) -> list[int]:
    """Processes that a step itself has started."""
    return [pid for pid in processes(mark) if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")]


ENGINE = """
import sys
from pathlib import Path
from tests.pipeline.site_of import Bench
from pedigree.pipeline.model import PfsInput
bench = Bench(Path(sys.argv[1]), sys.argv[2])
bench.put({"a": b"1", "b": b"2"})
bench.run_all(bench.pipeline("/bin/sh", "-c", f"setsid sleep {sys.argv[3]} & sleep {sys.argv[3]}",
                             input=PfsInput("in", "in", glob="/*")), workers=2)
"""


@pytest.mark.parametrize("delay_ms", [0, 1, 2, 3, 5, 8])
def test_an_engine_killed_while_a_sandbox_starts_leaves_no_step(tmp_path: Path, delay_ms: int) -> None:
    """bwrap alone asks too late to be killed with the engine. Break: start no guardian; then most of these steps stay."""
    mark = f"86424.{os.getpid()}"
    folder = tmp_path / "project"
    folder.mkdir()
    level = sandbox.choose("auto")
    with subprocess.Popen([sys.executable, "-c", ENGINE, str(folder), level, mark], cwd=os.getcwd()) as engine:
        _until(lambda: [pid for pid in processes(mark) if pid != engine.pid])
        time.sleep(delay_ms / 1000)
        engine.send_signal(signal.SIGKILL)
    # Long enough for a step that nobody stops to begin; one that is stopped never does, or is gone by then.
    time.sleep(0.5)
    _until(lambda: not steps(mark), 5.0)


@pytest.mark.parametrize("level", _levels())
def test_a_killed_engine_leaves_no_process_and_the_next_one_clears_its_folder(tmp_path: Path, level: str) -> None:
    """Break: start steps without a parent-death signal; or remove folders without asking for their lock."""
    mark = f"86423.{os.getpid()}"
    folder = tmp_path / "project"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", ENGINE, str(folder), level, mark], cwd=os.getcwd()) as engine:
        # Of each of two steps: sh and two sleeps, beside whatever the sandbox itself consists of.
        _until(lambda: len(steps(mark)) >= 4)
        engine.send_signal(signal.SIGKILL)
    _until(lambda: not processes(mark), 5.0)
    work = folder / ".pedigree/work"
    assert len(os.listdir(work)) == 2
    import pedigree
    from pedigree.pipeline.site import Site

    with pedigree.open(folder) as store, Site(store, level) as first, Site(store, level) as second:
        assert sorted(os.listdir(work)) == sorted(["lock", first.folder.name, second.folder.name])
    assert os.listdir(work) == ["lock"]


def test_a_missing_object_is_the_stores_error_not_the_steps(bench: Bench) -> None:
    """Break: catch every exception as a failed try."""
    tasks = _datums(bench, 2, "/bin/true")
    bench.store.database.execute("DELETE FROM objects WHERE size = 2")
    with pytest.raises(MissingObject):
        bench.executor().run(tasks, lambda _: None)
    assert os.listdir(bench.folder / ".pedigree/work") == ["lock"]


def test_the_executors_children_are_not_adopted_for_ever(bench: Bench) -> None:
    """Break: leave the process a subreaper after the run."""
    import ctypes

    bench.put({"a": b"1"})
    bench.sh("exit 0")
    flag = ctypes.c_int(7)
    ctypes.CDLL(None).prctl(37, ctypes.byref(flag), 0, 0, 0)
    assert flag.value == 0


# ------------------------------------------------------------------------------------------------- secrets


def _secret(bench: Bench, value: str = SECRET, mode: int = 0o600) -> Path:
    path = bench.write(".pedigree/secrets/api/token", value + "\n", mode)
    bench.put({"a": b"1"})
    return path


def test_a_secret_reaches_the_step_as_variable_and_file_and_nothing_else(bench: Bench) -> None:
    """Not its log, no file of the project, no process list. Break: put variables on bwrap's command line, or log as is."""
    _secret(bench)
    secrets = (Secret("api", "token", env_var="TOKEN", mount_path="/run/api"),)
    tasks = bench.tasks(
        bench.pipeline(
            "/bin/sh",
            "-c",
            'echo "got $TOKEN"; test "$TOKEN" = "$(cat /run/api/token)" && echo same; : > /pfs/out/ready;'
            " while [ ! -e /pfs/in/../out/go ]; do sleep 0.01; done; rm /pfs/out/go",
            secrets=secrets,
        )
    )
    results: list[DatumResult] = []
    runner = threading.Thread(target=lambda: bench.executor().run(tasks, results.append))
    runner.start()
    try:
        work = bench.folder / ".pedigree/work"
        _until(lambda: list(work.glob("*/0/pfs/out/ready")) or not runner.is_alive())
        assert processes(SECRET) == []
        _until(lambda: b"same" in _read(tasks[0].log_path))
        found = [
            path
            for path in bench.folder.rglob("*")
            if path.is_file() and "secrets" not in path.parts and SECRET.encode() in path.read_bytes()
        ]
        assert found == []
    finally:
        for ready in work.glob("*/0/pfs/out/ready"):
            (ready.parent / "go").touch()
        runner.join(60)
    assert results[0].state == "processed", results[0].reason
    assert bench.log(results[0]) == "got [secret api/token]\nsame\n"
    assert SECRET not in repr(results[0])


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_link_to_a_secret_cannot_carry_it_into_the_store(bench: Bench) -> None:
    """Break: resolve links by all mounts."""
    _secret(bench)
    result = bench.sh("ln -s /run/api/token /pfs/out/x", secrets=(Secret("api", "token", mount_path="/run/api"),))
    assert result.state == "failed"
    assert bench.files == {}


def test_a_secret_may_come_from_a_variable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: look for files only."""
    bench.put({"a": b"1"})
    monkeypatch.setenv("PEDIGREE_SECRET_MY_API_TOKEN", SECRET)
    bench.sh('printf %s "$TOKEN" | wc -c > /pfs/out/x', secrets=(Secret("my-api", "token", env_var="TOKEN"),))
    assert int(bench.files["x"]) == len(SECRET)


def test_a_missing_secret_says_where_to_put_it(bench: Bench) -> None:
    """Break: run the step without it."""
    bench.put({"a": b"1"})
    with pytest.raises(SecretNotFound, match="api/token") as caught:
        bench.sh("true", secrets=(Secret("api", "token", env_var="TOKEN"),))
    assert ".pedigree/secrets/api/token" in str(caught.value)
    assert "PEDIGREE_SECRET_API_TOKEN" in str(caught.value)


def test_a_secret_that_others_can_read_is_refused(bench: Bench) -> None:
    """Break: do not look at the mode."""
    _secret(bench, mode=0o644)
    with pytest.raises(InvalidInput, match="mode 0644") as caught:
        bench.sh("true", secrets=(Secret("api", "token", env_var="TOKEN"),))
    assert "chmod 600" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.slow
def test_a_step_stopped_at_any_moment_of_its_start_leaves_nothing(tmp_path: Path) -> None:
    """Break: kill the sandbox's first process alone; bwrap's child then waits for ever (seen for 3 of 600 stops)."""
    for name in ("pfs/out", "tmp", "home", "code"):
        (tmp_path / name).mkdir(parents=True)
    mark, chance = f"86423.{os.getpid()}", random.Random(1)
    launch = Launch(("/bin/sh", "-c", f"sleep {mark}"), {}, "/", view.of(tmp_path, tmp_path / "code"))
    isolation = sandbox.get(sandbox.choose("strict"))
    for _ in range(600):
        stop = process.Stop()
        thrower = threading.Timer(chance.random() * 0.012, stop.throw)
        thrower.start()
        process.run(isolation, launch, printed=process.Kept(), stop=stop)
        thrower.join()
    assert processes(mark) == []
