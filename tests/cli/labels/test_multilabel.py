"""`pedigree labels multilabel` on tables of classes, matrices and rules."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from tests.cli.terminal import Project

NAMES = ["animal", "cat", "plant"]
#: Cats that are no animals, and plants that are animals.
LOST, ADDED = list(range(0, 200, 10)), list(range(401, 600, 8))


@pytest.fixture
def several(labels_template: Path, tmp_path: Path) -> Project:
    """600 examples: cats, animals that are none, plants; l.csv with texts, l.jsonl with lists, l.npy, p.npy, p.csv (shuffled)."""
    made = Project(tmp_path)
    rng = np.random.default_rng(0)
    true = np.repeat([[1, 1, 0], [1, 0, 0], [0, 0, 1]], 200, axis=0)
    given = true.copy()
    given[LOST, 0] = 0
    given[ADDED, 0] = 1
    matrix = np.clip(np.where(true == 1, 0.9, 0.1) + rng.normal(0, 0.03, true.shape), 0.01, 0.99).round(6)
    sets = [[name for name, value in zip(NAMES, row, strict=True) if value] for row in given]
    made.write("l.csv", "id,labels\n" + "".join(f"s{at},{';'.join(row)}\n" for at, row in enumerate(sets)))
    made.write("l.jsonl", "".join(json.dumps({"id": f"s{at}", "labels": row}) + "\n" for at, row in enumerate(sets)))
    columns = "".join(f"s{at},{row[2]},{row[0]},{row[1]}\n" for at, row in enumerate(given.tolist()))
    made.write("columns.csv", "id,plant,animal,cat\n" + columns)
    lines = [f"s{at}," + ",".join(map(repr, matrix[at].tolist())) + "\n" for at in rng.permutation(600)]
    made.write("p.csv", f"id,{','.join(NAMES)}\n" + "".join(lines))
    np.save(made.folder / "l.npy", given)
    np.save(made.folder / "p.npy", matrix)
    made.write("rules.yaml", "parents: {cat: animal}\nexclusive: [[animal, plant]]\n")
    return made


def test_missing_and_extra_classes_and_broken_rules_are_written(several: Project) -> None:
    """Breaks: rows of p.csv in their order; suggestions without the rules; kinds exchanged."""
    words = ["labels", "multilabel", "--probabilities", "p.csv", "--rules", "rules.yaml", "-o", "out", "--json"]
    said = several(*words, "--labels", "l.csv").json
    assert said["violations"] == len(LOST) + len(ADDED)
    assert said["per_rule"] == [
        {"rule": "'cat' implies 'animal'", "examples": len(LOST)},
        {"rule": "at most one of 'animal', 'plant'", "examples": len(ADDED)},
    ]
    with open(several.folder / "out/cells.csv", newline="") as file:
        cells = {(int(row["index"]), row["class"], row["kind"]) for row in csv.DictReader(file)}
    assert {(row, "animal", "missing") for row in LOST} <= cells
    assert {(row, "animal", "extra") for row in ADDED} <= cells
    table = pyarrow.parquet.read_table(several.folder / "out/examples.parquet").to_pylist()
    broken = {row["index"]: (row["id"], row["suggested"], row["changes"]) for row in table if row["broken"]}
    assert broken == {
        **{row: (f"s{row}", "animal;cat", "+animal") for row in LOST},
        **{row: (f"s{row}", "plant", "-animal") for row in ADDED},
    }
    assert {row["index"] for row in table[: len(broken)]} == set(broken)


@pytest.mark.slow
def test_every_form_of_labels_gives_the_same_bytes(several: Project) -> None:
    """Break: columns of labels in the order of their file; the time written."""
    words = ["labels", "multilabel", "--probabilities", "p.csv"]
    for name in ("l.csv", "l.jsonl", "columns.csv"):
        several(*words, "--labels", name, "-o", name[0] + name[-1])
    several(
        "labels", "multilabel", "--labels", "l.npy", "--probabilities", "p.npy", "--classes", ",".join(NAMES), "-o", "m"
    )
    folder = several.folder
    for name in ("cells.csv", "cells.parquet", "examples.csv", "examples.parquet"):
        assert (
            (folder / "lv" / name).read_bytes()
            == (folder / "ll" / name).read_bytes()
            == (folder / "cv" / name).read_bytes()
        )
    bare = (folder / "m/cells.csv").read_text().replace('"', "").replace("s", "")
    assert bare.count("\n") == (folder / "lv/cells.csv").read_text().count("\n")


def test_rules_that_contradict_each_other_end_with_one_message(several: Project) -> None:
    """Break: the rules read after the work is done, or not checked."""
    several.write("wrong.json", '{"parents": {"cat": "animal"}, "exclusive": [["cat", "animal"]]}')
    words = ["labels", "multilabel", "--labels", "l.csv", "--probabilities", "p.csv"]
    failed = several(*words, "--rules", "wrong.json", code=2)
    assert "No example can have 'cat': it implies 'animal', and the two exclude each other." in failed.err
    assert not (several.folder / "label-issues").exists()
