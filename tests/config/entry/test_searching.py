"""`--search` of a script: what it says when no trial counts, and going on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.entry.test_scripts import run

SCRIPT = """
from pedigree import config


@config.main()
def train(settings):
    return {"loss": settings["lr"], "accuracy": 1 - settings["lr"]}


train()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    pytest.importorskip("optuna")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text("lr: 0.1\n")
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def test_a_search_that_got_no_number_says_what_it_got(project: Path) -> None:
    """Break: tell to look at the problem of each trial, which nothing shows."""
    ran = run(project, "--search", "1", "lr=interval(0,1)", "--run-dir", "found")
    assert ran.returncode == 1
    assert "It reported {'loss': " in ran.stderr


def test_a_search_goes_on_with_the_space_that_it_was_begun_with(project: Path) -> None:
    """Break: ask for the overrides again, and a typing mistake in them ends it."""
    first = run(project, "--search", "1", "lr=interval(0,1)", "--run-dir", "found", "--objective", "loss")
    assert first.returncode == 0, first.stderr
    ran = run(project, "--search", "2", "--resume", "found", "--objective", "loss")
    assert ran.returncode == 0, ran.stderr
    assert len(list((project / "found/jobs").iterdir())) == 2
