"""Verifying the released model of examples/pets up to its archives, in a copy of the project, takes at most 1.1 times its first run.

    python bench/verifying.py [--pets 60] [--rounds 3]

Whole commands, in turn: a first run in a fresh store, then `verify --upstream release@master` in a copy of the project elsewhere. The
photographs are drawn, and trainings are cut to the few steps of the `quick` options, so that what verifying adds would show.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
BAR = 1.1


def pedigree(project: Path, *arguments: str) -> float:
    """Seconds that the command took; ends the benchmark where it fails."""
    command = [str(Path(sys.executable).parent / "pedigree"), *arguments]
    started = time.perf_counter()
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    return time.perf_counter() - started


def prepare(project: Path, pets: int) -> None:
    for source in [*PETS.glob("*.py"), *PETS.glob("*.yaml"), *PETS.glob("report.*"), *PETS.glob("conf/**/*.yaml")]:
        target = project / source.relative_to(PETS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    spec, gate = project / "pets.yaml", project / "conf/release.yaml"
    text = spec.read_text()
    for name, option in (("train", "training"), ("model", "training"), ("tune", "search")):
        text = text.replace(f"{{name: {name}, model:", f"{{name: {name}, overrides: [{option}=quick], model:", 1)
    spec.write_text(text)
    gate.write_text(gate.read_text().replace("above: 0.92", "above: 0.2"))
    command = [sys.executable, "generate.py", "archives", "--pets", str(pets)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    pedigree(project, "init")
    pedigree(project, "repo", "create", "archives")
    pedigree(project, "put", "archives", "archives/images.tar.gz", "archives/annotations.tar.gz")
    pedigree(project, "apply", "pets.yaml")


def main() -> int:
    """1 when the bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pets", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ratios = []
    print("| round | first run s | verify --upstream s | times |\n|---|---|---|---|")
    for number in range(1, arguments.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            project, clone = Path(folder) / "one", Path(folder) / "other"
            project.mkdir()
            prepare(project, arguments.pets)
            first = pedigree(project, "run")
            shutil.copytree(project, clone, symlinks=True)
            shutil.rmtree(project)
            again = pedigree(clone, "verify", "--upstream", "release@master")
        ratios.append(again / first)
        print(f"| {number} | {first:.1f} | {again:.1f} | {again / first:.2f} |", flush=True)
    median = sorted(ratios)[len(ratios) // 2]
    print(f"\nMedian {median:.2f} times the first run; bar <= {BAR}: {'met' if median <= BAR else 'missed'}")
    return 0 if median <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
