"""Scripts with @config.main, run as people run them: processes, words, files, exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pedigree.config.frozen import read

SCRIPT = '''
"""Fits something."""
import json, os, sys
from pedigree import config


class Model(config.Config):
    width: int


class Training(config.Config):
    model: Model
    lr: float
    steps: int = 10


@config.main(Training)
def train(settings: Training):
    """Trains a little."""
    print("trained", settings.model.width, settings.lr, settings.steps)
    if settings.lr > 5:
        raise SystemExit("diverged")
    return settings.lr * settings.model.width


if __name__ == "__main__":
    train()
'''
FILES = {
    "conf/config.yaml": "defaults: [{model: small}, _self_]\nlr: 0.1\n",
    "conf/model/small.yaml": "width: 8\n",
    "conf/model/big.yaml": "width: 80\n",
    "train.py": SCRIPT,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PEDIGREE_")}
    return subprocess.run(
        [sys.executable, "train.py", *words],
        cwd=project,
        capture_output=True,
        text=True,
        env={**environment, **variables},
        check=False,
    )


def test_a_run_gets_its_model_and_leaves_its_frozen_configuration(project: Path) -> None:
    """Break: call the function before the file is written, and a run that dies leaves no record."""
    ran = run(project, "lr=9", "model=big")
    assert ran.stdout == "trained 80 9.0 10\n"
    assert (ran.returncode, ran.stderr.strip()) == (1, "diverged")
    (file,) = project.glob("outputs/*/*/config.json")
    frozen = read(file)
    assert frozen.as_dict() == {"model": {"width": 80}, "lr": 9.0, "steps": 10}
    assert frozen.overrides == ("lr=9", "model=big")
    assert frozen.model == "train:Training"


def test_a_frozen_run_runs_again_whatever_became_of_the_files(project: Path) -> None:
    """Break: compose in `_run` although --from is given."""
    run(project, "lr=2", "--run-dir", "first")
    (project / "conf/model/small.yaml").write_text("width: 9999\n")
    again = run(project, "--from", "first/config.json")
    assert again.stdout == "trained 8 2.0 10\n"
    refused = run(project, "--from", "first/config.json", "lr=3")
    assert refused.returncode == 2
    assert "first/config.json, which is frozen, and overrides were given beside it: lr=3" in refused.stderr


def test_a_folder_that_holds_another_run_is_not_written_over(project: Path) -> None:
    """The same run may come again. Break: leave `_refuse_other` out."""
    run(project, "--run-dir", "one", "lr=1")
    other = run(project, "--run-dir", "one", "lr=2")
    assert (other.returncode, other.stdout) == (2, "")
    assert "one/config.json is the frozen configuration of another run" in other.stderr
    assert read(project / "one/config.json").as_dict()["lr"] == 1.0
    assert run(project, "--run-dir", "one", "lr=1").returncode == 0


def test_only_the_first_rank_writes_and_its_children_read_what_it_wrote(project: Path) -> None:
    """Break: leave the check of DistEnv out, and each rank makes a folder of its own."""
    ran = run(project, RANK="1", WORLD_SIZE="2", LOCAL_RANK="1", MASTER_ADDR="localhost", MASTER_PORT="1234")
    assert ran.stdout == "trained 8 0.1 10\n"
    assert not (project / "outputs").exists()
    child = project / "child.py"
    child.write_text(SCRIPT.replace('print("trained"', 'print("child", os.environ["PEDIGREE_CONFIG"] != ""'))
    parent = SCRIPT.replace(
        "    return settings.lr",
        "    import subprocess; subprocess.run([sys.executable, 'child.py', *sys.argv[1:]], check=True)\n"
        "    return settings.lr",
    )
    (project / "train.py").write_text(parent.replace('print("trained"', 'print("parent", flush=True); print("trained"'))
    ran = run(project, "lr=1")
    assert ran.returncode == 0, ran.stderr
    assert "child True 8 1.0 10" in ran.stdout
    assert len(list(project.glob("outputs/*/*/config.json"))) == 1


def test_words_may_come_in_any_order(project: Path) -> None:
    """Hydra 1.3 refuses flags between overrides. Break: stop reading options at the first override."""
    ran = run(project, "lr=1", "--no-run-dir", "model=big")
    assert ran.stdout == "trained 80 1.0 10\n"
    assert not (project / "outputs").exists()


def test_overrides_come_from_files_and_the_environment_too_the_typed_ones_last(project: Path) -> None:
    """Break: put the file's overrides after those typed."""
    (project / "more.txt").write_text("# a comment\nlr=1\n\nmodel=big\n")
    ran = run(project, "--overrides", "more.txt", "--no-run-dir", "lr=4", PEDIGREE_OVERRIDES="lr=2\n+steps=7")
    assert ran.stdout == "trained 80 4.0 7\n"
    missing = run(project, "--overrides", "none.txt")
    assert "The file of overrides none.txt cannot be read: No such file or directory." in missing.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lrr=1"], "train.py: the override lrr=1: there is no key 'lrr' at the top.\nDid you mean 'lr'?"),
        (["model=hug"], "train.py: the override model=hug: there is no option 'hug' of the group 'model' in conf.\n"),
        (["--multirunn"], "train.py: There is no option --multirunn.\nDid you mean '--multirun'?"),
        (["--why"], "train.py: --why needs a value.\n"),
        (["--jobs", "no", "-m"], "--jobs takes a whole number from 1, got 'no'.\n"),
        (["lr=fast"], "lr: expected a number, got the text 'fast'\n    the override lr=fast"),
        (["lr=1,2"], "lr=1,2 asks for several values, and one run is asked for.\nAdd --multirun"),
        (["--config-path", "konf"], "There is no folder konf to compose from.\nDid you mean 'conf'?"),
        (["--print", "xml"], "--print prints one of yaml, json, frozen, defaults, and 'xml' is none."),
        (["model={width"], "this `{` is never closed"),
    ],
)
def test_what_is_wrong_is_told_in_two_lines_and_nothing_is_written(project: Path, words: list[str], said: str) -> None:
    """No traceback, exit code 2. Break: catch InvalidConfig alone in `program.run`."""
    ran = run(project, *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    assert not (project / "outputs").exists()


def test_it_prints_instead_of_running(project: Path) -> None:
    """Break: run the function after printing."""
    assert run(project, "--print", "lr=3").stdout == "model:\n  width: 8\nlr: 3.0\nsteps: 10\n"
    assert json.loads(run(project, "--print", "json").stdout)["model"] == {"width": 8}
    assert run(project, "--cfg", "job").stdout == run(project, "--print", "yaml").stdout
    assert run(project, "--print", "defaults", "model=big").stdout == "conf/model/big.yaml\nconf/config.yaml\n"
    why = run(project, "--why", "lr", "lr=3").stdout
    assert why.startswith("lr = 3.0\n  set by the override lr=3\n  instead of what is at conf/config.yaml:2:5\n")
    assert "the default of Training.steps" in run(project, "--why", "steps").stdout
    help_text = run(project, "--help").stdout
    assert "Trains a little." in help_text
    assert "model=small  of big, small" in help_text


def test_a_sweep_is_frozen_whole_and_its_jobs_read_their_own_files(project: Path) -> None:
    """Files that change while it runs change nothing. Break: give the jobs overrides instead of PEDIGREE_CONFIG."""
    spoils = SCRIPT.replace('print("trained"', 'open("conf/model/big.yaml", "w").write("width: 1\\n"); print("trained"')
    (project / "train.py").write_text(spoils)
    ran = run(project, "-m", "model=small,big", "lr=1,2", "--json", "--run-dir", "sweep")
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)
    assert [row["result"] for row in rows] == [8.0, 16.0, 80.0, 160.0]
    assert [row["overrides"] for row in rows][3] == ["model=big", "lr=2"]
    assert "4 done" in ran.stderr


def test_progress_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a job's name is. Break: cut at 100 characters, whatever the width."""
    from collections import Counter

    from pedigree.config.entry.sweeping import Bar
    from pedigree.config.launching import Job, Progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "40")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    job = Job("0001-" + "model.width=1024," * 8, "d", "f", (), state="running")
    Bar(9)(Progress(job, Counter(done=3, running=1, pending=5)))
    written = screen.getvalue()
    assert written.startswith("\r\x1b[K━━━━")
    assert len(written.removeprefix("\r\x1b[K")) == 39


def test_no_job_starts_while_a_point_is_wrong(project: Path) -> None:
    """Break: freeze each point when its job starts."""
    ran = run(project, "-m", "lr=1,slow,3", "--run-dir", "sweep")
    assert ran.returncode == 2
    assert "1 of 3 points of the sweep are wrong; none was started." in ran.stderr
    assert "lr=slow" in ran.stderr
    assert not (project / "sweep").exists()


def test_a_sweep_with_failures_says_so_and_goes_on(project: Path) -> None:
    """Break: give exit code 0 when a job failed."""
    ran = run(project, "-m", "lr=1,9", "--run-dir", "sweep")
    assert ran.returncode == 1
    assert "diverged" in ran.stderr
    assert "--resume sweep --retry-failed" in ran.stderr
    (project / "train.py").write_text(SCRIPT.replace("> 5", "> 50"))
    again = run(project, "--resume", "sweep", "--retry-failed", "--json")
    assert again.returncode == 0, again.stderr
    assert [row["state"] for row in json.loads(again.stdout)] == ["done", "done"]
    nothing = run(project, "--resume", "sweep", "lr=3")
    assert "--resume goes on with the points of sweep, and overrides were given: lr=3." in nothing.stderr


@pytest.mark.slow
def test_a_search_learns_and_its_best_runs_again(project: Path) -> None:
    """Break: give Optuna the wrong direction."""
    words = ["--search", "6", "lr=tag(log,interval(1e-3,1))", "model=small,big", "--maximize", "--json"]
    ran = run(project, *words, "--run-dir", "found", "--jobs", "2")
    assert ran.returncode == 0, ran.stderr
    trials = json.loads(ran.stdout)["trials"]
    assert [trial["state"] for trial in trials] == ["done"] * 6
    best = max(trials, key=lambda trial: trial["value"])
    assert f"The best is trial {best['number']};" in ran.stderr
    again = run(project, "--from", f"found/jobs/{best['job']}/config.json")
    assert again.stdout.split()[2] == f"{best['lr']}"
    more = run(project, *words[:1], "8", *words[2:], "--resume", "found")
    assert len(json.loads(more.stdout)["trials"]) == 8
    typo = run(project, "--search", "2", "lrr=interval(0,1)", "--run-dir", "other")
    assert "Did you mean 'lr'?" in typo.stderr
    assert not (project / "other").exists()
