"""`${hydra:runtime.output_dir}`, which half of all folders for Hydra have: the folder of the run, in no digest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pedigree.config.frozen import read
from tests.config.entry.test_scripts import run

SCRIPT = """
import os
from pedigree import config


@config.main()
def train(settings):
    assert settings["out"] == os.environ["PEDIGREE_RUN"]
    print(settings["checkpoints"])


train()
"""
CONFIG = """
task: fit
out: ${hydra:runtime.output_dir}
checkpoints: ${out}/checkpoints
hydra:
  run: {dir: 'logs/${task}'}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(CONFIG)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def test_the_folder_of_the_run_is_a_value(project: Path) -> None:
    """Break: leave PEDIGREE_RUN unset where a rank writes nothing."""
    assert run(project).stdout == f"{project}/logs/fit/checkpoints\n"
    assert run(project, "--run-dir", "here").stdout == f"{project}/here/checkpoints\n"
    assert (
        run(project, "--run-dir", "here", RANK="1", LOCAL_RANK="1", WORLD_SIZE="2").stdout
        == f"{project}/here/checkpoints\n"
    )


def test_two_runs_of_one_configuration_have_one_digest_whatever_their_folders(project: Path) -> None:
    """Break: keep the digest of the folder, as of other variables."""
    run(project, "--run-dir", "one")
    run(project, "--run-dir", "two", PEDIGREE_RUN="/of/who/started/it")
    one, two = read(project / "one/config.json"), read(project / "two/config.json")
    assert one.digest == two.digest
    assert one.values["checkpoints"] == "${out}/checkpoints"


def test_a_rerun_writes_into_a_folder_of_its_own(project: Path) -> None:
    """Break: give a rerun no folder, or the one that it was frozen in."""
    run(project)
    shutil.rmtree(project / "conf")
    assert run(project, "--from", "logs/fit").stdout == f"{project}/logs/fit-2/checkpoints\n"
    assert run(project, "--from", "logs/fit", "--run-dir", "again").stdout == f"{project}/again/checkpoints\n"
    assert read(project / "again/config.json").digest == read(project / "logs/fit/config.json").digest


def test_each_job_of_a_sweep_has_its_own(project: Path) -> None:
    """Break: leave PEDIGREE_RUN of a job to what its parent had."""
    ran = run(project, "-m", "task=a,b", "--run-dir", "sweep", PEDIGREE_RUN="/nowhere")
    assert ran.returncode == 0, ran.stderr
    logs = sorted((project / "sweep/jobs").glob("*/log-1.txt"))
    assert [log.read_text().strip() for log in logs] == [f"{log.parent}/checkpoints" for log in logs]


def test_without_a_run_it_is_refused_with_what_to_do(project: Path) -> None:
    """Break: say that an environment variable is not set, which nobody knows of."""
    refused = run(project, "--no-run-dir")
    assert refused.returncode == 2
    assert "out: no run is under way, so there is no folder of its output" in refused.stderr


def test_the_command_line_shows_the_configuration_all_the_same(project: Path) -> None:
    """Break: give `pedigree config` no folder to read."""
    shown = subprocess.run(
        [sys.executable, "-m", "pedigree.cli.main", "config", "show"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "out: ${hydra:runtime.output_dir}" in shown.stdout, shown.stderr


def test_what_only_hydra_would_do_is_said(project: Path) -> None:
    """Break: ignore `hydra.mode: MULTIRUN` in silence, and one run passes for twenty."""
    told = run(project, "hydra.mode=MULTIRUN", "+hydra.sweeper.params={task: 'a,b c'}")
    assert told.returncode == 0
    assert "this is one run" in told.stderr
    assert "--multirun or --search N with 'task=a,b c'." in told.stderr


def test_a_deprecated_key_is_said_by_the_script(project: Path) -> None:
    """Break: keep warnings in the frozen file alone."""
    (project / "conf/config.yaml").write_text(CONFIG + "job: ${oc.deprecated:task}\n")
    assert "'job' is deprecated" in run(project).stderr
