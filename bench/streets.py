"""The pets pipelines on 701 real photographs: test IoU of the foreground at least 0.88 after 10 minutes of training on 2 cores.

    python -m bench.streets [FOLDER] [--seeds 3] [--project DIR]

FOLDER holds images.tar.gz and annotations.tar.gz in the layout of the Oxford-IIIT Pet archives; without it,
$PEDIGREE_SHARED_DATA/streets is taken. The data are no part of the project, so without them there is nothing to measure.

The steps stream, warehouse, transform and train of examples/pets, byte for byte, with conf/training/full.yaml and no
pretrained weights; one model for each seed. The IoU is that of examples/pets/scores.py: the border is a class of its own,
and a pixel of it that is called foreground is wrong. Beside it the same without the pixels whose truth is the border.
Time is the CPU time of `pedigree run train` over 2 cores, which other work on the machine changes little, and the wall time.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
STEPS = ("stream", "warehouse", "transform", "train")
FIRST_SEED = 20260101
CORES = 2
BAR_IOU, BAR_S = 0.88, 10 * 60


class Result(NamedTuple):
    """Of one seed; times in seconds."""

    iou: float
    without_border: float
    mean_iou: float
    accuracy: float
    wall: float
    cpu: float


def pedigree(project: Path, *arguments: str) -> str:
    """The standard output of a command, run in the project."""
    command = [str(Path(sys.executable).parent / "pedigree"), *arguments]
    return subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout


def write_spec(project: Path, seed: int) -> None:
    """The four steps, the training with full.yaml and this seed."""
    documents = [
        one for one in yaml.safe_load_all((PETS / "pets.yaml").read_text()) if one["pipeline"]["name"] in STEPS
    ]
    train = documents[-1]
    train["config"]["overrides"] = ["training=full"]
    train["seed"] = seed
    (project / "streets.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False))


def prepare(archives: Path, project: Path) -> None:
    """A project with the steps and the photographs, resized."""
    project.mkdir(parents=True, exist_ok=True)
    for source in [*PETS.glob("*.py"), *PETS.glob("conf/**/*.yaml")]:
        target = project / source.relative_to(PETS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    pedigree(project, "init")
    pedigree(project, "put", "archives", str(archives / "images.tar.gz"), str(archives / "annotations.tar.gz"))
    write_spec(project, FIRST_SEED)
    pedigree(project, "apply", "streets.yaml")
    pedigree(project, "run", "transform")
    pedigree(project, "get", "transform@master:/test", "-o", "pairs")


def measure(project: Path, seed: int) -> Result:
    """Train with this seed and score the test part."""
    write_spec(project, seed)
    pedigree(project, "apply", "streets.yaml")
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    pedigree(project, "run", "train")
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    folder = f"model-{seed}"
    pedigree(project, "get", "train@master:/model", "-o", folder)
    iou, without, mean, accuracy = score(project, next((project / folder).rglob("model.json")).parent)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Result(iou, without, mean, accuracy, wall, cpu)


def score(project: Path, folder: Path) -> tuple[float, float, float, float]:
    """IoU of the foreground, the same without border pixels, mean IoU and accuracy of the model in `folder`."""
    sys.path.insert(0, str(PETS))
    import torch
    from models import load
    from pairs import read_pairs
    from scores import confusion, scores
    from unet import CLASSES

    torch.set_num_threads(CORES)
    model, pairs = load(folder), read_pairs(next((project / "pairs").rglob("image.png")).parents[1])
    with torch.no_grad():
        found = torch.cat([model(part.to(torch.float32) / 255).argmax(dim=1) for part in pairs.images.split(16)])
    table = confusion(found, pairs.classes, len(CLASSES))
    total = scores(table, CLASSES)
    inner = table.clone()
    inner[CLASSES.index("border")] = 0  # rows are the truth
    without = scores(inner, CLASSES)["iou"]["pet"]
    return total["iou"]["pet"], without, total["mean_iou"], total["accuracy"]


def main() -> int:
    parser = argparse.ArgumentParser(description="The pets pipelines on 701 real photographs.")
    shared = os.environ.get("PEDIGREE_SHARED_DATA")
    parser.add_argument("archives", type=Path, nargs="?", default=Path(shared) / "streets" if shared else None)
    parser.add_argument("--seeds", type=int, default=3, help="how many models (default 3)")
    parser.add_argument("--project", type=Path, help="a new folder that is kept; a temporary one unless given")
    arguments = parser.parse_args()
    if arguments.archives is None or not (arguments.archives / "images.tar.gz").is_file():
        print("streets: no archives (give their folder, or set PEDIGREE_SHARED_DATA); not measured")
        return 0
    print("| seed | IoU | without border | mean IoU | accuracy | wall s | CPU s / 2 |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        project = arguments.project or Path(place) / "streets"
        prepare(arguments.archives.resolve(), project)
        results = []
        for seed in range(FIRST_SEED, FIRST_SEED + arguments.seeds):
            one = measure(project, seed)
            results.append(one)
            numbers = " | ".join(f"{number:.4f}" for number in one[:4])
            print(f"| {seed} | {numbers} | {one.wall:.0f} | {one.cpu / CORES:.0f} |", flush=True)
    ious = [one.iou for one in results]
    spread = statistics.stdev(ious) if len(ious) > 1 else 0.0
    slowest = max(one.cpu for one in results) / CORES
    good = statistics.mean(ious) >= BAR_IOU and slowest <= BAR_S
    print(
        f"\ntest IoU of the foreground {statistics.mean(ious):.4f} +- {spread:.4f} (mean and standard deviation of {len(ious)} seeds; "
        f"bar {BAR_IOU}), at most {slowest:.0f} s (bar {BAR_S} s): {'met' if good else 'MISSED'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
