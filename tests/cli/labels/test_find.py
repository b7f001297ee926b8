"""`pedigree labels find` on files and on places in commits."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from pedigree.labels.report import files
from tests.cli.labels.conftest import WRONG
from tests.cli.terminal import Project


def test_the_turned_labels_stand_first_in_the_tables(labelled: Project) -> None:
    """Rows matched by id, the worst first, both tables alike. Break: leave the rows of p.csv in their order."""
    labelled("labels", "find", "--labels", "labels.csv", "--probabilities", "p.csv", "-o", "out")
    with open(labelled.folder / "out/issues.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows if row["is_issue"] == "true"] == [row["id"] for row in rows[: len(WRONG)]]
    assert {int(row["index"]) for row in rows[: len(WRONG)]} == set(WRONG)
    assert rows[0]["evidence"].startswith(f"{rows[0]['given']} has 0.098 (labels ")
    table = pyarrow.parquet.read_table(labelled.folder / "out/issues.parquet")
    assert table.column("id").to_pylist() == [row["id"] for row in rows]
    assert table.column_names == list(rows[0])


@pytest.mark.slow
def test_a_commit_is_read_like_files_and_the_bytes_are_the_same(labelled: Project) -> None:
    """Break: write the folder's name or the time into summary.json."""
    words = ["labels", "find", "--probabilities", "p.npy", "--labels"]
    said = labelled(*words, "pets@master:/labels.csv", "-o", "a", "--json").json
    assert said["issues"] == len(WRONG) == said["estimated_errors"]
    assert said["inputs"]["labels"]["commit"] == labelled("inspect", "pets", "--json").json["id"]
    labelled(*words, "pets@master:/labels.csv", "-o", "b")
    names = sorted(path.name for path in Path(labelled.folder / "a").iterdir())
    assert {"issues.csv", "issues.parquet", "summary.json"} <= set(names)
    names += [f"pictures/{name}" for name in ("joint.png", "confused.png", "blend.png")]
    for name in names:
        one, two = (labelled.folder / folder / name for folder in "ab")
        assert one.is_dir() or one.read_bytes() == two.read_bytes()
    assert json.loads((labelled.folder / "a/summary.json").read_text()) == said


@pytest.mark.slow
def test_arrays_and_annotators(labelled: Project) -> None:
    """Labels that are numbers need no names; each annotator's issues are counted. Break: count all labels as ann's."""
    said = labelled("labels", "find", "--labels", "labels.npy", "--probabilities", "p.npy", "--json").json
    assert (said["classes"], said["issues"]) == (["0", "1", "2"], len(WRONG))
    words = ["--labels", "labels.csv", "--probabilities", "p.npy", "--annotator-column", "who", "--json"]
    table = labelled("labels", "find", *words).json["per_annotator"]
    assert table == [
        {"annotator": "ann", "given": 60, "issues": 10},
        {"annotator": "bob", "given": 60, "issues": 0},
    ]


@pytest.mark.slow
def test_the_mean_of_several_models_counts(labelled: Project) -> None:
    """Rows of each are matched by id; classes in another order are refused. Break: take the first model alone."""
    words = ["labels", "find", "--labels", "labels.csv", "--probabilities", "p.csv", "--json", "--probabilities"]
    text = (labelled.folder / "p.csv").read_text().splitlines()
    doubtful = [f"{line.split(',')[0]},0.2,0.3,0.5" for line in text[1:]]
    labelled.write("q.csv", "\n".join([text[0], *doubtful]))
    said = labelled(*words, "q.csv").json
    assert said["issues"] == len(WRONG)
    assert 0.4 < max(said["thresholds"]) < 0.65
    assert {"probabilities_1", "probabilities_2"} < set(said["inputs"])
    labelled.write("r.csv", "\n".join(["id,dog,cat,eel", *text[1:]]))
    assert "those of another 'dog', 'cat', 'eel'" in labelled(*words, "r.csv", code=2).err


@pytest.mark.slow
def test_probabilities_that_have_seen_the_labels_are_doubted(labelled: Project) -> None:
    """The warning is told, written down, and stands on the page. Break: let Python print it."""
    given = files.array(str(labelled.folder / "labels.npy"))
    matrix = np.full((120, 3), 0.2)
    matrix[np.arange(120), given] = 0.6
    np.save(labelled.folder / "seen.npy", matrix)
    said = labelled("labels", "find", "--labels", "labels.npy", "--probabilities", "seen.npy", "--json")
    assert said.err.startswith(
        "warning: The probabilities look like those of a model that was trained on these very labels"
    )
    assert said.json["warnings"][0] in said.err
    assert said.json["warnings"][0] in (labelled.folder / "label-issues/report.html").read_text()


def test_what_does_not_fit_is_one_message(labelled: Project) -> None:
    """Break: leave out the check for samples without probabilities."""
    words = ["labels", "find", "--labels", "labels.csv"]
    assert "There is no file q.npy" in labelled(*words, "--probabilities", "q.npy", code=3).err
    text = (labelled.folder / "p.csv").read_text().splitlines(keepends=True)
    labelled.write("short.csv", "".join(text[:-2]))
    assert "2 of 120 samples have no prob" in labelled(*words, "--probabilities", "short.csv", code=2).err
    said = labelled(*words, "--probabilities", "p.npy", "--label-column", "labl", code=2)
    assert "no column 'labl'" in said.err
    assert "Did you mean 'label'?" in said.err
    assert "3 columns of prob" in labelled(*words, "--probabilities", "p.npy", "--label-column", "who", code=2).err


@pytest.mark.slow
def test_a_folder_of_classes_is_found_shown_and_mended(empty: Project) -> None:
    """Pictures come from the commit; what a table names above its folder is no picture. Break: join the names to the folder."""
    rng = np.random.default_rng(0)
    for at in range(40):
        kind = "dark" if at % 2 else "light"
        pixels = rng.integers(0, 60, (8, 8), np.uint8) + (0 if kind == "dark" else 150)
        wrong = "light" if at == 7 else kind
        place = empty.folder / f"photos/{wrong}/{at:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(empty.folder / "secret.png")
    paths = sorted(str(path.relative_to(empty.folder / "photos")) for path in empty.folder.glob("photos/*/*"))
    dark = np.array([np.asarray(Image.open(empty.folder / "photos" / path)).mean() < 100 for path in paths])
    matrix = np.where(dark[:, None], [0.9, 0.1], [0.15, 0.85])
    matrix[[3, 22]] = 0.5  # an honest model is not always sure
    np.save(empty.folder / "p.npy", matrix)
    empty("init")
    empty("put", "pets:/", "photos")
    said = empty("labels", "find", "--labels", "pets@master:/", "--probabilities", "p.npy", "-o", "out", "--json").json
    assert said["decisions"]["layout"] == "folder"
    page = (empty.folder / "out/report.html").read_text()
    data = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
    assert data["rows"][0]["id"] == "light/07.png"
    assert all(row["picture"].startswith("data:image/png") for row in data["rows"])
    lines = [said["decisions"], {"id": "light/07.png", "given": "light", "decision": "relabel", "labels": ["dark"]}]
    empty.write("d.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    empty("labels", "apply", "d.jsonl", "pets@master")
    assert "/dark/07.png" in empty("ls", "pets@master:/dark").out
    names = ["../secret.png", "/etc/hostname", *paths[2:]]
    empty.write(
        "t.csv",
        "id,label\n" + "".join(f"{name},{path.partition('/')[0]}\n" for name, path in zip(names, paths, strict=True)),
    )
    for images in ("photos", "pets@master:/"):
        empty("labels", "find", "--labels", "t.csv", "--probabilities", "p.npy", "--images", images, "-o", "out")
        page = (empty.folder / "out/report.html").read_text()
        data = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
        shown = {row["id"]: "picture" in row for row in data["rows"]}
        assert (shown["../secret.png"], shown["/etc/hostname"], shown[paths[5]]) == (False, False, True)
