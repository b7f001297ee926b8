"""Projects with steps that have a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.configs.typed import MAIN, MODEL
from tests.pipeline.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.put("in", {"a": "one"})
    project.write("conf/train.yaml", "defaults:\n  - model: unet\n  - _self_\nsteps: 300\nrate: 1e-3\n")
    project.write("conf/evaluate.yaml", "defaults:\n  - model: unet\n  - _self_\nbatch: 8\n")
    project.write("conf/model/unet.yaml", "width: 0.5\ndepth: 4\n")
    return project


@pytest.fixture
def typed(project: Project) -> Project:
    project.write("settings.py", MODEL)
    # The step's own: what it reads is checked in the sandbox, where the other's mark could not be left.
    project.write("typed.py", MODEL.replace('pathlib.Path("imported")', '# pathlib.Path("imported")'))
    project.write("main.py", MAIN)
    project.write("conf/typed.yaml", "steps: 3\n")
    return project
