"""The example of wrong labels as a pipeline: run by the engine, in the sandbox, as its README says."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pedigree

EXAMPLE = Path(__file__).parents[2] / "examples" / "labels"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Shapes:
    """A project with the example, in which Pedigree's own code is given to the step: here it is installed from a checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in EXAMPLE.glob("*.*"):
            shutil.copy(path, folder)
        source = Path(pedigree.__file__).parent
        shutil.copytree(source, folder / "src/pedigree", ignore=shutil.ignore_patterns("__pycache__"))
        spec = (folder / "labels.yaml").read_text()
        assert spec.count("pipeline: {name: doubts}\n") == 1
        code = "pipeline: {name: doubts}\ncode: {include: [src/pedigree]}\n"
        (folder / "labels.yaml").write_text(spec.replace("pipeline: {name: doubts}\n", code))
        subprocess.run([sys.executable, "draw.py", "shapes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        self("init")
        self("put", "shapes:/", "shapes")
        self("apply", "labels.yaml")

    def __call__(self, *words: str) -> str:
        command = [str(Path(sys.executable).with_name("pedigree")), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self) -> dict[str, int]:
        """How many datums ran, by pipeline."""
        return {job["pipeline"]: job["processed"] for job in json.loads(self("run", "--json"))["jobs"]}

    def issues(self) -> list[dict[str, str]]:
        table = self("cat", "doubts@master:/issues.csv")
        return [row for row in csv.DictReader(io.StringIO(table)) if row["is_issue"] == "true"]

    def decide(self, items: list[dict[str, Any]]) -> str:
        """What the page would save: the head that stands in it, and decisions."""
        page = self("cat", "doubts@master:/report.html")
        head = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])["head"]
        lines = [head, *({"who": "Ada", "when": "2026-11-27T10:00:00Z", **item} for item in items)]
        (self.folder / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return "decisions.jsonl"


def test_a_changed_label_makes_the_steps_run_again_and_the_report_another(tmp_path: Path) -> None:
    """Nothing changed: nothing runs. Suggestions taken over: fewer doubts, and the lineage says who decided.

    Breaks: leave `shapes` out of the inputs of `doubts`; keep the pictures in one array, by the number of the row.
    """
    shapes = Shapes(tmp_path)
    assert shapes.run() == {"predict": 1, "doubts": 1}
    before, page = shapes.issues(), shapes("cat", "doubts@master:/report.html")
    assert 20 < len(before) < 45
    assert not any(shapes.run().values())
    decided = [
        {"id": row["id"], "given": row["given"], "decision": "relabel", "labels": [row["suggested"]]} for row in before
    ]
    shapes("labels", "apply", shapes.decide(decided), "shapes@master")
    assert shapes.run() == {"predict": 1, "doubts": 1}
    after = shapes.issues()
    assert len(after) < len(before) / 3
    assert shapes("cat", "doubts@master:/report.html") != page
    told = shapes("lineage", "doubts@master", "--json")
    assert "Decided by Ada" in told
    assert f"Applied {len(before)} decisions" in told
    # One label by hand: the steps run again, and that label is the doubted one.
    row = shapes("cat", "shapes@master:/labels.csv").splitlines()
    row[1] = "shape000.png,square" if not row[1].endswith("square") else "shape000.png,circle"
    (tmp_path / "shapes/labels.csv").write_text("\n".join(row) + "\n")
    shapes("put", "shapes:/", "shapes/labels.csv")
    assert shapes.run() == {"predict": 1, "doubts": 1}
    assert {one["id"] for one in shapes.issues()} - {one["id"] for one in after} == {"shape000.png"}
    # A sample that is dropped: the pictures of all others are still theirs.
    known = shapes.issues()
    dropped = {"id": "shape000.png", "given": row[1].partition(",")[2], "decision": "drop", "labels": []}
    shapes("labels", "apply", shapes.decide([dropped]), "shapes@master")
    assert shapes.run() == {"predict": 1, "doubts": 1}
    left = json.loads(shapes("cat", "doubts@master:/summary.json"))
    assert left["samples"] == 299
    assert len(shapes.issues()) <= len(known)
