"""The pages on configuration do what they say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config import pages


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder of a page, whose modules and variables are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("models", "train"):  # of another test's project
        monkeypatch.delitem(sys.modules, name, raising=False)
    before, variables = set(sys.modules), dict(os.environ)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in ("models", "train"):
            del sys.modules[name]
    os.environ.clear()
    os.environ.update(variables)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy.*", "ignore:::optuna.*")
def test_the_tutorial_prints_what_stands_in_it(folder: Path) -> None:
    """Break: change one number on the page."""
    assert pages.run("guides/configuration.md", folder) >= 30
