"""The example as a whole, by the commands that a person types: what runs when, and the same bits twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.steps import load

pytestmark = pytest.mark.slow

PETS = 40


class Pets:
    """A project with the steps of the example, training cut to a few steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        load("demo").copy_steps(folder)
        self.edit("pets.yaml", "{name: train,", "{name: train, overrides: [training=quick],")
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

    def pedigree(self, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("pedigree")), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self) -> dict[str, tuple[int, int]]:
        """What ran and what was reused, by pipeline; pipelines without a job are left out."""
        report = json.loads(self.pedigree("run", "--json"))
        return {job["pipeline"]: (job["processed"], job["skipped"]) for job in report["jobs"]}


def without_idle(ran: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Pipelines in which something ran."""
    return {name: numbers for name, numbers in ran.items() if numbers[0]}


def test_each_change_runs_exactly_what_depends_on_it(tmp_path: Path) -> None:
    """One photograph more or another, one number, one line of code. Break: give `transform` the whole warehouse as one
    datum, or `train` the whole of `transform`.
    """
    pets = Pets(tmp_path / "one")
    pets.draw(PETS)
    first = pets.run()
    assert first == {
        "stream": (1, 0),
        "warehouse": (PETS, 0),
        "transform": (PETS, 0),
        "train": (1, 0),
        "evaluate": (1, 0),
    }
    assert pets.run() == {}
    metrics = json.loads(pets.pedigree("cat", "evaluate@master:/metrics.json"))
    assert 0.0 < metrics["accuracy"] <= 1.0
    weights = pets.pedigree("inspect", "train@master:/model/weights.safetensors", "--json")

    pets.edit("conf/evaluate.yaml", "pictures: 8", "pictures: 4")
    assert pets.run() == {}  # a run takes the configuration that was applied, and says that the file is another
    pets.pedigree("apply", "pets.yaml")
    assert pets.run() == {"evaluate": (1, 0)}
    assert "config pictures: 8 -> 4 (conf/evaluate.yaml:3:11)" in pets.pedigree("explain", "evaluate")
    pets.edit("conf/training/full.yaml", "batch: 8", "batch: 8   # what fits")
    pets.pedigree("apply", "pets.yaml")
    assert pets.run() == {}

    pets.draw(PETS + 1)
    ran = pets.run()
    assert ran["warehouse"] == (1, PETS)
    assert ran["transform"] == (1, PETS)

    part_of = load("transform").part_of
    ids = [load("generate").pet_id(number) for number in range(PETS + 1)]
    waiting, judging = (next(pet for pet in ids if part_of(pet) == part) for part in ("calibration", "test"))
    one = {"stream": (1, 0), "warehouse": (1, PETS), "transform": (1, PETS)}
    pets.draw(PETS + 1, "--redraw", waiting)  # no later step reads the calibration part
    assert without_idle(pets.run()) == one
    pets.draw(PETS + 1)  # back to what it was: the one cache has it
    assert without_idle(pets.run()) == {}
    pets.draw(PETS + 1, "--redraw", judging)
    assert without_idle(pets.run()) == one | {"evaluate": (1, 0)}

    pets.edit("transform.py", "Image.Resampling.BOX", "Image.Resampling.BILINEAR")
    assert without_idle(pets.run()) == {"transform": (PETS + 1, 0), "train": (1, 0), "evaluate": (1, 0)}

    again = Pets(tmp_path / "two")
    again.draw(PETS)
    again.run()
    assert again.pedigree("inspect", "train@master:/model/weights.safetensors", "--json") == weights
