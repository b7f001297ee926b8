"""Fixtures: an empty project, and one with a repository of two commits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.terminal import Project


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A folder without a store."""
    return Project(tmp_path)


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    """A store with images@master: two files in /cats, then one of them changed and a program added."""
    shutil.copytree(template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Project(tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `project` copies: making it once instead of a hundred times saves a minute of waiting for the disk."""
    made = Project(tmp_path_factory.mktemp("template"))
    made("init")
    made.write("photos/cats/tom.txt", "grey\n")
    made.write("photos/cats/kit.txt", "black\n")
    made("put", "images:/", "photos", "-m", "first")
    made.write("photos/cats/tom.txt", "grey and white\n")
    made.write("photos/feed.sh", "#!/bin/sh\n").chmod(0o755)
    made("put", "images:/", "photos", "-m", "second")
    return made.folder
