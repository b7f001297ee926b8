"""`pedigree labels segmentation` on folders, on files, and on places in commits."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from pedigree import labels
from tests.cli.terminal import Project
from tests.labels.segmentation.drawn import drawn

MASKS, P = drawn(11, images=5, height=30, width=20, kind=np.float32)


@pytest.fixture
def scenes(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    for folder in ("masks", "p", "photos"):
        (tmp_path / folder / "north").mkdir(parents=True)
    for number, (mask, values) in enumerate(zip(MASKS, P, strict=True)):
        name = f"north/scene-{number}"
        Image.fromarray(mask).save(tmp_path / f"masks/{name}.png")
        np.save(tmp_path / f"p/{name}.npy", values)
        Image.fromarray(np.full((60, 40, 3), 40 * number, np.uint8)).save(tmp_path / f"photos/{name}.jpg")
    return made


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_folders_become_tables_masks_and_overlays(scenes: Project) -> None:
    """Break: sort the images by number; match the files in the order of the folders; name the classes in another order."""
    words = [
        "labels",
        "segmentation",
        "--masks",
        "masks",
        "--probabilities",
        "p",
        "--classes",
        "a,b,c,d",
        "--images",
        "photos",
    ]
    said = scenes(*words, "--overlays", "2", "--least-area", "4", "--json", "-o", "out").json
    expected = labels.analyse_masks(MASKS, P, classes=["a", "b", "c", "d"])
    out = scenes.folder / "out"
    assert np.array_equal(labels.read_issue_masks(out).whole(), expected.issues())
    assert (said["issues"], said["estimated_errors"]) == (int(expected.issues().sum()), expected.errors)
    assert said["pairs"] == expected.confused.rows()
    with open(out / "images.csv", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"north/scene-{number}" for number in expected.worst()]
    assert float(rows[0]["softmin"]) == expected.scores("softmin")[expected.worst(1)[0]]
    regions = pyarrow.parquet.read_table(out / "regions.parquet").to_pylist()
    assert [{**row, "name": None} for row in regions] == [{**row, "name": None} for row in expected.regions(4).rows()]
    first, second = expected.worst(2)
    assert {path.name for path in (out / "overlays").iterdir()} == {
        f"001-north-scene-{first}.png",
        f"002-north-scene-{second}.png",
    }
    with Image.open(out / "worst.png") as sheet:
        assert sheet.mode == "RGB"
    # Again, with two threads: the same bytes.
    before = everything(out)
    scenes(*words, "--overlays", "2", "--least-area", "4", "--threads", "2", "-o", "out")
    assert everything(out) == before


@pytest.mark.slow
def test_places_in_commits_and_arrays(scenes: Project) -> None:
    """Break: look only for the folder on disk."""
    expected = labels.analyse_masks(MASKS, P)
    scenes("init")
    scenes("put", "scenes:/", "masks", "p")
    words = [
        "labels",
        "segmentation",
        "--masks",
        "scenes@master:/masks",
        "--probabilities",
        "scenes@master:/p",
        "--overlays",
        "0",
    ]
    assert scenes(*words, "--json").json["issues"] == int(expected.issues().sum())
    np.save(scenes.folder / "m.npy", np.where(MASKS == 3, 255, MASKS).astype(np.uint8))
    np.save(scenes.folder / "all.npy", P)
    said = scenes("labels", "segmentation", "--masks", "m.npy", "--probabilities", "all.npy", "--void", "255")
    assert "No pixel is labelled 3." in said.err
    assert "probably wrong. Wrote mask-issues/." in said.out + said.err


@pytest.mark.slow
def test_what_does_not_fit_is_one_message(scenes: Project) -> None:
    """Break: leave out images that lack one of the two."""
    words = ["labels", "segmentation", "--masks", "masks", "--probabilities", "p"]
    assert "--void must be whole numbers, got 'x'" in scenes(*words, "--void", "x", code=2).err
    assert "p holds no picture with the name of a mask" in scenes(*words, "--images", "p", code=2).err
    assert "There is no q" in scenes(*words[:-1], "q", code=3).err
    (scenes.folder / "p/north/scene-3.npy").rename(scenes.folder / "p/north/scene-9.npy")
    assert "1 of 5 images have no probabilities: north/scene-3." in scenes(*words, code=2).err
