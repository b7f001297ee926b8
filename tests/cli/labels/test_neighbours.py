"""`pedigree labels neighbours` and `pedigree labels annotators` on files and on places in commits."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from pedigree import labels
from pedigree.labels.report import files
from tests.cli.labels.conftest import NAMES, WRONG
from tests.cli.terminal import Project


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def embedded(labelled: Project) -> Project:
    """features.npy beside labels.csv: 5 is equal to 2, 7 near 3, 9 far out; labels.csv has a column of splits."""
    rng = np.random.default_rng(0)
    truth = np.argmax(files.array(str(labelled.folder / "p.npy")), axis=1)
    features = np.eye(6)[truth] * 8 + rng.standard_normal((120, 6))
    features[5], features[7] = features[2], features[3] + 0.01
    features[9] = -40
    np.save(labelled.folder / "features.npy", features)
    lines = (labelled.folder / "labels.csv").read_text().splitlines()
    splits = ["test" if at in (5, 7) else "train" for at in range(120)]
    text = "\n".join([f"{lines[0]},split", *(f"{line},{split}" for line, split in zip(lines[1:], splits, strict=True))])
    labelled.write("split.csv", text + "\n")
    return labelled


def test_tables_of_neighbours_name_what_was_planted(embedded: Project) -> None:
    """Break: name samples by their place in a set; or leave the splits out."""
    words = ["--features", "features.npy", "--labels", "split.csv", "--split-column", "split", "--metric", "euclidean"]
    said = embedded("labels", "neighbours", *words, "-o", "out", "--json").json
    examples = rows(embedded.folder / "out/examples.csv")
    assert min(examples, key=lambda row: float(row["outlier_score"]))["id"] == "s9"
    assert examples[9]["is_outlier"] == "true"
    assert [row["index"] for row in examples if row["has_equal"] == "true"] == ["2", "5"]
    assert [examples[at]["duplicate_set"] for at in (2, 5, 3, 7, 0)] == ["2", "2", "3", "3", ""]
    assert [row["index"] for row in examples if row["is_leak"] == "true"] == ["2", "3", "5", "7"]
    assert set(WRONG) <= {int(row["index"]) for row in examples if row["is_label_issue"] == "true"}
    pairs = rows(embedded.folder / "out/duplicates.csv")
    assert (pairs[0]["first_id"], pairs[0]["second_id"]) == ("s3", "s7")
    assert {row["one"] for row in rows(embedded.folder / "out/overlap.csv")} <= set(NAMES)
    assert (said["leaking_sets"], said["equal_sets"], said["near_sets"]) == (2, 1, 1)
    assert labels.Graph.read(embedded.folder / "out/graph").k == 10


@pytest.mark.slow
def test_features_alone_and_the_same_bytes_again(embedded: Project) -> None:
    """Break: write the name of the folder into a table."""
    embedded("put", "pets:/", "features.npy")
    for folder in ("a", "b"):
        said = embedded(
            "labels", "neighbours", "--features", "pets@master:/features.npy", "-k", "4", "-o", folder, "--json"
        )
        assert said.json["inputs"]["features"]["repo"] == "pets"
    for path in sorted((embedded.folder / "a").rglob("*.*")):
        assert path.read_bytes() == (embedded.folder / "b" / path.relative_to(embedded.folder / "a")).read_bytes()
    assert not (embedded.folder / "a/overlap.csv").exists()
    assert "given" not in rows(embedded.folder / "a/examples.csv")[0]


def test_features_that_do_not_fit_are_one_message(embedded: Project) -> None:
    """Break: leave out the check of lengths."""
    np.save(embedded.folder / "short.npy", files.array(str(embedded.folder / "features.npy"))[:50])
    words = ["labels", "neighbours", "--labels", "labels.csv", "--features"]
    assert "120 labels and 50 rows of features" in embedded(*words, "short.npy", code=2).err
    assert "There is no file q.npy" in embedded(*words, "q.npy", code=3).err


def crowd(project: Project) -> None:
    """crowd.csv: three annotators, of whom `bad` is wrong on every second sample."""
    truth = np.argmax(files.array(str(project.folder / "p.npy")), axis=1)
    lines = ["annotator,id,label\n"]
    for at, label in enumerate(truth.tolist()):
        for who in ("ann", "ben", "bad"):
            given = (label + 1) % 3 if who == "bad" and at % 2 else label
            lines.append(f"{who},s{at},{NAMES[given]}\n")
    project.write("crowd.csv", "".join(lines))


def test_the_worst_annotator_stands_first(labelled: Project) -> None:
    """Rows of probabilities by id. Break: leave them in their order; or write the annotators by name."""
    crowd(labelled)
    said = labelled(
        "labels", "annotators", "--labels", "crowd.csv", "--probabilities", "p.csv", "-o", "out", "--json"
    ).json
    assert said["worst_annotators"][0]["annotator"] == "bad"
    assert (said["method"], said["annotations"], said["disputed"]) == ("crowdlab", 360, 60)
    assert said["model_weights"][0] > 1  # that of a model that is always right
    people = rows(labelled.folder / "out/annotators.csv")
    assert [people[0][name] for name in ("annotator", "agreement", "annotations")] == ["bad", "0.5", "120"]
    truth = np.argmax(files.array(str(labelled.folder / "p.npy")), axis=1)
    found = {row["id"]: row["consensus"] for row in rows(labelled.folder / "out/consensus.csv")}
    assert all(found[f"s{at}"] == NAMES[label] for at, label in enumerate(truth.tolist()))
    each = rows(labelled.folder / "out/annotations.csv")
    worst = sorted(each, key=lambda row: float(row["quality"]))[:60]
    assert {row["annotator"] for row in worst} == {"bad"}


@pytest.mark.slow
def test_several_models_are_weighed_each(labelled: Project) -> None:
    """Break: take the first alone; or leave out the check of their ids."""
    crowd(labelled)
    model = (labelled.folder / "p.csv").read_text().splitlines(keepends=True)
    labelled.write("same.csv", "".join(model))
    labelled.write("other.csv", "".join([model[0], *sorted(model[1:])]))
    words = ["labels", "annotators", "--labels", "crowd.csv", "--probabilities", "p.csv", "--probabilities"]
    assert len(labelled(*words, "same.csv", "--json").json["model_weights"]) == 2
    assert "not of the same samples in the same order" in labelled(*words, "other.csv", code=2).err
    numbers = "id,annotator,label\n" + "".join(f"{at % 120},{at // 120},{at % 3}\n" for at in range(240))
    labelled.write("numbers.csv", numbers)
    words = ["labels", "annotators", "--labels", "numbers.csv", "--probabilities", "p.npy", "--probabilities", "p.npy"]
    assert len(labelled(*words, "--json").json["model_weights"]) == 2


@pytest.mark.slow
def test_without_a_model_and_with_rows_for_names(labelled: Project) -> None:
    """Break: use CROWDLAB whatever is there; or take names for numbers of rows."""
    crowd(labelled)
    said = labelled("labels", "annotators", "--labels", "crowd.csv", "--json").json
    assert said["method"] == "dawid_skene"
    words = ["labels", "annotators", "--labels", "crowd.csv", "--classes", ",".join(NAMES), "--probabilities", "p.npy"]
    assert "nobody knows which belong together" in labelled(*words, code=2).err
    labelled.write(
        "numbers.csv", "id,annotator,label\n" + "".join(f"{at % 120},{at // 120},{at % 3}\n" for at in range(240))
    )
    words = ["labels", "annotators", "--labels", "numbers.csv", "--probabilities", "p.npy", "--json"]
    assert labelled(*words).json["examples"] == 120
    assert labelled(*words, "--method", "majority_vote").json["disputed"] == 0
