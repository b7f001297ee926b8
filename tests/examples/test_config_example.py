"""examples/config does what its README says, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pedigree.config import check_steps, compose, freeze
from pedigree.config.composing.composition import search_path
from pedigree.config.lookup import model_named

EXAMPLE = Path(__file__).parents[2] / "examples" / "config"
EXITS = {"": 0, "differ": 1, "refused": 2}


def commands(text: str) -> Iterator[tuple[str, str, int]]:
    """Each command with what stands below it and the exit code that the head of its block means."""
    for head, block in re.findall(r"```console ?(\w*)\n(.*?)```", text, flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output, EXITS[head]


@pytest.mark.slow
def test_every_command_of_the_readme_prints_what_stands_there(tmp_path: Path) -> None:
    """In a copy of the folder, one after another. Nothing is normalised but blanks at the ends of lines: folders are
    relative, times and digests do not occur. Break: change one value of conf/, or one word of a message."""
    folder = tmp_path / "config"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
    }
    found = list(commands((EXAMPLE / "README.md").read_text()))
    assert len(found) >= 30
    for command, expected, code in found:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE) == expected, f"$ {command}"
        assert done.returncode == code, f"$ {command}"


@pytest.fixture
def in_the_example(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(EXAMPLE)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) & {"models", "train"} - before:
        del sys.modules[name]


def test_every_option_of_the_example_composes_and_fits_but_the_one_that_is_to_be_refused(in_the_example: None) -> None:
    """So that no file of the folder is left that nobody tried. Break: a key that the model lacks in any file."""
    model = model_named("models.py:Experiment")
    sources = search_path("conf", (), "hydra-1.3")
    refused = []
    tried = 0
    for group in ("data", "model", "training", "training/optimizer", "experiment"):
        for option in sources.options(group):
            tried += 1
            try:
                freeze(compose("conf", overrides=[f"{group}={option}"]), model)
            except ValueError:
                refused.append(option)
    assert tried == len(list((EXAMPLE / "conf").glob("*/**/*.yaml")))
    assert refused == ["resnet_v2"]


def test_the_steps_of_the_example_account_for_every_change(in_the_example: None) -> None:
    """Break: leave the Default out of the third version."""
    check_steps(model_named("models.py:ResNetV3").__pedigree_family__)
