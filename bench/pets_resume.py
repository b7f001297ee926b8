"""The pets training, killed at random steps and with any number of workers, writes the same bytes.

    python -m bench.pets_resume [--kills 10] [--steps 40] [--threads 1]

train.py of examples/pets as it is, on 40 drawn pairs of 64 x 64 pixels with dropout. Once straight through; then with 1, 2
and 4 data-loading workers; then killed (SIGKILL) at each of 10 random steps and started again, with a checkpoint every
third step. Every file that it writes is compared: weights, model.json, history, TensorBoard's events, training.json.
Exits with 1 when any byte differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
SIZE, TRAINING, VALIDATION = 64, 32, 8
PROGRAM = "import sys; from pathlib import Path; import train; train.PFS = Path(sys.argv[1]); train.main()"


def draw(pfs: Path) -> None:
    """The pairs that transform would have written: an ellipse with a border on a noisy ground."""
    noise = np.random.default_rng(1)
    y, x = np.mgrid[:SIZE, :SIZE]
    for number in range(TRAINING + VALIDATION):
        part = "training" if number < TRAINING else "validation"
        folder = pfs / part / part / f"pet_{number}"
        folder.mkdir(parents=True)
        centre, radius = noise.uniform(20, 44, 2), noise.uniform(8, 18, 2)
        away = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
        mask = np.where(away < 0.9, 1, np.where(away < 1.1, 3, 2)).astype(np.uint8)
        image = noise.integers(0, 120, (SIZE, SIZE, 3)) + (mask == 1)[..., None] * noise.integers(40, 130, 3)
        Image.fromarray(image.astype(np.uint8)).save(folder / "image.png")
        Image.fromarray(mask).save(folder / "mask.png")


def start(pfs: Path, out: Path, settings: dict[str, object], threads: int, kept: Path | None) -> subprocess.Popen[str]:
    """train.py with its inputs in `pfs` and its output in `out`."""
    out.mkdir()
    (pfs / "out").unlink(missing_ok=True)
    (pfs / "out").symlink_to(out)
    configuration = out.with_suffix(".json")  # JSON is YAML
    configuration.write_text(json.dumps(settings))
    environment = {
        **os.environ,
        "PYTHONPATH": str(PETS),
        "PYTHONWARNINGS": "ignore:This DataLoader will create",
        "PEDIGREE_CONFIG": str(configuration),
        "PEDIGREE_SEED": "7",
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    if kept is not None:
        environment["PEDIGREE_CHECKPOINTS"] = str(kept)
    return subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAM, str(pfs)], env=environment, stdout=subprocess.PIPE, text=True
    )


def settings_of(steps: int, workers: int) -> dict[str, object]:
    """A tiny model with dropout, looked at after every step."""
    augment = {"flip": 0.5, "zoom": 0.35, "light": 0.25, "saturation": 0.2}
    model = {"version": 2, "encoder": "mobilenet_v2", "width": 0.25, "decoder": [16, 8, 8, 8, 8], "dropout": 0.2}
    training = {"version": 1, "steps": steps, "batch": 8, "learning_rate": 0.01, "weight_decay": 0.01}
    training |= {"watch_every": 1, "augment": augment, "workers": workers, "checkpoint_every": 3}
    return {"model": model, "training": training, "device": "cpu"}


def digest(out: Path) -> str:
    """Of the names and bytes of all files."""
    sha = hashlib.sha256()
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        sha.update(f"{path.relative_to(out)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return sha.hexdigest()[:16]


def whole(place: Path, name: str, steps: int, workers: int, threads: int, kept: Path | None = None) -> str:
    """The digest of a training that runs to its end."""
    with start(place / "pfs", place / name, settings_of(steps, workers), threads, kept) as process:
        process.communicate()
    if process.returncode:
        sys.exit(f"{name}: the training ended with {process.returncode}")
    return digest(place / name)


def killed_at(place: Path, name: str, steps: int, kill: int, threads: int, wait_s: float) -> bool:
    """Whether SIGKILL met the training, so long after it had told of step `kill`."""
    with start(place / "pfs", place / name, settings_of(steps, 0), threads, place / "kept") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"step {kill} of"):
                time.sleep(wait_s)
                process.send_signal(signal.SIGKILL)
                break
    return process.returncode == -signal.SIGKILL


def main() -> int:
    parser = argparse.ArgumentParser(description="The pets training, killed and with workers, writes the same bytes.")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the steps to kill at")
    arguments = parser.parse_args()
    steps, threads = arguments.steps, arguments.threads
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        draw(place / "pfs")
        wanted = whole(place, "straight", steps, 0, threads)
        print(f"straight through: {wanted}", flush=True)
        found = {}
        for workers in (1, 2, 4):
            found[f"{workers} workers"] = whole(place, f"workers-{workers}", steps, workers, threads)
            print(f"{workers} workers: {found[f'{workers} workers']}", flush=True)
        kills = sorted(chance.sample(range(1, steps), arguments.kills))
        met = [killed_at(place, f"kill-{one}", steps, one, threads, chance.uniform(0, 0.05)) for one in kills]
        found["killed"] = whole(place, "resumed", steps, 0, threads, place / "kept")
        print(f"killed {sum(met)} times at or just after the steps {kills}: {found['killed']}", flush=True)
    wrong = [name for name, one in found.items() if one != wanted]
    print(f"the same bytes: {'no, not with ' + ', '.join(wrong) if wrong else 'yes, all'}")
    return 0 if not wrong and all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
