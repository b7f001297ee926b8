"""What a script of `@config.main` says to words that it cannot follow, typed at the real command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
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


def test_config_dir_adds_a_folder_and_config_path_takes_another(script: Path) -> None:
    """As with Hydra. Break: both take another."""
    extra = script.parent / "extra" / "model"
    extra.mkdir(parents=True)
    (extra / "small.yaml").write_text("size: 1\n")
    (extra.parent / "config.yaml").write_text("lr: 9\n")
    assert ran(script, "--config-dir", "extra", "model=small", "--print") == (
        0,
        "lr: 0.1\nsettings:\n  lr_decay: 1\nmodel:\n  size: 1\n",
    )
    assert ran(script, "-cd", "extra", "--no-run-dir") == (0, "ran 0.1\n")
    assert ran(script, "-cp", "extra", "--no-run-dir") == (0, "ran 9\n")
    code, text = ran(script, "-cd", "nowhere")
    assert code == 2
    assert text.startswith("train.py: --config-dir names nowhere, and there is no such folder.\n")


def test_the_folder_of_results_has_one_name(script: Path) -> None:
    """Of a run and of a job of a sweep; `--no-run-dir` has none. Break: leave jobs out."""
    script.write_text(SCRIPT.replace('"ran", settings["lr"]', "__import__('os').environ.get('PEDIGREE_RUN')"))
    assert ran(script, "--run-dir", "first") == (0, f"{script.parent}/first\n")
    assert ran(script, "--no-run-dir") == (0, "None\n")
    code, _ = ran(script, "-m", "lr=1,2", "--run-dir", "sweep")
    assert code == 0
    log = script.parent / "sweep" / "jobs" / "0001-lr=2" / "log-1.txt"
    assert log.read_text() == f"{log.parent}\n"


def test_a_script_has_resolvers_of_its_own(script: Path) -> None:
    """Break: do not pass them on."""
    table = "config.Resolvers.standard().adding('double', lambda number: 2 * number)"
    script.write_text(SCRIPT.replace("config.main()", f"config.main(resolvers={table})"))
    assert ran(script, "lr=${double:21}", "--no-run-dir") == (0, "ran 42\n")


def test_a_sweep_of_a_module_in_a_package_starts_it_as_a_module(script: Path) -> None:
    """`python -m lab.train` with relative imports: its jobs failed. Break: run the file."""
    folder = script.parent / "lab"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "names.py").write_text("WORD = 'ran'\n")
    text = SCRIPT.replace('"ran"', "names.WORD").replace("config.main()", 'config.main(directory="../conf")')
    for name in ("train.py", "__main__.py"):
        (folder / name).write_text("from . import names\n" + text)
    for module in ("lab.train", "lab"):
        done = subprocess.run(
            [sys.executable, "-m", module, "-m", "lr=1,2", "--run-dir", f"sweeps/{module}"],
            cwd=script.parent,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        log = script.parent / "sweeps" / module / "jobs" / "0001-lr=2" / "log-1.txt"
        assert log.read_text() == "ran 2\n"


def test_a_stopped_sweep_says_how_to_go_on(script: Path) -> None:
    """Ctrl-C ended in a traceback. Break: let KeyboardInterrupt through."""
    script.write_text(SCRIPT.replace("print(", "import time; time.sleep(60 if settings['lr'] > 1 else 0); print("))
    process = subprocess.Popen(
        [sys.executable, script.name, "-m", "lr=1,2", "--run-dir", "sweep"],
        cwd=script.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    attempts = script.parent / "sweep" / "jobs" / "0001-lr=2" / "attempts.jsonl"
    while not attempts.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert text.endswith("Stopped. Go on with --resume sweep.\n")
    assert "Traceback" not in text


def test_a_search_in_vain_says_why(script: Path) -> None:
    """Break: tell people to look for themselves."""
    script.write_text(SCRIPT.replace('print("ran", settings["lr"])', 'return {"loss": 1.0}'))
    code, text = ran(script, "--search", "1", "lr=interval(0,1)", "--run-dir", "search")
    assert code == 1
    assert "Trial 0: " in text
    assert text.endswith("--objective KEY names a number in a dict.\n")
