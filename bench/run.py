"""What a run costs: with nothing to do, with 1,000 trivial datums, with all of them cached; and is it ever stale?

    python bench/run.py [--runs 5] [--datums 1000] [--peers]

Whole commands as a person types them, wall time, medians. `--peers` puts snakemake and dvc beside the idle run where they
are installed (each in its own project of ten one-file steps in a row). Prints tables in Markdown for RESULTS.md. Exits with
1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

PEDIGREE = str(Path(sys.executable).with_name("pedigree"))
IDLE_S, FIRST_MS, CACHED_S = 0.25, 15.0, 1.0

ONE = """pipeline: {{name: {name}}}
input: {{pfs: {{repo: {repo}, glob: '{glob}'}}}}
transform: {{cmd: [sh, -c, 'cp /pfs/{repo}/* /pfs/out/']}}
---
"""


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def timed(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def project(folder: Path, files: int, pipelines: int, glob: str = "/*") -> None:
    data = folder / "data"
    data.mkdir()
    for number in range(files):
        (data / f"f{number:05}").write_text(f"file {number}\n")
    names = ["in", *(f"p{number}" for number in range(pipelines))]
    spec = "".join(ONE.format(name=name, repo=repo, glob=glob) for repo, name in pairwise(names))
    (folder / "p.yaml").write_text(spec.removesuffix("---\n"))
    timed([PEDIGREE, "init"], folder)
    timed([PEDIGREE, "put", "in:/", "data/"], folder)
    if names[1:]:
        timed([PEDIGREE, "apply", "p.yaml"], folder)


def idle(folder: Path, runs: int) -> float:
    project(folder, 1, 10)
    timed([PEDIGREE, "run"], folder)
    return statistics.median(timed([PEDIGREE, "run"], folder) for _ in range(runs))


def datums(folder: Path, number: int) -> tuple[float, float]:
    """Milliseconds per datum of the first run; seconds of a run in which a new commit changes none of them."""
    project(folder, number, 1)
    first = timed([PEDIGREE, "run"], folder) * 1000 / number
    (folder / "p.yaml").write_text((folder / "p.yaml").read_text() + "description: the same work under a new spec\n")
    timed([PEDIGREE, "apply", "p.yaml"], folder)
    return first, timed([PEDIGREE, "run"], folder)


def edits(folder: Path) -> dict[str, str]:
    """The edit matrix: what a change of the code directory makes the next run do."""
    project(folder, 1, 0)
    step, helper, other = folder / "step.py", folder / "helper.py", folder / "other.py"
    step.write_text("import helper\nopen('/pfs/out/r', 'w').write(helper.value)\n")
    helper.write_text("value = 'one'\n")
    other.write_text("note = 'read by nobody'\n")
    (folder / "p.yaml").write_text(
        "pipeline: {name: p}\ninput: {pfs: {repo: in, glob: /}}\ntransform: {cmd: [python, step.py]}\n"
    )
    timed([PEDIGREE, "apply", "p.yaml"], folder)
    timed([PEDIGREE, "run"], folder)

    def outcome(change: Callable[[], object], wanted: str) -> str:
        change()
        done = subprocess.run([PEDIGREE, "run"], cwd=folder, env=environment(), capture_output=True, text=True)
        result = subprocess.run([PEDIGREE, "cat", "p@master:/r"], cwd=folder, capture_output=True, text=True).stdout
        did = "refused" if done.returncode else "nothing ran" if "up to date" in done.stderr + done.stdout else "ran"
        return f"{did}, {'right' if result == wanted else 'STALE'}"

    def same_size() -> None:
        before = helper.stat()
        helper.write_text("value = 'six'\n")
        os.utime(helper, ns=(before.st_atime_ns, before.st_mtime_ns))

    return {
        "edit a file that no step uses": outcome(lambda: other.write_text("note = 'x'\n"), "one"),
        "edit an imported helper": outcome(lambda: helper.write_text("value = 'two'\n"), "two"),
        "same-size edit with the old time": outcome(same_size, "six"),
        "touch": outcome(lambda: os.utime(helper), "six"),
    }


def snakemake(folder: Path, runs: int) -> float | None:
    program = shutil.which("snakemake")
    if program is None:
        return None
    rules = ["rule all:\n    input: 'f10'\n"]
    rules += [
        f"rule r{n}:\n    input: 'f{n}'\n    output: 'f{n + 1}'\n    shell: 'cp {{input}} {{output}}'\n"
        for n in range(10)
    ]
    (folder / "Snakefile").write_text("\n".join(rules))
    (folder / "f0").write_text("x")
    timed([program, "-q", "-c1"], folder)
    return statistics.median(timed([program, "-q", "-c1"], folder) for _ in range(runs))


def dvc(folder: Path, runs: int) -> float | None:
    program = shutil.which("dvc")
    if program is None:
        return None
    stages = "".join(f"  s{n}:\n    cmd: cp f{n} f{n + 1}\n    deps: [f{n}]\n    outs: [f{n + 1}]\n" for n in range(10))
    (folder / "dvc.yaml").write_text("stages:\n" + stages)
    (folder / "f0").write_text("x")
    timed([program, "init", "--no-scm", "-q"], folder)
    timed([program, "repro", "-q"], folder)
    return statistics.median(timed([program, "repro", "-q"], folder) for _ in range(runs))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--datums", type=int, default=1000)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()

    def within(work: Callable[[Path], object]) -> object:
        folder = Path(tempfile.mkdtemp(prefix="pedigree-bench-", dir=Path.cwd()))
        try:
            return work(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    nothing = within(lambda folder: idle(folder, options.runs))
    many = [within(lambda folder: datums(folder, options.datums)) for _ in range(options.runs)]
    first = statistics.median(item[0] for item in many)  # type: ignore[index]  # pairs, as `datums` gives them
    cached = statistics.median(item[1] for item in many)  # type: ignore[index]  # as above
    print("| case | measured | bar |\n|---|---|---|")
    print(f"| `pedigree run`, 10 pipelines, nothing to do | {nothing:.3f} s | <= {IDLE_S} s |")
    for name, peer in (("snakemake", snakemake), ("dvc repro", dvc)) if options.peers else ():
        seconds = within(lambda folder, peer=peer: peer(folder, options.runs))  # type: ignore[misc]  # bound at once
        print(f"| {name}, 10 steps, nothing to do | {'not installed' if seconds is None else f'{seconds:.3f} s'} | |")
    print(f"| {options.datums} trivial datums, first run | {first:.2f} ms each | <= {FIRST_MS} ms |")
    print(f"| {options.datums} trivial datums, all cached | {cached:.3f} s | <= {CACHED_S} s |")
    print("\n| change | outcome |\n|---|---|")
    matrix = within(edits)
    assert isinstance(matrix, dict)
    for change, outcome in matrix.items():
        print(f"| {change} | {outcome} |")
    met = float(str(nothing)) <= IDLE_S and first <= FIRST_MS and cached <= CACHED_S
    return 0 if met and not any("STALE" in outcome for outcome in matrix.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
