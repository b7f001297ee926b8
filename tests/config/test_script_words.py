"""What a script of `@config.main` says to words that it cannot follow, typed at the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
from pedigree import config

@config.main()
def train(settings):
    print("ran", settings["lr"])

train()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    for name, text in {
        "conf/config.yaml": "defaults: [_self_, {model: null}]\nlr: 0.1\nsettings: {lr_decay: 1}\n",
        "conf/model/big.yaml": "size: 3\n",
        "train.py": SCRIPT,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "train.py"


def ran(script: Path, *words: str, **variables: str) -> tuple[int, str]:
    """Exit code, and what it printed on both."""
    done = subprocess.run(
        [sys.executable, script.name, *words],
        cwd=script.parent,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--info", "defaults"], "`--print defaults` lists the files"),
        (["-i", "config"], "`--print defaults` lists the files"),
        (["--cfg", "job", "--package", "model"], "`--print` shows the whole"),
        (["--experimental-rerun", "x"], "`--from FILE` runs a frozen configuration again"),
        (["-sc", "install=bash"], "`pedigree completion --scripts bash` prints"),
    ],
)
def test_options_of_hydra_are_answered_with_ours(script: Path, words: list[str], said: str) -> None:
    """Break: the nearest name of ours by spelling, which is another thing."""
    code, text = ran(script, *words)
    assert code == 2
    assert said in text


def test_options_of_hydra_that_say_what_happens_anyway_are_taken(script: Path) -> None:
    """Break: not in the list."""
    assert ran(script, "--cfg", "job", "--resolve") == (0, "lr: 0.1\nsettings:\n  lr_decay: 1\n")
    assert ran(script, "--run", "lr=2", "--no-run-dir") == (0, "ran 2\n")


@pytest.mark.parametrize(
    "words", [["--ranks", "2"], ["--jobs", "3"], ["--launcher", "ray"], ["--with", "a=1"], ["--fail-fast"]]
)
def test_an_option_of_sweeps_is_not_left_out_of_account(script: Path, words: list[str]) -> None:
    """A single run with `--ranks 2` was one process without a word. Break: no check after reading."""
    code, text = ran(script, *words)
    assert code == 2
    assert text == (
        f"train.py: {words[0]} is for sweeps, and one run is asked for.\nAdd --multirun, or leave {words[0]} out.\n"
    )


def test_several_values_for_one_run_name_the_option(script: Path) -> None:
    """Break: leave it to composing, which knows of no command line."""
    code, text = ran(script, "lr=1,2")
    assert code == 2
    assert text.startswith("train.py: lr=1,2 asks for several values, and one run is asked for.\nAdd --multirun")


def test_a_typed_secret_is_not_echoed(script: Path) -> None:
    """Neither from the command line nor from the variable. Break: print the message as it is."""
    for words, variables in (
        (["db.token=hunter2"], {}),
        (["--multirun", "db.token=hunter2", "lr=1,2"], {}),
        ([], {"PEDIGREE_OVERRIDES": "db.token=hunter2"}),
        (["settings={api_key:hunter2,lr_decay:2}"], {}),
    ):
        code, text = ran(script, *words, **variables)
        assert code == 2
        assert "***" in text
        assert "hunter2" not in text, text


def test_the_folder_of_a_run_is_run_again(script: Path) -> None:
    """As `config diff` takes folders. Break: read the path as it is."""
    assert ran(script, "lr=5", "--run-dir", "first") == (0, "ran 5\n")
    assert ran(script, "--from", "first") == (0, "ran 5\n")
    assert ran(script, PEDIGREE_CONFIG="first") == (0, "ran 5\n")


def test_a_group_without_an_option_is_shown_so(script: Path) -> None:
    """Break: print what Python calls it."""
    assert "  model=(none)  of big\n" in ran(script, "--help")[1]


def test_why_means_the_same_key_somewhere_else(script: Path) -> None:
    """Break: the nearest by letters, which is `settings`."""
    assert ran(script, "--why", "setings.lr_decay") == (
        3,
        "setings.lr_decay: nothing sets it\ndid you mean settings.lr_decay?\n",
    )
    assert "did you mean lr?" in ran(script, "--why", "settings.optim.lr")[1]
