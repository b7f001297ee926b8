"""A small loop of three steps, for tests: photographs are prepared, a model is trained, an evaluation is written."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.project import Project

SPECS = """
pipeline: {name: prepare}
input: {pfs: {repo: photos, glob: /*}}
transform: {cmd: [python3, prepare.py]}
---
pipeline: {name: train}
input: {pfs: {name: training, repo: prepare, glob: /training}}
transform: {cmd: [python3, train.py]}
config: {name: train}
resource_limits: {cpu: 1}
seed: 3
---
pipeline: {name: evaluate}
input:
  cross:
    - pfs: {name: model, repo: train, glob: /}
    - pfs: {name: test, repo: prepare, glob: /test}
transform: {cmd: [python3, evaluate.py]}
"""

PREPARE = """\
import os
from pathlib import Path
for place in sorted(Path("/pfs/photos").iterdir()):
    part = "test" if place.name.startswith("t") else "training"
    out = Path("/pfs/out", part)
    out.mkdir(exist_ok=True)
    (out / place.name).write_text(place.read_text().upper())
"""

TRAIN = """\
import csv
import json
import os
from pathlib import Path
import yaml
values = yaml.safe_load(open("/pfs/.config.yaml"))
weight = sum(len(place.read_text()) for place in Path("/pfs/training/training").iterdir())
loss, rows = 1.0, []
for step in range(1, values["steps"] + 1):
    loss *= 1 - values["rate"]
    rows.append([step, loss, weight])
with open("/pfs/out/history.csv", "w") as file:
    csv.writer(file).writerows([["step", "loss", "weight"], *rows])
json.dump({"loss": loss, "weight": weight, "seed": os.environ["PEDIGREE_SEED"]}, open("/pfs/out/model.json", "w"))
"""

EVALUATE = """\
import json
from pathlib import Path
from PIL import Image
model = json.load(open("/pfs/model/model.json"))
tests = [place.read_text() for place in sorted(Path("/pfs/test/test").iterdir())]
accuracy = round(1 - model["loss"] / 2, 6)
json.dump(
    {"accuracy": accuracy, "tests": len(tests), "per class": {"cat": accuracy - 0.1, "dog": round(model["weight"] / 64, 4)}},
    open("/pfs/out/metrics.json", "w"),
)
Image.new("L", (48, 32), round(255 * accuracy)).save("/pfs/out/plot.png")
"""


def loop(folder: Path) -> Project:
    """The project after its first run."""
    project = Project(folder)
    project.put("photos", {"a": "one", "b": "two", "t1": "three"})
    for name, text in (("prepare.py", PREPARE), ("train.py", TRAIN), ("evaluate.py", EVALUATE)):
        project.write(name, text)
    configured(project, steps=12, rate=0.1)
    project.apply(SPECS)
    assert project.run().ok
    return project


def configured(project: Project, *, steps: int, rate: float) -> None:
    project.write("conf/train.yaml", f"steps: {steps}\nrate: {rate}\n")


def again(project: Project, specs: str = SPECS) -> None:
    project.apply(specs)
    assert project.run().ok
