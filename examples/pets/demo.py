"""The demo: from two archives of photographs to an evaluated U-Net, by the commands that a person would type.

    python demo.py [--archives FOLDER] [--pets 120]

Each command is printed before it runs. The first time everything is computed; afterwards only what depends on a change.
Without --archives a small labelled set of cats and dogs is drawn, in the layout of the Oxford-IIIT Pet data set.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE.parent.parent / "out" / "demo"


def pedigree(*arguments: str) -> None:
    """Run one command of Pedigree in this folder, visibly; its failure ends the demo."""
    print(f"\n$ pedigree {shlex.join(arguments)}", flush=True)
    done = subprocess.run([Path(sys.executable).with_name("pedigree"), *arguments], cwd=HERE)
    if done.returncode:
        sys.exit(done.returncode)


def drawn(pets: int) -> Path:
    """The folder with the drawn archives, drawn once."""
    folder = OUT / f"archives-{pets}"
    if not (folder / "annotations.tar.gz").exists():
        print(f"Drawing {pets} cats and dogs into {folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, HERE / "generate.py", folder, "--pets", str(pets)]
        subprocess.run(command, check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the pets pipelines from archive to evaluated model.")
    parser.add_argument("--archives", type=Path, help="a folder with images.tar.gz and annotations.tar.gz")
    parser.add_argument("--pets", type=int, default=120, help="how many to draw (default 120)")
    options = parser.parse_args()
    archives = options.archives.resolve() if options.archives else drawn(options.pets)
    if not (HERE / ".pedigree").exists():
        pedigree("init")
    pedigree("put", "archives:/", str(archives / "images.tar.gz"), str(archives / "annotations.tar.gz"))
    pedigree("apply", "pets.yaml")
    pedigree("run")
    pedigree("lineage", "evaluate@master")
    pedigree("get", "evaluate@master", "-o", str(OUT / "evaluation"), "--overwrite")
    metrics = json.loads((OUT / "evaluation" / "metrics.json").read_text())
    print("\nMetrics on the test part:")
    for name, value in metrics.items():
        print(f"  {name:12} {value:.4f}" if isinstance(value, float) else f"  {name:12} {value}")
    print(f"\nPictures (photograph, truth, prediction): {OUT / 'evaluation' / 'pictures.png'}")
    print("Run it again: nothing runs. Change a number in train.yaml and run it: only train and evaluate do.")


if __name__ == "__main__":
    main()
