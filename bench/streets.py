"""The pets pipelines, unchanged, on 701 real photographs: test IoU of the foreground at least 0.80 within 15 minutes.

    python -m bench.streets [FOLDER] [--project DIR]

FOLDER holds images.tar.gz and annotations.tar.gz in the layout of the Oxford-IIIT Pet archives; without it,
$PEDIGREE_SHARED_DATA/streets is taken. The data are no part of the project, so without them there is nothing to measure.
Steps, settings and specs are those of examples/pets, byte for byte; the whole way from put to evaluate is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
BAR_IOU, BAR_S = 0.80, 15 * 60


def pedigree(project: Path, *arguments: str) -> str:
    """The standard output of a command, run in the project."""
    command = [str(Path(sys.executable).parent / "pedigree"), *arguments]
    return subprocess.run(command, cwd=project, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(archives: Path, project: Path) -> tuple[float, dict[str, float]]:
    """The test IoU of the foreground, and the seconds that each command took."""
    project.mkdir(parents=True, exist_ok=True)
    for source in [*PETS.glob("*.py"), *PETS.glob("*.yaml"), *PETS.glob("conf/**/*.yaml")]:
        target = project / source.relative_to(PETS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    took = {}
    for arguments in (
        ("init",),
        ("put", "archives", str(archives / "images.tar.gz"), str(archives / "annotations.tar.gz")),
        ("apply", "pets.yaml"),
        *(("run", name) for name in ("warehouse", "transform", "train", "evaluate")),
    ):
        started = time.perf_counter()
        pedigree(project, *arguments)
        took[" ".join(arguments[:2] if arguments[0] != "put" else arguments[:1])] = time.perf_counter() - started
    metrics = json.loads(pedigree(project, "cat", "evaluate@master:/metrics.json"))
    return float(metrics["iou"]["pet"]), took


def main() -> int:
    parser = argparse.ArgumentParser(description="The pets pipelines on 701 real photographs.")
    shared = os.environ.get("PEDIGREE_SHARED_DATA")
    parser.add_argument("archives", type=Path, nargs="?", default=Path(shared) / "streets" if shared else None)
    parser.add_argument("--project", type=Path, help="a new folder that is kept; a temporary one unless given")
    arguments = parser.parse_args()
    if arguments.archives is None or not (arguments.archives / "images.tar.gz").is_file():
        print("streets: no archives (give their folder, or set PEDIGREE_SHARED_DATA); not measured")
        return 0
    with tempfile.TemporaryDirectory() as place:
        iou, took = measure(arguments.archives.resolve(), arguments.project or Path(place) / "streets")
    for name, seconds in took.items():
        print(f"{name:16} {seconds:7.1f} s")
    total = sum(took.values())
    good = iou >= BAR_IOU and total <= BAR_S
    print(
        f"{'all':16} {total:7.1f} s (bar {BAR_S} s)\ntest IoU of the foreground {iou:.4f} (bar {BAR_IOU}): {'met' if good else 'MISSED'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
