"""The wrong thing changed in the training of examples/pets: whether verify names it, in every round.

    python bench/suspects.py [--pets 40] [--rounds 1] [--only TEXT]

One project of drawn pets of 64 pixels; `train` is cut to the 12 steps of conf/training/quick.yaml. In turn each mistake is made in a copy of the
step, the step runs, and `verify train@master` must name it first: by kind, and by the file and line that the mistake is in. The clean
step must be identical, with no suspect. Exits with 1 when one is missed.
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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PETS = Path(__file__).resolve().parents[1] / "examples/pets"
SEED = 'int(os.environ["PEDIGREE_SEED"])'


@dataclass(frozen=True)
class Mistake:
    """`edits` are (file, old, new). `kind` and `at` (a file, and text of the line in it) are what verify must say first."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    kind: str
    at: tuple[str, str]
    cores: int = 0  #: made on so many cores, verified on all
    package: bool = False  #: the package `rates` goes from 1.0 to 2.0 in between


CLEAN = Mistake("nothing", (), "", ("", ""))
MISTAKES = (
    Mistake(
        "the seed is not set in the spec",
        (
            ("pets.yaml", "seed: 20260101\n", ""),
            ("train.py", SEED, 'int(os.environ.get("PEDIGREE_SEED") or time.time_ns() % 2**32)'),
            ("train.py", "import sys\n", "import sys\nimport time\n"),
        ),
        "seed",
        ("train.py", "PEDIGREE_SEED"),
    ),
    Mistake(
        "weights are drawn before anything is seeded",
        (
            (
                "train.py",
                'build_seeded({"model": settings.model.model_dump()}, seed)',
                'build({"model": settings.model.model_dump()})',
            ),
            ("train.py", "import build_seeded, save", "import build, save"),
            ("train.py", "    training.seed_everything(seed)\n", ""),
        ),
        "seed",
        ("mobilenet.py", "nn.Conv2d("),
    ),
    Mistake(
        "the workers draw from a generator without a seed",
        (
            ("augment.py", 'draw.rng("augment").random(', "numpy.random.default_rng().random("),
            ("augment.py", "import torch\n", "import numpy\nimport torch\n"),
            ("fitting.py", "num_workers=settings.workers", "num_workers=2"),
        ),
        "seed",
        ("augment.py", "default_rng()"),
    ),
    Mistake(
        "the machine decides the number of threads",
        (("train.py", 'int(os.environ["OMP_NUM_THREADS"])', "len(os.sched_getaffinity(0))"),),
        "threads",
        ("train.py", "sched_getaffinity"),
        cores=1,
    ),
    Mistake(
        "a package has another version",
        (
            ("fitting.py", "import torch\n", "import rates\nimport torch\n"),
            ("fitting.py", "lr=settings.learning_rate,", "lr=settings.learning_rate * rates.SCALE,"),
            (
                "fitting.py",
                "        rate = settings.learning_rate *",
                "        rate = rates.SCALE * settings.learning_rate *",
            ),
        ),
        "package",
        ("fitting.py", "import rates"),
        package=True,
    ),
)


class Project:
    """The example in a folder of its own, with one more folder of packages on the path."""

    def __init__(self, folder: Path, pets: int) -> None:
        self.folder, self.site = folder, folder / "more/site-packages"
        self.restore()
        self.install("1.0")
        self("init")
        self("repo", "create", "archives")
        subprocess.run(
            [sys.executable, "generate.py", "archives", "--pets", str(pets)],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        self("put", "archives", "archives/images.tar.gz", "archives/annotations.tar.gz")

    def __call__(self, *arguments: str, cores: int = 0, code: int | None = 0) -> str:
        every = sorted(os.sched_getaffinity(0))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "pedigree"), *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, every[:cores] if cores else every),
            check=False,
        )
        if code is not None and done.returncode != code:
            sys.exit(f"pedigree {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def restore(self, edits: Iterable[tuple[str, str, str]] = ()) -> None:
        """The steps as they are in examples/pets, and then the edits."""
        for source in [*PETS.glob("*.py"), *PETS.glob("*.yaml"), *PETS.glob("conf/**/*.yaml")]:
            target = self.folder / source.relative_to(PETS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        small = (
            ("pets.yaml", "{name: train,", "{name: train, overrides: [training=quick],"),
            ("conf/data/pets.yaml", "size: 128", "size: 64"),
        )
        for name, old, new in (*small, *edits):
            path = self.folder / name
            text = path.read_text()
            assert old in text, f"{name} has no {old!r}"
            path.write_text(text.replace(old, new, 1))

    def install(self, version: str) -> None:
        shutil.rmtree(self.site, ignore_errors=True)
        facts = self.site / f"rates-{version}.dist-info"
        facts.mkdir(parents=True)
        (self.site / "rates.py").write_text(f"SCALE = {version}\n")
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: rates\nVersion: {version}\n")
        (facts / "RECORD").write_text("rates.py,,\n")

    def line(self, name: str, part: str) -> str:
        lines = (self.folder / name).read_text().splitlines()
        return f"{name}:{next(number for number, text in enumerate(lines, 1) if part in text)}"


def judge(project: Project, mistake: Mistake) -> tuple[bool, dict[str, Any], float]:
    """Whether verify named the mistake first, its verdict, and the seconds that it took."""
    project.install("1.0")
    project.restore(mistake.edits)
    project("apply", "pets.yaml")
    project("run", "train", cores=mistake.cores)
    if mistake.package:
        project.install("2.0")
    started = time.perf_counter()
    verdict = json.loads(project("verify", "--json", "train@master", code=None))
    took = time.perf_counter() - started
    if mistake is CLEAN:
        return verdict["state"] == "identical" and not verdict["suspects"], verdict, took
    suspects = verdict["suspects"]
    first = suspects[0] if suspects else {"kind": "", "places": []}
    named = first["kind"] == mistake.kind and project.line(*mistake.at) in first["places"]
    return verdict["state"] == "different" and named, verdict, took


def main() -> int:
    """1 when one mistake was not named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pets", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="", help="those whose name holds this")
    arguments = parser.parse_args()
    missed = 0
    chosen = [mistake for mistake in (CLEAN, *MISTAKES) if arguments.only in mistake.name]
    print("| changed | verify says first | made again | s | named |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), arguments.pets)
        for _ in range(arguments.rounds):
            for mistake in chosen:
                named, verdict, took = judge(project, mistake)
                missed += not named
                first = verdict["suspects"][0] if verdict["suspects"] else {"weight": "", "text": verdict["state"]}
                again = verdict["findings"][0]["again"] if verdict["findings"] else ""
                told = f"{first['weight']}: {first['text']}".removeprefix(": ")
                print(
                    f"| {mistake.name} | {told} | {again} | {took:.1f} | {'yes' if named else '**no**'} |", flush=True
                )
    print(f"\nmissed: {missed} of {arguments.rounds * len(chosen)} (bar: 0)")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
