"""`make demo`: from two archives to a released model, through the command line that a user has.

    python examples/pets/demo.py [--source drawn|oxford|FOLDER] [--pets 200] [--project out/demo]

The project folder stays: a second demo finds everything up to date and runs nothing. Files of examples/pets that are newer
than their copies there are copied again, and exactly what depends on them runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ARCHIVES = ("images.tar.gz", "annotations.tar.gz")
LINEAGE_LINES = 12  # of the tree by file, which has a few lines for each photograph
CHANGED = "beagle_1"  # a pet of the training part
RESULTS = {
    "Report.html": "the report: metrics, calibration, worst and best pets, breeds",
    "pictures.png": "photograph, truth and prediction, from the best pet to the worst",
    "lineage.html": "where every byte of the model comes from",
    "provenance/card.html": "the model card; beside it SLSA, OpenLineage, PROV and an ML-BOM",
}
MODEL = "release@master:/model/weights.safetensors"


class Demo:
    """The project folder, and the commands run in it, each shown before it runs."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.bin = Path(sys.executable).parent
        self.env = {**os.environ, "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}"}

    def title(self, text: str) -> None:
        print(f"\n== {text}", flush=True)

    def run(self, *command: str) -> None:
        """Run a command and show what it prints; ends the demo with its exit code if it fails."""
        self._show(command)
        code = subprocess.run(self._argv(command), cwd=self.project, env=self.env, check=False).returncode
        if code:
            sys.exit(code)

    def read(self, *command: str, show: bool = True) -> str:
        """The standard output of a command; ends the demo with its exit code if it fails."""
        if show:
            self._show(command)
        done = subprocess.run(
            self._argv(command), cwd=self.project, env=self.env, check=False, stdout=subprocess.PIPE, text=True
        )
        if done.returncode:
            sys.exit(done.returncode)
        return done.stdout

    def _show(self, command: tuple[str, ...]) -> None:
        print(f"$ {shlex.join(command)}", flush=True)

    def _argv(self, command: tuple[str, ...]) -> list[str]:
        program = sys.executable if command[0] == "python" else str(self.bin / command[0])
        return [program, *command[1:]]


def copy_steps(project: Path) -> list[str]:
    """Copy the steps, their settings and the specs into the project, the newer file winning; names of those copied."""
    copied = []
    patterns = ("*.py", "*.yaml", "conf/**/*.yaml", "report.*")
    for source in sorted({path for pattern in patterns for path in HERE.glob(pattern)}):
        name = str(source.relative_to(HERE))
        target = project / name
        if source.name == Path(__file__).name or (
            target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns
        ):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        copied.append(name)
    return copied


def shorten(project: Path) -> bool:
    """Let `model` train for drawn pets, which need fewer steps; whether pets.yaml had to be changed for it."""
    spec = project / "pets.yaml"
    before = spec.read_text()
    after = before.replace("{name: model, model:", "{name: model, overrides: [training=drawn], model:")
    spec.write_text(after)
    return after != before


def make_archives(demo: Demo, source: str, pets: int) -> str:
    """See to it that both archives are there; the folder they are in, as the project names it."""
    if source == "drawn":
        demo.run("python", "generate.py", "archives", "--pets", str(pets))
        return "archives"
    if source == "oxford":
        demo.run("python", "fetch.py", "fetch.yaml", "archives-oxford")
        return "archives-oxford"
    folder = Path(source).resolve()
    missing = [name for name in ARCHIVES if not (folder / name).is_file()]
    if missing:
        sys.exit(
            f"{folder}: {' and '.join(missing)} missing here. --source takes drawn, oxford, or a folder with both archives"
        )
    return str(folder)


def head(text: str, lines: int) -> str:
    """The first `lines` lines, and how many more there are."""
    every = text.splitlines()
    more = len(every) - lines
    return "\n".join([*every[:lines], *([f"… {more} more lines"] if more > 0 else [])])


def show_results(demo: Demo) -> None:
    demo.title("Metrics of the test part: the model as it is, and calibrated")
    metrics = json.loads(demo.read("pedigree", "cat", "evaluate@master:/metrics.json"))
    for name, found in (("original", metrics), ("calibrated", metrics["calibrated"])):
        values = [(f"IoU {one}", value) for one, value in found["iou"].items()]
        values += [(key.replace("_", " "), found[key]) for key in ("mean_iou", "accuracy", "ece")]
        print(f"  {name:11}" + "  ".join(f"{key} {value:.3f}" for key, value in values if value is not None))

    demo.title("What was released, under a name that never moves")
    demo.run("pedigree", "tag", "list", "release")
    print()
    print(head(demo.read("pedigree", "lineage", MODEL), LINEAGE_LINES))

    demo.title("Results to look at")
    results = demo.project / "results"
    demo.run("pedigree", "get", "evaluate@master", "-o", "results", "--overwrite")
    demo.run("pedigree", "lineage", MODEL, "-o", "results/lineage.html")
    demo.run("pedigree", "export", "release@master", "--all", "-q", "-o", "results/provenance")
    for name, what in RESULTS.items():
        print(f"  {shown(results / name):44} {what}")


def what_next(demo: Demo, folder: str, drawn: int | None) -> str:
    """What to change and what then runs, as lines to type. `drawn` is how many pets were drawn here, None for none."""
    lines = [
        f"cd {shown(demo.project)} && source {demo.bin / 'activate'}",
        wide("pedigree verify --upstream release@master", "make everything again, and compare it bit for bit"),
        "edit a number in conf/training/full.yaml, then pedigree apply pets.yaml && pedigree run",
        wide("", "what trains runs again, and all that follows; a comment runs nothing"),
        wide("edit a line of evaluate.py, then pedigree run", "evaluate and release run"),
    ]
    if drawn is not None:
        put = f"pedigree put archives {folder}/*.tar.gz && pedigree run"
        lines += [
            f"python generate.py {folder} --pets {drawn} --redraw {CHANGED} && {put}",
            wide("", f"{CHANGED} alone goes through warehouse and transform, then what reads its part"),
            f"python generate.py {folder} --pets {drawn + 1} && {put}",
            wide("", "one pet more; what trains runs only if it is in a part that training reads"),
        ]
    lines += [
        wide("pedigree diff --why evaluate@master", "why its metrics are others than before"),
        wide("pedigree run --watch", "TensorBoard at http://localhost:6006, and a run for each change"),
    ]
    return "\n".join(["Or change something and see what runs:", *(f"  {line}" for line in lines)])


def wide(what: str, then: str) -> str:
    """A line in two columns."""
    return f"{what:47}{then}"


def shown(path: Path) -> str:
    """The path from here, if that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="From two archives to a released model.")
    parser.add_argument(
        "--source",
        default="drawn",
        help="drawn (default): drawn here; oxford: the real archives; or a folder with both",
    )
    parser.add_argument("--pets", type=int, default=200, help="how many pets are drawn (default 200)")
    parser.add_argument("--project", type=Path, default=HERE.parents[1] / "out/demo", help="where (default out/demo)")
    arguments = parser.parse_args()
    started = time.monotonic()
    arguments.project.mkdir(parents=True, exist_ok=True)
    demo = Demo(arguments.project.resolve())

    demo.title(f"A project in {shown(demo.project)}")
    for name in copy_steps(demo.project):
        print(f"  {name}")
    if arguments.source == "drawn" and shorten(demo.project):
        print("  pets.yaml: `overrides: [training=drawn]` for the model, 600 steps instead of 1,500")
    if not (demo.project / ".pedigree").exists():
        demo.run("pedigree", "init")

    demo.title("Data: two archives in the layout of the Oxford-IIIT Pet data set")
    folder = make_archives(demo, arguments.source, arguments.pets)
    demo.run("pedigree", "put", "archives", *(f"{folder}/{name}" for name in ARCHIVES))

    demo.title("Ten pipelines and a service")
    demo.run("pedigree", "apply", "pets.yaml")
    demo.run("pedigree", "run")

    show_results(demo)
    print(f"\nDone in {time.monotonic() - started:.0f} s. Run it again: nothing runs twice.")
    print(what_next(demo, folder, arguments.pets if arguments.source == "drawn" else None))


if __name__ == "__main__":
    main()
