"""`make demo`: from two archives to an evaluated model, through the command line that a user has.

    python examples/pets/demo.py [--source drawn|oxford|FOLDER] [--pets 120] [--project out/demo]

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
MODEL = "train@master:/model/weights.safetensors"


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
    demo.title("Metrics of the test part")
    metrics = json.loads(demo.read("pedigree", "cat", "evaluate@master:/metrics.json"))
    print(
        f"  {metrics['pets']} pets  " + "  ".join(f"IoU {name} {value:.3f}" for name, value in metrics["iou"].items())
    )
    print(f"  mean IoU {metrics['mean_iou']:.3f}  mean F1 {metrics['mean_f1']:.3f}  accuracy {metrics['accuracy']:.3f}")

    demo.title("Where the model comes from")
    demo.run("pedigree", "lineage", "train@master")
    print()
    print(head(demo.read("pedigree", "lineage", MODEL), LINEAGE_LINES))

    demo.title("Pictures: image, truth, prediction, from the best pet to the worst")
    results = demo.project / "results"
    demo.run("pedigree", "get", "evaluate@master", "-o", "results", "--overwrite")
    demo.run("pedigree", "lineage", MODEL, "-o", "results/lineage.html")
    print(f"  {shown(results / 'pictures.png')}")
    print(f"  {shown(results / 'Report.html')}")
    print(f"  {shown(results / 'lineage.html')}")


def what_next(demo: Demo, folder: str, drawn: int | None) -> str:
    """What to change and what then runs, as lines to type. `drawn` is how many pets were drawn here, None for none."""
    lines = [
        f"cd {shown(demo.project)} && source {demo.bin / 'activate'}",
        "edit a number in conf/training/full.yaml, then pedigree apply pets.yaml && pedigree run",
        wide("", "train and evaluate run; a comment runs nothing"),
        wide("edit a line of evaluate.py, then pedigree run", "evaluate runs"),
    ]
    if drawn is not None:
        put = f"pedigree put archives {folder}/*.tar.gz && pedigree run"
        lines += [
            f"python generate.py {folder} --pets {drawn} --redraw {CHANGED} && {put}",
            wide("", f"{CHANGED} alone goes through warehouse and transform, then train and evaluate"),
            f"python generate.py {folder} --pets {drawn + 1} && {put}",
            wide("", "one pet more; train runs only if it is in a part that train reads"),
        ]
    lines += [
        wide("pedigree explain evaluate", "why it ran, down to the line that changed"),
        "pedigree get train@master:/tensorboard -o tb && tensorboard --logdir tb",
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
    parser = argparse.ArgumentParser(description="From two archives to an evaluated model.")
    parser.add_argument(
        "--source",
        default="drawn",
        help="drawn (default): drawn here; oxford: the real archives; or a folder with both",
    )
    parser.add_argument("--pets", type=int, default=120, help="how many pets are drawn (default 120)")
    parser.add_argument("--project", type=Path, default=HERE.parents[1] / "out/demo", help="where (default out/demo)")
    arguments = parser.parse_args()
    started = time.monotonic()
    arguments.project.mkdir(parents=True, exist_ok=True)
    demo = Demo(arguments.project.resolve())

    demo.title(f"A project in {shown(demo.project)}")
    for name in copy_steps(demo.project):
        print(f"  {name}")
    if not (demo.project / ".pedigree").exists():
        demo.run("pedigree", "init")

    demo.title("Data: two archives in the layout of the Oxford-IIIT Pet data set")
    folder = make_archives(demo, arguments.source, arguments.pets)
    demo.run("pedigree", "put", "archives", *(f"{folder}/{name}" for name in ARCHIVES))

    demo.title("Five pipelines")
    demo.run("pedigree", "apply", "pets.yaml")
    demo.run("pedigree", "run")

    show_results(demo)
    print(f"\nDone in {time.monotonic() - started:.0f} s. Run it again: nothing runs twice.")
    print(what_next(demo, folder, arguments.pets if arguments.source == "drawn" else None))


if __name__ == "__main__":
    main()
