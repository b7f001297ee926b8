"""`pedigree labels dynamics` on a folder and on a place in a commit."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet
import pytest
import torch

from pedigree.training import Recorder
from tests.cli.terminal import Project


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with the signals of 30 samples, of which 3, 4 and 5 have labels that the model never agreed with."""
    made = Recorder(31, 3, names=["ant", "bee", "cat"])
    given = np.arange(30) % 3
    for epoch in range(4):
        logits = torch.eye(3)[given] * (epoch + 1)
        logits[3:6] = logits[3:6].roll(1, 1)
        made.record(range(30), logits, given, epoch=epoch)
    made.save(project.folder / "out/signals")
    return project


def test_the_worst_stand_first_in_tables_and_the_map_is_drawn(recorded: Project) -> None:
    """Both tables alike, the sample never presented in neither. Break: leave rows in the data set's order; count it as never learnt."""
    said = recorded("labels", "dynamics", "out/signals", "--marked", "3", "--json").json
    assert (said["samples"], said["never_presented"], said["never_learnt"], said["issues"]) == (31, 1, 3, 3)
    assert said["classes"] == [{"class": name, "given": 10, "issues": 1} for name in ("ant", "bee", "cat")]
    folder = recorded.folder / "label-dynamics"
    assert json.loads((folder / "summary.json").read_text()) == said
    with open(folder / "signals.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows[:3]] == ["3", "4", "5"]
    assert [row["is_issue"] for row in rows] == ["true"] * 3 + ["false"] * 27
    assert {row["region"] for row in rows[:3]} <= {"hard", "ambiguous"}
    assert rows[0]["given"] == "ant"
    table = pyarrow.parquet.read_table(folder / "signals.parquet")
    assert table.column_names == list(rows[0])
    assert table.column("index").to_pylist() == [int(row["index"]) for row in rows]
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_commit_is_read_like_a_folder(recorded: Project) -> None:
    """Break: read folders on disk alone."""
    recorded("repo", "create", "train")
    recorded("put", "train:/signals", "out/signals")
    told = recorded("labels", "dynamics", "train@master:/signals", "-o", "a").err
    assert "3 labels of 30 are probably wrong" in told
    recorded("labels", "dynamics", "out/signals/signals.safetensors", "-o", "b")
    for name in ("signals.csv", "signals.parquet", "map.png"):
        assert (recorded.folder / "a" / name).read_bytes() == (recorded.folder / "b" / name).read_bytes()
    assert "no signals at" in recorded("labels", "dynamics", "nowhere", code=3).err
