"""A sweep that is killed at any moment goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pedigree.config import launching
from pedigree.config.launching.driving import drive
from tests.config.launching import jobs
from tests.config.launching.frozen import Frozen

ROOT = Path(__file__).parents[3]
NIGHTLY = bool(os.environ.get("PEDIGREE_NIGHTLY"))
DRIVER = """
import sys
from pedigree.config import launching
print("ready", flush=True)
launching.open_sweep(sys.argv[1]).run(launching.Local(jobs=3))
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(folder)], env=environment, stdout=subprocess.PIPE)


def essence(folder: Path) -> list[Any]:
    """The manifest without times, attempts and places."""
    found = json.loads((folder / "sweep.json").read_text())["jobs"]
    left_out = {"attempt", "started", "ended", "seconds", "host", "log"}
    return [{key: value for key, value in job.items() if key not in left_out} for job in found]


def processes_of(folder: Path) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in text:
            found.append(text)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", [random.randrange(10**6)] if NIGHTLY else [1, 2])
def test_a_sweep_killed_at_random_moments_ends_as_one_that_was_not(seed: int, tmp_path: Path) -> None:
    """Break: write the manifest in place; let jobs live on when their sweep is killed."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    points = [Frozen([f"x={x}"]) for x in range(10)]
    for name in ("straight", "killed"):
        launching.plan(tmp_path / name, points, launching.function(jobs.counted))
    begun = time.monotonic()
    launching.open_sweep(tmp_path / "straight").run(launching.Local(jobs=3))
    whole = time.monotonic() - begun
    folder = tmp_path / "killed"
    kills = 0
    for attempt in range(40):
        # On a fast machine too the first four come before all is done.
        latest = whole * 0.2 if attempt < 4 else max(0.9, whole)
        driver = start(folder)
        assert driver.stdout is not None
        driver.stdout.readline()
        try:
            driver.wait(rng.uniform(0.02, latest))
        except subprocess.TimeoutExpired:
            driver.send_signal(signal.SIGKILL)
            kills += 1
        driver.wait()
        driver.stdout.close()
        json.loads((folder / "sweep.json").read_text())  # whole at any time
        if driver.returncode == 0:
            break
    launching.open_sweep(folder).run(launching.Local(jobs=3))
    assert kills >= 2, "the driver was hardly killed"
    assert essence(folder) == essence(tmp_path / "straight")
    again = 0
    for job in launching.open_sweep(folder).jobs.values():
        place = launching.open_sweep(folder).folder(job.name)
        trace = Path(place.file("trace")).read_text().split()
        starts, ends = trace.count("start"), trace.count("end")
        assert trace[-1] == "end"
        assert ends - 1 <= starts - 1 <= job.attempt - 1 == place.attempts() - 1  # run again only as a new attempt
        again += job.attempt > 1
    assert again > 0, "no job was cut"
    assert processes_of(folder) == []


@pytest.mark.slow
def test_the_jobs_of_a_killed_sweep_end_with_it(tmp_path: Path) -> None:
    """Break: start the supervisor without asking the kernel: it sleeps on with its job."""
    folder = tmp_path / "s"
    sweep = launching.plan(folder, [Frozen(["what=sleep"])], launching.function(jobs.do))
    driver = start(folder)
    log = Path(sweep.folder("0000").file("log-1.txt"))
    while not (log.exists() and log.read_text()):
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert driver.stdout is not None
    driver.stdout.close()
    deadline = time.monotonic() + 10
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(folder) == []
    [job] = launching.open_sweep(folder).jobs.values()
    assert (job.state, job.attempt) == ("stopped", 1)


@pytest.mark.slow
def test_a_job_that_outlived_its_sweep_is_waited_for_and_not_run_twice(tmp_path: Path) -> None:
    """Break: run without the lock of the job's folder; run although an outcome came while waiting for it."""
    sweep = launching.plan(tmp_path / "s", [Frozen(["x=5"])], launching.function(jobs.counted))
    [name] = sweep.jobs
    launcher = launching.Local()
    order = sweep.order(name, launcher)
    from pedigree.config.launching.local import start_supervisor

    orphan = start_supervisor(order)  # with no parent to end with: as in the queue of a cluster
    while not Path(sweep.folder(name).file("trace")).exists():
        time.sleep(0.01)
    outcomes = []
    orders = iter([order])
    assert drive(launcher, lambda: next(orders, None), lambda _, outcome: not outcomes.append(outcome))  # type: ignore[func-returns-value]
    orphan.communicate()
    assert [(one.state, one.attempt) for one in outcomes] == [("done", 1)]
    assert Path(sweep.folder(name).file("trace")).read_text().split() == ["start", "end"]


@pytest.mark.slow
def test_a_supervisor_that_is_killed_takes_its_job_along(tmp_path: Path) -> None:
    """Break: leave the kernel unasked for the command: a resumed sweep runs it beside itself."""
    sweep = launching.plan(tmp_path / "s", [Frozen(["what=lose"])], launching.function(jobs.do))
    assert sweep.run(launching.Local()).failures[0].job.problem == "Its supervisor was lost: signal 9 (SIGKILL)."
    deadline = time.monotonic() + 5
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_of(tmp_path) == []
