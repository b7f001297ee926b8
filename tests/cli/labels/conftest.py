"""Files of labels and probabilities in a project, in which it is known which labels are wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.terminal import Project

#: Rows of `labels.csv` whose label was turned.
WRONG = list(range(0, 120, 12))
NAMES = ["cat", "dog", "eel"]


@pytest.fixture(scope="session")
def labels_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with pets@master:/labels.csv and beside it labels.csv, p.npy and p.csv (shuffled, with ids and names)."""
    made = Project(tmp_path_factory.mktemp("labels"))
    rng = np.random.default_rng(5)
    true = rng.integers(0, 3, 120)
    matrix = np.full((120, 3), 0.1) + rng.random((120, 3)) / 50
    matrix[np.arange(120), true] += 0.7
    matrix /= matrix.sum(axis=1, keepdims=True)
    given = true.copy()
    given[WRONG] = (true[WRONG] + 1) % 3
    who = ["ann", "bob"]
    lines = [f"s{at},{NAMES[label]},{who[at % 2]}\n" for at, label in enumerate(given)]
    made.write("labels.csv", "id,label,who\n" + "".join(lines))
    np.save(made.folder / "p.npy", matrix)
    np.save(made.folder / "labels.npy", given)
    rows = [f"s{at}," + ",".join(repr(float(value)) for value in matrix[at]) + "\n" for at in rng.permutation(120)]
    made.write("p.csv", f"id,{','.join(NAMES)}\n" + "".join(rows))
    made("init")
    made("put", "pets:/", "labels.csv", "-m", "as they came")
    return made.folder


@pytest.fixture
def labelled(labels_template: Path, tmp_path: Path) -> Project:
    shutil.copytree(labels_template, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Project(tmp_path)
