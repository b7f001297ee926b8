"""Running a sweep on this machine, with real processes."""

from __future__ import annotations

import _thread
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pedigree.config import launching
from pedigree.config.launching import Local, Progress, Sweep
from pedigree.errors import Busy, InvalidConfig, StepFailed
from tests.config.launching import jobs
from tests.config.launching.frozen import Frozen


def planned(folder: Path, whats: Sequence[str], *, grace_s: float = 10.0) -> Sweep:
    points = [Frozen([f"what={what}"]) for what in whats]
    return launching.plan(folder / "s", points, launching.function(jobs.do, grace_s=grace_s))


def states(sweep: Sweep) -> list[str]:
    return [job.state for job in launching.open_sweep(sweep.path).jobs.values()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_job_that_fails_in_any_way_harms_no_other(tmp_path: Path) -> None:
    """Break: take a lost supervisor for a success."""
    sweep = planned(tmp_path, ["text", "raise", "exit", "crash", "lose", "fine"])
    report = sweep.run(Local(jobs=3))
    assert [job.state for job in report.jobs] == ["done", "failed", "failed", "failed", "failed", "done"]
    assert report.results == {"0000-what=text": "fine", "0005-what=fine": {"what": "fine"}}
    problems = [failure.job.problem for failure in report.failures]
    assert problems == [
        "It ended with exit code 1.",
        "It ended with exit code 7.",
        "It ended with signal 9 (SIGKILL).",
        "Its supervisor was lost: signal 9 (SIGKILL).",
    ]
    assert [failure.job.exit_code for failure in report.failures] == [1, 7, 137, None]
    assert report.failures[0].tail.startswith("doing raise\nTraceback")
    assert report.failures[0].tail.endswith("ValueError: the data is bad")
    with pytest.raises(StepFailed) as caught:
        report.check()
    message = "4 of 6 jobs failed: 0001-what=raise, and 3 more. It ended with exit code 1.\n  doing raise"
    assert str(caught.value).startswith(message)
    assert f"The whole log is {sweep.path}/jobs/0001-what=raise/log-1.txt" in str(caught.value)
    assert launching.open_sweep(sweep.path).jobs == sweep.jobs


def test_a_command_gets_its_frozen_file_as_argument_and_variable(tmp_path: Path) -> None:
    """Break: put the path of the folder for {config}."""
    code = "import os, sys; print(sys.argv[1] == os.environ['PEDIGREE_CONFIG'], sys.argv[2], os.getcwd())"
    command = launching.command([sys.executable, "-c", code, "{config}", "--at={job}"], directory=tmp_path)
    sweep = launching.plan(tmp_path / "s", [Frozen(["x=1"])], command)
    report = sweep.run(Local())
    folder = sweep.folder("0000")
    assert report.complete
    assert folder.tail("log-1.txt") == f"True --at={folder.path} {tmp_path}"


def test_edits_of_the_configuration_directory_change_nothing_while_it_runs(tmp_path: Path) -> None:
    """Break: have the job read the directory, not the file that it is handed."""
    conf = tmp_path / "conf.yaml"
    conf.write_text("x: 3")

    def composed(override: str) -> Frozen:
        return Frozen([conf.read_text().replace(": ", "="), override])

    points = [composed(f"opt={name}") for name in "abc"]
    sweep = launching.plan(tmp_path / "s", points, launching.function(jobs.square))

    def edit(_: Progress) -> None:
        conf.write_text("x: 100")

    assert list(sweep.run(Local(), progress=edit).results.values()) == [9.0, 9.0, 9.0]


def test_a_frozen_file_that_was_changed_starts_nothing(tmp_path: Path) -> None:
    """Break: verify nothing before the start."""
    sweep = planned(tmp_path, ["a", "b"])
    path = Path(sweep.folder("0001-what=b").config)
    frozen = path.read_text()
    path.write_text(frozen.replace('"b"', '"c"'))
    with pytest.raises(
        InvalidConfig, match=r"The frozen file .*0001-what=b/config.json was changed since it was planned"
    ):
        sweep.run(Local())
    assert states(sweep) == ["pending", "pending"]
    path.write_text(frozen)
    assert sweep.run(Local()).complete


def test_a_frozen_file_changed_while_the_sweep_runs_fails_its_job(tmp_path: Path) -> None:
    """Break: verify only before the start."""
    sweep = planned(tmp_path, ["a", "b"])

    def change(_: Progress) -> None:
        Path(sweep.folder("0001-what=b").config).write_text("{}")

    report = sweep.run(Local(), progress=change)
    assert [job.state for job in report.jobs] == ["done", "failed"]
    assert "is not the one that was frozen" in report.failures[0].job.problem


def test_resuming_runs_what_is_not_done_and_failed_ones_when_asked(tmp_path: Path) -> None:
    """Break: run everything again; run failed jobs without being asked."""
    points = [Frozen([f"x={x}"]) for x in range(2)]
    sweep = launching.plan(tmp_path / "s", points, launching.function(jobs.mended))
    assert not sweep.run(Local(jobs=2)).complete
    (tmp_path / "mended").touch()
    assert [job.attempt for job in launching.open_sweep(sweep.path).run(Local()).jobs] == [1, 1]
    report = launching.open_sweep(sweep.path).run(Local(), failed=True)
    assert report.complete
    assert [job.attempt for job in report.jobs] == [2, 2]
    again = launching.open_sweep(sweep.path).run(Local(), failed=True)
    assert again == report


def test_fail_fast_stops_those_under_way_and_starts_no_more(tmp_path: Path) -> None:
    """Break: only stop starting: the sleeping job would go on for a minute."""
    sweep = planned(tmp_path, ["sleep", "raise", "a"])
    began = time.monotonic()
    report = sweep.run(Local(jobs=2), fail_fast=True)
    assert time.monotonic() - began < 30
    assert [job.state for job in report.jobs] == ["stopped", "failed", "pending"]
    assert states(sweep) == ["stopped", "failed", "pending"]


def test_ctrl_c_ends_the_jobs_with_all_that_they_started(tmp_path: Path) -> None:
    """Break: signal the job alone, not its group."""
    sweep = planned(tmp_path, ["deaf", "sleep", "a"], grace_s=0.5)
    result = Path(sweep.folder("0000-what=deaf").file("result.json"))

    def interrupt() -> None:
        while not result.exists():
            time.sleep(0.02)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        sweep.run(Local(jobs=2))
    thread.join()
    assert states(sweep) == ["stopped", "stopped", "pending"]
    pids = json.loads(result.read_text())["result"]["pids"]
    deadline = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, pids))


def test_progress_is_told_of_each_start_and_end(tmp_path: Path) -> None:
    """Break: count before the job changes its state."""
    texts: list[str] = []
    planned(tmp_path, ["a", "exit"]).run(Local(), progress=lambda told: texts.append(told.text))
    assert texts == [
        "1 running, 1 pending: 0000-what=a running",
        "1 done, 1 pending: 0000-what=a done",
        "1 done, 1 running: 0001-what=exit running",
        "1 done, 1 failed: 0001-what=exit failed",
    ]


def test_two_cannot_run_one_sweep(tmp_path: Path) -> None:
    """Break: take no lock."""
    sweep = planned(tmp_path, ["a"])
    with sweep.alone(), pytest.raises(Busy, match="Another process runs the sweep"):
        launching.open_sweep(sweep.path).run(Local())


def test_jobs_of_a_process_with_a_rank_are_worlds_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: hand the variables of the launcher on: rank 1 reports nothing."""
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    sweep = launching.plan(tmp_path / "s", [Frozen(["x=1"]), Frozen(["x=2"])], launching.function(jobs.told))
    results = list(sweep.run(Local(jobs=2, devices=["3", "5"])).results.values())
    assert [(one["rank"], one["world"], one["launcher"], one["config"]) for one in results] == [
        (0, 1, "single", True)
    ] * 2
    assert {one["device"] for one in results} == {"3", "5"}


def test_a_script_may_sweep_a_function_of_its_own(tmp_path: Path) -> None:
    """Break: look for `__main__` in the other process: that is the worker."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from pedigree.config import launching\n"
        "import beside\n"
        "class Point:\n"
        "    digest, overrides = 'd', ['x=1']\n"
        "    def write(self, path): Path(path).write_text('{}')\n"
        "def job(path): return beside.VALUE\n"
        "if __name__ == '__main__':\n"
        "    sweep = launching.plan('s', [Point()], launching.function(job))\n"
        "    print(sweep.run(launching.Local()).check().results)\n"
    )
    (tmp_path / "beside.py").write_text("VALUE = 42\n")
    assert shutil.which("env")
    import subprocess

    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{'0000': 42}\n", "")


def test_results_are_plain_and_bounded_and_rank_0_writes(tmp_path: Path) -> None:
    """Break: let every rank write; write nan as JSON cannot."""
    import numpy as np

    job = {"PEDIGREE_JOB": str(tmp_path)}
    assert launching.report({"loss": np.float32(0.5), "bad": float("nan"), "n": [np.int64(3)]}, job)
    assert json.loads((tmp_path / "result.json").read_text()) == {"result": {"loss": 0.5, "bad": "nan", "n": [3]}}
    other = {**job, "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    assert not launching.report(1, other)
    assert not launching.report(1, {})
    assert json.loads((tmp_path / "result.json").read_text())["result"]["loss"] == 0.5
    with pytest.raises(InvalidConfig, match=r"A set cannot be reported \(the result, 'a'\)."):
        launching.report({"a": {1}}, job)
    with pytest.raises(InvalidConfig, match="has 2000002 bytes; at most 1000000"):
        launching.report("x" * 2_000_000, job)


@pytest.mark.slow
def test_ranks_of_one_job_end_together(tmp_path: Path) -> None:
    """Break: wait for the other ranks when one failed: they would hang for a minute in their barrier."""
    work = launching.function(jobs.last_rank_fails, ranks=3)
    sweep = launching.plan(tmp_path / "s", [Frozen(["x=1"])], work)
    began = time.monotonic()
    [failure] = sweep.run(Local()).failures
    assert time.monotonic() - began < 30
    assert failure.job.problem == "Rank 2 of 3 ended with exit code 1."
    assert failure.tail.endswith("ValueError: rank gone wrong")
    assert os.path.basename(failure.log) == "log-1-rank2.txt"
    folder = Path(sweep.folder("0000").path)
    assert [alive(int((folder / f"pid{rank}").read_text())) for rank in range(3)] == [False] * 3


@pytest.mark.slow
def test_ranks_reduce_with_torch_and_read_the_same_frozen_file(tmp_path: Path) -> None:
    """Break: give each rank a port of its own: they wait for each other until it times out."""
    points = [Frozen([f"x={x}"]) for x in (7, 8)]
    sweep = launching.plan(tmp_path / "s", points, launching.function(jobs.all_reduce, ranks=3))
    report = sweep.run(Local(jobs=2)).check()
    assert list(report.results.values()) == [[6.0, 7.0], [6.0, 8.0]]
    assert sweep.folder("0000-x=7").tail("log-1-rank2.txt").endswith("rank 2 of 3, local 2, 7")
