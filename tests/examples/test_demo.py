"""The example as a whole, by the commands that a person types: what runs when, and the same bits twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.steps import load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PETS = 40
STEPS = ("stream", "warehouse", "transform", "train", "tune", "model", "harden", "calibrate", "evaluate", "release")
AFTER_TRAINING = dict.fromkeys(("train", "tune", "model", "harden", "calibrate", "evaluate", "release"), (1, 0))


class Pets:
    """A project with the steps of the example, every training cut to a few steps and the gate to what these reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        load("demo").copy_steps(folder)
        for name, option in (("train", "training"), ("model", "training"), ("tune", "search")):
            self.edit("pets.yaml", f"{{name: {name}, model:", f"{{name: {name}, overrides: [{option}=quick], model:")
        self.edit("conf/release.yaml", "above: 0.92", "above: 0.2")
        self.edit("conf/harden.yaml", "pets: 32", "pets: 2")
        self.pedigree("init")
        self.pedigree("repo", "create", "archives")
        self.pedigree("apply", "pets.yaml")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def draw(self, pets: int, *options: str) -> None:
        command = [sys.executable, "generate.py", "archives", "--pets", str(pets), *options]
        subprocess.run(command, cwd=self.folder, check=True)
        self.pedigree("put", "archives", "archives/images.tar.gz", "archives/annotations.tar.gz")

    def pedigree(self, *arguments: str, code: int = 0) -> str:
        command = [str(Path(sys.executable).with_name("pedigree")), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def run(self) -> dict[str, tuple[int, int]]:
        """What ran and what was reused, by pipeline; pipelines without a job are left out."""
        report = json.loads(self.pedigree("run", "--json"))
        return {job["pipeline"]: (job["processed"], job["skipped"]) for job in report["jobs"]}

    def trees(self) -> dict[str, str]:
        """The digest of all files, names and modes of each step's output."""
        return {name: json.loads(self.pedigree("inspect", f"{name}@master", "--json"))["tree"] for name in STEPS}

    def tags(self) -> list[str]:
        return [tag["tag"] for tag in json.loads(self.pedigree("tag", "list", "release", "--json"))]


def without_idle(ran: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Pipelines in which something ran."""
    return {name: numbers for name, numbers in ran.items() if numbers[0]}


def test_each_change_runs_exactly_what_depends_on_it(tmp_path: Path) -> None:
    """One photograph more or another, one number, one line of code; and the whole loop twice is the same bytes, and can be
    made again. Break: give `transform` the whole warehouse as one datum, or `train` the whole of `transform`; write a time
    into any file of any step.
    """
    pets = Pets(tmp_path / "one")
    pets.draw(PETS)
    first = pets.run()
    every = {"stream": (1, 0), "warehouse": (PETS, 0), "transform": (PETS, 0), **AFTER_TRAINING}
    assert first == every
    assert pets.run() == {}
    metrics = json.loads(pets.pedigree("cat", "evaluate@master:/metrics.json"))
    assert 0.2 < metrics["calibrated"]["accuracy"] <= 1.0
    (tag,) = pets.tags()
    assert json.loads(pets.pedigree("inspect", f"release@{tag}", "--json"))["tags"] == [tag]
    trees = pets.trees()

    pets.edit("conf/evaluate.yaml", "pictures: 8", "pictures: 4")
    assert pets.run() == {}  # a run takes the configuration that was applied, and says that the file is another
    pets.pedigree("apply", "pets.yaml")
    assert without_idle(pets.run()) == {"evaluate": (1, 0)}, "the metrics are the same, so nothing is released anew"
    assert "config pictures: 8 -> 4 (conf/evaluate.yaml:" in pets.pedigree("explain", "evaluate")
    pets.edit("conf/training/full.yaml", "batch: 8", "batch: 8   # what fits")
    pets.pedigree("apply", "pets.yaml")
    assert pets.run() == {}

    part_of = load("transform").part_of
    ids = [load("generate").pet_id(number) for number in range(PETS)]
    waiting, judging = (next(pet for pet in ids if part_of(pet) == part) for part in ("calibration", "test"))
    one = {"stream": (1, 0), "warehouse": (1, PETS - 1), "transform": (1, PETS - 1)}
    pets.draw(PETS, "--redraw", waiting)  # the calibration part: no training reads it
    assert without_idle(pets.run()) == one | {"calibrate": (1, 0), "evaluate": (1, 0), "release": (1, 0)}
    assert len(pets.tags()) == 2
    pets.draw(PETS)  # back to what it was: the one cache has it
    assert without_idle(pets.run()) == {}
    pets.draw(PETS, "--redraw", judging)
    assert without_idle(pets.run()) == one | {"evaluate": (1, 0), "release": (1, 0)}

    pets.edit("conf/release.yaml", "above: 0.2", "above: 0.999")
    pets.pedigree("apply", "pets.yaml")
    pets.pedigree("run", code=1)
    assert len(pets.tags()) == 3, "a gate that fails tags nothing"

    again = Pets(tmp_path / "two")
    again.draw(PETS)
    assert again.run() == every
    assert again.trees() == trees
    assert again.tags() == [tag]
    verdict = json.loads(again.pedigree("verify", "--upstream", f"release@{tag}", "--json"))
    assert verdict["state"] == "identical"


def test_one_photograph_more_is_one_datum_and_a_line_of_code_all_of_them(tmp_path: Path) -> None:
    """Break: name the datums of warehouse by their place in the list."""
    pets = Pets(tmp_path / "one")
    pets.draw(PETS)
    pets.pedigree("run", "transform")
    pets.draw(PETS + 1)
    ran = json.loads(pets.pedigree("run", "transform", "--json"))["jobs"]
    counted = {job["pipeline"]: (job["processed"], job["skipped"]) for job in ran}
    assert counted["warehouse"] == counted["transform"] == (1, PETS)
    pets.edit("transform.py", "Image.Resampling.BOX", "Image.Resampling.BILINEAR")
    ran = json.loads(pets.pedigree("run", "transform", "--json"))["jobs"]
    assert {job["pipeline"]: job["processed"] for job in ran if job["processed"]} == {"transform": PETS + 1}
