"""What is not imported: the start of a script and the answer to a tab key are short because of it."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from pedigree import config

#: What belongs to something else than composing, validating, freezing and running.
NOT_BY_A_RUN = {
    *("hydra", "omegaconf", "numpy", "torch", "ray", "optuna", "submitit", "difflib", "unicodedata", "shlex"),
    "argparse",
    "email.parser",  # the metadata of distributions
    "pydantic.type_adapter",
    "pedigree.store",
    "pedigree.config.completion",
    "pedigree.config.entry.sweeping",
    "pedigree.config.explanation",
    "pedigree.config.frozen.differences",
    "pedigree.config.hydra_bridge",
    "pedigree.config.interpolation.expressions",
    "pedigree.config.launching.hosts",
    "pedigree.config.launching.ranks",
    "pedigree.config.models.descriptions",
    "pedigree.config.models.dtypes",
    "pedigree.config.models.expectations",
    "pedigree.config.models.problem",
    "pedigree.config.models.problems",
    "pedigree.config.models.redaction",
    "pedigree.config.models.secrets",
    "pedigree.config.models.sizes",
    "pedigree.config.overrides.completion",
    "pedigree.config.overrides.functions",
    "pedigree.config.versions.drafts",
    "pedigree.config.versions.migration",
    "pedigree.config.versions.operations",
}
NOT_BY_COMPLETION = {
    *("pydantic", "hydra", "omegaconf", "dataclasses", "inspect", "argparse", "gettext", "json", "difflib"),
    "pedigree.store",
    "pedigree.config.frozen",
    "pedigree.config.interpolation",
    "pedigree.config.models",
    "pedigree.config.versions",
}

SCRIPT = """
import gc
import sys
from pedigree import config

class Model(config.Config):
    depth: int
    twice: int

class Training(config.Config):
    lr: float
    sizes: list[int] = [1, 2]
    model: Model

@config.main(Training)
def train(settings):
    assert settings.lr == 0.5 and settings.model.twice == 18
    print(gc.get_freeze_count() > 0, *sys.modules)

if __name__ == "__main__":
    train()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "config.yaml").write_text("defaults: [model: resnet, _self_]\nlr: 0.1\n")
    (tmp_path / "conf" / "model" / "resnet.yaml").write_text("depth: 18\ntwice: ${model.depth}\n")
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path / "train.py"


def _printed(folder: Path, *command: str) -> list[str]:
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_plain_run_imports_nothing_that_it_does_not_use(script: Path) -> None:
    """Break: import `migrate` eagerly in frozen/fitting.py; ask DistEnv for the rank where no launcher is; ask
    importlib.metadata for versions; import `problems` at the top of models/validation.py; TypeAdapter in prepared.py."""
    frozen, *modules = _printed(script.parent, script.name, "lr=0.5")

    assert NOT_BY_A_RUN.isdisjoint(modules), NOT_BY_A_RUN & {*modules}
    assert {"pydantic", "yaml", "pedigree.config.frozen.files"} <= {*modules}  # it ran, and was kept
    assert frozen == "True"


def test_completion_imports_nothing_that_it_does_not_use(script: Path) -> None:
    """Break: import `resolve` at the top of composing/composition.py; import dataclasses in composed.py; import json at the top
    of canonical.py; import Parser at the top of cli/completion.py."""
    code = (
        "import sys; from pedigree.cli.main import main;"
        "main(['__complete_script', 'train.py', 'model=res']); print(*sys.modules)"
    )
    candidate, *modules = _printed(script.parent, "-c", code)

    assert candidate == "model=resnet"
    assert NOT_BY_COMPLETION.isdisjoint(modules), NOT_BY_COMPLETION & {*modules}


def test_the_package_itself_imports_nothing(tmp_path: Path) -> None:
    """Break: `import typing` in config/__init__.py."""
    code = "import sys; before = {*sys.modules}; import pedigree.config; print(*{*sys.modules} - before)"

    assert {*_printed(tmp_path, "-c", code)} == {"pedigree", "pedigree.lazy", "pedigree.config"}


def test_a_script_that_a_program_runs_leaves_its_garbage_alone(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: freeze in `run` and not only in the call that reads sys.argv."""
    monkeypatch.chdir(script.parent)
    before = gc.get_freeze_count()

    @config.main(directory=str(script.parent / "conf"))
    def train(settings: dict[str, object]) -> None:
        assert settings["lr"] == 0.5

    assert train.run(["lr=0.5", "--no-run-dir"]) == 0
    assert gc.get_freeze_count() == before
